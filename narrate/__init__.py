"""Declare slow work as steps, run it under structured concurrency, and tell what happens in a fixed reading order."""

from narrate.declare import Caller, Resource, Retry, Step, concurrent, resource, step
from narrate.errors import (
    BadInput,
    CassetteError,
    DeclarationError,
    Explained,
    IllegalRecord,
    JournalError,
    JournalFailed,
    KeyTaken,
    NarrateError,
    NarrationTooLong,
    NotPickedUp,
    NotTellable,
    Problem,
    ProblemError,
    RecordGone,
    RecordTooLong,
    ReplayMiss,
    RunCancelled,
    RunFailed,
    StepTimedOut,
    TooManyOfCaller,
    TooManyRuns,
)
from narrate.fanout import each
from narrate.grammar import check_record
from narrate.narrator import run, run_sync, start
from narrate.pipeline import Pipeline
from narrate.plan import Limits
from narrate.running import Run
from narrate.verbs import current_run, progress, relay, say, show

__all__ = [
    "BadInput",
    "Caller",
    "CassetteError",
    "DeclarationError",
    "Explained",
    "IllegalRecord",
    "JournalError",
    "JournalFailed",
    "KeyTaken",
    "Limits",
    "NarrateError",
    "NarrationTooLong",
    "NotPickedUp",
    "NotTellable",
    "Pipeline",
    "Problem",
    "ProblemError",
    "RecordGone",
    "RecordTooLong",
    "ReplayMiss",
    "Resource",
    "Retry",
    "Run",
    "RunCancelled",
    "RunFailed",
    "Step",
    "StepTimedOut",
    "TooManyOfCaller",
    "TooManyRuns",
    "check_record",
    "concurrent",
    "current_run",
    "each",
    "progress",
    "relay",
    "resource",
    "run",
    "run_sync",
    "say",
    "show",
    "start",
    "step",
]
