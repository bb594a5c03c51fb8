"""What the checks of a file in confined processes say, and what is shared or separate."""

from __future__ import annotations

import subprocess
import sys

import pytest

from confined import attacked_alone, linux, run, works
from eigenlab.errors import InputError
from eigenlab.grading.isolation import Limits, check_source, describe


def test_a_right_solution_passes_and_the_layers_are_named(template):
    report = run(template, "")
    assert [outcome.status for outcome in report.outcomes] == ["passed", "passed"]
    assert "limits of resources" in report.layers
    assert report.results[0].sources["loss_fn"].startswith("def loss_fn")
    assert str(report).count("passed") == 2
    for layer in report.layers:
        assert layer in str(report)


def test_what_is_not_there_is_said_plainly():
    words = describe(["limits of resources"])
    assert "Not there on this system: another user, a file system of the allowed files" in words
    assert "Nothing kept it from reading the grader's files" in words
    everything = ["another user (1)", "file system of the allowed files", "namespaces (process)"]
    assert "Not there" not in describe([*everything, "Landlock (ABI 3)", "seccomp"])


def test_an_exception_in_the_file_is_told_and_what_stands_above_counts(template):
    report = run(template, "raise ValueError('no data')\ndef later(): pass", ["1c", "5b"])
    assert report.outcomes[0].status == "passed"
    assert report.outcomes[1].status == "missing"
    assert "get_adjacency_matrix is not defined" in report.results[1].hint
    assert "ValueError: no data" in report.results[1].hint


def test_a_file_that_is_no_python_is_told(template):
    report = run(template, "def f(:", ["1c"])
    assert report.outcomes[0].status == "missing"
    assert "SyntaxError" in report.results[0].hint


def test_other_names_are_found(template):
    report = run(template, "mse = loss_fn; del loss_fn", ["1c"], aliases={"loss_fn": "mse"})
    assert report.outcomes[0].status == "passed"


OURS = """
import torch, eigenlab.recurrent

class RNNLayer(eigenlab.recurrent.RNNLayer):
    def forward(self, x):
        outputs = super().forward(x)
        return outputs[0], outputs[1]

class RecurrentRegressionModel(torch.nn.Module): ...
"""


def test_a_subclass_of_our_class_passes_where_it_is_right(template):
    wrong = OURS.replace("outputs[0],", "outputs[0] + 1,")
    found = [check_source(text, ["1a"], template=template).results[0] for text in (OURS, wrong)]
    assert [result.passed for result in found] == [True, False], found


def test_parts_share_a_process_until_one_hangs(template):
    source = """
    count = 0
    print("executed")
    def loss_fn(pred, y, last_timestep_only=False):
        while True: pass
    """
    limits = Limits(cpu=0.3)
    parts = ["5d", "5d", "1c", "5d"]
    report = run(template, source, parts, limits, together=True)
    assert [outcome.status for outcome in report.outcomes] == ["passed", "passed", "hung", "passed"]
    assert [outcome.output.count("executed") for outcome in report.outcomes] == [1] * 4


def test_another_device_is_named(template):
    outcome = attacked_alone(template, "import torch; return torch.zeros((), device='meta')")
    assert "is a Tensor of dtype torch.float32, not numbers" in outcome.result.hint


def test_outputs_with_a_gradient_and_of_double_precision_pass(template):
    body = "return ((pred - y)[:, -last_timestep_only:].double() ** 2).mean()"
    assert attacked_alone(template, body).status == "passed"


def test_an_input_that_is_changed_in_place_is_told(template):
    source = """
    def get_degree_matrix(A):
        return A

    class RNNLayer(torch.nn.Module):
        def __init__(self, *a, nonlinearity=torch.tanh):
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(1))
        def forward(self, x):
            with torch.no_grad():
                x.zero_()
            return x, x[:, -1]
    """
    (outcome,) = run(template, source, ["1a"]).outcomes
    assert "changes its input in place" in outcome.result.hint


def test_every_process_draws_other_numbers_and_has_a_folder_of_its_own(template):
    body = "import numpy, os, random; return (numpy.random.rand(), random.random(), os.getcwd())"
    (first,), (second,) = works(template, body), works(template, body)
    assert not set(first.strip("()").split(", ")) & set(second.strip("()").split(", "))


@linux
def test_work_for_many_processes_is_done_in_one(template):
    """joblib would start processes, which is forbidden; it has a mode without them."""
    body = "import joblib; return joblib.Parallel(n_jobs=2)(map(joblib.delayed(abs), [-1, -2]))"
    assert works(template, body) == ["[1, 2]"]


def test_the_source_is_compiled_as_a_file_of_its_own(template):
    source = """
    def annotated(x: int) -> int:
        return x
    assert annotated.__annotations__ == {"x": int, "return": int}
    assert __name__ != "__main__"
    del loss_fn
    """
    (outcome,) = run(template, source, ["1c"]).outcomes
    assert outcome.result.hint == "loss_fn is not defined."


@pytest.mark.parametrize(
    "source",
    [
        "loss_fn = torch.compile(loss_fn)",
        "loss_fn = torch.compile(lambda *a, f=loss_fn, **k: f(*a, **k), mode='max-autotune')",
        "@torch.compile\ndef loss_fn(*a, f=loss_fn, **k): return f(*a, **k)",
        "@torch.compile(fullgraph=True)\ndef loss_fn(*a, f=loss_fn, **k): return f(*a, **k)",
        "from torch import compile\nloss_fn = compile(loss_fn)",
    ],
)
def test_what_is_to_be_compiled_is_run_as_it_is(template, source):
    (outcome,) = run(template, source, ["1c"]).outcomes
    assert outcome.status == "passed", outcome


def test_a_part_that_is_not_there_is_refused(template):
    with pytest.raises(InputError, match="no such part"):
        check_source("", ["9z"], template=template)


def test_checks_in_this_process_need_nothing_of_unix():
    missing = "import sys\nfor name in ('resource', 'fcntl', 'pwd'): sys.modules[name] = None\n"
    code = missing + "import eigenlab.grading"
    subprocess.run([sys.executable, "-c", code], check=True)
