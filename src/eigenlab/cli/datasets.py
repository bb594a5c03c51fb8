"""``eigenlab data``: the catalogue of datasets on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from eigenlab import data
from eigenlab.cli.terminal import TerminalReporter, cancel_on_interrupt, notices, output, print_json


def show_all(*, json: bool) -> None:
    """Print every dataset: description, licence, size and location."""
    items = {item.name: item for item in data.datasets()}
    states = data.status()
    if json:
        print_json(
            {
                state.name: {
                    "description": items[state.name].description,
                    "licence": items[state.name].licence,
                    "bytes": items[state.name].size,
                    "folder": state.folder,
                    "place": state.place,
                    "problems": [str(finding) for finding in state.findings],
                }
                for state in states
            }
        )
        return
    table = Table(show_edge=False, pad_edge=False)
    for column in ("Dataset", "Description", "Licence", "Size", "Location"):
        table.add_column(column, overflow="fold")
    for state in states:
        item = items[state.name]
        where = str(state.folder) if state.folder else f"eigenlab data fetch {state.name}"
        if state.place == "embedded":
            where = "part of eigenlab"
        if state.findings:
            where += f" ({len(state.findings)} files missing or altered)"
        cells = (state.name, item.description, item.licence, _size(item.size), where)
        table.add_row(*map(escape, cells))
    output().print(table)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size else "–"


def fetch_all(names: Sequence[str]) -> None:
    """Download the named datasets (default: all that have a mirror) into the cache."""
    fetchable = [item for item in data.datasets() if item.mirrors or item.embedded]
    chosen = [data.dataset(name) for name in names] or fetchable
    for item in chosen:
        with (
            TerminalReporter(item.name, notices()) as reporter,
            cancel_on_interrupt(reporter.cancel),
        ):
            reporter.stage("fetch")
            folder = data.fetch(item.name, reporter=reporter)
        output().print(f"{item.name}: {folder}", markup=False, soft_wrap=True)


def verify_all(names: Sequence[str]) -> int:
    """Check the named datasets (default: all on this machine); 1 if a file differs."""
    present = [state.name for state in data.status() if state.folder is not None]
    wrong = 0
    for name in names or present:
        findings = data.verify(name)
        wrong += len(findings)
        count = len(data.dataset(name).files)
        text = f"{count} files match the catalogue" if count else "part of eigenlab"
        if findings:
            text = f"{len(findings)} files differ from the catalogue"
        output().print(f"{name}: {text}", markup=False, soft_wrap=True)
        for finding in findings:
            output().print(f"    {finding}", markup=False, soft_wrap=True)
    return 1 if wrong else 0


def print_path(name: str) -> None:
    """Print the folder of a dataset that is on this machine and complete."""
    output().print(str(data.find(name, download=False)), markup=False, soft_wrap=True)
