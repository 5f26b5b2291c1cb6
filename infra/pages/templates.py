"""How pages are made from templates."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

STYLES = Path(__file__).parent
"""Where page.css is, which templates include."""


def templates(folder: Path) -> Environment:
    """The HTML templates of a folder: what goes into them is escaped, and what they lack is an error."""
    return Environment(
        loader=FileSystemLoader([folder, STYLES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
