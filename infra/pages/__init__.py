"""What pages and reports share: their style, how charts are drawn into them, and how text and numbers are shown."""

from pathlib import Path

STYLES = Path(__file__).parent
"""Where page.css is, which templates include."""
