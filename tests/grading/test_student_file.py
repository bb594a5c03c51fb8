"""A student's file is graded as it is: what only defines something is run, and nothing else."""

from __future__ import annotations

import json
import sys

import pytest

from eigenlab.course import build_notebooks, masters
from eigenlab.errors import InputError
from eigenlab.grading import PARTS, check
from eigenlab.grading.file_check import check_file
from eigenlab.grading.isolation import Outcome, Report
from eigenlab.grading.student_file import read_student_file
from student_files import (
    AUTOENCODERS,
    CLUSTERING,
    NAMES,
    RECURRENT,
    exported,
    notebook,
    old_notebook,
    save,
)


def run_here(source, parts):
    """Run a student's code in this process, which is fast."""
    namespace = {"__name__": "__student__"}
    exec(compile(source, "<student>", "exec"), namespace)
    results = [check(part, *map(namespace.get, PARTS[part].names)) for part in parts]
    return Report([Outcome("passed" if r else "failed", r) for r in results], ())


def checked(path, **options):
    return check_file(path, run=run_here, **options)


def statuses(report):
    return {part.part: part.status for part in report.parts}


def hints(report):
    return {part.part: part.hint for part in report.parts}


def values(path, *names, **options):
    """What names stand for after the file has been run."""
    namespace = {"__name__": "__student__"}
    exec(read_student_file(path, **options).program({}), namespace)
    return [namespace.get(name) for name in names]


OPTIONAL = {"1h-lstm", "1h-lstm-layer", "1h-rnn", "5g-labels"}


@pytest.mark.parametrize(
    ("cells", "problem"), [(RECURRENT, "1"), (NAMES, "2"), (AUTOENCODERS, "3"), (CLUSTERING, "5")]
)
@pytest.mark.parametrize("form", ["notebook", "nbformat 3", "script", "BOM", "CRLF", "UTF-16"])
def test_a_file_written_for_colab_passes_as_it_is(tmp_path, cells, problem, form):
    if form in ("notebook", "nbformat 3"):
        path = save(tmp_path, cells if form == "notebook" else old_notebook(cells))
    elif form == "script":
        path = save(tmp_path, exported(cells), "homework.py")
    elif form == "BOM":
        path = save(tmp_path, b"\xef\xbb\xbf" + json.dumps(notebook(cells)).encode())
    elif form == "CRLF":
        path = save(tmp_path, [cell.replace("\n", "\r\n") for cell in cells])
    else:
        path = save(tmp_path, exported(cells).encode("utf-16"), "homework.py")
    report = checked(path)
    assert report.problems == [problem]
    assert report.passed, hints(report)
    left = {part for part, status in statuses(report).items() if status == "left out"}
    assert left == OPTIONAL & set(statuses(report))


def test_megabytes_of_outputs_are_not_read(tmp_path):
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 2**20}}
    path = save(tmp_path, CLUSTERING, outputs=[picture])
    assert path.stat().st_size > 5 * 2**20
    assert checked(path).passed


def test_what_is_run_and_what_is_not_is_said(tmp_path):
    report = checked(save(tmp_path, RECURRENT))
    assert "classes: RNNLayer, RecurrentRegressionModel" in report.taken
    assert "constants: device, HIDDEN, activations" in report.taken
    counts = {reason.split(",")[0]: len(found) for reason, found in report.left_out.items()}
    assert counts == {
        "lines for the shell or IPython": 8,
        "cells in another language": 1,
        "statements that compute or print": 6,
    }
    assert "RNNLayer is defined 2 times; the last one counts (code cell 6, line 1)." in report.notes
    absent = next(note for note in report.notes if note.startswith("Not installed"))
    assert "google.colab" in absent


