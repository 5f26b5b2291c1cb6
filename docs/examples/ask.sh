#!/bin/sh
# An example client in shell, to copy: ask the stack a question with curl and print the answer with its sources.
#
#   TOKEN=… docs/examples/ask.sh "what happens when a vector node dies?"
#
# GATEWAY is the gateway's address (default http://127.0.0.1:8000). Waits once when the rate limit is reached (429)
# or a dependency is away (503), for as long as the answer's Retry-After says.
set -eu

question=${1:?usage: TOKEN=… ask.sh QUESTION}
gateway=${GATEWAY:-http://127.0.0.1:8000}
answer=$(mktemp)
headers=$(mktemp)
trap 'rm -f "$answer" "$headers"' EXIT

# JSON is made by Python, so that quotes and newlines in the question are escaped.
body=$(python3 -c 'import json, sys; print(json.dumps({"question": sys.argv[1]}))' "$question")

ask() {
    curl --silent --show-error --max-time 300 --output "$answer" --dump-header "$headers" --write-out '%{http_code}' \
        --header "Authorization: Bearer ${TOKEN:?set TOKEN to a token of the gateway}" \
        --header 'Content-Type: application/json' \
        --data "$body" "$gateway/api/v1/rag/query"
}

status=$(ask)
if [ "$status" = 429 ] || [ "$status" = 503 ]; then
    pause=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9]*\).*/\1/p' "$headers")
    echo "status $status; waiting ${pause:-5} s" >&2
    sleep "${pause:-5}"
    status=$(ask)
fi
if [ "$status" != 200 ]; then
    echo "status $status: $(cat "$answer")" >&2
    exit 1
fi

python3 - "$answer" <<'PYTHON'
import json, sys

with open(sys.argv[1]) as file:
    found = json.load(file)
print(found["answer"], end="\n\n")
for citation in found["citations"]:
    print(f"[{citation['marker']}] {citation['path']} ({citation['score']:.2f})")
PYTHON
