"""The defects, a function each: it changes the code of the component that will run in its process.

What it changes has to be an attribute of a class or is looked up in its module at each use; a function that others have
imported by name cannot be changed so.
"""

from collections.abc import Callable
from typing import Any


def change(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put what `make` makes of the owner's own attribute in its place; raises AttributeError where there is none."""
    setattr(owner, name, make(getattr(owner, name)))
