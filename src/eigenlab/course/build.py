"""Masters, and the notebooks that are built from them."""

from __future__ import annotations

import ast
import hashlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import eigenlab
from eigenlab.course.dependencies import course_module
from eigenlab.course.markers import CELL, check_markers, without_markers, without_solutions
from eigenlab.errors import InputError, nearest
from eigenlab.files import write_atomic
from eigenlab.reporter import SILENT, Reporter

MASTERS = Path(__file__).parent / "masters"
#: Tags of a cell that exists in one of the two notebooks only.
SOLUTION, STUDENT = "solution", "student"
#: Tags that notebooks keep: those of Jupyter Book and nbclient.
KEPT = {"hide-cell", "hide-input", "hide-output", "remove-cell", "remove-input", "remove-output"}


class Notebooks(NamedTuple):
    """The two notebooks of a problem, as ``nbformat`` objects."""

    student: Any
    solution: Any


def masters() -> dict[str, Path]:
    """Number of each problem that has a notebook -> its master.

    >>> masters()["5"].name
    'problem_5.py'
    """
    found = {path.stem.removeprefix("problem_"): path for path in MASTERS.glob("problem_*.py")}
    return dict(sorted(found.items()))


def build_notebooks(master: Path) -> Notebooks:
    """Build the notebooks of one master, a script in the percent format of jupytext.

    Solutions between ``# BEGIN SOLUTION name`` and ``# END SOLUTION`` become ``raise
    NotImplementedError("name")`` for students. A cell tagged ``solution`` is in the notebook with
    solutions only, a cell tagged ``student`` in the students' only. Cells are identified by what
    they contain, so that the same master always gives the same bytes.

    Args:
        master: path of the script.

    Returns:
        the pair ``(student, solution)``.

    Raises:
        InputError: jupytext or nbformat is not installed, the file cannot be read, a marker is
            unbalanced or misspelt, a tag is unknown, or a cell is no valid Python. File and line
            are named.

    >>> student, solution = build_notebooks(masters()["5"])
    >>> len(student.cells) > 10
    True
    """
    jupytext = course_module("jupytext")
    try:
        text = master.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{master} cannot be read: {error}") from error
    check_markers(text, master)
    cells = jupytext.reads(text, fmt="py:percent").cells
    for cell in cells:
        _check_tags(cell, master, text)
    problem = master.stem.removeprefix("problem_")
    return Notebooks(
        _notebook(cells, problem, SOLUTION, without_solutions, master),
        _notebook(cells, problem, STUDENT, without_markers, master),
    )


def _check_tags(cell: Any, master: Path, text: str) -> None:
    tags = cell.metadata.get("tags", [])
    for tag in tags:
        if tag not in {SOLUTION, STUDENT, *KEPT}:
            lines = text.splitlines()
            number = next((n for n, s in enumerate(lines, 1) if CELL.match(s) and tag in s), 1)
            known = nearest(tag, [SOLUTION, STUDENT])
            raise InputError(f"{master}, line {number}: unknown tag {tag!r}{known}")
    if SOLUTION in tags and STUDENT in tags:
        raise InputError(
            f"{master}: a cell is tagged both solution and student: {cell.source[:60]!r}"
        )


def _notebook(cells: Iterable[Any], problem: str, leave_out: str, edit: Any, master: Path) -> Any:
    nbformat = course_module("nbformat")
    v4 = nbformat.v4
    built: list[Any] = []
    seen: dict[str, int] = {}
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        if leave_out in tags:
            continue
        is_code = cell.cell_type == "code"
        source = edit(cell.source) if is_code else cell.source
        if is_code:
            _check_code(source, master)
        key = f"{cell.cell_type}\n{source}"
        seen[key] = seen.get(key, 0) + 1
        id = hashlib.sha256(f"{problem}\n{seen[key]}\n{key}".encode()).hexdigest()[:12]
        new = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell, "raw": v4.new_raw_cell}
        metadata = {"tags": kept} if (kept := [tag for tag in tags if tag in KEPT]) else {}
        built.append(new[cell.cell_type](source, id=id, metadata=metadata))
        if not is_code and STUDENT in tags:
            built[-1].metadata["eigenlab"] = {"answer": True}
    notebook = v4.new_notebook(
        cells=built,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "eigenlab": {"problem": problem, "version": eigenlab.__version__},
        },
    )
    nbformat.validate(notebook)
    return notebook


