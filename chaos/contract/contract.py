"""The outage contract: what a caller may get, and within which time, while a dependency fails."""

from collections.abc import Mapping
from dataclasses import dataclass

from chaos.record import Outcome, Request


class ContractError(ValueError):
    """The contract contradicts itself, leaves something open, or was asked for what it does not know."""


@dataclass(frozen=True)
class Answer:
    """A class of answers; `means` says what it is to people."""

    name: str
    means: str
    outcome: Outcome
    statuses: frozenset[int]
    headers: tuple[str, ...] = ()  # that must be there, in lower case
    last_event: str | None = None  # of a stream, where the class is one of streams

    def has(self, request: Request) -> bool:
        """Whether the request got an answer of this class."""
        return (
            request.outcome is self.outcome
            and request.status in self.statuses
            and all(name in request.headers for name in self.headers)
            and self.last_event in {None, request.about.get("last_event")}
        )


@dataclass(frozen=True)
class Promise:
    """What an endpoint's caller gets: one of the answers, within so many seconds."""

    answers: tuple[Answer, ...]
    within_s: float

    def kept(self, request: Request) -> bool:
        """Whether the request got one of the answers in time."""
        return request.seconds <= self.within_s and any(answer.has(request) for answer in self.answers)

    def __str__(self) -> str:
        return f"{' or '.join(answer.name for answer in self.answers)} within {self.within_s:g} s"


@dataclass(frozen=True)
class Row:
    """The promise to one endpoint's callers while one dependency fails in one way."""

    dependency: str
    kind: str
    endpoint: str
    promise: Promise


@dataclass(frozen=True)
class Contract:
    """All of it: what is promised when nothing fails, and a row for each dependency, kind and endpoint."""

    answers: Mapping[str, Answer]
    kinds: Mapping[str, str]  # by name, and what they are
    dependencies: Mapping[str, str]
    calm: Mapping[str, Promise]  # by endpoint
    rows: Mapping[tuple[str, str, str], Row]  # by dependency, kind and endpoint
    aftermath_s: float  # after healing, what the outage allowed is still allowed for so long

    def promise(self, dependency: str, kind: str, endpoint: str) -> Promise:
        """What is promised during an outage; raises ContractError for one that the contract does not know."""
        try:
            return self.rows[dependency, kind, endpoint].promise
        except KeyError:
            raise ContractError(f"nothing is promised of {endpoint} while {dependency} is {kind}") from None
