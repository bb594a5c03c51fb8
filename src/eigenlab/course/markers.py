"""Solutions in the code of a master: which lines they are, and what students see instead.

A solution stands between two lines of its own::

    # BEGIN SOLUTION RNNLayer.forward
    ...
    # END SOLUTION

Students see ``raise NotImplementedError("RNNLayer.forward")``, or ``...`` if no name is given.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from eigenlab.errors import InputError

BEGIN = re.compile(r"^(\s*)# BEGIN SOLUTION(?: (\S.*?))?\s*$")
END = re.compile(r"^(\s*)# END SOLUTION\s*$")
#: A comment that is, or was meant to be, a marker.
MARKER = re.compile(r"#.*(\b(?i:begin|end)[ _-]*(?i:solution)|\bSOLUTIONS?\b)")
CELL = re.compile(r"^#\s*%%")


def check_markers(text: str, path: Path) -> None:
    """Refuse a master whose markers are unbalanced or misspelt: it would show solutions.

    Raises:
        InputError: names file and line.
    """
    opened: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        begin, end = BEGIN.match(line), END.match(line)
        if MARKER.search(line) and not begin and not end:
            raise InputError(
                f"{path}, line {number}: {line.strip()!r} is no marker; write '# BEGIN SOLUTION' "
                "or '# BEGIN SOLUTION name', and '# END SOLUTION', on lines of their own"
            )
        if opened is None:
            if end:
                raise InputError(f"{path}, line {number}: END SOLUTION without BEGIN SOLUTION")
            if begin:
                opened = number, begin[1]
        elif begin:
            raise InputError(
                f"{path}, line {number}: BEGIN SOLUTION inside the solution that begins in line "
                f"{opened[0]}"
            )
        elif CELL.match(line):
            raise InputError(
                f"{path}, line {opened[0]}: BEGIN SOLUTION without END SOLUTION in its cell, "
                f"which ends in line {number}"
            )
        elif end:
            if end[1] != opened[1]:
                raise InputError(
                    f"{path}, line {number}: END SOLUTION is not indented as the BEGIN SOLUTION "
                    f"in line {opened[0]}"
                )
            opened = None
    if opened:
        raise InputError(f"{path}, line {opened[0]}: BEGIN SOLUTION without END SOLUTION")


def without_solutions(code: str) -> str:
    """Code as students get it.

    >>> print(without_solutions("def f():\\n  # BEGIN SOLUTION f\\n  return 2\\n  # END SOLUTION"))
    def f():
      raise NotImplementedError("f")
    """
    kept, inside = [], False
    for line in code.splitlines():
        if begin := BEGIN.match(line):
            name = f"raise NotImplementedError({json.dumps(begin[2])})" if begin[2] else "..."
            kept.append(begin[1] + name)
            inside = True
        elif END.match(line):
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def without_markers(code: str) -> str:
    """Code with its solutions.

    >>> without_markers("# BEGIN SOLUTION\\nx = 1\\n# END SOLUTION")
    'x = 1'
    """
    lines = code.splitlines()
    return "\n".join(line for line in lines if not BEGIN.match(line) and not END.match(line))
