"""Drawings of a pipeline before it runs, from its outline alone: as text, as Mermaid, as SVG.

Pure. All three show the same: stages from top to bottom, members of a group side by side, a nested pipeline as a box
with its stages inside. What each step needs is not drawn: a step late in a pipeline needs half of what came before it,
and the lines would hide the order, which is what a drawing is for. `narrate check` says it in words.
"""

from narrate.graph.mermaid import as_mermaid
from narrate.graph.svg import as_svg
from narrate.graph.text import as_text

__all__ = ["as_mermaid", "as_svg", "as_text"]
