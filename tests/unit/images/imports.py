"""What a module imports, directly and by what it imports, read from the source."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from infra.settings import PROJECT_ROOT


@cache
def reached(modules: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """The project's files and the top-level names of the packages that are imported from these modules on."""
    files: dict[str, Path] = {}
    packages: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in files:
            continue
        file = file_of(module)
        if file is None:
            packages.add(module.partition(".")[0])
            continue
        files[module] = file
        waiting.extend(_imports(module, file))
    return {str(file.relative_to(PROJECT_ROOT)) for file in files.values()}, packages - sys.stdlib_module_names


def file_of(module: str) -> Path | None:
    """The file of a module of the project; None for any other."""
    place = PROJECT_ROOT.joinpath(*module.split("."))
    return next((file for file in (place / "__init__.py", place.with_suffix(".py")) if file.exists()), None)


def _imports(module: str, file: Path) -> Iterator[str]:
    if parent := module.rpartition(".")[0]:
        yield parent
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in names if file_of(name))
