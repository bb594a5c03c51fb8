"""The commands that run experiments and read what they stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eigenlab.cli.options import Json, Whole
from eigenlab.errors import InputError

Folder = Annotated[
    Path, Parameter(help="A run folder, or the folder of an `eigenlab reproduce` report.")
]


def add_to(app: App, words: Sequence[str]) -> None:
    """Add the commands; ``words`` determine which experiment's options are built."""
    app.command(_list, name="list")
    app.command(_show, name="show")
    app.command(_run_app(words))
    app.command(_reproduce, name="reproduce")
    app.command(_verify, name="verify")
    app.command(_report, name="report")


def _list(*, json: Json = False) -> None:
    """List the experiments, the questions that they answer and how long they take."""
    from eigenlab.cli import listing

    listing.print_experiments(json=json)


def _show(
    question: Annotated[str, Parameter(help="A question such as 1e, or an experiment.")],
    /,
    *,
    report: Annotated[
        Path, Parameter(help="A run or a report whose outcomes are shown, if it exists.")
    ] = Path("report"),
    json: Json = False,
) -> None:
    """Show a question: its claims with their outcomes, and the locations of its equations."""
    from eigenlab.cli import listing

    listing.print_question(question, report=report, json=json)


def _run_app(words: Sequence[str]) -> App:
    """``eigenlab run``: one command per experiment; the one asked for has its fields as options."""
    app = App(
        name="run", help="Run one experiment; `eigenlab run EXPERIMENT --help` lists its fields."
    )
    if not words or words[0] != "run":
        return app
    from eigenlab.experiments import load_experiment, outlines

    asked = words[1] if len(words) > 1 else "--help"
    if asked in ("--help", "-h"):
        for name, outline in outlines().items():
            app.command(lambda: None, name=name, help=outline.title)
        return app
    if asked.startswith("-"):
        raise InputError(f"name the experiment before {asked}: eigenlab run EXPERIMENT {asked} ...")
    from eigenlab.cli.fields import command_for
    from eigenlab.cli.run import run_experiment

    app.command(command_for(load_experiment(asked), run_experiment), name=asked)
    return app


def _reproduce(
    *,
    preset: Annotated[str, Parameter(help="smoke (seconds), course (minutes) or full.")] = "course",
    only: Annotated[
        str | None, Parameter(help="Questions or experiments, such as 1,2 or 1e or surnames.")
    ] = None,
    seed: Annotated[
        Whole | None,
        Parameter(help="Random seed of every experiment [default: that of the preset]."),
    ] = None,
    out: Annotated[Path, Parameter(help="Folder for the report and the runs.")] = Path("report"),
    resume: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Continue the runs in --out.")
    ] = False,
    jobs: Annotated[
        Whole | None,
        Parameter(help="Number of experiments to run in parallel [default: one per core]."),
    ] = None,
    csv: Annotated[
        Path | None, Parameter(help="CSV file for every check of every claim; overwritten.")
    ] = None,
    json: Json = False,
) -> int:
    """Run the experiments of the course and write one offline report."""
    from eigenlab.cli.reproduce import Request, reproduce

    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs {jobs}: give at least 1")
    return reproduce(
        Request(
            preset=preset,
            only=only,
            seed=seed,
            out=out,
            resume=resume,
            n_jobs=jobs,
            csv=csv,
            json=json,
        )
    )


def _verify(folder: Folder, /, *, json: Json = False) -> int:
    """Judge the claims of a run or a reproduction again, from the stored records."""
    from eigenlab.cli import show
    from eigenlab.cli.terminal import output, print_json
    from eigenlab.report import verify

    found = verify(folder)
    if json:
        print_json(
            {
                "agrees": found.agrees,
                "claims": [
                    {
                        "experiment": claim.experiment,
                        "id": claim.judged.id,
                        "stored": claim.stored and claim.stored.outcome.value,
                        "judged": claim.judged.outcome.value,
                        "documented": claim.documented.value,
                        "difference": claim.difference,
                    }
                    for claim in found.claims
                ],
            }
        )
    else:
        show.verification(output(), found)
    return 0 if found.agrees else 1


def _report(folder: Folder, /) -> None:
    """Write the report of a run or a reproduction again, from the stored records."""
    from eigenlab.cli.terminal import output
    from eigenlab.files import write_atomic
    from eigenlab.report import collect, read_notes, render

    page = folder / "index.html"
    write_atomic(page, render(collect(folder), read_notes(folder)))
    output().print(f"Report: {page}", markup=False, soft_wrap=True)
