"""One offline page made from run folders, and the second judgement of what they hold.

This room measures nothing: it reads records back, judges them, and shows them.
"""

from eigenlab.report.collect import (
    NOTES,
    Run,
    collect,
    command_for,
    is_run,
    python_for,
    read_notes,
    read_run,
    run_folders,
)
from eigenlab.report.findings import findings_page
from eigenlab.report.numbers import (
    format_cell,
    format_expected,
    format_measured,
    format_number,
    format_seconds,
)
from eigenlab.report.page import render
from eigenlab.report.verification import Verification, VerifiedClaim, verify

__all__ = [
    "NOTES",
    "Run",
    "Verification",
    "VerifiedClaim",
    "collect",
    "command_for",
    "findings_page",
    "format_cell",
    "format_expected",
    "format_measured",
    "format_number",
    "format_seconds",
    "is_run",
    "python_for",
    "read_notes",
    "read_run",
    "render",
    "run_folders",
    "verify",
]
