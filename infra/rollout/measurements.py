"""What was measured of a rollout in one window: plain data that the triggers judge. None is what nobody could read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Traffic:
    """What one release answered in the window."""

    requests: int
    errors: int  # answers 500 to 599; what a caller did wrong, and a hang-up (499), are none
    latencies: Mapping[float, int]  # answers by the upper bound in seconds of their bucket; not cumulative; inf is last
    services: Mapping[str, "Traffic"] = field(default_factory=dict)  # what each answered, where this is their sum


@dataclass(frozen=True)
class Trips:
    """What the candidate's breakers did in the window."""

    calls: int  # that went through a breaker
    trips: int  # from closed to open
    false: int  # of these trips: while an independent probe of the dependency succeeded


@dataclass(frozen=True)
class Check:
    """One try of a critical function at one release; a window's tries are in the order in which they were made."""

    function: str
    release: Literal["stable", "candidate"]
    passed: bool
    said: str


@dataclass(frozen=True)
class Routing:
    """What probes of known routes through the gateway met."""

    probes: int  # that reached the gateway
    not_routed: int  # answered 404, 502 or 504 where the route is known and its release serves it
    wrong_release: int  # answered by a release that is neither the stable one nor the candidate, or by none
    by_candidate: int
    weight: float  # the candidate's share that the gateway is to give to those that were answered, 0 to 1
    lost_by_candidate: int = 0  # of those not routed, where the candidate itself answered that it does not know them

    @property
    def answered(self) -> int:
        """By a release that may answer."""
        return self.probes - self.not_routed - self.wrong_release

    def __add__(self, other: "Routing") -> "Routing":
        """Both together."""
        answered = self.answered + other.answered
        weights = self.weight * self.answered + other.weight * other.answered
        return Routing(
            self.probes + other.probes,
            self.not_routed + other.not_routed,
            self.wrong_release + other.wrong_release,
            self.by_candidate + other.by_candidate,
            weights / answered if answered else 0.0,
            self.lost_by_candidate + other.lost_by_candidate,
        )

    def __sub__(self, earlier: "Routing") -> "Routing":
        """Those that came after the earlier ones, all at the same weight."""
        return Routing(
            self.probes - earlier.probes,
            self.not_routed - earlier.not_routed,
            self.wrong_release - earlier.wrong_release,
            self.by_candidate - earlier.by_candidate,
            self.weight,
            self.lost_by_candidate - earlier.lost_by_candidate,
        )


@dataclass(frozen=True)
class Replicas:
    """Whether the vector nodes hold the same points."""

    compared: int  # points
    differing: int  # that differ between nodes in two looks, so that a write under way is none


@dataclass(frozen=True)
class Schema:
    """The database against the release that is rolled out."""

    wanted_version: str
    found_version: str
    wanted_catalog: str  # a digest of tables, columns, indexes and constraints
    found_catalog: str
    failure: str = ""  # what the migration said when it failed


@dataclass(frozen=True)
class Measurements:
    """One window of a rollout, from its step's begin until now.

    All traffic is that of the same services, those whose candidate gets some: latencies of different ones say nothing
    about each other.
    """

    seconds: float
    stable: Traffic | None = None
    candidate: Traffic | None = None
    baseline: Traffic | None = None  # the stable release's last window before, for a step that leaves it no traffic
    idle: Traffic | None = None  # the stable release's at services whose candidate has none yet: the next baseline
    trips: Trips | None = None
    checks: tuple[Check, ...] | None = None
    routing: Routing | None = None
    replicas: Replicas | None = None
    schema: Schema | None = None
