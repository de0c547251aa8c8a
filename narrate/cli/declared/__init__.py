"""The commands that say what is declared and run nothing: `check`, `graph`, `schema`."""

from narrate.cli.declared.check import check
from narrate.cli.declared.graph import graph
from narrate.cli.declared.schema import schema

__all__ = ["check", "graph", "schema"]
