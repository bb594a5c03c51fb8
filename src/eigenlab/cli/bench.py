"""``eigenlab bench``: the scripts in ``benchmarks/`` of a source checkout."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from eigenlab.cli.terminal import output
from eigenlab.errors import InputError, nearest


def folder() -> Path:
    """The ``benchmarks`` folder beside the sources; benchmarks are not part of an installation."""
    found = Path(__file__).resolve().parents[3] / "benchmarks"
    if not found.is_dir():
        raise InputError(
            "benchmarks are scripts in a source checkout, and this is an installed package; "
            "clone the repository and run `make bench`"
        )
    return found


def scripts(root: Path) -> dict[str, Path]:
    """Name -> script, for every script in ``root`` that is meant to be run."""
    return {
        path.stem.replace("_", "-"): path
        for path in sorted(root.glob("*.py"))
        if not path.stem.startswith("_") and "__main__" in path.read_text(encoding="utf-8")
    }


def run(names: Sequence[str]) -> int:
    """Run the named benchmarks one after the other, or list all. Returns the worst exit status."""
    known = scripts(folder())
    for name in names:
        if name not in known:
            raise InputError(
                f"benchmark '{name}' is unknown{nearest(name, known)}; "
                f"choose from {', '.join(known) or 'none yet'}"
            )
    if not names:
        for name, path in known.items():
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            output().print(f"{name:<20}  {text.partition(chr(10))[0]}", markup=False)
        return 0
    return max(
        subprocess.run([sys.executable, known[name]], check=False).returncode for name in names
    )
