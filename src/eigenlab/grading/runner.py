"""Run the checks of a student's code in a process of its own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from eigenlab.grading.parts import PARTS, CheckResult

#: Seconds that all checks of a file may take together.
SECONDS = 300
PROGRAM = "from eigenlab.grading.runner import main; main()"


def run_parts(source: str, parts: Sequence[str], *, seconds: float = SECONDS) -> list[CheckResult]:
    """Execute a student's code and check some parts of it.

    Args:
        source: Python code that defines the objects under the names that the parts use.
        parts: ids of the parts.
        seconds: how long all of it may take. Default: ``300``.

    Returns:
        a result for each part; one for which none came back is not passed.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        results.touch()
        task = json.dumps({"source": source, "parts": list(parts), "results": str(results)})
        words = f"the code ended the process, or ran for more than {seconds:g} seconds"
        try:
            subprocess.run(
                [sys.executable, "-c", PROGRAM],
                input=task,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
                text=True,
            )
        except subprocess.TimeoutExpired:
            words = f"the code ran for more than {seconds:g} seconds: is there an endless loop?"
        found = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    by_part = {item["part"]: CheckResult(**item) for item in found}
    return [by_part[part] if part in by_part else _no_result(part, words) for part in parts]


def _no_result(part: str, words: str) -> CheckResult:
    return CheckResult(part, PARTS[part].title, False, math.inf, f"No result came back: {words}.")


def main() -> None:
    """Read a task on standard input, and write a line for each result."""
    from eigenlab.grading.parts import check

    task = json.loads(sys.stdin.buffer.read())
    namespace = {"__name__": "__student__"}
    exec(compile(task["source"], "<student>", "exec"), namespace)
    for part in task["parts"]:
        result = check(part, *(namespace.get(name) for name in PARTS[part].names))
        item = {
            name: getattr(result, name)
            for name in ("part", "title", "passed", "max_error", "hint", "compared", "note")
        }
        with open(task["results"], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(item) + "\n")
