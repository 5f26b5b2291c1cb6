"""One header of a request, without the rest of them being decoded."""

from starlette.types import Scope


def header(scope: Scope, name: bytes) -> bytes | None:
    """The value of the first header of that name, in lower case; None if there is none."""
    for given, value in scope["headers"]:
        if given == name:
            found: bytes = value
            return found
    return None
