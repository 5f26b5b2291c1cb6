"""The outage contract as a page of the documentation."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from chaos.contract.contract import Answer, Contract, Promise
from chaos.operations import OPERATIONS

_INTRODUCTION = """# Outages: what callers get while a part of the stack is away

This page says, for each dependency and each way in which it may fail, what the public API answers and within how many
seconds. It is generated from the table that the chaos suite holds the stack to: an answer that is not listed here is a
failed experiment. For what is done to a service to keep these promises see [circuit breakers](circuit-breakers.md).
"""

T = TypeVar("T")
H = TypeVar("H", bound=Hashable)


def page(contract: Contract) -> str:
    """The page in Markdown."""
    return "\n".join(
        (
            _INTRODUCTION,
            "## The answers\n",
            _table(("answer", "what it is", "status", "headers"), map(_answer, contract.answers.values())),
            "\n## The failures\n",
            _table(("failure", "what happens"), contract.kinds.items()),
            "\n## When nothing fails\n",
            _table(("endpoint", "request", "answers", "seconds"), _calm(contract)),
            *(line for name in contract.dependencies for line in _outage(contract, name)),
            "\n## Afterwards\n",
            f"For {contract.aftermath_s:g} seconds after a dependency is back its outage's answers are still allowed,",
            "since an open circuit breaker waits before it tries again. Then all is as if nothing had happened.\n",
        )
    )


def _answer(answer: Answer) -> tuple[str, ...]:
    headers = ", ".join(f"`{name.title()}`" for name in answer.headers) or "none"
    return answer.name, answer.means, " or ".join(map(str, sorted(answer.statuses))), headers


def _calm(contract: Contract) -> Iterator[tuple[str, ...]]:
    for endpoint, promise in contract.calm.items():
        operation = OPERATIONS[endpoint]
        path = operation.path.partition("?")[0]
        yield endpoint, f"`{operation.method} {path}`", _names(promise), f"{promise.within_s:g}"


def _outage(contract: Contract, dependency: str) -> Iterator[str]:
    def promises(kind: str) -> tuple[Promise, ...]:
        return tuple(contract.promise(dependency, kind, endpoint) for endpoint in contract.calm)

    columns = [kinds for _, kinds in _grouped(contract.kinds, promises)]

    def cells(endpoint: str) -> tuple[Promise, ...]:
        return tuple(contract.promise(dependency, kinds[0], endpoint) for kinds in columns)

    usual = [name for name in contract.calm if set(cells(name)) == {contract.calm[name]}]
    changed = _grouped((name for name in contract.calm if name not in usual), cells)
    yield f"\n## Without {contract.dependencies[dependency]} (`{dependency}`)\n"
    if changed:
        rows = ((", ".join(endpoints), *map(_cell, row)) for row, endpoints in changed)
        yield _table(("endpoint", *map(", ".join, columns)), rows) + "\n"
    yield f"As ever: {', '.join(usual)}."


def _cell(promise: Promise) -> str:
    return f"{_names(promise)}; {promise.within_s:g} s"


def _names(promise: Promise) -> str:
    *others, last = (answer.name for answer in promise.answers)
    return f"{', '.join(others)} or {last}" if others else last


def _grouped(items: Iterable[T], key: Callable[[T], H]) -> list[tuple[H, list[T]]]:
    """The items by key, both in the order of their first appearance."""
    groups: dict[H, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (header, ("---",) * len(header), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
