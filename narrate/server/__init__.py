"""The HTTP half: one POST begins a run and streams its story back. Needs the `server` extra."""

from narrate.server.app import create_app, create_blueprint
from narrate.server.options import Options

__all__ = ["Options", "create_app", "create_blueprint"]
