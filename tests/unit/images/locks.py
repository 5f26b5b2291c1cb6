"""Locks and what they were made from."""

import re

from infra.settings import PROJECT_ROOT


def locked(path: str) -> dict[str, str]:
    """The version of each package that a lock holds."""
    found = re.findall(r"^([a-z0-9-]+)==(\S+)", (PROJECT_ROOT / path).read_text(), flags=re.MULTILINE)
    return dict(found)


def asked(name: str) -> set[str]:
    """The packages that images/NAME.in asks for."""
    lines = (PROJECT_ROOT / f"images/{name}.in").read_text().splitlines()
    found: set[str] = set()
    for line in lines:
        if line.startswith("-r "):
            found |= asked(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            found.add(line.partition("[")[0])
    return found
