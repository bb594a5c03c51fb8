"""``eigenlab course`` and ``eigenlab submit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eigenlab.cli.options import Aliases, Execute, Points


def course_app() -> App:
    """``eigenlab course``: its commands."""
    app = App(name="course", help="The course's problems as notebooks.")
    app.command(_build, name="build")
    app.command(_autograder, name="autograder")
    return app


def _build(
    *,
    out: Annotated[
        Path, Parameter(help="Folder; notebooks go into its folders student and solutions.")
    ] = Path("course"),
    problem: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=True,
            negative=(),
            show_default=False,
            help="Numbers of the problems, such as 1 5 [default: all that have a notebook].",
        ),
    ] = (),
    overwrite: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Replace notebooks that exist and differ, such as one you have filled in.",
        ),
    ] = False,
    execute: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Run the notebooks with solutions, so that they have their outputs (minutes).",
        ),
    ] = False,
) -> None:
    """Write the notebooks for students, and those with solutions."""
    from eigenlab.cli import course

    course.build(out, problem, overwrite=overwrite, execute=execute)


def _autograder(
    *,
    out: Annotated[Path, Parameter(help="Folder to write; autograder.zip in it is uploaded.")],
    problem: Annotated[
        str,
        Parameter(
            show_default=False,
            help="Number or name of the problem [default: from the notebook and its names].",
        ),
    ] = "",
    points: Points = None,
    aliases: Aliases = None,
    visibility: Annotated[
        str,
        Parameter(help="Of the results: visible, hidden, after_due_date, after_published."),
    ] = "visible",
    execute: Execute = False,
    install: Annotated[
        str,
        Parameter(
            show_default=False,
            help="What pip installs: a version, an address, or a wheel, which goes into the bundle "
            "[default: a wheel of this installation].",
        ),
    ] = "",
) -> None:
    """Write an autograder for Gradescope: setup.sh, run_autograder and its settings."""
    from eigenlab.cli import grade

    grade.autograder(
        out,
        problem=problem,
        points=points,
        aliases=aliases,
        visibility=visibility,
        execute=execute,
        install=install,
    )


def submit_notebook(
    notebook: Annotated[Path, Parameter(help="Notebook that you have filled in and saved.")],
    /,
    *,
    process: Annotated[
        Path | None,
        Parameter(
            help="Text file with the lines 'sources: ...', 'study group: ...' and 'hours: ...' "
            "[default: they are asked for]."
        ),
    ] = None,
    out: Annotated[Path, Parameter(help="File to write.")] = Path("submission.zip"),
    incomplete: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Write the file although answers or passed checks are missing; it says so.",
        ),
    ] = False,
) -> None:
    """Collect a notebook, its checks' results and how you worked in a zip file.

    Nothing of the notebook is executed: the results are those that it stores, so
    save it after its checks have run.
    """
    from eigenlab.cli import course

    course.submit(notebook, process=process, out=out, incomplete=incomplete)