def _check_code(source: str, master: Path) -> None:
    try:
        ast.parse(python_lines(source))
    except SyntaxError as error:
        wrong = (error.text or "").strip()
        lines = master.read_text(encoding="utf-8").splitlines()
        number = next((n for n, line in enumerate(lines, 1) if wrong and line.strip() == wrong), 0)
        where = f"{master}, line {number}" if number else f"{master}"
        raise InputError(f"{where}: {error.msg}: {wrong or source[:60]!r}") from error


def python_lines(source: str) -> str:
    """A cell's code, with a ``pass`` for each line of IPython's own (``%pip``, ``!ls``).

    >>> python_lines("if x:\\n    %pip install eigenlab")
    'if x:\\n    pass'
    """
    lines = []
    for line in source.splitlines():
        bare = line.lstrip()
        lines.append(line[: -len(bare)] + "pass" if bare.startswith(("%", "!")) else line)
    return "\n".join(lines)


#: Seconds that a notebook with solutions may take.
LONGEST = 900


def build_course(
    out: str | Path,
    problems: Iterable[str] | None = None,
    *,
    overwrite: bool = False,
    execute: bool = False,
    reporter: Reporter = SILENT,
) -> list[Path]:
    """Write ``student/problem_N.ipynb`` and ``solutions/problem_N.ipynb`` for each problem.

    Args:
        out: folder, created if missing.
        problems: numbers, such as ``["1", "5"]``. Default: ``None``, all that have a notebook.
        overwrite: whether notebooks that exist and differ, as those that a student has filled in,
            are replaced. Default: ``False``.
        execute: whether the notebooks with solutions are run, so that they have their outputs; it
            takes a few minutes. Default: ``False``.
        reporter: receives progress. Default: ``SILENT``.

    Returns:
        the paths of the notebooks.

    Raises:
        InputError: a problem has no notebook, a notebook exists and differs, ``out`` cannot be
            written, or as :func:`build_notebooks`. Nothing is written then.
        NotebookFailed: a notebook with solutions could not be executed. Nothing is written then.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.parent.name for path in build_course(folder, ["5"])]
    ['student', 'solutions']
    """
    nbformat = course_module("nbformat")
    known = masters()
    wanted = [problems] if isinstance(problems, str) else problems
    chosen = list(known) if wanted is None else list(dict.fromkeys(map(str, wanted)))
    for problem in chosen:
        if problem not in known:
            raise InputError(
                f"problem {problem!r} has no notebook{nearest(problem, known)}; "
                f"those that have: {', '.join(known)}"
            )
    content: dict[Path, str] = {}
    for place, problem in enumerate(chosen):
        reporter.raise_if_cancelled()
        reporter.progress(place, len(chosen), f"problem {problem}")
        student, solution = build_notebooks(known[problem])
        if execute:
            solution = _executed(solution)
        name = f"problem_{problem}.ipynb"
        content[Path(out) / "student" / name] = nbformat.writes(student) + "\n"
        content[Path(out) / "solutions" / name] = nbformat.writes(solution) + "\n"
    for path, text in content.items():
        if not overwrite and path.exists() and _differs(path, text):
            raise InputError(
                f"{path} exists and differs, so it may hold someone's work; choose another folder "
                "(--out), or replace it with --overwrite"
            )
    for path, text in content.items():
        write_atomic(path, text)
    return list(content)


def _executed(notebook: Any) -> Any:
    from eigenlab.course.execution import execute

    with tempfile.TemporaryDirectory() as folder:
        return execute(notebook, Path(folder), seconds=LONGEST)


def _differs(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() != text.encode()
    except OSError:
        return True
