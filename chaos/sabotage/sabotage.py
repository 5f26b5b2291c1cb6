"""What a sabotage is, and whether it was noticed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from chaos.faults import Program
from chaos.record import Finding, Result, Verdict
from chaos.stack import Stack

RUNNER = "chaos.sabotage"


@dataclass(frozen=True)
class Sabotage:
    """A defect of one component, and the finding by which one experiment must notice it."""

    name: str
    component: str
    defect: str | None  # as the runner takes it; None: the environment alone is the defect
    experiment: str  # its name on the scorecard
    check: str
    word: str = ""  # in what the check says
    verdict: Verdict = Verdict.FAILED  # of the check and of the experiment
    environment: Mapping[str, str] = field(default_factory=dict)  # `{ollama}` is the address of ollama itself

    def possible(self, stack: Stack) -> bool:
        """Whether the component is a Python module, as the runner needs it; a real vector node is none."""
        specification = json.loads((stack.paths.run(self.component) / "program.json").read_text())
        return bool(specification["command"][1] == "-m")

    def fault(self, stack: Stack) -> Program:
        """What puts the defect in."""
        ollama = stack.address("ollama")
        environment = {name: value.format(ollama=ollama) for name, value in self.environment.items()}
        if self.defect is None:
            return Program(self.component, environment)
        return Program(self.component, environment, RUNNER, (self.defect,))

    def noticed(self, result: Result) -> Finding | None:
        """The finding that tells of it; None where there is none, or the experiment's verdict is another."""
        if result.verdict is not self.verdict:
            return None
        wanted = (self.check, self.verdict)
        return next((f for f in result.findings if (f.check, f.verdict) == wanted and self.word in f.said), None)
