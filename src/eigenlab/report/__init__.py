"""Reports: an offline page from run folders, and verification of their stored outcomes.

Nothing is measured here: records are read back, judged, and shown.
"""

from eigenlab.report.checks import check_rows, to_csv
from eigenlab.report.collect import (
    NOTES,
    Run,
    collect,
    command_for,
    python_for,
    read_notes,
    read_run,
    run_folders,
)
from eigenlab.report.findings import findings_page
from eigenlab.report.frames import Frames, pack
from eigenlab.report.mathematics import render_formula, render_text
from eigenlab.report.numbers import (
    format_cell,
    format_expected,
    format_measured,
    format_number,
    format_seconds,
)
from eigenlab.report.page import Verdict, page_script, page_style, render, verdict
from eigenlab.report.questions import questions_page
from eigenlab.report.verification import Verification, VerifiedClaim, verify

__all__ = [
    "NOTES",
    "Frames",
    "Run",
    "Verdict",
    "Verification",
    "VerifiedClaim",
    "check_rows",
    "collect",
    "command_for",
    "findings_page",
    "format_cell",
    "format_expected",
    "format_measured",
    "format_number",
    "format_seconds",
    "pack",
    "page_script",
    "page_style",
    "python_for",
    "questions_page",
    "read_notes",
    "read_run",
    "render",
    "render_formula",
    "render_text",
    "run_folders",
    "to_csv",
    "verdict",
    "verify",
]
