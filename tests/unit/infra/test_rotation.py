import contextlib
from collections.abc import Mapping, Sequence

import pytest

from infra import rotation
from infra.rotation import RotationError, replace, retire
from infra.secret import SecretState, Step

NAME = "s"


class Killed(Exception):  # noqa: N818 - it is no error of the program's
    """What a kill is to the code that it hits."""


class World:
    """A stack and its two users, who hold what was handed out to them; kills happen at a given point."""

    def __init__(self, killed_at: int = -1) -> None:
        self.state = SecretState("s0")
        self.held = {"sender": self.state, "acceptor": self.state}
        self.made = 0
        self.points = 0
        self.killed_at = killed_at
        self.stubborn: set[str] = set()  # users that do not look at what is handed out
        self.in_use: set[str] = set()  # secrets that somebody else shows all the time

    def point(self) -> None:
        self.points += 1
        if self.points == self.killed_at:
            raise Killed

    def make(self) -> str:
        self.made += 1
        return f"s{self.made}"

    def read(self) -> Mapping[str, SecretState]:
        self.point()
        return {NAME: self.state}

    def take(self, steps: Mapping[str, Step]) -> None:
        self.point()
        self.state = self.state.after(steps.get(NAME), self.make)
        for user in self.held:
            self.point()
            if user not in self.stubborn:
                self.held[user] = self.state
            self.no_request_fails()

    def no_request_fails(self) -> None:
        assert self.held["sender"].value in self.held["acceptor"].accepted

    def accept_both(self, state: SecretState) -> Sequence[str]:
        self.point()
        return [user for user, held in self.held.items() if not set(state.accepted) <= set(held.accepted)]

    def use_the_new(self, state: SecretState) -> Sequence[str]:
        return [user for user, held in self.held.items() if held.value != state.value]

    def left_the_old(self, state: SecretState, _: float) -> Sequence[str]:
        return ["acceptor"] if state.other in self.in_use else []

    def refuse_the_old(self, state: SecretState) -> Sequence[str]:
        self.point()
        return [user for user, held in self.held.items() if state.other in held.accepted]

    def rotate(self) -> list[str]:
        said: list[str] = []
        replace(self, {NAME: self}, said.append)
        retire(self, {NAME: self}, said.append, at_once=False, quiet_s=0)
        return said


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "SETTLE_S", 0)
    monkeypatch.setattr(rotation, "PROOF_S", 0)
    monkeypatch.setattr(rotation, "ASK_S", 0)


def test_a_rotation_goes_through_its_phases_and_ends_with_one_new_secret() -> None:
    world = World()
    assert world.rotate() == [
        "everyone accepts both",
        "the new secret is in use",
        "nobody uses the old one",
        "everyone refuses the old one",
    ]
    assert world.state == SecretState("s1", "s0", "retired")
    assert set(world.held.values()) == {world.state}


def points_of_a_rotation() -> int:
    world = World()
    world.rotate()
    return world.points


@pytest.mark.parametrize("point", range(1, points_of_a_rotation() + 1))
def test_killed_anywhere_it_is_finished_by_running_it_again(point: int) -> None:
    world = World(killed_at=point)
    with pytest.raises(Killed):
        world.rotate()
    world.no_request_fails()
    world.rotate()
    assert world.state.phase == "retired"
    assert world.state.value != "s0"
    assert set(world.held.values()) == {world.state}


@pytest.mark.parametrize("user", ["sender", "acceptor"])
def test_nothing_goes_on_while_one_has_not_followed(user: str) -> None:
    world = World()
    world.stubborn = {user}
    with pytest.raises(RotationError, match=f"everyone accepts both: {user}"):
        world.rotate()
    assert world.state == SecretState("s0", "s1", "introduced")
    world.stubborn = set()
    world.rotate()
    assert world.state == SecretState("s1", "s0", "retired")


def test_an_old_secret_that_is_still_used_is_kept() -> None:
    world = World()
    world.in_use = {"s0"}
    with pytest.raises(RotationError, match="nobody uses the old one: acceptor"):
        world.rotate()
    assert world.state == SecretState("s1", "s0", "switched")


def test_one_that_leaked_can_be_retired_all_the_same() -> None:
    world = World()
    world.in_use = {"s0"}
    replace(world, {NAME: world}, lambda _: None)
    retire(world, {NAME: world}, lambda _: None, at_once=True)
    assert world.state == SecretState("s1", "s0", "retired")


@pytest.mark.parametrize("killed_at", range(8, 14))
def test_a_retirement_that_was_killed_is_completed_and_proven_by_another(killed_at: int) -> None:
    world = World()
    replace(world, {NAME: world}, lambda _: None)
    world.points, world.killed_at = 7, killed_at
    with contextlib.suppress(Killed):
        retire(world, {NAME: world}, lambda _: None, at_once=True)
    retire(world, {NAME: world}, lambda _: None, at_once=True)
    assert world.state == SecretState("s1", "s0", "retired")
    assert {held.accepted for held in world.held.values()} == {("s1",)}


def test_without_an_old_secret_there_is_nothing_to_retire() -> None:
    world = World()
    with pytest.raises(RotationError, match="no old secret"):
        retire(world, {NAME: world}, lambda _: None, at_once=True)
    assert world.state == SecretState("s0")
