"""Kong's rate-limiting plugin as Envoy's local rate limit filters: one bucket for each consumer and window."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from infra.gateway.envoy.document import Json, plugin, typed

CONSUMER_HEADER = "x-consumer-username"
WINDOWS = {"second": 1, "minute": 60, "hour": 3600}  # seconds, the shortest first
ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}


def rate_limit_filters(kong: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """The filters by name: for each plugin and window one that limits, behind one that names its headers.

    The shortest window comes first: what it refuses must not count in the longer ones.
    """
    for name, config, consumers in _plans(kong):
        windows = [window for window in WINDOWS if window in config]
        for window in windows:
            yield f"{name}-{window}-headers", _kong_headers(window, foremost=window == windows[0])
            yield f"{name}-{window}", _limit(f"{name}-{window}", WINDOWS[window], config[window], consumers)


def _plans(kong: Mapping[str, Any]) -> Iterator[tuple[str, Json, list[str]]]:
    """Each rate-limiting plugin with the consumers it holds for: one's own stands in for the common one."""
    own = {c["username"]: c["plugins"][0]["config"] for c in kong["consumers"] if c.get("plugins")}
    others = [c["username"] for c in kong["consumers"] if c["username"] not in own]
    if others:
        yield "rate-limit", plugin(kong, "rate-limiting"), others
    for consumer, config in own.items():
        yield f"rate-limit-{consumer}", config, [consumer]


def _limit(name: str, window_s: int, limit: int, consumers: list[str]) -> Json:
    bucket = {"max_tokens": limit, "tokens_per_fill": limit, "fill_interval": f"{window_s}s"}
    # The bucket fills evenly, so a request may pass again after this many seconds.
    wait = str(math.ceil(window_s / limit))
    refusal = {
        "Retry-After": wait,
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": wait,
    }
    by_consumer: Json = {"request_headers": {"header_name": CONSUMER_HEADER, "descriptor_key": "consumer"}}
    return typed(
        "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        stat_prefix=name,
        filter_enabled=ALWAYS,
        filter_enforced=ALWAYS,
        rate_limits=[{"actions": [by_consumer]}],
        descriptors=[
            {"entries": [{"key": "consumer", "value": consumer}], "token_bucket": bucket} for consumer in consumers
        ],
        always_consume_default_token_bucket=False,
        enable_x_ratelimit_headers="DRAFT_VERSION_03",
        response_headers_to_add=[_header(key, value) for key, value in refusal.items()],
    )


def _kong_headers(window: str, *, foremost: bool) -> Json:
    """Give the headers of the filter behind this one Kong's names, before another window's filter adds its own.

    The names without a window speak of the shortest, or of the one that refused.
    """
    names = [("X-RateLimit-Limit-{}", "limit"), ("X-RateLimit-Remaining-{}", "remaining")]
    if foremost:
        names += [("RateLimit-Limit", "limit"), ("RateLimit-Remaining", "remaining")]
    mutations: list[Json] = [
        {"append": _header(name.format(window.capitalize()), f"%RESP(x-ratelimit-{part})%")} for name, part in names
    ]
    mutations += [{"remove": f"x-ratelimit-{part}"} for part in ("limit", "remaining", "reset")]
    return typed(
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"response_mutations": mutations},
    )


def _header(key: str, value: str) -> Json:
    return {"header": {"key": key, "value": value}, "append_action": "ADD_IF_ABSENT"}
