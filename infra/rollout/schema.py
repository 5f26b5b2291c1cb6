"""A release's migrations on a stack's database, inside of a rollout: forward, and back by their own down steps."""

import subprocess
from pathlib import Path

from infra.migrate import dbmate_command, dbmate_environment, with_programs
from infra.probes.database import Login, migrations, read
from infra.rollout import releases
from infra.rollout.deployment import RolloutError


def forward(login: Login, release: str) -> None:
    """Run those that the database lacks; raises RolloutError with what the failed one said."""
    dbmate("up", login, releases.find(release).migrations)


def back(login: Login, release: str, stable: str) -> None:
    """Take back those of the release that the stable one does not have, the last first; raises RolloutError."""
    folder = releases.find(release).migrations
    own = migrations(folder) - migrations(releases.find(stable).migrations)
    for _ in own:
        applied = read(login).applied
        if applied.isdisjoint(own):
            return
        if (last := max(applied)) not in own:
            raise RolloutError(
                f"migration {last} came after those of {release}, so these cannot be taken back; take it back first: "
                "make schema DO=rollback, in a checkout that has it"
            )
        dbmate("rollback", login, folder)


def dbmate(action: str, login: Login, migrations: Path, *, limit_s: float | None = None) -> None:
    """Have dbmate do it with these migrations; raises RolloutError with what it said where it fails."""
    url = f"postgresql://{login.user}@127.0.0.1:{login.port}/{login.database}"
    environment = with_programs(dbmate_environment(url, login.password))
    command = dbmate_command(action, migrations)
    try:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise RolloutError(f"dbmate {action} with {migrations} is not done after {error.timeout:g} s") from None
    if ended.returncode:
        said = (ended.stderr or ended.stdout).strip().replace(login.password, "…")
        raise RolloutError(f"dbmate {action} with {migrations} failed: {said}")
