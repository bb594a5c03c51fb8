"""The lab: experiments, claims and the run folder they leave behind."""

from eigenlab.lab.claim import (
    Check,
    Claim,
    ClaimResult,
    NotRun,
    Outcome,
    above,
    at_least,
    at_most,
    below,
    close,
)
from eigenlab.lab.config import Config, setting
from eigenlab.lab.environment import environment
from eigenlab.lab.experiment import Context, Experiment, Figure, Stage, Table
from eigenlab.lab.run import (
    Result,
    StageOutcome,
    fresh_folder,
    load_result,
    read_metrics,
    stored_claims,
    summary,
)
from eigenlab.lab.sweep import grid, sweep

__all__ = [
    "Check",
    "Claim",
    "ClaimResult",
    "Config",
    "Context",
    "Experiment",
    "Figure",
    "NotRun",
    "Outcome",
    "Result",
    "Stage",
    "StageOutcome",
    "Table",
    "above",
    "at_least",
    "at_most",
    "below",
    "close",
    "environment",
    "fresh_folder",
    "grid",
    "load_result",
    "read_metrics",
    "setting",
    "stored_claims",
    "summary",
    "sweep",
]
