"""Read what a student wrote, a notebook or a script, as it is: also one written for Colab."""

from __future__ import annotations

import ast
import io
import json
import re
import symtable
import textwrap
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from eigenlab.errors import InputError
from eigenlab.grading import student_cells
from eigenlab.grading.harmless import ADDING, Harmless
from eigenlab.grading.student_cells import bound_names

#: A larger file holds data, not work.
MAX_BYTES = 200_000_000
#: Cell magics whose cell is Python.
PYTHON_MAGICS = {"time", "timeit", "capture", "prun", "python", "python3", "pypy"}
#: A line for the shell or for IPython: ``!pip``, ``%matplotlib``, ``?name``, ``files = !ls``.
IPYTHON = re.compile(r"\s*([!%?]|[\w, ]+=\s*[!%]|[\w.]+\?{1,2}\s*$)")
#: Where a script that was exported from a notebook has a new cell.
NEW_CELL = re.compile(r"^# ?(%%|In ?\[[\d ]*\]|<codecell>).*$", re.M)

#: A line at which no statement goes on.
NEW_STATEMENT = re.compile(r"(?!(else|elif|except|finally)\b)[^\s)\]}#]")
#: Statements of a script with syntax errors, at most; a file with more is no script in Python.
MAX_ERRORS = 20

#: Methods that change a list, set or dictionary in place.
CHANGING = ADDING | {"clear", "discard", "pop", "popitem", "remove", "reverse", "sort"}

SHELL = "lines for the shell or IPython"
OTHER_LANGUAGE = "cells in another language"
NOT_RUN = "statements that compute or print, run with --execute only"


@dataclass(frozen=True)
class Definition:
    """Where a name is bound last.

    Args:
        kind: ``"class"``, ``"function"``, ``"value"`` or ``"import"``.
        place: such as ``"code cell 4, line 2"``.
        source: the code of the definition.
    """

    kind: str
    place: str
    source: str


@dataclass(frozen=True)
class StudentFile:
    """The code of a student's file that a check runs.

    Args:
        path: the file.
        problem: number of the problem that the notebook's metadata names; ``""`` if they name none.
        executed: whether all statements are run, not only those that define something.
        cells: place, code and numbers of the statements to run of each cell.
        texts: place -> text that tracebacks quote.
        definitions: name -> where it is bound last by what is run.
        repeated: name of a class or function -> how many definitions of it are run, if several.
        left_out: reason -> where and what is not run.
        not_run: name -> place of a statement that binds it and is not run.
        syntax_errors: place and message of each cell that is no valid Python.
        modules: names of the modules that are imported.
    """

    path: Path
    problem: str = ""
    executed: bool = False
    cells: list[tuple[str, str, list[int]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    repeated: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    syntax_errors: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)

    def program(self, aliases: Mapping[str, str]) -> str:
        """Python code that defines what the file defines, and fails only where it is used.

        Args:
            aliases: name that the checks use -> the student's name.
        """
        text = Path(student_cells.__file__).read_text(encoding="utf-8")
        content = f"{self.cells!r}, {self.texts!r}, {dict(aliases)!r}"
        return (
            "_cells = {'__name__': 'student_cells'}\n"
            f"exec(compile({text!r}, 'eigenlab/grading/student_cells.py', 'exec'), _cells)\n"
            f"_cells.pop('run')(globals(), {content})\n"
        )

    def taken(self, *kinds: str) -> list[str]:
        """Names of these kinds that the file defines, in order."""
        return [name for name, found in self.definitions.items() if found.kind in kinds]


def read_student_file(path: str | Path, *, execute: bool = False) -> StudentFile:
    """Read a notebook (nbformat 2 to 4) or a script, and choose what to run of it.

    By default these are imports, definitions, and constants that follow from literals. Nothing is
    run here.

    Args:
        path: a file that ends with .ipynb or .py.
        execute: whether all other statements are chosen, too. Default: ``False``.

    Raises:
        InputError: the file cannot be read, or is neither a notebook nor a script in Python.
    """
    path = Path(path)
    text = _text(path)
    if not text.strip():
        raise InputError(f"{path} is empty; name a notebook (.ipynb) or a script (.py)")
    notebook = _notebook(text)
    if notebook is not None:
        _require_python(path, notebook)
        sources = list(_code_cells(path, notebook))
        file = StudentFile(path, _stored_problem(notebook), execute)
    elif path.suffix.lower() == ".py":
        sources, file = _blocks(text, path.name), StudentFile(path, executed=execute)
        file.texts[path.name] = text
    else:
        raise InputError(f"{path} is no notebook of Jupyter; expected a .ipynb or .py file")
    harmless = Harmless()
    for place, source in sources:
        file.texts.setdefault(place, source)
        _read_cell(file, place, source, harmless, execute)
    return file


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                f"{path} has more than {MAX_BYTES / 1e6:.0f} MB; clear its outputs and save it"
            )
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}; name a .ipynb or .py"
        ) from error
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif path.suffix.lower() == ".py":
        try:
            encoding = tokenize.detect_encoding(io.BytesIO(content).readline)[0]
        except SyntaxError as error:
            raise InputError(f"{path} cannot be read: {error}; save it as UTF-8") from error
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is no text in {encoding}: {error.reason}; save it as UTF-8"
        ) from error
    return _plain(text)


