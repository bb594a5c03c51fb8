"""``eigenlab grade``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from eigenlab.cli.options import Aliases, Execute, Json, Points, Whole


def grade_submissions(
    submissions: Annotated[
        Path,
        Parameter(help="Folder or zip file: a folder, notebook, script or zip file per student."),
    ],
    /,
    *,
    out: Annotated[Path, Parameter(help="Folder for the results.")] = Path("results"),
    jobs: Annotated[Whole, Parameter(help="How many submissions are graded at once.")] = 1,
    backend: Annotated[
        Literal["loky", "dask", "ray", "spark"],
        Parameter(help="What grades several at once: this machine, or a cluster."),
    ] = "loky",
    problem: Annotated[
        str,
        Parameter(
            show_default=False,
            help="Number or name of the problem [default: from the notebook and its names].",
        ),
    ] = "",
    execute: Execute = False,
    alias: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            show_default=False,
            help="A name for one that the checks use: RNNLayer=MyLayer; may be repeated.",
        ),
    ] = (),
    aliases: Aliases = None,
    points: Points = None,
    part_seconds: Annotated[
        float, Parameter(help="Seconds of processor time that a part may take.")
    ] = 30.0,
    regrade: Annotated[
        str,
        Parameter(
            show_default=False,
            help="Part to grade again, such as 1a; the others keep their results.",
        ),
    ] = "",
    anonymous: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Give students pseudonyms; pseudonyms.json tells who is who.",
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Grade the submissions of a class: grades, a page for each student, and a summary.

    Submissions as Gradescope, Canvas and Moodle export them are told apart by their
    names. What has been graded is kept, so a run that was stopped goes on when it is
    started again. The exit status is 0 if all could be graded, whatever their score,
    1 if some could not (they are named), and 2 for a mistake in the options.
    """
    from eigenlab.cli import grade

    return grade.report(
        submissions,
        out=out,
        jobs=jobs,
        backend=backend,
        problem=problem,
        execute=execute,
        alias=alias,
        aliases=aliases,
        points=points,
        part_seconds=part_seconds,
        regrade=regrade,
        anonymous=anonymous,
        json=json,
    )
