"""The options in a request's URL."""

from collections.abc import Mapping

from infra.embedded.qdrant.errors import bad_request, malformed, unsupported


def check_options(query: Mapping[str, str], *allowed: str) -> None:
    """Raise QdrantError for an option that the request doesn't take."""
    if unknown := set(query) - set(allowed):
        raise bad_request(f"unknown or unsupported query parameter `{min(unknown)}`")


def needed_replicas(query: Mapping[str, str], replicas: int) -> int:
    """How many of the replicas must be Active for a read with this `consistency`."""
    consistency = query.get("consistency", "1")
    if consistency in ("majority", "quorum", "all"):
        return replicas  # measured: with one of three Dead, Qdrant refuses a majority too
    if not consistency.isdecimal() or consistency == "0":
        raise malformed(f"consistency: expected a positive number, majority, quorum or all, got {consistency}")
    return min(int(consistency), replicas)


def wants_completion(query: Mapping[str, str]) -> bool:
    """Whether `wait` asks for the write to be complete; raises QdrantError for an `ordering` other than weak."""
    if query.get("ordering", "weak") != "weak":
        raise unsupported(f"ordering={query['ordering']}")
    return switch(query, "wait")


def switch(query: Mapping[str, str], name: str) -> bool:
    """Whether the option is on; it is off where it isn't given."""
    said = query.get(name, "false")
    if said not in ("true", "false"):
        raise malformed(f"{name}: expected true or false, got {said}")
    return said == "true"


def timeout_s(query: Mapping[str, str]) -> int | None:
    """The `timeout` in seconds, if there is one."""
    given = query.get("timeout")
    if given is None:
        return None
    if not given.isdecimal() or given == "0":
        raise malformed(f"timeout: expected a positive number of seconds, got {given}")
    return int(given)