def test_an_import_that_is_not_installed_fails_where_it_is_used(tmp_path):
    cells = [
        "from no_such_module.ops import spmm as product, other\nimport no_such_module.deep as deep",
        "import numpy as np",
        "@product.decorated\ndef unused(): ...",
        "def get_adjacency_matrix(gamma, X: deep.Array):\n    return product(X)",
        "def get_degree_matrix(A, default=deep.sub.module):\n    return np.diag(A.sum(1))",
        "class Late(deep.Base):\n    pass",
        "def get_normalized_matrix(A):\n    return Late()(A)",
        "def stochastic_matrix_converter(M):\n    import no_such_module\n    return M",
    ]
    report = checked(save(tmp_path, cells))
    assert statuses(report)["5c"] == "passed"
    for part in ("5b", "5d", "5g"):
        assert statuses(report)[part] == "failed"
        assert "No module named 'no_such_module'" in hints(report)[part]
    assert "code cell 4, line 2" in hints(report)["5b"]
    assert any("Not installed here: no_such_module" in note for note in report.notes)


def test_a_definition_that_cannot_be_run_says_why_where_it_is_used(tmp_path):
    cells = [
        "import numpy as np",
        "data = load()",
        "def get_degree_matrix(A, n=data):\n    return np.diag(A.sum(1))",
        "scale = compute()",
        "def get_adjacency_matrix(gamma, X):\n    return scale * X",
    ]
    report = checked(save(tmp_path, cells))
    assert "get_degree_matrix could not be defined (code cell 3, line 1)" in hints(report)["5c"]
    assert "scale is set in code cell 4, line 1, which is not run" in hints(report)["5b"]


def test_a_cell_with_a_syntax_error_costs_that_cell_only(tmp_path):
    cells = [*CLUSTERING[:5], "def get_normalized_matrix(A):\n    return A @", *CLUSTERING[6:]]
    report = checked(save(tmp_path, cells))
    assert [part for part, status in statuses(report).items() if status == "missing"] == ["5d"]
    assert "code cell 6, line 2, in a cell with a syntax error" in hints(report)["5d"]
    assert report.syntax_errors == ["code cell 6, line 2: invalid syntax: return A @"]


def test_a_later_definition_that_is_not_run_is_told(tmp_path):
    cells = [
        *CLUSTERING,
        "def get_degree_matrix(A:\n    return A",
        "%%writefile solution.py\ndef cluster_data(M):\n    return 1",
        "del get_normalized_matrix",
    ]
    report = checked(save(tmp_path, cells))
    assert report.passed
    told = [note for note in report.notes if "set or changed again" in note]
    assert [note.split()[0] for note in told] == [
        "get_degree_matrix",
        "cluster_data",
        "get_normalized_matrix",
    ]


def test_a_constant_that_training_changes_is_told(tmp_path):
    cells = [
        "scale, unused = 1.0, 2.0\ntable = [1]",
        "def get_degree_matrix(A):\n    return scale * A * table[0]",
        "for _ in range(3):\n    scale, unused = step()\ntable.append(step())",
    ]
    told = [n.split()[0] for n in checked(save(tmp_path, cells)).notes if "changed again" in n]
    assert sorted(told) == ["scale", "table"]


