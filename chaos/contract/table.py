"""Reads the outage contract from its table, and refuses a table that contradicts itself or has gaps."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chaos.contract.contract import Answer, Contract, ContractError, Promise, Row
from chaos.operations import GATEWAY, OPERATIONS, Operation
from chaos.record import Outcome
from infra.gateway.routes import ROUTES, pattern

PATH = Path(__file__).parents[1] / "outage-contract.yaml"


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Answer(_Written):
    means: str
    outcome: Outcome
    statuses: frozenset[int] = Field(min_length=1)
    headers: tuple[str, ...] = ()
    last_event: str | None = None


class _Endpoint(_Written):
    answers: tuple[str, ...] = Field(min_length=1)
    within_s: float | None = Field(None, gt=0)


class _Outage(_Written):
    away: str
    ask: tuple[str, ...] = Field(min_length=1)
    kinds: tuple[str, ...] | None = Field(None, min_length=1)
    answers: tuple[str, ...] | None = Field(None, min_length=1)
    within_s: float | None = Field(None, gt=0)


class _Table(_Written):
    aftermath_s: float = Field(ge=0)
    answers: dict[str, _Answer]
    kinds: dict[str, str]
    endpoints: dict[str, _Endpoint]
    dependencies: dict[str, str]
    groups: dict[str, tuple[str, ...]] = {}
    outages: tuple[_Outage, ...]


@cache  # reading it takes a tenth of a second
def load(path: Path = PATH) -> Contract:
    """The contract of that file; raises ContractError."""
    try:
        return expand(yaml.safe_load(path.read_text()))
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name}: {error}") from error


def expand(document: object) -> Contract:
    """A row for each dependency, kind and endpoint; raises ContractError where there are two or none."""
    try:
        table = _Table.model_validate(document)
    except ValidationError as error:
        raise ContractError(str(error)) from error
    answers = {name: Answer(name, **dict(written)) for name, written in table.answers.items()}
    calm = {name: _calm(name, written, answers) for name, written in table.endpoints.items()}
    for name in OPERATIONS.keys() ^ calm.keys():
        raise ContractError(f"{name!r} is an operation or an endpoint, and not both")
    rows: dict[tuple[str, str, str], Row] = {}
    for row in (row for outage in table.outages for row in _rows(outage, table, answers, calm)):
        key = row.dependency, row.kind, row.endpoint
        if key in rows:
            raise ContractError(f"two rows speak of {', '.join(key)}")
        rows[key] = row
    for key in product(table.dependencies, table.kinds, calm):
        if key not in rows:
            raise ContractError(f"no row speaks of {', '.join(key)}")
    return Contract(answers, table.kinds, table.dependencies, calm, rows, table.aftermath_s)


def _calm(name: str, written: _Endpoint, answers: Mapping[str, Answer]) -> Promise:
    within_s = written.within_s or _timeout_s(OPERATIONS.get(name))
    if within_s is None:
        raise ContractError(f"{name} has no route in the gateway, and so needs a time of its own")
    return Promise(_picked(written.answers, answers), within_s)


def _timeout_s(operation: Operation | None) -> float | None:
    """The gateway's timeout for the operation, if it goes through the gateway."""
    if operation is None or operation.door != GATEWAY:
        return None
    path = operation.path.partition("?")[0]
    for route in ROUTES:
        templates = (*route.paths, *route.legacy) if operation.method in route.methods else ()
        if any(re.fullmatch(pattern(template), path) for template in templates):
            return route.timeout_s
    return None


def _rows(outage: _Outage, table: _Table, answers: Mapping[str, Answer], calm: Mapping[str, Promise]) -> Iterator[Row]:
    if outage.away not in table.dependencies:
        raise ContractError(f"{outage.away!r} is no dependency")
    kinds = _expanded(outage.kinds or table.kinds, table.groups, table.kinds, "kind")
    endpoints = _expanded(outage.ask, table.groups, table.endpoints, "endpoint")
    for kind, endpoint in product(kinds, endpoints):
        usual = calm[endpoint]
        within_s = outage.within_s or usual.within_s
        if within_s > usual.within_s:
            raise ContractError(f"{endpoint} may take longer while {outage.away} is {kind} than it may ever take")
        gets = _picked(outage.answers, answers) if outage.answers else usual.answers
        yield Row(outage.away, kind, endpoint, Promise(gets, within_s))


def _picked(names: Iterable[str], answers: Mapping[str, Answer]) -> tuple[Answer, ...]:
    for name in names:
        if name not in answers:
            raise ContractError(f"{name!r} is no class of answers")
    return tuple(answers[name] for name in names)


def _expanded(
    names: Iterable[str], groups: Mapping[str, tuple[str, ...]], known: Iterable[str], what: str
) -> Iterator[str]:
    for name in names:
        if name in known:
            yield name
        elif name in groups:
            outer = {other: members for other, members in groups.items() if other != name}  # no group in itself
            yield from _expanded(groups[name], outer, known, what)
        else:
            raise ContractError(f"{name!r} is no {what} and no group of them")
