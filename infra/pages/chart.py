"""How charts look, and how one goes into a page as inline SVG."""

import io
import re
from html import escape
from typing import Any

from matplotlib.figure import Figure
from matplotlib.typing import RcKeyType

from infra.pages.paint import PAINT, with_variables
from infra.pages.text import printable

STYLE: dict[RcKeyType, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "breakwater",  # the same record makes the same page
    "text.parse_math": False,  # a "$" in a fault's name is a dollar
    "font.size": 8.5,
    "font.sans-serif": ["DejaVu Sans"],  # to measure with; the page says what is shown
    "axes.edgecolor": PAINT["grid"],
    "axes.labelcolor": PAINT["muted"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": PAINT["muted"],
    "axes.titlepad": 4,
    "text.color": PAINT["ink"],
    "xtick.color": PAINT["grid"],
    "ytick.color": PAINT["grid"],
    "xtick.labelcolor": PAINT["muted"],
    "ytick.labelcolor": PAINT["muted"],
    "grid.color": PAINT["grid"],
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


def drawn(figure: Figure) -> str:
    """The figure as SVG, without what would make it another one at each drawing."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return written.getvalue()


def inline(svg: str, name: str, description: str) -> str:
    """A drawn SVG as a part of an HTML page: sized by the page, described, its ids its own by `name`."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 :].replace("xlink:href", "href")
    prefix = re.sub(r"\W", "_", name)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", with_variables(body))
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None, "matplotlib writes a viewBox"
    return f'<svg {box[0]} role="img" aria-label="{escape(printable(description))}" class="chart">{body.strip()}'
