"""The sabotages: what is put into which component, and which check of which experiment must say so."""

from chaos.record import Verdict
from chaos.sabotage.sabotage import Sabotage

_LAWS = "breaker-conformance"
_TRIP = "trip-at-exactly-five"
_PROBE = "one-probe-with-fifty-waiting"
_STALE = "stale-answers-with-both-headers-and-honest-refusals"

TABLE = (
    # breakers
    Sabotage("never-opens", "query", "breaker:never_opens", _TRIP, _LAWS, "never-opens"),
    Sabotage("opens-at-six", "query", "breaker:opens_at_six", _TRIP, _LAWS, "opened after 6"),
    Sabotage("opens-at-four", "query", "breaker:opens_at_four", _TRIP, _LAWS, "opened after 4"),
    Sabotage("two-probes", "query", "breaker:two_probes", _PROBE, _LAWS, "one-probe"),
    Sabotage(
        "cancellation-clears-the-count",
        "query",
        "breaker:cancellation_clears",
        "hang-ups-among-failures-clear-nothing",
        _LAWS,
        "never-opens",
    ),
    Sabotage(
        "cancellation-is-a-failure",
        "query",
        "breaker:cancellation_fails",
        "hang-ups-count-for-nothing",
        "cancellation-is-neutral",
    ),
    Sabotage(
        "late-success-closes",
        "query",
        "breaker:late_success_closes",
        "a-late-success-leaves-an-open-breaker-open",
        _LAWS,
        "late-result-is-neutral",
    ),
    Sabotage("recovers-early", "query", "breaker:recovers_early", "recovery-takes-its-time", _LAWS, "recovers-after"),
    Sabotage("never-recovers", "query", "breaker:never_recovers", _PROBE, _LAWS, "recovers-after"),
    Sabotage(
        "mistakes-are-failures",
        "query",
        "breaker:mistakes_fail",
        "callers-mistakes-count-for-nothing",
        "no-failure",
    ),
    Sabotage(
        "probe-slot-leaks",
        "query",
        "breaker:probe_slot_leaks",
        "a-probe-whose-caller-hangs-up-makes-room",
        _LAWS,
        "probe-slot-is-freed",
    ),
    Sabotage(
        "force-closed-ignored",
        "query",
        "breaker:force_closed_ignored",
        "forced-closed-never-opens",
        "stays-closed",
    ),
    Sabotage(
        "false-positives-uncounted",
        "query",
        "breaker:false_positives_uncounted",
        "a-blip-trips-a-breaker-and-is-known-as-a-false-positive",
        "known-as-false-positive",
    ),
    Sabotage(
        "share-never-opens",
        "rag-service",
        "breaker:share_never_opens",
        "a-share-of-failures-opens-the-breaker-between-services",
        "opens",
    ),
    # answers
    Sabotage("degraded-unsaid", "query", "answers:degraded_unsaid", _STALE, "stale"),
    Sabotage("cache-unsaid", "query", "answers:cache_unsaid", _STALE, "cache-headers", "without x-from-cache"),
    Sabotage("retry-after-missing", "query", "answers:retry_after_missing", _TRIP, "honest-refusal"),
    Sabotage(
        "old-as-fresh",
        "query",
        "answers:old_as_fresh",
        "a-changed-document-never-leaves-a-stale-fresh-answer",
        "never-stale",
    ),
    Sabotage("redis-mandatory", "query", "answers:redis_mandatory", "redis-dies-under-load", "none-fails"),
    Sabotage(
        "computed-for-each",
        "query",
        "answers:computed_for_each",
        "fifty-callers-with-one-question-make-one-embedding",
        "single-flight",
    ),
    Sabotage("token-unchecked", "collections", "answers:token_unchecked", "no-service-token-and-a-wrong-one", "403"),
    # calls
    Sabotage("waits-too-long", "query", "calls:wait_too_long", "nobody-waits-longer-than-promised", "outage-contract"),
    Sabotage(
        "deadline-ignored",
        "query",
        "calls:deadline_ignored",
        "a-short-deadline-is-kept-and-is-no-failure",
        "in-time",
    ),
    Sabotage("no-failover", "query", "calls:first_node_only", "two-vector-nodes-are-killed", "outage-contract"),
    Sabotage("retry-storm", "query", "calls:retried_five_times", _TRIP, "open-permits-nothing"),
    Sabotage("liveness-blocked", "query", "calls:blocks_the_loop", "overload-is-shed-and-liveness-stays", "liveness"),
    Sabotage(
        "log-storm",
        "query",
        "calls:logs_too_much",
        "an-outage-of-the-model-costs-no-more-than-twice",
        "amplification",
    ),
    Sabotage(
        "hang-ups-unnoticed",
        "query",
        "calls:hang_ups_unnoticed",
        "hang-ups-count-for-nothing",
        "cancelled",
    ),
    Sabotage(
        "proxy-bypassed",
        "query",
        None,
        "an-outage-of-the-model-costs-no-more-than-twice",
        "crossing",
        verdict=Verdict.UNKNOWN,
        environment={"OLLAMA_URL": "http://{ollama}"},
    ),
    # stores and configuration
    Sabotage(
        "acknowledged-by-one",
        "qdrant-1",
        "stores:acknowledged_by_one",
        "two-vector-nodes-are-killed",
        "writes-refused",
    ),
    Sabotage(
        "no-collections-file",
        "collections",
        "configuration:no_file",
        "without-the-schema-collections-come-from-the-file",
        "collections",
    ),
)
