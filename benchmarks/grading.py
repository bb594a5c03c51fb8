"""Grade synthetic submissions of problem 5: how many a minute, and what one costs.

    OMP_NUM_THREADS=1 python benchmarks/grading.py [--submissions 300] [--jobs 2] [--otter PYTHON]

The submissions come from the built notebooks: right, wrong (a sign), broken (no notebook), and
hanging ones, mixed as ``MIX`` says. The whole class is graded once by ``eigenlab grade``, and some
of the right and wrong ones once more, beside the peer, which takes much longer. The overhead of a
submission is that of a right one beyond the checks themselves, which are timed in this process.

Peer: ``otter run`` of otter-grader (7.0.0) on the right and wrong submissions, as many at once. It
is what ``otter grade`` runs inside of its Docker containers, whose start is not counted here. It
executes whole notebooks, ours the definitions only. Broken and hanging ones are left out: it has
no limit of time without containers. Its test of a part is one comparison with a known value, fewer
than ours make. It is installed in an environment of its own, whose Python is given by ``--otter``
(without it that line is left out):

    python -m venv X && X/bin/pip install -e '.[course]' otter-grader ipykernel
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import eigenlab
from _side_by_side import store
from eigenlab.course import build_notebooks, masters
from eigenlab.grading.batch import Settings, grade
from eigenlab.grading.isolation import Limits, Template
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
    book = build_notebooks(masters()["5"]).solution
    # The peer would install packages anew for each submission.
    book["cells"] = [cell for cell in book["cells"] if "pip install" not in cell["source"]]
    text = json.dumps(book)
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


def seconds_of_a_process(count: int = 40) -> list[float]:
    """Seconds of starting and ending a confined process, which is copied for each part."""
    found = []
    with Template() as template:
        template.run(Limits()).close()
        for _ in range(count):
            start = time.perf_counter()
            template.run(Limits()).close()
            found.append(time.perf_counter() - start)
    return found


def graded(folder: Path, out: Path, settings: Settings, jobs: int) -> dict[str, Any]:
    """Grade a folder with eigenlab: seconds in all and of each submission, and the scores."""
    start = time.perf_counter()
    grades = grade(folder, out, settings, jobs=jobs)
    taken = time.perf_counter() - start
    with (out / "grades.csv").open() as stream:
        scores = {row["key"]: row["score"] for row in csv.DictReader(stream)}
    each = {record["student"]["key"]: record["seconds"] for record in grades.records}
    return {"seconds": taken, "scores": scores, "each": each}


def otter(python: str, paths: list[Path], folder: Path, jobs: int) -> dict[str, Any]:
    """Grade notebooks with otter-grader: seconds in all and of each one, and the scores."""
    bundle = folder / "autograder.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("otter_config.json", "{}")
        archive.writestr("tests/q1.py", OTTER_TEST)
    source = str(Path(eigenlab.__file__).parents[1])
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    variables = {**os.environ, **one, "PYTHONPATH": source, "MPLBACKEND": "Agg"}

    def run(path: Path) -> tuple[float, float]:
        out = folder / f"otter-{path.stem}"
        out.mkdir()
        command = [python, "-m", "otter", "run", "-a", bundle, "-o", out, "--no-logo", path]
        start = time.perf_counter()
        subprocess.run(command, check=True, env=variables, cwd=out, capture_output=True)
        taken = time.perf_counter() - start
        tests = json.loads((out / "results.json").read_text())["tests"]
        return taken, sum(test.get("score", 0.0) for test in tests)

    start = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        found = dict(zip([path.stem for path in paths], pool.map(run, paths), strict=True))
    return {
        "seconds": time.perf_counter() - start,
        "each": {key: taken for key, (taken, _) in found.items()},
        "scores": {key: score for key, (_, score) in found.items()},
    }


def summary(found: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    """Submissions a minute, and the quartiles of the seconds of some of them."""
    samples = [seconds for key, seconds in found["each"].items() if key in keys]
    low, median, high = statistics.quantiles(samples, n=4)
    return {
        "submissions": len(found["each"]),
        "seconds": found["seconds"],
        "a_minute": 60 * len(found["each"]) / found["seconds"],
        "median_s": median,
        "quartiles_s": [low, high],
        "samples_s": samples,
    }


def show(name: str, row: dict[str, Any]) -> None:
    low, high = row["quartiles_s"]
    print(f"{name:34} {row['submissions']:4} in {row['seconds']:7.1f} s: ", end="")
    print(f"{row['a_minute']:6.1f} a minute; one {row['median_s']:.2f} s [{low:.2f}, {high:.2f}]")


def require_scores(scores: dict[str, Any], found: dict[str, list[Path]]) -> None:
    """Right submissions have the same score, wrong ones a lower one."""
    right, wrong = ({float(scores[path.stem]) for path in found[k]} for k in ("right", "wrong"))
    if len(right) != 1 or not max(wrong, default=0.0) < min(right):
        raise SystemExit(f"the scores are not what they should be: right {right}, wrong {wrong}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--submissions", type=int, default=300)
    parser.add_argument(
        "--beside", type=int, default=60, help="submissions graded by the peer, too"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--part-seconds", type=float, default=10.0)
    parser.add_argument("--otter", default="", help="Python of an environment with otter-grader")
    parser.add_argument("--out", type=Path, help="where to write, instead of results/grading.json")
    given = parser.parse_args()
    settings = Settings(part_seconds=given.part_seconds)
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("class", "same"):
            (folder / kind).mkdir()
        found = write(folder / "class", given.submissions)
        whole = graded(folder / "class", folder / "out", settings, given.jobs)
        kinds = {kind: len(paths) for kind, paths in found.items()}
        for kind, paths in found.items():
            print(f"{kind:8} {len(paths):4}  scores { {whole['scores'][p.stem] for p in paths} }")
        same = [*found["right"], *found["wrong"]]
        same = same[:: max(1, len(same) // given.beside)]
        right = {path.stem for path in found["right"]}
        found = {kind: [path for path in paths if path in same] for kind, paths in found.items()}
        for path in same:
            (folder / "same" / path.name).hardlink_to(path)
        keys = {path.stem for path in same}
        ours = graded(folder / "same", folder / "out-same", settings, given.jobs)
        require_scores(ours["scores"], found)
        rows["eigenlab, the whole class"] = summary(whole, right)
        rows["eigenlab, right and wrong ones"] = summary(ours, keys)
        if given.otter:
            peer = otter(given.otter, same, folder, given.jobs)
            require_scores(peer["scores"], found)
            rows["otter run, right and wrong ones"] = summary(peer, keys)
    seconds_of_the_checks()  # imports what they need
    checks = statistics.median(seconds_of_the_checks() for _ in range(9))
    process = statistics.median(seconds_of_a_process())
    overhead = statistics.median(s for key, s in ours["each"].items() if key in right) - checks
    content = {
        "jobs": given.jobs,
        "part_seconds": given.part_seconds,
        "kinds": kinds,
        "rows": rows,
        "checks_s": checks,
        "overhead_s": overhead,
        "process_s": process,
        "otter": None,
        "ratio": None,
    }
    for title, row in rows.items():
        show(title, row)
    print(f"a right one: the checks {checks:.3f} s, the overhead {overhead:.3f} s, ", end="")
    print(f"of which each part's process {process:.3f} s")
    if given.otter:
        ours_row, peer_row = list(rows.values())[1:]
        content["otter"] = version(given.otter)
        content["ratio"] = ours_row["a_minute"] / peer_row["a_minute"]
        print(f"{content['ratio']:.1f} times as many a minute as otter-grader {content['otter']}")
    store("grading", content, given.out)


def version(python: str) -> str:
    """The version of otter-grader in another environment."""
    program = "import importlib.metadata as m; print(m.version('otter-grader'))"
    command = [python, "-c", program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
