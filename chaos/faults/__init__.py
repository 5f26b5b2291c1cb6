"""The faults, one file each, by their kinds; and their JSON."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from chaos.faults.bad_configuration import BadConfiguration
from chaos.faults.bandwidth import Bandwidth
from chaos.faults.black_hole import BlackHole
from chaos.faults.down import Down
from chaos.faults.fault import Fault, FaultNotInForceError, Saved
from chaos.faults.flapping import Flapping
from chaos.faults.full_cache import FullCache
from chaos.faults.garbage import Garbage
from chaos.faults.kill import Kill
from chaos.faults.latency import Latency
from chaos.faults.limit_data import LimitData
from chaos.faults.partition import Partition
from chaos.faults.pause import Pause
from chaos.faults.program import Program
from chaos.faults.reset import Reset
from chaos.faults.restart import Restart
from chaos.faults.schema import SchemaGone
from chaos.faults.single_node import SingleNode
from chaos.faults.slicer import Slicer

__all__ = [
    "FAULTS",
    "BadConfiguration",
    "Bandwidth",
    "BlackHole",
    "Down",
    "Fault",
    "FaultNotInForceError",
    "Flapping",
    "FullCache",
    "Garbage",
    "Kill",
    "Latency",
    "LimitData",
    "Partition",
    "Pause",
    "Program",
    "Reset",
    "Restart",
    "Saved",
    "SchemaGone",
    "SingleNode",
    "Slicer",
    "from_json",
    "to_json",
]

_CLASSES: tuple[type[Any], ...] = (
    BadConfiguration,
    Bandwidth,
    BlackHole,
    Down,
    Flapping,
    FullCache,
    Garbage,
    Kill,
    Latency,
    LimitData,
    Partition,
    Pause,
    Program,
    Reset,
    Restart,
    SchemaGone,
    SingleNode,
    Slicer,
)
FAULTS: dict[str, type[Any]] = {one.kind: one for one in _CLASSES}


def to_json(fault: Fault) -> dict[str, Any]:
    """The fault's kind and fields."""
    return {"kind": fault.kind, **asdict(fault)}  # type: ignore[call-overload]  # every fault is a dataclass


def from_json(document: Mapping[str, Any]) -> Fault:
    """The fault that `to_json` made this of; raises KeyError or pydantic's ValidationError for anything else."""
    fields = dict(document)
    fault: Fault = _reader(
        FAULTS[fields.pop("kind")]  # type: ignore[arg-type]  # mypy doubts that a class can be hashed
    ).validate_python(fields)
    return fault


@cache  # making one takes a thousand times as long as reading a fault with it
def _reader(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
