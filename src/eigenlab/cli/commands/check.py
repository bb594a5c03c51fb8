"""``eigenlab check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from eigenlab.cli.options import Aliases, Execute, Json, Points


def check_file(
    file: Annotated[Path, Parameter(help="Notebook (.ipynb) or script (.py) of a student.")],
    /,
    *,
    problem: Annotated[
        str,
        Parameter(
            show_default=False,
            help="Number or name of the problem: 1 recurrent, 2 names, 3 autoencoders, "
            "5 clustering [default: from the notebook and the names it defines].",
        ),
    ] = "",
    execute: Execute = False,
    alias: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            show_default=False,
            help="Your name for one that the checks use: RNNLayer=MyLayer; may be repeated.",
        ),
    ] = (),
    aliases: Aliases = None,
    points: Points = None,
    html: Annotated[Path | None, Parameter(help="Write a page with hints and code.")] = None,
    gradescope: Annotated[Path | None, Parameter(help="Write Gradescope's results.json.")] = None,
    visibility: Annotated[
        str,
        Parameter(
            help="Of the results on Gradescope: visible, hidden, after_due_date, after_published."
        ),
    ] = "visible",
    json: Json = False,
) -> int:
    """Check a student's notebook or script, also one written for Colab, and say what is wrong.

    Imports, definitions and simple constants are run in confined processes, on the
    CPU; the rest, such as training, only with --execute (for ten minutes at most).
    The exit status is 0 if every part passed, 1 if one failed, hung, died or is
    missing, 2 for a file that cannot be checked.
    """
    from eigenlab.cli import check

    return check.report(
        file,
        problem=problem,
        execute=execute,
        alias=alias,
        aliases=aliases,
        points=points,
        html=html,
        gradescope=gradescope,
        visibility=visibility,
        json=json,
    )
