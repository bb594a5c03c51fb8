"""``eigenlab grade`` and ``eigenlab course autograder``."""

from __future__ import annotations

import csv
import importlib.metadata
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import eigenlab
from eigenlab.cli import main
from eigenlab.grading import batch
from eigenlab.grading.batch.summary import summary_page
from eigenlab.grading.isolation import Template
from eigenlab.reporter import Reporter
from student_files import CLUSTERING, notebook, save

pytestmark = pytest.mark.slow

grading = sys.modules["eigenlab.grading.batch.grade"]
SIGN = (
    "def get_adjacency_matrix(gamma, X):\n    # Jane Doe wrote <b>this</b>\n"
    "    return np.exp(gamma * ((X[:, None] - X[None]) ** 2).sum(-1))"
)
WRONG = [*CLUSTERING[:2], SIGN, *CLUSTERING[3:]]
HANGS = [*CLUSTERING[:4], "def get_degree_matrix(A):\n    while True: pass", *CLUSTERING[5:]]
ENDS = [*CLUSTERING[:4], "def get_degree_matrix(A):\n    import os; os._exit(0)", *CLUSTERING[5:]]


def hand_in(folder):
    """A class: right and wrong, hanging and ending, in a zip file, broken, and hostile."""
    folder.mkdir()
    save(folder, CLUSTERING, "adalovelace_11_456_problem_5.ipynb")
    save(folder, WRONG, "doejane_LATE_12_457_problem_5-1.ipynb")
    moodle = folder / "Max Mustermann_99_assignsubmission_file_"
    moodle.mkdir()
    save(moodle, HANGS, "hangs.ipynb")
    save(folder, ENDS, "=ends.ipynb")
    save(folder, "no notebook", "broken.ipynb")
    with zipfile.ZipFile(folder / "evil.zip", "w") as archive:
        archive.writestr("../evil.py", "x = 1")
    with zipfile.ZipFile(folder / "zipped.zip", "w") as archive:  # as eigenlab submit writes it
        archive.writestr("problem_5.ipynb", json.dumps(notebook(CLUSTERING)))
        archive.writestr("results.json", '{"passed": true}')
        archive.writestr("process.md", "sources: none")
    return folder


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A class that was graded once."""
    folder = tmp_path_factory.mktemp("grade")
    hand_in(folder / "class")
    words = ["--part-seconds", "2", "--jobs", "2"]
    assert main(["grade", str(folder / "class"), *words, "--out", str(folder / "results")]) == 1
    return folder


@pytest.fixture(scope="module")
def template():
    with Template() as found:
        yield found


@pytest.fixture
def here(template, monkeypatch):
    """Grades in this process, whose workers and template take seconds to start."""
    monkeypatch.setattr(grading, "_parallel", lambda tasks, _: map(grading._grade_one, tasks))
    monkeypatch.setattr(grading, "_template", lambda _: template)
    monkeypatch.setattr(grading, "_end_with_parent", lambda: None)
    interrupt = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, interrupt)


def rows(path):
    with path.open(newline="", encoding="utf-8") as stream:
        return {row["key"]: row for row in csv.DictReader(stream)}


def test_every_submission_is_graded_or_named_whatever_the_others_do(graded):
    found = rows(graded / "results" / "grades.csv")
    scores = {
        row["name"]: (row["status"], row["score"], row["5b"], row["5c"]) for row in found.values()
    }
    assert scores == {
        "adalovelace": ("graded", "5", "1", "1"),
        "doejane": ("graded", "4", "0", "1"),
        "Max Mustermann": ("graded", "4", "1", "0"),
        "'=ends": ("graded", "4", "1", "0"),
        "broken": ("unreadable", "", "", ""),  # no score, rather than one of 0
        "evil": ("unreadable", "", "", ""),
        "zipped": ("graded", "5", "1", "1"),
    }
    assert found["doejane"]["id"] == "12"
    assert "a path outside its folder" in found["evil"]["problem"]
    assert not list(graded.glob("**/evil.py"))
    content = {row["name"]: row for row in json.loads((graded / "results/grades.json").read_text())}
    assert content["Max Mustermann"]["parts"]["5c"]["status"] == "hung"
    assert content["=ends"]["parts"]["5c"]["status"] == "died"
    assert content["broken"]["score"] is None


def test_each_student_has_a_page_and_the_class_has_one(graded):
    pages = {
        path.stem: path.read_text(encoding="utf-8")
        for path in (graded / "results/feedback").iterdir()
    }
    assert pages.keys() == {"adalovelace", "doejane", "Max_Mustermann", "zipped"} | {
        key for key in pages if key.startswith("ends-")
    }
    assert "the sign of the exponent" in pages["doejane"]
    assert "&lt;b&gt;this&lt;/b&gt;" in pages["doejane"]
    summary = (graded / "results/summary.html").read_text(encoding="utf-8")
    for words in ("evil.zip is refused", "the sign of the exponent", "This is no proof"):
        assert words in summary
    assert "1</td><td>get_adjacency_matrix" in summary  # how often a hint was given
    data = json.loads(re.search(r"const figures = (.*), themes", summary)[1])
    bars = {
        bar["name"]: dict(zip(bar["y"], bar["x"], strict=True)) for bar in data["parts"]["data"]
    }
    assert bars["passed"]["part 5c"] == 3
    assert (bars["hung"]["part 5c"], bars["died"]["part 5c"], bars["failed"]["part 5b"]) == (
        1,
        1,
        1,
    )
    assert not re.search(r"""<(script|link|img)[^>]+(src|href)=["']?http""", summary)
    links = re.findall(r'href="(feedback/[^"]+)"', summary)
    assert len(links) == 5
    assert all((graded / "results" / link).is_file() for link in links)


