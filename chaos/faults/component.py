"""What the faults have in common that are done to a component's process."""

from dataclasses import asdict, dataclass

from chaos.faults.fault import FaultNotInForceError, Saved
from chaos.process import Process
from chaos.stack import Stack, StackError


@dataclass(frozen=True)
class ComponentFault:
    """A fault of a component that the supervisor runs."""

    component: str

    @property
    def target(self) -> str:
        return self.component

    def process(self, stack: Stack) -> Process:
        """The process that the fault is about; raises StackError where there is none to hit."""
        if (found := stack.process(self.component)) is None:
            raise StackError(f"{self.component} has no process; the supervisor calls it {stack.state(self.component)}")
        return found


@dataclass(frozen=True)
class EndingFault(ComponentFault):
    """A fault by which the component's process ends; a subclass says how, and what comes after."""

    def prepare(self, stack: Stack) -> Saved:
        return {"process": asdict(self.process(stack))}

    def verify(self, stack: Stack, saved: Saved) -> None:
        if (hit := hit_process(saved)).alive:
            raise FaultNotInForceError(f"process {hit.pid} of {self.component} lives")

    def heal(self, stack: Stack, saved: Saved) -> None:
        stack.start(self.component)


def hit_process(saved: Saved) -> Process:
    """The process that an ending fault is about."""
    return Process(**saved["process"])
