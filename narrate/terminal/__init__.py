"""A story drawn in a terminal while it is told: what the page shows, line by line."""

from narrate.terminal.live import Give, can_ask, draw

__all__ = ["Give", "can_ask", "draw"]
