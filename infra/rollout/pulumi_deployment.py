"""A stack of Pulumi's as what a rollout changes: its settings say which releases it runs, and `pulumi up` makes it so.

Nothing else is kept anywhere. So after every change `pulumi preview` has nothing to do, and what a kill left half done
is done by the next one.
"""

from itertools import pairwise

from infra import workspace
from infra.drift.inspection import Inspected, inspected
from infra.gateway.routes import GENERATION_S
from infra.probes.http import SilentError
from infra.rollout import schema, stores
from infra.rollout.deployment import Desired, RolloutError, said_of
from infra.rollout.gateway import Gateway
from infra.rollout.releases import ReleaseError
from infra.rollout.stages import ends, gives_up, stages
from infra.stack_settings import stack_settings, write_settings

UP = ("--yes", "--skip-preview", "--suppress-outputs", "--parallel", "1")
"""One component after another: several that start at once take the cores that requests are answered with."""
PATIENCE_S = 300.0
"""For the `pulumi up` of an engine that was killed: it goes on without it, and nobody else can change the stack."""


class PulumiDeployment:
    """The stack of that name, which has to be up."""

    def __init__(self, stack: str, *, drain_s: float = GENERATION_S) -> None:
        """For the stack; requests under way at what is to be stopped have `drain_s` seconds to end before it is."""
        self._stack = stack
        self._drain_s = drain_s
        self._whole: Desired | None = None  # what the stack was last brought to and is since
        self._gateway: Gateway | None = None  # as it is since

    def desired(self) -> Desired:
        """What the stack's settings say now."""
        settings = stack_settings(self._stack)
        return Desired(settings.release, settings.candidate, settings.candidate_weights)

    def apply(self, desired: Desired) -> None:
        """Make it so, in stages that fail no request; raises RolloutError. Repeat it, and it goes on where it is."""
        now, *_ = way = stages(self.desired(), desired)
        undoes = gives_up(now, desired)
        if now != self._whole and not undoes:
            self._make(now)
        try:
            for before, after in pairwise(way):
                self._step(before, after)
        except RolloutError:
            if not undoes:
                raise
            self._make(desired)  # a candidate that is dead or cannot start keeps nothing from being undone

    def migrate(self, release: str) -> None:
        """Run the release's migrations that the database lacks; raises RolloutError with what the failed one said."""
        schema.forward(self._near().login, release)

    def migrate_back(self, release: str) -> None:
        """Take back, by their down steps, the release's migrations that the stable release does not have."""
        try:
            schema.back(self._near().login, release, self.desired().release)
        except SilentError as error:
            raise RolloutError(f"the migrations of {release} are not taken back: {error}") from None

    def outdate_answers(self) -> None:
        """Have the cache's answers be those of an earlier version of their collections: no matter who gave them."""
        stores.outdate_answers(self._near().login)

    def _step(self, before: Desired, after: Desired) -> None:
        gateway = self._gateway or Gateway(self._inspected())
        gateway.ready(after)
        if ends(before, after):
            gateway.drain(deadline_s=self._drain_s)
        self._make(after)

    def _make(self, stage: Desired) -> None:
        self._whole = self._gateway = None
        weights = [f"{service}={percent}" for service, percent in stage.weights.items()]
        write_settings(
            self._stack, {"release": stage.release, "candidate": stage.candidate, "candidateWeights": weights}
        )
        try:
            with workspace.stack(self._stack, patience_s=PATIENCE_S):
                workspace.ask_pulumi("up", *UP, "-s", self._stack)
        except workspace.WorkspaceError as error:
            raise RolloutError(f"the stack {self._stack} does not become {said_of(stage)}: {error}") from None
        gateway = Gateway(self._inspected())
        gateway.follow(stage)
        self._whole, self._gateway = stage, gateway

    def _inspected(self) -> Inspected:
        try:
            return inspected(self._stack)
        except (workspace.WorkspaceError, ReleaseError) as error:
            raise RolloutError(str(error)) from None

    def _near(self) -> Inspected:
        stack = self._inspected()
        if not stack.running.near:
            raise RolloutError(
                "the database is on another machine; run the rollout where the stack's ports are 127.0.0.1's"
            )
        return stack
