from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from infra import stack_settings, workspace
from infra.rollout import pulumi_deployment as module
from infra.rollout.deployment import Desired, RolloutError
from infra.rollout.pulumi_deployment import PulumiDeployment
from infra.rollout.stages import ALL, NONE
from infra.stack_settings import own_settings
from infra.workspace import WorkspaceError

Said = tuple[str, Any]


class Stack:
    """What happens to a stack, in its order; the update of that number fails, as it does when it is killed."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.fails_at = 0

    def up(self, *words: str) -> str:
        assert words[0] == "up"
        assert words[-2:] == ("-s", "test")
        self.said.append(("up", PulumiDeployment("test").desired()))
        if self.fails_at == len([one for one in self.said if one[0] == "up"]):
            raise WorkspaceError("`pulumi up` failed: query is not healthy")
        return ""

    def follow(self, desired: Desired) -> None:
        self.said.append(("follow", desired))

    def ready(self, desired: Desired) -> None:
        self.said.append(("ready", desired))

    def drain(self, *, deadline_s: float) -> None:
        self.said.append(("drain", deadline_s))

    @property
    def ups(self) -> list[Desired]:
        return [desired for what, desired in self.said if what == "up"]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    made = Stack()
    monkeypatch.setattr(stack_settings, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(workspace, "stack", lambda _name, **_: nullcontext())
    monkeypatch.setattr(workspace, "ask_pulumi", made.up)
    monkeypatch.setattr(module, "inspected", lambda name: name)
    monkeypatch.setattr(module, "Gateway", lambda _stack: made)
    return made


def test_every_stage_is_written_brought_up_and_seen_at_the_gateway_before_the_next(stack: Stack) -> None:
    wanted = Desired("0.1.0", "2", {"query": 10})
    PulumiDeployment("test").apply(wanted)
    idle = Desired("0.1.0", "2", {"query": 0})
    stages = [Desired("0.1.0"), idle, wanted]
    assert stack.said[2:] == [(what, stage) for stage in stages[1:] for what in ("ready", "up", "follow")]
    assert stack.said[:2] == [("up", stages[0]), ("follow", stages[0])]
    assert own_settings("test") == {"candidate": "2", "candidateWeights": ["query=10"]}


def test_before_anything_is_stopped_what_is_under_way_there_may_end(stack: Stack) -> None:
    deployment = PulumiDeployment("test", drain_s=7)
    deployment.apply(Desired("0.1.0", "2", ALL))
    stack.said.clear()
    deployment.apply(Desired("2"))
    stages = [Desired("2", "2", ALL), Desired("2", "2", NONE), Desired("2")]
    assert [one for one in stack.said if one[0] != "follow"] == [
        *(("ready", stages[0]), ("drain", 7), ("up", stages[0])),
        *(("ready", stages[1]), ("up", stages[1])),
        *(("ready", stages[2]), ("drain", 7), ("up", stages[2])),
    ]


def test_what_it_has_made_itself_it_does_not_make_again(stack: Stack) -> None:
    deployment = PulumiDeployment("test")
    deployment.apply(Desired("0.1.0", "2", NONE))
    made = len(stack.ups)
    deployment.apply(Desired("0.1.0", "2", ALL))
    assert stack.ups[made:] == [Desired("0.1.0", "2", ALL)]


@pytest.mark.parametrize("number", [1, 2, 4, 6])
def test_wherever_it_was_killed_the_next_one_goes_on_there_and_comes_to_the_end(stack: Stack, number: int) -> None:
    stack.fails_at = number
    with pytest.raises(RolloutError, match=r"stack test does not become release .* failed: query is not healthy"):
        PulumiDeployment("test").apply(Desired("2"))
    (*_, left) = stack.ups
    PulumiDeployment("test").apply(Desired("2"))
    assert stack.ups[number] == left
    assert PulumiDeployment("test").desired() == Desired("2")
    assert own_settings("test") == {"release": "2"}


def test_what_is_undone_is_undone_at_once_also_where_the_candidate_lets_nothing_succeed(stack: Stack) -> None:
    PulumiDeployment("test").apply(Desired("0.1.0", "2", {"query": 10}))
    made = len(stack.ups)
    stack.fails_at = made + 1
    PulumiDeployment("test").apply(Desired("0.1.0"))
    assert stack.ups[made:] == [Desired("0.1.0", "2", {"query": 0}), Desired("0.1.0")]
    assert own_settings("test") == {}