def test_the_page_of_a_large_class_stays_short(graded):
    """Long lists are folded or end with a number; figures and tables of students are complete."""
    stored = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((graded / "results/students").iterdir())
    ]
    records = [
        {**record, "student": {"name": f"student {i} of {copy}", "key": f"{copy}-{i}"}}
        for copy in range(60)
        for i, record in enumerate(json.loads(json.dumps(stored)))
    ]
    for number, record in enumerate(records):
        for part in record["report"]["parts"] if record["report"] else []:
            if part["status"] == "failed":
                part["hint"] = f"mistake {number % 50}"
    page = summary_page(records, {})
    graded_number = sum(record["report"] is not None for record in records)
    assert f"Grades of {graded_number} submissions" in page
    assert f"{len(records) - graded_number} more could not be" in page
    assert re.search(r"<details>\s*<summary>120 of 420 submissions", page)
    assert page.count('href="feedback/') == graded_number
    hints = page.partition("<h2>Hints")[2].partition("<h2>Similar")[0]
    assert hints.count("<tr><td>") == 30
    assert re.search(r"\d+ less frequent hints are in grades.json", hints)
    assert page.partition("<h2>Similar")[2].partition("<h2>Students")[0].count("<tr><td>") <= 30
    assert json.loads(re.search(r"const figures = (.*), themes", page)[1])["parts"]["layout"][
        "legend"
    ] == {"traceorder": "normal"}


@pytest.mark.usefixtures("here")
def test_anonymous_results_hold_no_name(call, tmp_path):
    (tmp_path / "class").mkdir()
    save(tmp_path / "class", WRONG, "doejane_LATE_12_457_problem_5-1.ipynb")
    save(tmp_path / "class", "no notebook", "Max Mustermann.ipynb")
    assert call("grade", "class", "--out", "hidden", "--anonymous").status == 1
    hidden = tmp_path / "hidden"
    names = json.loads((hidden / "pseudonyms.json").read_text())["names"]
    assert stat.S_IMODE((hidden / "pseudonyms.json").stat().st_mode) == 0o600
    assert {entry["name"] for entry in names.values()} == {"doejane", "Max Mustermann"}
    texts = [p for p in hidden.rglob("*") if p.is_file() and p.name != "pseudonyms.json"]
    assert len(texts) == 2 + 1 + 3
    for path in texts:
        text = path.name + path.read_text(encoding="utf-8").partition("<script>")[0]
        for name in ("doejane", "Mustermann", "Jane", "LATE", '"12"'):
            assert name not in text, (path, name)
    assert set(rows(hidden / "grades.csv")) == set(names)
    assert call("grade", "class", "--out", "hidden", "--anonymous").status == 1
    assert set(rows(hidden / "grades.csv")) == set(names)  # the same in every run


