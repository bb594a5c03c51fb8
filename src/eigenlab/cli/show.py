"""Results as tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eigenlab.lab import ClaimResult, Outcome, Result
from eigenlab.report import Verification, format_expected, format_measured, format_number

MARKS = {
    Outcome.HELD: "[green]✓ held[/]",
    Outcome.FAILED: "[red]✗ failed[/]",
    Outcome.NOT_RUN: "[dim]– not run[/]",
    Outcome.NOT_CLAIMED: "[dim]○ not claimed here[/]",
    Outcome.ERROR: "[bold red]! error[/]",
}


def result(console: Console, result: Result) -> None:
    """Print the summary, the metrics and the claims of one run."""
    console.print(f"{result.experiment.summary}\n", markup=False)
    for name, value in result.metrics.items():
        console.print(f"{escape(name).replace('_', ' ')}: {format_number(value)}")
    results(console, [result])


def results(console: Console, results: Sequence[Result]) -> None:
    """Print one table of the claims of several runs, and what departs from the documentation."""
    table = Table(show_edge=False, pad_edge=False)
    for column in ("Claim", "Outcome", "Measured", "Expected"):
        table.add_column(column, overflow="fold")
    for run in results:
        documented = {claim.id: claim.documented for claim in run.experiment.claims}
        for claim in run.claims:
            measured, expected = _evidence(claim)
            mark = MARKS[claim.outcome]
            if claim.outcome is Outcome.FAILED and documented[claim.id] is Outcome.FAILED:
                mark = "[yellow]✗ failed, as documented[/]"
            table.add_row(escape(claim.id), mark, escape(measured), escape(expected))
    if table.row_count:
        console.print(table)
    for run in results:
        for departure in run.departures:
            console.print(
                f"{departure.id} departs from its documented outcome: {departure.outcome}"
                f"{' - ' + departure.reason if departure.reason else ''}",
                markup=False,
                soft_wrap=True,
            )


def _evidence(claim: ClaimResult) -> tuple[str, str]:
    """The check that is shown: the first that does not hold, else the first."""
    if not claim.checks:
        return claim.reason, ""
    check = next((c for c in claim.checks if not c.holds), claim.checks[0])
    more = f" (+{len(claim.checks) - 1} more)" if len(claim.checks) > 1 else ""
    return f"{check.label}: {format_measured(check)}", format_expected(check) + more


def verification(console: Console, verification: Verification) -> None:
    """Print what ``eigenlab verify`` found."""
    table = Table(show_edge=False, pad_edge=False)
    for column in ("Experiment", "Claim", "Written", "Judged again", "Verdict"):
        table.add_column(column, overflow="fold")
    for claim in verification.claims:
        if claim.difference:
            verdict = f"[bold red]differs[/]: {escape(claim.difference)}"
        elif claim.departs:
            verdict = f"[red]departs[/]: documented as {claim.documented}"
        else:
            verdict = "[dim]not measured[/]" if claim.judged.outcome is Outcome.NOT_RUN else "same"
        written = "–" if claim.stored is None else MARKS[claim.stored.outcome]
        table.add_row(
            claim.experiment, escape(claim.judged.id), written, MARKS[claim.judged.outcome], verdict
        )
    console.print(table)
    differ = sum(bool(claim.difference) for claim in verification.claims)
    depart = sum(claim.departs for claim in verification.claims)
    console.print(
        f"\n{len(verification.claims)} claims judged again: {differ} differ from what was written, "
        f"{depart} depart from the documentation"
    )
