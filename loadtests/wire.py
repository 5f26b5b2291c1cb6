"""The requests as bytes, rendered before the load begins: the generator shares its cores with what it measures."""

import json
from collections.abc import Callable, Sequence

from loadtests.mix import NUMBER, OPERATIONS, Form, pattern

BUILD = Callable[[int], bytes]


def rendered(form: Form, *, host: str, token: str, run: str) -> BUILD:
    """What makes the bytes of the request from its number, which only a form with a number heeds.

    `run` keeps the numbers of one run apart from those of another.
    """
    number = f"{run}-{NUMBER}"
    path = form.path.replace(NUMBER, number)
    body = "" if form.body is None else json.dumps(form.body).replace(NUMBER, number)
    length = len(body.replace(NUMBER, NUMBER.format(number=0)).encode())
    lines = [
        f"{form.method} {path} HTTP/1.1",
        f"Host: {host}",
        f"Authorization: Bearer {token}",
        "User-Agent: breakwater-load",
        "Accept: */*",
    ]
    if form.body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {length}"]
    whole = "\r\n".join([*lines, "", body]) if body else "\r\n".join([*lines, "", ""])
    before, there, after = whole.partition(NUMBER)
    head, tail = before.encode(), after.encode()
    return (lambda number: b"%b%09d%b" % (head, number, tail)) if there else (lambda _: head)


class Requests:
    """Every request of a run by its number: the operation's number, and the bytes."""

    def __init__(self, *, mix: str, host: str, tokens: Sequence[str], run: str) -> None:
        self._pattern = pattern(mix)
        self._forms = [
            [rendered(form, host=host, token=token, run=run) for form in operation.forms for token in tokens]
            for operation in OPERATIONS
        ]

    def __call__(self, number: int) -> tuple[int, bytes]:
        """The request of that number."""
        operation = self._pattern[number % len(self._pattern)]
        forms = self._forms[operation]
        return operation, forms[number % len(forms)](number)
