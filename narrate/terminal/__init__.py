"""A story drawn in a terminal while it is told: what the page shows, line by line."""

from narrate.terminal.live import draw

__all__ = ["draw"]
