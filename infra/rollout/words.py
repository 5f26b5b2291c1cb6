"""What happens in a rollout, in words."""

from collections.abc import Iterable
from textwrap import shorten

from infra.pages.text import duration
from infra.rollout.journal import Action, Conclusion, Entry, Look
from infra.rollout.judgement import Judgement, Verdict
from infra.rollout.measurements import Traffic
from infra.rollout.state import Phase, Plan, State
from infra.rollout.statistics import quantile

NOTHING = "-"


def entry_said(entry: Entry) -> str:
    """One entry of the journal on a line."""
    match entry:
        case Action():
            return f"{'done: ' if entry.done else ''}{entry.what}"
        case Look():
            return look_said(entry)
        case Conclusion():
            return f"=> {entry.what}{f': {entry.reason}' if entry.reason else ''}"


def look_said(look: Look) -> str:
    """A look with both releases and what every trigger says."""
    measured = look.measured
    releases = (f"{name} {traffic_said(traffic)}" for name, traffic in traffics(look))
    judged = (f"{each.trigger} {each.verdict}{_why(each)}" for each in look.judgements)
    parts = [f"{look.name}, {measured.seconds:.0f} of {look.until_s:.0f} s", *releases, ", ".join(judged)]
    return "; ".join([*parts, *([f"not measured: {look.problem}"] if look.problem else [])])


def _why(judgement: Judgement) -> str:
    return "" if judgement.verdict is Verdict.HEALTHY else f" ({judgement.said})"


def traffics(look: Look) -> Iterable[tuple[str, Traffic | None]]:
    """What the two releases answered."""
    return (("stable", look.measured.stable), ("candidate", look.measured.candidate))


def traffic_said(traffic: Traffic | None) -> str:
    """A release's requests, error rate and p95."""
    if traffic is None:
        return "not measured"
    if not traffic.requests:
        return "no requests"
    return f"{traffic.requests} requests, {error_share(traffic):.1%} errors, p95 {p95_said(traffic)}"


def error_share(traffic: Traffic | None) -> float | None:
    """Of a release's answers those that were errors; None without any."""
    return traffic.errors / traffic.requests if traffic and traffic.requests else None


def p95_s(traffic: Traffic | None) -> float | None:
    """The 95th percentile of a release's latency in seconds, as Prometheus tells it; None without any answer."""
    return quantile(traffic.latencies, 0.95)[1] if traffic and any(traffic.latencies.values()) else None


def p95_said(traffic: Traffic | None) -> str:
    """The 95th percentile with its unit; what is beyond the histogram's last bound is more than that bound."""
    seconds = p95_s(traffic)
    if traffic is None or seconds is None:
        return NOTHING
    if seconds == float("inf"):
        return f"> {duration(max((bound for bound in traffic.latencies if bound != seconds), default=0.0))}"
    return duration(seconds)


def number(value: float | None) -> str:
    """A trigger's value or bound."""
    return NOTHING if value is None else f"{value:.4g}"


def outcome_said(state: State) -> str:
    """How a rollout ended, or where it stands."""
    if state.phase in {Phase.STEPPING, Phase.PAUSED}:
        return f"{state.phase} at {state.plan.steps[state.step].name}"
    return state.phase


def state_said(state: State) -> str:
    """Where a rollout stands, and why."""
    return f"{outcome_said(state)}: {brief(state.reason)}" if state.reason else outcome_said(state)


def brief(text: str, most: int = 300) -> str:
    """A reason on one line; what a program said at length stands in the journal."""
    return shorten(text, most, placeholder=" …")


def releases_said(plan: Plan) -> str:
    """From which release to which."""
    return f"{plan.before.release} → {plan.release}"