@pytest.mark.parametrize(
    ("statement", "is_run"),
    [
        ("x = 3 * (2 + 1) ** 2", True),
        ("x: int = -4", True),
        ("x = y = [1, *range(3)]", True),
        ("a, (b, x) = 1, (2, 3)", True),
        ("x = {c: i for i, c in enumerate('abc') if c != 'b'}", True),
        ("x = torch.tensor([[1.0, 2.0]], device='cuda').float()", True),
        ("x = torch.tensor([1.0], device=0).to(0)", True),
        ("x = torch.zeros(2).to(device=0) + torch.zeros(2, device=torch.device(0))", True),
        ("x = torch.ones(2).to(torch.float64)", True),
        ("with torch.no_grad():\n    x = []", True),
        ("with torch.no_grad():\n    x = [1]\n    x.append(2)", True),
        ("with torch.inference_mode(), np.errstate(all='ignore'):\n    x = np.zeros(3)", True),
        ("import re\nx = re.compile('a+')", True),
        ("x = torch.compile(lambda a: a)", True),
        ("with torch.no_grad():\n    x = train()", False),
        ("with torch.no_grad() as x:\n    pass", False),
        ("def no_grad(): 1\nwith no_grad():\n    x = 1", False),
        ("x = compile('1', 'a', 'eval')", False),
        ("x = nn.Tanh()", True),
        ("x = torch.Generator().manual_seed(3)", True),
        ("x = np.linspace(0, 1, 5)[1:]", True),
        ("x = lambda v: train(v)", True),
        ("x = 'a b'.split()", True),
        ("x = f'{3}'", True),
        ("x = 1 if torch.cuda.is_available() else 2", True),
        ("try:\n    import google.colab\n    x = 1\nexcept ImportError:\n    x = 2", True),
        ("try:\n    x = 1\nexcept Exception:\n    print('no', 3)", True),
        ("if torch.cuda.is_available():\n    x = 1\nelse:\n    x = 2", True),
        ("x = {}\nfor i in range(3):\n    x[i] = i", True),
        ("x = []\nx.append(2)", True),
        ("if False:\n    x = 1", False),
        ("if __name__ == '__main__':\n    x = 1", False),
        ("x = train()", False),
        ("x = unknown", False),
        ("x = torch.load('x.pt')", False),
        ("x = torch.hub.load('a', 'b')", False),
        ("x = np.loadtxt('x.txt')", False),
        ("x = open('file').read()", False),
        ("x = input()", False),
        ("x = eval('3')", False),
        ("x = exec", False),
        ("x = __import__('os').system('ls')", False),
        ("import os\nx = os.system('ls')", False),
        ("import pathlib\nx = pathlib.Path('a').write_text('b')", False),
        ("from torch import load\nx = load('a')", False),
        ("from torch.hub import load_state_dict_from_url as f\nx = f('a')", False),
        ("np = train()\nx = np.zeros(3)", True),
        ("def torch_like(): 1\nx = torch_like()", False),
        ("while True:\n    x = 1", False),
        ("with open('a') as x:\n    pass", False),
        ("print(x := 3)", False),
    ],
)
def test_only_constants_that_follow_from_literals_are_run(tmp_path, statement, is_run):
    start = "import numpy as np\nimport torch\nfrom torch import nn\n"
    path = save(tmp_path, [start + statement])
    assert ("x" in read_student_file(path).definitions) is is_run
    assert (values(path, "x")[0] is not None) is is_run


@pytest.mark.parametrize(
    "statement",
    [
        "x = torch.ones(2, device=0)",
        "x = torch.ones(2).to(0)",
        "x = torch.ones(2).to(device=1)",
        "x = torch.ones(2, device=torch.device(0))",
    ],
)
def test_a_gpu_may_be_named_by_its_number(tmp_path, statement):
    (x,) = values(save(tmp_path, [f"import torch\n{statement}"]), "x")
    assert x.tolist() == [1.0, 1.0]


def test_methods_and_items_that_are_set_later_count(tmp_path):
    cells = [
        "class A:\n    pass",
        "def f(self):\n    return 4\nA.f = f",
        "class A(A):\n    def g(self):\n        return self.f() + 1",
    ]
    (A,) = values(save(tmp_path, cells), "A")
    assert A().g() == 5


def test_execute_runs_the_rest_and_goes_on_after_an_error(tmp_path):
    cells = [
        "from google.colab import drive\ndrive.mount('/content')",
        "raise SystemExit",
        "x = sum(i for i in map(int, '123'))",
        "y = x / 0",
        "z = [x]\nz[0] += 1",
    ]
    path = save(tmp_path, cells)
    assert values(path, "x") == [None]
    x, z = values(path, "x", "z", execute=True)
    assert (x, z) == (6, [7])