def _plain(text: str) -> str:
    """Text with the line ends of Unix, and without what no editor shows."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def _notebook(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_notebook = isinstance(found, dict) and ("cells" in found or "worksheets" in found)
    return found if is_notebook else None


def _metadata(notebook: Mapping[str, Any], *keys: str) -> str:
    found: Any = notebook.get("metadata")
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return str(found) if isinstance(found, str | int) else ""


def _stored_problem(notebook: Mapping[str, Any]) -> str:
    return _metadata(notebook, "eigenlab", "problem")


def _require_python(path: Path, notebook: Mapping[str, Any]) -> None:
    language = _metadata(notebook, "kernelspec", "language") or _metadata(
        notebook, "language_info", "name"
    )
    if language and "python" not in language.lower():
        raise InputError(f"{path} is a notebook in {language}; expected Python")


def _code_cells(path: Path, notebook: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Place and source of each code cell; cells stand in worksheets in old formats."""
    sheets = [notebook] if "cells" in notebook else notebook["worksheets"]
    number = 0
    try:
        for sheet in sheets:
            for cell in sheet["cells"]:
                if cell["cell_type"] == "code":
                    number += 1
                    lines = cell.get("source", cell.get("input", ""))
                    source = lines if isinstance(lines, str) else "".join(lines)
                    yield f"code cell {number}", _plain(source)
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is no notebook of Jupyter: {error!r} among its cells") from error


def _blocks(text: str, name: str) -> list[tuple[str, str]]:
    """The cells of a script, each below empty lines so that its lines have the file's numbers."""
    starts = [0, *(found.start() for found in NEW_CELL.finditer(text)), len(text)]
    return [
        (name, "\n" * text.count("\n", 0, begin) + text[begin:end])
        for begin, end in pairwise(starts)
        if text[begin:end].strip()
    ]


def _read_cell(
    file: StudentFile, place: str, source: str, harmless: Harmless, execute: bool
) -> None:
    first = source.lstrip().partition("\n")[0]
    if first.startswith("%%") and "".join(first[2:].split()[:1]) not in PYTHON_MAGICS:
        file.left_out.setdefault(OTHER_LANGUAGE, []).append(f"{place}: {first}")
        _note_not_run(file, source, f"{place}, which begins with {first.split()[0]}")
        return
    try:
        source, shell = _python(source)
        statements = _parse(source).body
        _compile(statements)
    except (SyntaxError, RecursionError, ValueError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        where = f"{place}, line {line}" if line else place
        text = str(getattr(error, "text", None) or "").strip()
        message = f"{where}: {getattr(error, 'msg', error)}" + (f": {text}" if text else "")
        file.syntax_errors.append(message)
        rest, lost = _without_statement(source, error) if place == file.path.name else ("", source)
        what = "statement" if rest else "cell"
        if rest and len(file.syntax_errors) < MAX_ERRORS:
            _read_cell(file, place, rest, harmless, execute)
        _note_not_run(file, lost, f"{where}, in a {what} with a syntax error")
        return
    for line in shell:
        file.left_out.setdefault(SHELL, []).append(f"{place}, {line}")
    chosen = [
        number
        for number, statement in enumerate(statements)
        if _is_chosen(file, statement, place, source, harmless, execute)
    ]
    file.cells.append((place, source, chosen))


def _without_statement(source: str, error: Exception) -> tuple[str, str]:
    """A script without the statement that has a syntax error, and that statement.

    Statements begin at lines that are not indented. The first text is empty if the statement cannot
    be told from the others: where a text in triple quotes is not closed, what follows would be read
    the wrong way round.

    >>> code = "def f(:\\n  return 1\\ndef g():\\n  return 2"
    >>> _without_statement(code, SyntaxError("", ("", 1, 6, "")))
    ('\\n\\ndef g():\\n  return 2', 'def f(:\\n  return 1')
    """
    # A missing body is told at the line that follows.
    told = re.search(r" on line (\d+)", str(getattr(error, "msg", "")))
    line = int(told[1]) if told else getattr(error, "lineno", None) or 0
    lines = source.split("\n")
    starts = [
        number
        for number, text in enumerate(lines)
        if NEW_STATEMENT.match(text) and not (number and lines[number - 1].startswith("@"))
    ]
    first = max((number for number in starts if number < line), default=0)
    last = min((number for number in starts if number >= line), default=len(lines))
    lost = "\n".join(lines[first:last])
    if not line or lost.count('"""') % 2 or lost.count("'''") % 2:
        return "", source
    rest = "\n".join([*lines[:first], *[""] * (last - first), *lines[last:]])
    return (rest, lost) if rest.strip() else ("", source)


def _note_not_run(file: StudentFile, source: str, where: str) -> None:
    for name in re.findall(r"^(?:class|def)\s+(\w+)", source, re.M):
        file.not_run[name] = where


def changed_names(statement: ast.stmt) -> set[str]:
    """The names of things that a statement changes in place or deletes.

    >>> changed_names(ast.parse("for c in text: table[c] = len(table)").body[0])
    {'table'}
    """
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            changes = node.func.attr in CHANGING or node.func.attr.endswith("_")
            target: ast.AST = node.func.value if changes else node
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            target = node.value
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del):
            target = node
        else:
            continue
        if isinstance(target, ast.Name):
            found.add(target.id)
    return found


