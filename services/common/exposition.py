"""What `/metrics` answers: of this process, or of all processes of a service added up."""

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import generate_latest

__all__ = ["CONTENT_TYPE", "exposition"]


def exposition(index: int, others: Mapping[int, bytes]) -> bytes:
    """This process's metrics in Prometheus's text format, with those of `others` if there are any.

    Counters and histograms add up. A gauge, such as a breaker's state, is told of each process, with a label `process`:
    three breakers have no state in common.
    """
    own = generate_latest()
    return _added_up({index: own, **others}) if others else own


def _added_up(texts: Mapping[int, bytes]) -> bytes:
    heads: dict[str, list[str]] = {}
    values: dict[str, dict[str, float]] = {}
    for index, text in sorted(texts.items()):
        family, gauge = "", False
        for line in text.decode().splitlines():
            if line.startswith("# HELP "):
                family = line.split(" ", 3)[2]
                heads[family] = [line]
                values.setdefault(family, {})
            elif line.startswith("# TYPE "):
                heads[family].append(line)
                gauge = line.rpartition(" ")[2] not in {"counter", "histogram", "summary"}
            elif line:
                series, _, value = line.rpartition(" ")
                series = _of_process(series, index) if gauge else series
                values[family][series] = values[family].get(series, 0.0) + float(value)
    lines = [
        line
        for family, head in heads.items()
        for line in (*head, *(f"{series} {value}" for series, value in values[family].items()))
    ]
    return "\n".join((*lines, "")).encode()


def _of_process(series: str, index: int) -> str:
    name, _, labels = series.partition("{")
    return f'{name}{{process="{index}"' + (f",{labels}" if labels else "}")
