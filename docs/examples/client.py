"""An example client of the gateway in Python, to copy: sign a token, search, ask, read a stream.

It needs the standard library only.

    JWT_SECRET=… python docs/examples/client.py "what happens when a vector node dies?"

The secret is the consumer's: `pulumi stack output secrets --show-secrets`, key `jwtSecret-app`.
"""
# ruff: noqa: T201 - a program for the command line prints

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

GATEWAY = os.environ.get("GATEWAY", "http://127.0.0.1:8000")
ATTEMPTS = 3
REPEATABLE = {429, 503, 504}


def sign_token(consumer: str, secret: str, valid_s: int = 300) -> str:
    """A JSON Web Token (HS256) that names `consumer` as its subject and expires after `valid_s` seconds."""
    now = int(time.time())
    claims = {"sub": consumer, "iat": now, "exp": now + valid_s}
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(signature)}"


def search(token: str, question: str, limit: int = 3) -> list[dict[str, Any]]:
    """The passages whose meaning is nearest to the question, best first."""
    parameters = urllib.parse.urlencode({"q": question, "limit": limit})
    request = urllib.request.Request(f"{GATEWAY}/api/v1/rag/search?{parameters}", headers=_headers(token))
    with _opened(request) as answer:
        results: list[dict[str, Any]] = json.load(answer)["results"]
    return results


def stream_answer(token: str, question: str) -> Iterator[tuple[str, Any]]:
    """The server-sent events of an answer as pairs of name and data: sources, token …, done or error."""
    body = json.dumps({"question": question, "stream": True}).encode()
    headers = _headers(token) | {"Content-Type": "application/json"}
    name = ""
    with _opened(urllib.request.Request(f"{GATEWAY}/api/v1/rag/query", body, headers)) as answer:
        for line in answer:
            field, _, value = line.decode().rstrip("\r\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


def _opened(request: urllib.request.Request) -> Any:
    """Send the request; repeat it after a pause when the server is busy or something behind it is away."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return urllib.request.urlopen(request, timeout=300)
        except urllib.error.HTTPError as error:
            if error.code not in REPEATABLE or attempt == ATTEMPTS:
                raise
            time.sleep(float(error.headers.get("Retry-After", 2**attempt)))
    raise AssertionError("the loop returns or raises")


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _encoded(part: dict[str, Any]) -> str:
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def main() -> None:
    """Search for the question on the command line, then ask it."""
    question = " ".join(sys.argv[1:]) or "what happens when a vector node dies?"
    token = sign_token("app", os.environ["JWT_SECRET"])
    for result in search(token, question):
        print(f"{result['score']:.2f}  {result['document']['path']}")
    for name, data in stream_answer(token, question):
        if name == "token":
            print(data["text"], end="", flush=True)
        elif name == "error":
            sys.exit(f"the answer broke off: {data['detail']}")
    print()


if __name__ == "__main__":
    main()