@pytest.mark.usefixtures("here")
def test_the_folder_that_was_zipped_is_the_class(call, tmp_path):
    """As file managers zip a folder: `course.zip` holds `course/`."""
    for stem in ("course", "other"):
        with zipfile.ZipFile(tmp_path / f"{stem}.zip", "w") as archive:
            archive.writestr("course/ada.ipynb", json.dumps(notebook(CLUSTERING)))
            archive.writestr("course/bob.py", "x = 1")
    assert call("grade", "course.zip", "--out", "results").status == 1
    assert rows(tmp_path / "results/grades.csv").keys() == {"ada", "bob"}
    assert call("grade", "other.zip", "--out", "others").status == 0
    assert rows(tmp_path / "others/grades.csv").keys() == {"course"}


@pytest.mark.usefixtures("here")
def test_results_of_nobody_among_the_submissions_are_removed(call, tmp_path):
    (tmp_path / "class").mkdir()
    save(tmp_path / "class", CLUSTERING, "Jane Doe.ipynb")
    save(tmp_path / "class", "no notebook", "Bob Roe.ipynb")
    assert call("grade", "class", "--out", "results").status == 1
    results = tmp_path / "results"
    (results / "students/mine.json").write_text('{"student": {"key": "mine"}}')
    (results / "feedback/Mine.html").write_text("notes")
    status, _, error = call("grade", "class", "--out", "results", "--anonymous")
    assert status == 1
    assert "2 earlier results of nobody among these submissions are removed" in error
    names = {path.stem for kind in ("students", "feedback") for path in (results / kind).iterdir()}
    pseudonyms = json.loads((results / "pseudonyms.json").read_text())["names"]
    assert names == {*pseudonyms, "mine", "Mine"}  # what the grader did not write stays
    (tmp_path / "class/Bob Roe.ipynb").unlink()
    assert call("grade", "class", "--out", "results").status == 0
    assert {path.name for path in (results / "students").iterdir()} == {
        "Jane_Doe.json",
        "mine.json",
    }


@pytest.mark.usefixtures("here")
def test_everybody_in_the_zip_file_of_a_class_has_a_row(call, tmp_path):
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        archive.writestr("doejane_12_45_problem_5.ipynb", json.dumps(notebook(CLUSTERING)))
        archive.writestr("roejohn_13_46_report.pdf", "PDF")
        archive.writestr("bob/../../evil.py", "x = 1")
    status, out, _ = call("grade", "class.zip", "--out", "results")
    assert status == 1
    assert "1 of 3 submissions graded" in out
    found = rows(tmp_path / "results/grades.csv")
    assert {name: row["score"] for name, row in found.items()} == {
        "doejane": "5",
        "roejohn": "",
        "bob": "",
    }
    assert "script or zip file (roejohn_13_46_report.pdf)" in found["roejohn"]["problem"]
    assert "class.zip: 'bob/../../evil.py' is a path outside" in found["bob"]["problem"]
    assert not list(tmp_path.glob("**/evil.py"))


