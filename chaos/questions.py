"""What the load asks: questions that the sample documents answer."""

QUESTIONS = (
    "how does a circuit breaker open",
    "what brings a crashed process back",
    "how do I rotate a secret",
    "which port does the gateway listen on",
    "how many vector nodes are there",
    "what happens when redis is away",
    "how is a document deleted",
    "what does ingestion do after a crash",
    "how are migrations undone",
    "what is the memory budget",
    "how does a collection fall back to json",
    "who may call internal routes",
    "what does a stale answer look like",
    "how is a token made",
    "what is a quorum",
    "how do I run the tests",
)
