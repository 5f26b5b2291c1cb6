"""The figures of slo.yaml, typed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(gt=0)]


class _Figures(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Load(_Figures):
    """What holds under load."""

    rate: Annotated[float, Field(gt=0)]
    error_share: Share
    p95_s: Seconds
    operations: Mapping[str, Seconds]
    memory_growth_share: Annotated[float, Field(gt=0)]
    memory_fill_share: Share


class Generator(_Figures):
    """What a load must keep to so that it proves anything."""

    achieved_share: Share
    cpu_share: Share
    late_p95_s: Seconds
    cached_share: Share


class Steady(_Figures):
    """What the chaos suite calls well."""

    good_share: Share
    p95_s: Seconds


class Alerts(_Figures):
    """What the alert rules compare with."""

    error_share: Share
    search_p95_s: Seconds
    replication_lag_s: Seconds
    breaker_false_positive_share: Share


class Slo(_Figures):
    """All of it."""

    load: Load
    generator: Generator
    steady: Steady
    alerts: Alerts


FILE = Path(__file__).with_name("slo.yaml")


def read(path: Path = FILE) -> Slo:
    """The figures of the file; raises pydantic's ValidationError where one is missing, unknown or impossible."""
    return Slo.model_validate(yaml.safe_load(path.read_text()))


SLO = read()