@pytest.mark.usefixtures("here")
def test_what_has_not_changed_is_kept_and_what_has_is_graded_again(graded, tmp_path, capsys):
    out, students = graded / "results", graded / "results/students"
    before = {path.name: path.read_bytes() for path in students.iterdir()}
    save(graded / "class", CLUSTERING, "doejane_LATE_12_457_problem_5-1.ipynb")
    words = ["grade", str(graded / "class"), "--part-seconds", "2", "--jobs", "2"]
    assert main([*words, "--out", str(out), "--json"]) == 1
    captured = capsys.readouterr()
    assert "4 submissions keep their results" in captured.err
    found = {row["key"]: row for row in json.loads(captured.out)}
    assert found["doejane"]["score"] == 5
    kept = [n for n in before if (students / n).read_bytes() == before[n]]
    assert {"adalovelace.json", "Max_Mustermann.json", "zipped.json"} <= set(kept)
    # One part again; another's stored status shows that it was not run.
    path = students / "zipped.json"
    record = json.loads(path.read_text())
    for part in record["report"]["parts"]:
        part["status"] = "failed" if part["part"] in ("5b", "5c") else part["status"]
    path.write_text(json.dumps(record))
    (graded / "class" / "Max Mustermann_99_assignsubmission_file_" / "hangs.ipynb").unlink()
    assert main([*words, "--out", str(out), "--regrade", "5b", "--json"]) == 1
    found = {row["key"]: row for row in json.loads(capsys.readouterr().out)}
    assert found["zipped"]["parts"]["5b"]["status"] == "passed"
    assert found["zipped"]["parts"]["5c"]["status"] == "failed"
    assert found["Max_Mustermann"]["status"] == "unreadable"
    assert not (out / "feedback" / "Max_Mustermann.html").exists()
    (tmp_path / "points.json").write_text('{"5b": 3}')
    status = main(
        [*words, "--out", str(out), "--regrade", "5b", "--points", str(tmp_path / "points.json")]
    )
    assert status == 2
    assert "graded with other settings" in capsys.readouterr().err


@pytest.mark.usefixtures("here")  # the run that goes on; the one that is killed has processes
def test_a_run_that_is_killed_goes_on(tmp_path, capsys):
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("a", "b", "c"):
        save(folder, CLUSTERING if name != "c" else HANGS, f"{name}{name}.ipynb")
    words = ["grade", str(folder), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "eigenlab", *words, "--part-seconds", "20"],
        stderr=subprocess.DEVNULL,
    )
    done = [tmp_path / "out/students" / f"{key}.json" for key in ("aa", "bb")]
    end = time.monotonic() + 60
    while not all(path.exists() for path in done) and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = [path.read_bytes() for path in done]
    assert not (tmp_path / "out/grades.csv").exists()
    save(folder, CLUSTERING, "cc.ipynb")
    assert main([*words, "--part-seconds", "20"]) == 0
    assert "2 submissions keep their results" in capsys.readouterr().err
    assert [path.read_bytes() for path in done] == before
    scores = {key: row["score"] for key, row in rows(tmp_path / "out/grades.csv").items()}
    assert scores == {"aa": "5", "bb": "5", "cc": "5"}


@pytest.mark.parametrize(
    ("name", "module", "packages"),
    [
        ("dask", "distributed", "'dask[distributed]'"),
        ("ray", "ray", "'ray'"),
        ("spark", "joblibspark", "'joblibspark' 'pyspark'"),
    ],
)
def test_a_backend_that_is_not_installed_is_named(
    call, tmp_path, monkeypatch, name, module, packages
):
    monkeypatch.setitem(sys.modules, module, None)
    if name == "dask":
        monkeypatch.setitem(sys.modules, "dask", None)
    (tmp_path / "class").mkdir()
    save(tmp_path / "class", CLUSTERING, "ada.ipynb")
    status, _, error = call("grade", "class", "--backend", name, "--jobs", "2")
    assert status == 2
    assert error.splitlines()[-1].endswith(f"pip install {packages}")
    status, _, error = call("grade", "class", "--backend", name)
    assert status == 2
    assert "expected at least 2 jobs" in error


