"""``eigenlab check``."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from eigenlab.grading.isolation import Limits, Template, check_source
from student_files import CLUSTERING, RECURRENT, save

WRONG = [
    *CLUSTERING[:2],
    "def get_adjacency_matrix(gamma, X):\n"
    "    # <script>alert('x')</script> & more\n"
    "    return np.exp(gamma * ((X[:, None] - X[None]) ** 2).sum(-1))",
    *CLUSTERING[3:],
]


@pytest.fixture(scope="module")
def template():
    with Template() as found:
        yield found


@pytest.fixture(autouse=True)
def one_template(template, monkeypatch):
    """All calls copy the same process; a call of its own would start another one for seconds."""

    def shared(source, parts, **options):
        return check_source(source, parts, **{**options, "template": template})

    monkeypatch.setattr("eigenlab.grading.file_check.check_source", shared)


def test_a_right_file_passes_in_a_process_of_its_own(call, tmp_path):
    save(tmp_path, RECURRENT)
    status, out, err = call("check", "homework.ipynb")
    assert (status, err) == (0, "")
    assert "homework.ipynb: problem 1, 5 of 5 points, 5 of 5 parts passed" in out
    assert "✓ 1a RNNLayer: passed, max error" in out
    assert "○ 1h-lstm LSTM: left out" in out
    assert "run: classes: RNNLayer, RecurrentRegressionModel" in out
    assert "The code ran in its own process, confined by: " in out
    assert "limits of resources" in out
    assert "left out: 8 lines for the shell or IPython" in out
    assert "x torch.Size" not in out  # what forward prints


def test_a_wrong_part_is_told_and_written_to_every_file(call, tmp_path):
    save(tmp_path, WRONG)
    words = ("--html", "report.html", "--gradescope", "results.json", "--json")
    status, out, _ = call("check", "homework.ipynb", *words)
    assert status == 1
    found = json.loads(out)
    parts = {part["part"]: part for part in found["parts"]}
    assert (found["score"], found["max_score"], found["passed"]) == (4, 5, False)
    assert "the sign of the exponent" in parts["5b"]["hint"]
    assert (parts["5b"]["status"], parts["5c"]["status"]) == ("failed", "passed")
    assert parts["5g-labels"]["status"] == "left out"
    _page_is_complete((tmp_path / "report.html").read_text(encoding="utf-8"))
    results = json.loads((tmp_path / "results.json").read_text())
    _is_documented(results)
    assert results["score"] == 4
    assert [test["number"] for test in results["tests"]] == ["5b", "5c", "5d", "5f", "5g"]
    assert "the sign of the exponent" in results["tests"][0]["output"]
    assert "5g-labels labels of the course's points is left out" in results["output"]
    # The default at the top level is simple_format, in which `a < b` would be a tag.
    assert results["output_format"] == "text"
    assert all("output_format" not in test for test in results["tests"])  # text by default


def _page_is_complete(page):
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more" in page
    assert "the sign of the exponent" in page
    assert "prefers-color-scheme: dark" in page
    assert "4 of 5 points" in page
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?://(?!example\.org)""", page)
    open_tags = []

    class Balanced(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag):
            assert open_tags.pop() == tag

    Balanced().feed(page)
    assert open_tags == []


#: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
VISIBILITY = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
RESULT = {
    "score": float,
    "execution_time": float,
    "output": str,
    "output_format": FORMATS,
    "test_output_format": FORMATS,
    "test_name_format": FORMATS,
    "visibility": VISIBILITY,
    "stdout_visibility": VISIBILITY,
    "extra_data": dict,
    "tests": list,
    "leaderboard": list,
}
TEST = {
    "score": float,
    "max_score": float,
    "status": {"passed", "failed"},
    "name": str,
    "name_format": FORMATS,
    "number": str,
    "output": str,
    "output_format": FORMATS,
    "tags": list,
    "visibility": VISIBILITY,
    "extra_data": dict,
}


def _is_documented(results):
    for item, fields in [(results, RESULT), *((test, TEST) for test in results["tests"])]:
        for name, value in item.items():
            kind = fields[name]
            assert value in kind if isinstance(kind, set) else isinstance(value, kind)
    assert results["score"] == sum(test["score"] for test in results["tests"])
    for test in results["tests"]:
        assert test["status"] == ("passed" if test["score"] == test["max_score"] else "failed")
        assert all(isinstance(tag, str) for tag in test["tags"])


