"""The rotation of secrets under load: no step is taken before everybody is seen to be ready for it.

What is written down lies in Pulumi's state and every step can be repeated, so a rotation that was killed goes on when
it is run again, from where it was.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from infra.secret import SecretState, Step

PROOF_S = 15.0
"""How long a proof may take."""
ASK_S = 0.1
SETTLE_S = 0.6
"""A proof has to hold twice, this long apart. A service looks for another secret twice a second, so that by then all of
its processes have, also those that did not get the question; of a gateway's threads the same is true much sooner."""
QUIET_S = 3.0
"""How long a secret has to be unused before it is retired: a request shows it in its first packet, which takes less,
also over a connection that is slow."""


class RotationError(RuntimeError):
    """The rotation stops where it is, which is safe; the message says why and how it goes on."""


class Stack(Protocol):
    """What holds the secrets."""

    def read(self) -> Mapping[str, SecretState]:
        """The secrets as they are, by name."""

    def take(self, steps: Mapping[str, Step]) -> None:
        """Take a step with each of these secrets and hand them out.

        A step that is taken already only completes what was handed out.
        """


class Users(Protocol):
    """Those who show and accept a secret. Each question is answered with a line for everyone of whom it is not true."""

    def accept_both(self, state: SecretState) -> Sequence[str]:
        """Does everyone let both secrets pass?"""

    def use_the_new(self, state: SecretState) -> Sequence[str]:
        """Does everyone show `state.value`, and not the other?"""

    def left_the_old(self, state: SecretState, seconds: float) -> Sequence[str]:
        """Has nobody shown `state.other` for so long?"""

    def refuse_the_old(self, state: SecretState) -> Sequence[str]:
        """Does everyone turn `state.other` away?"""


Question = Callable[[Users, SecretState], Sequence[str]]
Tell = Callable[[str], None]
"""Takes a line of progress."""


def replace(stack: Stack, users: Mapping[str, Users], tell: Tell) -> None:
    """Bring a new secret into use beside the old one, for every name in `users`; raises RotationError."""
    stack.take(dict.fromkeys(users, "introduce"))
    _prove("everyone accepts both", users, stack.read(), lambda its, state: its.accept_both(state), tell)
    stack.take(dict.fromkeys(users, "switch"))
    _prove("the new secret is in use", users, stack.read(), lambda its, state: its.use_the_new(state), tell)


def retire(stack: Stack, users: Mapping[str, Users], tell: Tell, *, at_once: bool, quiet_s: float = QUIET_S) -> None:
    """Have the old secret refused wherever a new one is in use; raises RotationError.

    Args:
        at_once: even if somebody uses it still; otherwise wait until nobody has for `quiet_s` seconds.
    """
    replaced = {name: s for name, s in stack.read().items() if s.phase in {"switched", "retired"}}
    states = {name: state for name, state in replaced.items() if name in users}
    if not states:
        raise RotationError("there is no old secret to retire; a rotation without --retire comes first")
    concerned = {name: users[name] for name in states}
    if not at_once:
        time.sleep(quiet_s)  # a secret that nobody used for long may be on its way at this moment all the same
        _prove("nobody uses the old one", concerned, states, lambda its, state: its.left_the_old(state, quiet_s), tell)
    stack.take(dict.fromkeys(states, "retire"))
    _prove("everyone refuses the old one", concerned, states, lambda its, state: its.refuse_the_old(state), tell)


def _prove(
    claim: str, users: Mapping[str, Users], states: Mapping[str, SecretState], question: Question, tell: Tell
) -> None:
    began = time.monotonic()
    seen = 0
    while seen < 2:
        objections = [line for name, its in users.items() for line in question(its, states[name])]
        seen = 0 if objections else seen + 1
        if objections and time.monotonic() - began > PROOF_S:
            raise RotationError(
                f"not seen within {PROOF_S:g} s that {claim}: {'; '.join(objections)}. "
                "The rotation rests, and nothing is lost; run the same command again to go on"
            )
        time.sleep(ASK_S if objections else SETTLE_S)
    tell(claim)