def test_dask_grades_a_class(tmp_path):
    pytest.importorskip("distributed")
    (tmp_path / "class").mkdir()
    save(tmp_path / "class", CLUSTERING, "ada.ipynb")
    save(tmp_path / "class", WRONG, "bob.ipynb")
    found = batch.grade(tmp_path / "class", tmp_path / "out", jobs=2, backend="dask")
    assert [record["report"]["score"] for record in found.records] == [5, 4]


def test_a_process_of_the_grader_that_dies_costs_one_submission(tmp_path, monkeypatch):
    (tmp_path / "class").mkdir()
    for name in "abcd":
        save(tmp_path / "class", "no notebook", f"{name}.ipynb")
    grade_one = grading._grade_one

    def dies(task):
        if task.submission.key == "b":
            (task.state / "b.started").touch()
            os._exit(1)
        return grade_one(task)

    monkeypatch.setattr(grading, "_grade_one", dies)
    found = batch.grade(tmp_path / "class", tmp_path / "out")
    problems = {record["student"]["key"]: record["problem"] for record in found.unreadable}
    assert problems.pop("b") == grading.DIED
    assert {key: "is no notebook" in words for key, words in problems.items()} == dict.fromkeys(
        "acd", True
    )


def test_progress_is_reported_and_a_cancelled_run_keeps_what_is_done(tmp_path):
    (tmp_path / "class").mkdir()
    for name in "abc":
        save(tmp_path / "class", "no notebook", f"{name}.ipynb")
    seen = []

    class Watch(Reporter):
        def progress(self, done, total, message=""):
            seen.append((done, total))
            self.cancel()

    with pytest.raises(eigenlab.errors.Cancelled):
        batch.grade(tmp_path / "class", tmp_path / "out", reporter=Watch())
    assert len(seen) == 1
    assert len(list((tmp_path / "out/students").iterdir())) >= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "does not exist"),
        (["empty"], "has no submissions"),
        (["class", "--jobs", "0"], "at least 1"),
        (["class", "--backend", "slurm"], "slurm"),
        (["class", "--regrade", "9z"], "no such part"),
        (["class", "--problem", "9"], "is unknown"),
        (["class", "--part-seconds", "0"], "positive"),
        (["class", "--out", "class/results"], "in the folder of the submissions"),
        (["bad.zip"], "cannot be unpacked"),
    ],
)
def test_a_mistake_is_reported_in_one_line(call, tmp_path, words, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "class").mkdir()
    (tmp_path / "bad.zip").write_text("no zip")
    save(tmp_path / "class", CLUSTERING)
    status, out, err = call("grade", *words)
    assert (status, out) == (2, "")
    assert message in err.splitlines()[-1]
    assert not (tmp_path / "results" / "students").exists()


# Gradescope.


def run_autograder(root):
    """As Gradescope runs it: no environment, and files only below one folder."""
    source = str(Path(eigenlab.__file__).parents[1])
    environment = {
        "PATH": os.environ["PATH"],
        "AUTOGRADER": str(root),
        "AUTOGRADER_PYTHON": sys.executable,
        "PYTHONPATH": source,
    }
    command = [str(root / "run_autograder")]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return json.loads((root / "results/results.json").read_text())