def test_labels_are_checked_with_execute_only(tmp_path):
    from eigenlab.graphs import stretched_blobs

    truth = stretched_blobs()[1].tolist()
    path = save(tmp_path, [CLUSTERING[0], CLUSTERING[4], f"labels = {truth}"])
    by_default = checked(path)
    assert statuses(by_default)["5g-labels"] == "left out"
    assert "--execute" in hints(by_default)["5g-labels"]
    assert statuses(checked(path, execute=True))["5g-labels"] == "passed"


@pytest.mark.parametrize(
    ("given", "number"),
    [("1", "1"), ("recurrent", "1"), ("names", "2"), ("Autoencoders", "3"), ("clustering", "5")],
)
def test_the_problem_may_be_given_by_number_or_name(tmp_path, given, number):
    path = save(tmp_path, CLUSTERING)
    assert checked(path, problem=given).problems == [number]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("translation", "has no code to check"),
        ("linear", "has no code to check"),
        ("4", "has no code to check"),
        ("clusterin", "did you mean 'clustering'?"),
        ("6", "is unknown"),
    ],
)
def test_a_problem_that_cannot_be_checked_is_named(tmp_path, given, words):
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        checked(save(tmp_path, CLUSTERING), problem=given)


BROKEN = [
    "def broken(:\n    return 1",
    "def broken():",
    "broken = [1,\n    2",
    "@decorated\ndef broken(x):\n    if x:\n    return 1",
    "if broken:\n    x = 1\nelse\n    x = 2",
    "broken = 'text",
    "return broken",
    "print broken",
    'def broken(x):\n    """A text."""\n    return x x',
]


@pytest.mark.parametrize("broken", BROKEN)
def test_in_a_script_a_syntax_error_costs_its_statement_only(tmp_path, broken):
    """Colab exports a notebook as a script without marks between cells."""
    kept = [cell for cell in CLUSTERING if "accuracy" not in cell]
    for number in (3, len(kept)):
        script = exported([*kept[:number], broken, *kept[number:]])
        report = checked(save(tmp_path, script, "homework.py"))
        assert report.passed, hints(report)
        assert len(report.syntax_errors) == 1
    cells = [*kept[:3], "def get_degree_matrix(A):\n    return A x", *kept[5:]]
    report = checked(save(tmp_path, exported(cells), "homework.py"))
    assert statuses(report)["5c"] == "missing"
    assert "in a statement with a syntax error, which is not run" in hints(report)["5c"]
    assert statuses(report)["5b"] == "passed"


def test_text_that_is_not_closed_costs_the_whole_script(tmp_path):
    """What follows would be read the wrong way round: code as text, and text as code."""
    text = 'def helper():\n    """Not closed.\n    return 1\n\ndef more():\n    """Closed."""\n'
    script = "\n\n".join([*CLUSTERING[:4], text, *CLUSTERING[4:]])
    path = save(tmp_path, script, "homework.py")
    file = read_student_file(path)
    assert file.syntax_errors
    assert not file.taken("class", "function")


def test_the_problem_is_told_by_the_metadata_first(tmp_path):
    path = save(tmp_path, CLUSTERING, metadata={"eigenlab": {"problem": "3"}})
    assert checked(path).problems == ["3"]


def test_a_file_of_several_problems_is_checked_for_all(tmp_path):
    report = checked(save(tmp_path, [*RECURRENT, *CLUSTERING]))
    assert report.problems == ["1", "5"]
    assert report.passed, hints(report)


def test_names_that_every_file_may_have_do_not_tell_the_problem(tmp_path):
    """Problem 5's file has a function `accuracy`, problem 2's a class `LSTM` of its own."""
    assert checked(save(tmp_path, CLUSTERING)).problems == ["5"]
    assert checked(save(tmp_path, NAMES)).problems == ["2"]
    assert checked(save(tmp_path, ["def loss_fn(a, b, c=False):\n    return a"])).problems == ["1"]