def test_a_part_that_hangs_is_told_everywhere(call, tmp_path, monkeypatch):
    monkeypatch.setattr(Limits, "of_parts", lambda **_: Limits(cpu=0.5))
    hangs = "def get_degree_matrix(A):\n    print('round')\n    while True: pass"
    save(tmp_path, [*CLUSTERING[:3], hangs])
    words = ("--html", "report.html", "--gradescope", "results.json", "--json")
    status, out, _ = call("check", "homework.ipynb", *words)
    assert status == 1
    found = json.loads(out)
    part = next(part for part in found["parts"] if part["part"] == "5c")
    assert (part["status"], part["output"]) == ("hung", "round\n")
    assert part["hint"] == "the check of this part hung: it took more than 0.5 s of processor time."
    assert "limits of resources" in found["layers"]
    results = json.loads((tmp_path / "results.json").read_text())
    _is_documented(results)
    assert results["tests"][1]["tags"] == ["problem 5", "hung"]
    assert "limits of resources" in results["output"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "✗ hung" in page
    assert "limits of resources" in page


def test_points_aliases_and_visibility(call, tmp_path):
    save(tmp_path, [cell.replace("get_degree_matrix", "Degrees") for cell in CLUSTERING])
    (tmp_path / "points.json").write_text('{"5c": 3, "5f": 0}')
    (tmp_path / "aliases.json").write_text('{"get_degree_matrix": ["nothing", "Degrees"]}')
    words = ["--points", "points.json", "--gradescope", "results.json"]
    words += ["--visibility", "after_due_date"]
    found = call("check", "homework.ipynb", *words)
    assert found.status == 1
    assert "get_degree_matrix is not defined in this file" in found.out
    for alias in (["--alias", "get_degree_matrix=Degrees"], ["--aliases", "aliases.json"]):
        found = call("check", "homework.ipynb", *words, *alias)
        assert found.status == 0
        assert "6 of 6 points, 4 of 4 parts passed" in found.out
        assert "Degrees is checked as get_degree_matrix." in found.out
    results = json.loads((tmp_path / "results.json").read_text())
    _is_documented(results)
    assert {item["visibility"] for item in [results, *results["tests"]]} == {"after_due_date"}


def test_code_that_ends_the_process_fails_and_the_file_is_reported(call, tmp_path):
    end = "def get_degree_matrix(A):\n    import os\n    os._exit(0)"
    save(tmp_path, [*CLUSTERING[:3], end])
    status, out, _ = call("check", "homework.ipynb")
    assert status == 1
    assert "✓ 5b" in out
    assert "✗ 5c get_degree_matrix: died\n    the check of this part died: it ended itself" in out
    assert "✗ 5d get_normalized_matrix: missing" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check"], "requires an argument"),
        (["check", "nowhere.ipynb"], "nowhere.ipynb cannot be read"),
        (["check", "empty.py"], "empty.py is empty"),
        (["check", "homework.ipynb", "--problem", "linear"], "has no code to check"),
        (["check", "homework.ipynb", "--alias", "RNNLayer"], "expected NAME=YOURS"),
        (["check", "homework.ipynb", "--alias", "RNNLayr=A"], "did you mean 'RNNLayer'?"),
        (["check", "homework.ipynb", "--points", "nowhere.json"], "cannot be read as JSON"),
        (["check", "homework.ipynb", "--points", "list.json"], "expected a JSON object"),
        (["check", "homework.ipynb", "--points", "wrong.json"], "no such part"),
        (["check", "homework.ipynb", "--aliases", "alias.json"], "is not a name"),
        (["check", "homework.ipynb", "--html", "homework.ipynb"], "read or written already"),
        (["check", "homework.ipynb", "--html", "a", "--gradescope", "a"], "written already"),
        (["check", "homework.ipynb", "--html", "no/a.html"], "a folder that exists"),
        (["check", "homework.ipynb", "--visibility", "shown"], "expected visible, hidden"),
    ],
)
def test_a_mistake_is_reported_in_one_line_before_anything_is_run(call, tmp_path, words, message):
    save(tmp_path, CLUSTERING)
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "wrong.json").write_text('{"5z": 1}')
    (tmp_path / "alias.json").write_text('{"RNNLayer": 3}')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    status, out, err = call(*words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
