"""Where can you escape to? The pipeline that ships with narrate: flights that reach the weather you feel like."""

from pipelines.travel_escape.models import EscapeRequest, Escapes
from pipelines.travel_escape.pipeline import travel_escape

__all__ = ["EscapeRequest", "Escapes", "travel_escape"]
