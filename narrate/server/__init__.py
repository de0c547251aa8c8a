"""The HTTP half: one POST begins a run and answers as it is asked to. Needs the `server` extra."""

from narrate.server.app import create_app, create_blueprint
from narrate.server.callbacks import CallbackPolicy
from narrate.server.options import Options
from narrate.server.problems import Refused

__all__ = ["CallbackPolicy", "Options", "Refused", "create_app", "create_blueprint"]