def test_gradescopes_bundle_grades_a_submission(call, tmp_path):
    """https://gradescope-autograders.readthedocs.io/en/latest/specs/"""
    (tmp_path / "points.json").write_text('{"5b": 3, "5f": 0}')
    words = ["--problem", "5", "--points", "points.json", "--visibility", "after_published"]
    status, out, _ = call("course", "autograder", "--out", "bundle", *words)
    assert status == 0
    assert out.split()[-1] == "bundle/autograder.zip"
    root = tmp_path / "autograder"
    with zipfile.ZipFile(tmp_path / "bundle/autograder.zip") as archive:
        wheel = f"eigenlab-{eigenlab.__version__}-py3-none-any.whl"
        assert set(archive.namelist()) == {"setup.sh", "run_autograder", "config.json", wheel}
        archive.extractall(root / "source")
    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(root / "source" / name)], check=True)
    (root / "run_autograder").write_bytes((root / "source/run_autograder").read_bytes())
    (root / "run_autograder").chmod(0o755)  # Gradescope copies it there
    (root / "submission").mkdir()
    (root / "results").mkdir()
    save(root / "submission", WRONG, "homework.ipynb")
    results = run_autograder(root)
    assert results["score"] == 3
    assert [(t["number"], t["score"], t["max_score"]) for t in results["tests"]] == [
        ("5b", 0, 3), ("5c", 1, 1), ("5d", 1, 1), ("5g", 1, 1),
    ]  # fmt: skip
    assert results["visibility"] == "after_published"
    assert "confined by" in results["output"]
    save(root / "submission", "no notebook", "homework.ipynb")
    results = run_autograder(root)
    assert results["score"] == 0
    assert results["tests"][0]["max_score"] == 6
    assert results["output_format"] == "text"
    assert "could not be graded: homework.ipynb is no notebook" in results["output"]


def test_a_wheel_goes_into_the_bundle(call, tmp_path):
    (tmp_path / "eigenlab-1-py3-none-any.whl").write_bytes(b"wheel")
    words = ["--install", "eigenlab-1-py3-none-any.whl", "--out", "bundle"]
    assert call("course", "autograder", *words).status == 0
    assert (tmp_path / "bundle/eigenlab-1-py3-none-any.whl").read_bytes() == b"wheel"
    setup = (tmp_path / "bundle/setup.sh").read_text()
    assert 'pip" install --no-cache-dir "$root"/source/eigenlab-1-py3-none-any.whl' in setup
    assert call("course", "autograder", "--install", "no.whl", "--out", "b").status == 2
    assert call("course", "autograder", "--visibility", "shown", "--out", "b").status == 2


def test_what_is_installed_by_default_is_this_eigenlab(call, tmp_path):
    """No package index has to know this version."""
    assert call("course", "autograder", "--out", "bundle").status == 0
    (wheel,) = (tmp_path / "bundle").glob("*.whl")
    options = ["--quiet", "--no-deps", "--no-index", "--target", str(tmp_path / "installed")]
    command = [sys.executable, "-m", "pip", "install", *options, str(wheel)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No module named pip" in found.stderr:
        pytest.skip("there is no pip")
    assert found.returncode == 0, found.stderr
    installed, here = tmp_path / "installed/eigenlab", Path(eigenlab.__file__).parent

    def content(folder):
        return {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert content(installed) == content(here)
    (about,) = importlib.metadata.distributions(path=[str(tmp_path / "installed")])
    assert about.version == eigenlab.__version__
    assert any("torch" in requirement for requirement in about.requires)
    assert [entry.name for entry in about.entry_points] == ["eigenlab"]
    with zipfile.ZipFile(wheel) as archive:
        recorded = archive.read(f"eigenlab-{eigenlab.__version__}.dist-info/RECORD").decode()
        assert len(recorded.splitlines()) == len(archive.namelist())


def test_without_metadata_the_bundle_needs_to_be_told_what_to_install(call, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    status, _, error = call("course", "autograder", "--out", "bundle")
    assert status == 2
    assert "--install" in error
    assert call("course", "autograder", "--install", "eigenlab", "--out", "bundle").status == 0


def test_results_of_another_class_are_not_removed(call, tmp_path):
    for name, who in (("monday", "amy"), ("tuesday", "bob")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{who}.py").write_text(f"def get_degree_matrix(A):\n    return {who!r}")
    out = str(tmp_path / "results")
    assert call("grade", str(tmp_path / "monday"), "--out", out).status in (0, 1)
    shown = call("grade", str(tmp_path / "tuesday"), "--out", out)
    assert shown.status == 2
    assert "none of these" in shown.err
    assert (tmp_path / "results" / "students" / "amy.json").exists()