def globals_of(source: str) -> set[str]:
    """The global names that functions and classes in a source read.

    >>> globals_of("def f(x): return scale * x")
    {'scale'}
    """

    def read(table: symtable.SymbolTable) -> Iterator[str]:
        for symbol in table.get_symbols() if table.get_type() != "module" else ():
            if symbol.is_global() and symbol.is_referenced():
                yield symbol.get_name()
        for child in table.get_children():
            yield from read(child)

    return set(read(symtable.symtable(source, "cell", "exec")))


def _is_chosen(
    file: StudentFile,
    statement: ast.stmt,
    place: str,
    source: str,
    harmless: Harmless,
    execute: bool,
) -> bool:
    if isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    ):
        return False
    where = f"{place}, line {statement.lineno}"
    taken = harmless.take(statement)
    if not (taken or execute):
        line = source.splitlines()[statement.lineno - 1].strip()
        file.left_out.setdefault(NOT_RUN, []).append(f"{where}: {line[:80]}")
        for name in {*bound_names(statement), *changed_names(statement)}:
            file.not_run[name] = where
        return False
    file.modules.extend(_modules(statement))
    kinds = {name: kind for kind, names in _kinds(statement) for name in names}
    text = _source(statement, source)
    for name in bound_names(statement):
        kind = kinds.get(name, "value")
        old = file.definitions.get(name)
        if old and old.kind == kind and kind in ("class", "function"):
            file.repeated[name] = (file.repeated[name] or 1) + 1
        file.definitions.pop(name, None)
        file.definitions[name] = Definition(kind, where, text)
        file.not_run.pop(name, None)
    return True


def _kinds(statement: ast.stmt) -> Iterator[tuple[str, list[str]]]:
    """Kind and names of classes, functions and imports, also below ``if`` and ``try``."""
    if isinstance(statement, ast.ClassDef):
        yield "class", [statement.name]
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield "function", [statement.name]
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield "import", list(bound_names(statement))
    else:
        for node in ast.iter_child_nodes(statement):
            if isinstance(node, ast.stmt | ast.excepthandler):
                yield from _kinds(node)  # type: ignore[arg-type]


def _modules(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    return [statement.module or ""] if isinstance(statement, ast.ImportFrom) else []


def _source(statement: ast.stmt, source: str) -> str:
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(d.lineno for d in decorators)])
    lines = source.splitlines()[first - 1 : statement.end_lineno]
    return textwrap.dedent("\n".join(lines))


def _parse(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return ast.parse(source)


def _compile(statements: Sequence[ast.stmt]) -> None:
    """Raise the errors that parsing does not find, such as a ``return`` outside a function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compile(ast.Module(list(statements), []), "cell", "exec", flags=flags, dont_inherit=True)


def _python(source: str) -> tuple[str, Sequence[str]]:
    """A cell's code with ``pass`` for lines of the shell or IPython, and these lines.

    Only lines that Python refuses are replaced, so that texts within quotes stay.

    >>> _python("if x:\\n  !pip install a")
    ('if x:\\n  pass', ['line 2: !pip install a'])
    """
    lines = source.split("\n")
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[start][:1].isspace():  # IPython takes a cell that is indented as a whole
        lines = textwrap.dedent(source).split("\n")
    shell: list[str] = []
    for _ in range(len(lines) + 1):
        try:
            _parse("\n".join(lines))
            break
        except SyntaxError as error:
            number = (error.lineno or 1) - 1
            if not (number < len(lines) and IPYTHON.match(lines[number])):
                raise
            shell.append(f"line {number + 1}: {lines[number].strip()}")
            _replace(lines, number)
    return "\n".join(lines), shell


def _replace(lines: list[str], number: int) -> None:
    """``pass`` in the place of a line, and of those that it is continued by."""
    goes_on = lines[number].rstrip().endswith("\\")
    bare = lines[number].lstrip()
    lines[number] = lines[number][: -len(bare)] + "pass"
    while goes_on and number + 1 < len(lines):
        number += 1
        goes_on = lines[number].rstrip().endswith("\\")
        lines[number] = ""
