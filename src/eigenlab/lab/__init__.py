"""The lab: experiments, claims and run folders."""

from eigenlab.lab.answers import Answer, answer
from eigenlab.lab.claims import (
    Check,
    Claim,
    ClaimResult,
    NotRun,
    Outcome,
    above,
    at_least,
    at_most,
    below,
    claim,
    close,
)
from eigenlab.lab.config import Config, setting
from eigenlab.lab.environment import environment
from eigenlab.lab.execute import run
from eigenlab.lab.experiment import Experiment
from eigenlab.lab.explorers import Control, Explorer, explorer
from eigenlab.lab.folder import (
    fresh_folder,
    is_run,
    load_result,
    read_metrics,
    stored_claims,
)
from eigenlab.lab.parallel import (
    Finished,
    Job,
    Progress,
    read_progress,
    request_stop,
    run_side_by_side,
)
from eigenlab.lab.record import Integers, Matrix, Record, Vector, measured
from eigenlab.lab.result import Result, StageOutcome, summary
from eigenlab.lab.scope import applies_to
from eigenlab.lab.stages import (
    Context,
    Figure,
    Metrics,
    Rows,
    Stage,
    Table,
    figure,
    metrics,
    stage,
    table,
)
from eigenlab.lab.sweep import grid, sweep

__all__ = [
    "Answer",
    "Check",
    "Claim",
    "ClaimResult",
    "Config",
    "Context",
    "Control",
    "Experiment",
    "Explorer",
    "Figure",
    "Finished",
    "Integers",
    "Job",
    "Matrix",
    "Metrics",
    "NotRun",
    "Outcome",
    "Progress",
    "Record",
    "Result",
    "Rows",
    "Stage",
    "StageOutcome",
    "Table",
    "Vector",
    "above",
    "answer",
    "applies_to",
    "at_least",
    "at_most",
    "below",
    "claim",
    "close",
    "environment",
    "explorer",
    "figure",
    "fresh_folder",
    "grid",
    "is_run",
    "load_result",
    "measured",
    "metrics",
    "read_metrics",
    "read_progress",
    "request_stop",
    "run",
    "run_side_by_side",
    "setting",
    "stage",
    "stored_claims",
    "summary",
    "sweep",
    "table",
]
