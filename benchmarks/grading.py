"""Grade synthetic submissions of problem 5: how many a minute, and what one costs.

    python benchmarks/grading.py [--submissions 300] [--jobs 2] [--otter PYTHON]

The submissions come from the built notebooks: right, wrong (a sign), broken (no notebook), and
hanging ones, mixed as ``MIX`` says. They are graded once by ``eigenlab grade``. The overhead of a
submission is that of a right one beyond the checks themselves, which are timed in this process.

Peer: the grading of ``otter-grader`` (7.0.0) without containers, one notebook after the other, on
the right and wrong submissions: it has no limit of its own there that would end a hanging one. It
is installed in an environment of its own (``python -m venv X && X/bin/pip install otter-grader
ipykernel torch numpy scipy scikit-learn matplotlib``), whose Python is given by ``--otter``;
without it that line is left out. Its test of a part is one comparison with a known value, fewer
than ours make.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import tempfile
import time
from pathlib import Path

import eigenlab
from eigenlab.course import build_notebooks, masters
from eigenlab.grading.batch import Settings, grade
from eigenlab.grading.parts import PARTS, check

#: Of each twenty submissions.
MIX = ["right"] * 12 + ["wrong"] * 6 + ["broken", "hanging"]
OTTER_TEST = """
OK_FORMAT = False
name = "q1"
points = 1
from otter.test_files import test_case

@test_case(points=1)
def test_adjacency(env):
    import numpy as np
    f = env["get_adjacency_matrix"]
    assert np.allclose(f(0.5, np.array([[0.0], [1.0]]))[0, 1], np.exp(-0.5))
"""


def submission(kind: str) -> str:
    """The text of a notebook."""
    if kind == "broken":
        return "no notebook"
    text = json.dumps(build_notebooks(masters()["5"]).solution)
    if kind == "wrong":
        text = text.replace("np.exp(-gamma", "np.exp(gamma")
    if kind == "hanging":
        book = json.loads(text)
        book["cells"].append(
            {
                "cell_type": "code",
                "id": "hangs",
                "metadata": {},
                "execution_count": None,
                "outputs": [],
                "source": "def get_degree_matrix(A):\n    while True: pass",
            }
        )
        text = json.dumps(book)
    return text


def write(folder: Path, count: int) -> dict[str, list[Path]]:
    """Submissions by kind."""
    texts = {kind: submission(kind) for kind in set(MIX)}
    found: dict[str, list[Path]] = {kind: [] for kind in texts}
    for number in range(count):
        kind = MIX[number * 7 % len(MIX)]
        path = folder / f"student{number:04d}.ipynb"
        path.write_text(texts[kind], encoding="utf-8")
        found[kind].append(path)
    return found


def seconds_of_the_checks() -> float:
    """Seconds of the checks of a right solution in this process."""
    cells = build_notebooks(masters()["5"]).solution.cells
    space: dict = {"__name__": "student"}
    for cell in cells:
        if cell.cell_type == "code" and cell.source.lstrip().startswith(("def ", "import numpy")):
            exec(cell.source, space)
    parts = [p for p in PARTS.values() if p.id[0] == "5" and all(n in space for n in p.names)]
    start = time.perf_counter()
    for part in parts:
        check(part.id, *(space[name] for name in part.names))
    return time.perf_counter() - start


def otter(python: str, paths: list[Path], folder: Path) -> float:
    """Seconds of otter-grader for the submissions, one after the other."""
    tests = folder / "tests"
    tests.mkdir()
    (tests / "q1.py").write_text(OTTER_TEST)
    program = (
        "import sys, os\n"
        "from otter.execute import grade_notebook\n"
        "for path in sys.argv[2:]:\n"
        "    grade_notebook(path, tests_glob=[sys.argv[1]], ignore_errors=True,\n"
        "                   cwd=os.getcwd(), test_dir=os.path.dirname(sys.argv[1]))\n"
    )
    command = [python, "-c", program, str(tests / "q1.py"), *map(str, paths)]
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--submissions", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--part-seconds", type=float, default=10.0)
    parser.add_argument("--otter", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "class").mkdir()
        found = write(folder / "class", given.submissions)
        start = time.perf_counter()
        settings = Settings(part_seconds=given.part_seconds)
        grades = grade(folder / "class", folder / "out", settings, jobs=given.jobs)
        taken = time.perf_counter() - start
        with (folder / "out/grades.csv").open() as stream:
            scores = {row["key"]: row["score"] for row in csv.DictReader(stream)}
        for kind, paths in found.items():
            print(f"{kind:8} {len(paths):4}  scores {sorted({scores[p.stem] for p in paths})}")
        right = {path.stem for path in found["right"]}
        each = sorted(r["seconds"] for r in grades.records if r["student"]["key"] in right)
        checks = seconds_of_the_checks()
        print(f"eigenlab {eigenlab.__version__}, {given.jobs} jobs: {taken:.1f} s, ", end="")
        print(f"{60 * given.submissions / taken:.0f} submissions a minute")
        print(f"a right one: {each[len(each) // 2]:.2f} s (median), of which checks {checks:.2f} s")
        if given.otter:
            paths = [*found["right"], *found["wrong"]]
            taken = otter(given.otter, paths, folder)
            print(f"otter-grader, one after the other: {60 * len(paths) / taken:.0f} a minute")


if __name__ == "__main__":
    main()