def test_a_misspelt_name_is_a_failed_part_with_a_suggestion(tmp_path):
    cells = [cell.replace("RNNLayer", "RnnLayer") for cell in RECURRENT]
    report = checked(save(tmp_path, cells))
    assert statuses(report)["1a"] == "missing"
    assert "the file has RnnLayer. If that is it, rename it or add --alias" in hints(report)["1a"]
    taken = checked(save(tmp_path, cells), aliases={"RNNLayer": ["MyRNN", "RnnLayer"]})
    assert taken.passed
    assert "RnnLayer is checked as RNNLayer." in taken.notes


def test_a_name_that_is_imported_is_no_solution(tmp_path):
    cells = [
        "from eigenlab.recurrent import RNNLayer\nfrom torch.nn import RNN, LSTM",
        "def loss_fn(p, y, last_timestep_only=False):\n    return 0",
        "class LSTMLayer: ...",
    ]
    report = checked(save(tmp_path, cells), problem="1")
    for part in ("1a", "1h-rnn", "1h-lstm"):
        assert statuses(report)[part] == "missing"
        assert "is imported" in hints(report)[part]


def test_an_edition_without_lstm_classes_is_no_failure_but_a_missing_one_is(tmp_path):
    without = checked(save(tmp_path, RECURRENT))
    assert statuses(without)["1h-lstm"] == "left out"
    cells = [*RECURRENT, "class LSTMLayer(nn.Module):\n    pass"]
    one = statuses(checked(save(tmp_path, cells)))
    found = [one[part] for part in ("1h-lstm-layer", "1h-lstm", "1h-rnn")]
    assert found == ["failed", "missing", "missing"]


OWN = {"eigenlab": {"problem": "1", "version": "0.1.0"}}


@pytest.mark.parametrize(
    ("metadata", "points"), [(OWN, {}), ({}, dict.fromkeys(OPTIONAL - {"5g-labels"}, 2))]
)
def test_leaving_out_a_task_that_was_set_costs_its_points(tmp_path, metadata, points):
    """RECURRENT has no LSTM; eigenlab's notebook asks for one, and so do points for it."""
    report = checked(save(tmp_path, RECURRENT, metadata=metadata), points=points)
    found = {statuses(report)[part] for part in OPTIONAL - {"5g-labels"}}
    assert found == {"missing"}
    assert (report.score, report.max_score) == (5, 11 if points else 8)
    assert not report.passed


def test_labels_are_asked_for_only_where_the_file_is_executed(tmp_path):
    metadata = {"eigenlab": {"problem": "5"}}
    path = save(tmp_path, [*CLUSTERING[:1], *CLUSTERING[2:3]], metadata=metadata)
    assert statuses(checked(path, points={"5g-labels": 1}))["5g-labels"] == "left out"
    report = checked(path, execute=True)
    assert statuses(report)["5g-labels"] == "missing"
    path = save(tmp_path, [*CLUSTERING[:1], *CLUSTERING[2:3]])
    assert statuses(checked(path, execute=True))["5g-labels"] == "left out"
    assert statuses(checked(path, execute=True, points={"5g-labels": 2}))["5g-labels"] == "missing"


