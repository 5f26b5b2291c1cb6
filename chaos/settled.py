"""Whether a stack runs one release and nothing of another, after a rollout, however that went."""

import asyncio

from chaos.database import rows
from chaos.experiment import LOOKS, Experiment
from chaos.releases import COLUMN, MIGRATION
from infra import workspace
from infra.rollout import releases
from infra.rollout.deployment import Desired
from infra.rollout.pulumi_deployment import PulumiDeployment
from infra.targets.local import supervisor
from infra.topology import RELEASED, candidate_of

ASKED = 10  # times at each service
NO_CHANGES = ("preview", "--expect-no-changes", "--suppress-outputs")


async def settled(e: Experiment, wanted: Desired) -> None:
    """Check that settings, components, gateway, schema and answers are all of the one release that is wanted."""
    found = PulumiDeployment(e.stack.name).desired()
    e.expect("settings", found == wanted, f"{found}")
    running = await asyncio.to_thread(supervisor.states, e.stack.paths)
    left = [name for name in map(candidate_of, RELEASED) if name in running]
    e.expect("no-candidate", not left, f"left: {', '.join(left) or 'none'}")
    asks = [e.client.ask(0, e.ask(operation), e.now()) for operation in LOOKS.values() for _ in range(ASKED)]
    answers = {answer.headers.get("x-release") for answer in await asyncio.gather(*asks)}
    e.expect("one-release", answers == {wanted.release}, f"answers of {answers}")
    await _schema(e, wanted.release)
    await _preview(e)


async def _schema(e: Experiment, release: str) -> None:
    """The migration of the good releases is there exactly where the release has it, and no table of a failed one."""
    has = (releases.find(release).migrations / MIGRATION).exists()
    columns = await rows(
        e.stack, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'rag'"
    )
    there = COLUMN in columns
    defect = any(table == "defect" for table, _ in columns)
    e.expect("schema", there == has and not defect, f"the migration's column is there: {there}, the release's: {has}")


async def _preview(e: Experiment) -> None:
    try:
        await asyncio.to_thread(workspace.ask_pulumi, *NO_CHANGES, "-s", e.stack.name)
    except workspace.WorkspaceError as error:
        e.expect("no-change-left", False, f"{error}")
    else:
        e.expect("no-change-left", True, "a preview has nothing to do")
