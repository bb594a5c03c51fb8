"""Submit a notebook: its checks' results, its written answers, and how the student worked.

Nothing of the notebook is executed. The results are those that the notebook stores in the outputs
of its checks; one whose code has been changed since is told by the code that the check stored with
its result. A submission is thus what the student saw, and no proof: who grades it can run the
checks of the notebook again.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import eigenlab
from eigenlab.course.answers import find_answers
from eigenlab.course.build import build_notebooks, masters, python_lines
from eigenlab.course.dependencies import course_module
from eigenlab.course.process import Process
from eigenlab.errors import InputError
from eigenlab.files import write_atomic

#: A notebook that is larger holds data, not work.
MAX_BYTES = 50_000_000
#: Cells that a notebook must share with a problem's, if nothing else says which it is.
FEWEST_SHARED = 3
PRINTED = re.compile(r"^(\d\S*) (.+): (passed|NOT passed), max error (\S+)(?:\n  (.*))?$", re.M)


@dataclass(frozen=True)
class Submission:
    """What a student's notebook holds.

    Args:
        problem: number of the problem.
        notebook: the notebook's file, byte for byte.
        checks: part -> what is known of its check: ``status`` (``"passed"``, ``"not passed"``,
            ``"never run"`` or ``"changed"``, that is, its code has been changed since), ``title``,
            ``max_error`` and ``hint``.
        answers: question -> the answer written below it; empty if there is none.
    """

    problem: str
    notebook: bytes
    checks: Mapping[str, Mapping[str, Any]]
    answers: Mapping[str, str]

    @property
    def missing(self) -> list[str]:
        """What the notebook lacks, a phrase each; empty if it is complete."""
        words = {
            "never run": "its check stores no result: run the cell so that it shows the result, "
            "and save the notebook",
            "not passed": "its check has not passed",
            "changed": "the code that passed is not in the notebook: run its cell and its check "
            "again, and save",
        }
        return [
            *(
                f"{part}: {words[str(found['status'])]}"
                for part, found in self.checks.items()
                if found["status"] != "passed"
            ),
            *(f"{question}: no answer" for question, text in self.answers.items() if not text),
        ]

    def require_complete(self) -> None:
        """Raise an :class:`~eigenlab.errors.InputError` that names what is missing."""
        if self.missing:
            raise InputError(
                f"the notebook is incomplete: {'; '.join(self.missing)}. "
                "To submit it as it is, add --incomplete"
            )

    def results(self) -> str:
        """The results as JSON."""
        missing = self.missing
        content = {
            "format": 1,
            "problem": self.problem,
            "eigenlab": eigenlab.__version__,
            "notebook_sha256": hashlib.sha256(self.notebook).hexdigest(),
            "source": "outputs stored in the notebook; nothing was executed",
            "complete": not missing,
            "missing": missing,
            "checks": self.checks,
            "answers": self.answers,
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def collect(notebook: str | Path) -> Submission:
    """Read a notebook's stored results and its written answers; nothing is executed.

    Args:
        notebook: path of a notebook that ``eigenlab course build`` wrote and a student filled in.

    Raises:
        InputError: the file is no notebook of the course, larger than 50 MB or unreadable, or
            nbformat or jupytext is not installed.
    """
    path = Path(notebook)
    content, cells, metadata = _read(path)
    problem = _problem(path, cells, metadata)
    built = build_notebooks(masters()[problem]).student.cells
    return Submission(problem, content, _checks(_called(built), cells), find_answers(built, cells))


def submit(
    notebook: str | Path,
    process: Process,
    out: str | Path = "submission.zip",
    *,
    incomplete: bool = False,
) -> Submission:
    """Write a notebook, its results and the process statement into a zip file.

    The file holds ``problem_N.ipynb``, ``results.json`` and ``process.md`` and nothing else. The
    same input gives the same bytes.

    Args:
        notebook: path of the notebook.
        process: how the student worked.
        out: file to write; one that exists is replaced. Default: ``"submission.zip"``.
        incomplete: whether to write it although answers or passed checks are missing; the results
            then say so. Default: ``False``.

    Returns:
        what the notebook holds.

    Raises:
        InputError: something is missing (each part is named), ``out`` does not end with ``.zip``
            or cannot be written, or as :func:`collect`.
    """
    target = Path(out)
    if target.suffix.lower() != ".zip":
        raise InputError(f"out={str(out)!r}: name a file that ends with .zip")
    found = collect(notebook)
    if not incomplete:
        found.require_complete()
    files = {
        f"problem_{found.problem}.ipynb": found.notebook,
        "results.json": found.results().encode(errors="replace"),
        "process.md": process.text().encode(),
    }
    write_atomic(target, _zipped(files))
    return found


def _zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # permissions as on Unix, on every system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return stream.getvalue()


def _read(path: Path) -> tuple[bytes, Sequence[Any], Mapping[str, Any]]:
    nbformat = course_module("nbformat")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                f"{path} has {size / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f}; clear the "
                "outputs that hold data, but not those of the checks"
            )
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; name a notebook") from error
    try:
        notebook = nbformat.from_dict(json.loads(content.decode("utf-8-sig")))
        if notebook.nbformat != 4:
            raise ValueError(f"format {notebook.nbformat}, expected 4")
        for cell in notebook.cells:
            cell.source = "".join(cell.source)  # a string or a list of lines
            if cell.cell_type not in ("code", "markdown", "raw"):
                raise ValueError(f"a cell of type {cell.cell_type!r}")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise InputError(f"{path} is no notebook of Jupyter: {error}") from error
    metadata = notebook.get("metadata")
    return content, notebook.cells, metadata if isinstance(metadata, Mapping) else {}


def _problem(path: Path, cells: Sequence[Any], metadata: Mapping[str, Any]) -> str:
    known = masters()
    stored = metadata.get("eigenlab")
    if isinstance(stored, Mapping) and str(stored.get("problem")) in known:
        return str(stored["problem"])
    # Some editors drop what they do not know.
    texts = {"".join(cell.source.split()) for cell in cells if cell.source.strip()}
    shared = {
        problem: len(
            texts & {"".join(c.source.split()) for c in build_notebooks(master).student.cells}
        )
        for problem, master in known.items()
    }
    best = max(shared, key=lambda problem: shared[problem], default="")
    if not best or shared[best] < FEWEST_SHARED:
        raise InputError(
            f"{path} is no notebook of the course; `eigenlab course build` writes these"
        )
    return best


def _called(cells: Sequence[Any]) -> list[str]:
    """The parts whose checks a notebook calls, in order."""
    found: dict[str, None] = {}
    for cell in cells:
        for node in _nodes(cell):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "check"
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found[str(node.args[0].value)] = None
    return sorted(found)


def _nodes(cell: Any) -> Iterator[ast.AST]:
    if cell.cell_type == "code":
        try:
            yield from ast.walk(ast.parse(python_lines(cell.source)))
        except SyntaxError:  # a student's cell may be unfinished
            return


def _checks(parts: Sequence[str], cells: Sequence[Any]) -> dict[str, dict[str, Any]]:
    from eigenlab.grading import PARTS, definitions

    present: set[str] = set()
    for cell in cells:
        if cell.cell_type == "code":
            try:
                present |= {source for _, _, source in definitions(python_lines(cell.source))}
            except SyntaxError:
                continue
    stored = _stored(cells)
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        title = PARTS[part].title if part in PARTS else ""
        result = stored.get(part)
        if result is None:
            found[part] = {"status": "never run", "title": title}
            continue
        sources = result.get("sources")
        texts = sources.values() if isinstance(sources, Mapping) else ()
        changed = any(text not in present for text in texts)
        passed = result.get("passed") is True
        error = result.get("max_error")
        finite = isinstance(error, int | float) and -1e300 < error < 1e300
        found[part] = {
            "status": "not passed" if not passed else "changed" if changed else "passed",
            "title": title,
            "max_error": error if finite else None,
            "hint": str(result.get("hint") or ""),
        }
    return found


def _stored(cells: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    """Part -> the result of its check that was stored last."""
    from eigenlab.grading import MIME

    found: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for cell in cells:
        count = cell.get("execution_count")
        when = count if isinstance(count, int) else -1
        for output in _mappings(cell.get("outputs")) if cell.cell_type == "code" else []:
            for result in _results(output, MIME):
                part = str(result.get("part"))
                if part not in found or found[part][0] <= when:
                    found[part] = when, result
    return {part: result for part, (_, result) in found.items()}


def _mappings(values: Any) -> list[Mapping[str, Any]]:
    """Those of a list's items that are mappings; a damaged notebook may hold anything."""
    items = values if isinstance(values, list) else []
    return [item for item in items if isinstance(item, Mapping)]


def _results(output: Any, media_type: str) -> Iterator[Mapping[str, Any]]:
    data = next(iter(_mappings([output.get("data")])), {})
    result = data.get(media_type)
    if isinstance(result, Mapping):
        yield result
        return
    # An editor that drops what it does not know, or a result that was printed.
    for text in (data.get("text/plain"), output.get("text")):
        lines = text if isinstance(text, list) else [text]
        joined = "".join(line for line in lines if isinstance(line, str))
        for part, title, status, error, hint in PRINTED.findall(joined):
            yield {
                "part": part,
                "title": title,
                "passed": status == "passed",
                "max_error": float(error) if re.fullmatch(r"[\d.e+-]+", error) else None,
                "hint": hint,
            }