def test_a_part_of_no_points_is_left_out(tmp_path):
    cells = [cell for cell in CLUSTERING if "cluster_data(M)" not in cell]
    path = save(tmp_path, cells)
    assert not checked(path).passed
    report = checked(path, points={"5f": 0, "5b": 2.5})
    assert report.passed
    assert (report.score, report.max_score) == (5.5, 5.5)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ({"5x": 1}, "no such part"),
        ({"5b": -1}, "at least 0"),
        ({"5b": True}, "at least 0"),
        ({"5b": "2"}, "at least 0"),
        ({"5b": float("nan")}, "at least 0"),
    ],
)
def test_points_that_are_none_are_refused(tmp_path, points, words):
    with pytest.raises(InputError, match=words):
        checked(save(tmp_path, CLUSTERING), points=points)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "a.ipynb", "is empty"),
        (b" \n", "a.py", "is empty"),
        ("{}", "a.ipynb", "is no notebook"),
        ('{"cells": [{"cell_type"', "a.ipynb", "is no notebook"),
        ('{"cells": [3]}', "a.ipynb", "among its cells"),
        ('{"cells": 3}', "a.ipynb", "among its cells"),
        ('{"worksheets": [[]]}', "a.ipynb", "among its cells"),
        ("<html>", "a.ipynb", "is no notebook"),
        ("import torch", "a.txt", "is no notebook"),
        (b"PK\x03\x04\xff", "a.ipynb", "is no text"),
        (b"# coding: no-such\n", "a.py", "save it as UTF-8"),
        ([], "a.ipynb", "nothing of the course: it defines no class"),
        (["class Net: ...\ndef fit(): ..."], "a.ipynb", "it defines Net, fit"),
        (["def f(:"], "a.ipynb", "code cell 1, line 1: invalid syntax"),
        ("x = 3", "a.py", "nothing of the course"),
    ],
)
def test_a_file_that_cannot_be_checked_is_refused(tmp_path, content, name, words):
    with pytest.raises(InputError, match=words):
        checked(save(tmp_path, content, name))


def test_a_notebook_in_another_language_is_refused(tmp_path):
    path = save(tmp_path, ["x <- 3"], metadata={"kernelspec": {"language": "R"}})
    with pytest.raises(InputError, match="a notebook in R; expected Python"):
        checked(path)


def test_what_is_not_there_or_a_folder_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nothing.py"):
        with pytest.raises(InputError, match="cannot be read"):
            checked(path)


def test_lines_of_a_script_have_their_numbers_in_hints_and_errors(tmp_path):
    text = (
        "# %% [markdown]\n# Text\n\n# %%\nimport numpy as np\n\n# %%\ndef broken(:\n\n# In[3]:\n"
        "def get_degree_matrix(A):\n    return A.no_such_method()\n"
    )
    report = checked(save(tmp_path, text, "homework.py"))
    assert report.syntax_errors == ["homework.py, line 8: invalid syntax: def broken(:"]
    assert "line 12: return A.no_such_method()" in hints(report)["5c"]


def test_the_code_shown_is_the_definition_that_was_checked(tmp_path):
    cells = ["def get_degree_matrix(A):\n    return A", "x = 1\n\n" + CLUSTERING[4]]
    report = checked(save(tmp_path, cells))
    shown = next(part.code for part in report.parts if part.part == "5c")
    assert shown == {"get_degree_matrix": CLUSTERING[4]}


def test_hints_are_short_and_printable(tmp_path):
    cells = ["def get_degree_matrix(A):\n    raise ValueError('\\x1b[2J\\ud800' + 'a' * 10**6)"]
    hint = hints(checked(save(tmp_path, cells)))["5c"]
    assert len(hint) < 3000
    assert "\x1b" not in hint
    hint.encode()


def test_a_cell_with_half_a_character_is_read(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(notebook([*CLUSTERING, "%%html\n\ud83d", "name = '\ud83d'"])))
    report = checked(path)
    assert report.passed
    json.dumps(report.as_dict(), ensure_ascii=False).encode()


def test_files_are_only_read(tmp_path):
    path = save(tmp_path, RECURRENT)
    before = path.read_bytes(), set(sys.modules) >= {"wandb"}
    read_student_file(path)
    assert (path.read_bytes(), set(sys.modules) >= {"wandb"}) == before


@pytest.mark.parametrize("problem", ["1", "2", "3", "5"])
def test_the_courses_own_notebooks_pass_with_solutions_and_fail_without(tmp_path, problem):
    student, solution = map(dict, build_notebooks(masters()[problem]))
    with_solutions = checked(save(tmp_path, solution))
    assert with_solutions.problems == [problem]
    assert with_solutions.passed, hints(with_solutions)
    without = checked(save(tmp_path, student))
    found = [part for part in without.parts if part.status != "left out"]
    assert found
    for part in found:
        assert part.status == "failed"
        assert "still has to be written" in part.hint
