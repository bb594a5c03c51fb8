"""What hostile or broken code may try, and that it does not pass, hang, harm or learn anything.

Each source defines ``loss_fn``, part 1c, whose right solution is in :data:`RIGHT`; the other part
that is checked beside it shows that an attack costs its own part only.
"""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.grading import check
from eigenlab.grading.isolation import Limits, Template, check_source, describe
from eigenlab.grading.isolation.inside import seccomp, wire

RIGHT = """
import torch

def loss_fn(pred, y, last_timestep_only=False):
    if last_timestep_only:
        pred, y = pred[:, -1], y[:, -1]
    return ((pred - y) ** 2).mean()

def get_normalized_matrix(A):
    d = A.sum(axis=1)
    return A / (d[:, None] * d) ** 0.5
"""
SHORT = Limits(wall=4, cpu=3, memory=1 << 30)
linux = pytest.mark.skipif(sys.platform != "linux", reason="a layer of Linux")


@pytest.fixture(scope="module")
def template():
    with Template() as found:
        yield found


def run(template, source, parts=("1c", "5d"), limits=SHORT, **options):
    text = RIGHT + textwrap.dedent(source)
    return check_source(text, list(parts), limits=limits, template=template, **options)


def attacked(template, body, **options):
    """The outcome of 1c whose body is ``body``; 5d beside it passes."""
    source = "def loss_fn(pred, y, last_timestep_only=False):\n" + textwrap.indent(
        textwrap.dedent(body), "    "
    )
    report = run(template, source, **options)
    assert report.outcomes[1].status == "passed", report
    return report.outcomes[0]


def works(template, body):
    """What code that returns a text says, by raising it."""
    source = f"""
def loss_fn(pred, y, last_timestep_only=False):
    def f():
{textwrap.indent(textwrap.dedent(body), "        ")}
    try:
        found = f()
    except BaseException as error:
        found = f"{{type(error).__name__}}"
    raise RuntimeError(f"<{{found}}>")
"""
    (outcome,) = run(template, source, ["1c"], Limits(wall=20, memory=1 << 30)).outcomes
    assert outcome.status == "failed", outcome
    return outcome.result.hint.partition("<")[2].partition(">")[0]


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


# Endless, large, and gone.


def test_a_million_lines_do_not_fill_memory_and_the_last_are_shown(template):
    outcome = attacked(
        template,
        """
        for i in range(1_000_000 if not last_timestep_only else 0):
            print(i)
        raise ValueError
        """,
        limits=Limits(wall=30),
    )
    assert outcome.status == "failed"
    assert outcome.output.rstrip().endswith("999999")
    assert len(outcome.output) < 20_000
    assert "bytes were printed" in outcome.output


def test_a_loop_without_end_costs_its_part_only(template):
    outcome = attacked(template, "while True: pass", limits=Limits(wall=1.5, cpu=60))
    assert outcome.status == "hung"
    assert "longer than 1.5 s" in outcome.result.hint


def test_sleeping_costs_its_part_only(template):
    outcome = attacked(template, "import time; time.sleep(1e6)", limits=Limits(wall=1.5))
    assert outcome.status == "hung"


def test_processor_time_is_limited(template):
    outcome = attacked(template, "while True: pass", limits=Limits(wall=30, cpu=1))
    assert outcome.status == "died"
    assert "more than 1 s of processor time" in outcome.result.hint


def test_a_file_that_hangs_is_executed_once(template):
    start = time.monotonic()
    report = run(template, "while True: pass", limits=Limits(wall=1.5))
    assert [outcome.status for outcome in report.outcomes] == ["hung", "hung"]
    assert "while the file was executed" in report.results[1].hint
    assert time.monotonic() - start < 6


def test_the_time_for_all_parts_is_limited(template):
    report = run(template, "import time; time.sleep(1)", limits=Limits(wall=9, total=1.3))
    assert report.outcomes[1].status == "hung"


def test_a_recursion_without_end_is_an_error(template):
    outcome = attacked(template, "return loss_fn(pred, y)")
    assert "RecursionError" in outcome.result.hint


def test_a_recursion_in_c_ends_the_process_only(template):
    body = "import sys; sys.setrecursionlimit(10**9)\nf = lambda: [f()]\nreturn f()"
    outcome = attacked(template, body)
    assert outcome.status in ("died", "failed", "hung")


@pytest.mark.parametrize("size", ["torch.zeros(10_000_000_000)", "bytearray(40 << 30)"])
def test_forty_gigabytes_are_not_given(template, size):
    outcome = attacked(template, f"import torch\nreturn {size}")
    assert outcome.status == "failed" if sys.platform == "linux" else not outcome.result
    assert "memory" in outcome.result.hint.lower()


@linux
def test_memory_that_is_shared_is_counted_too(template):
    body = """
    import mmap
    kept = [mmap.mmap(-1, 1 << 30) for _ in range(40)]
    for part in kept:
        part.write(b"1" * (1 << 30))
    """
    outcome = attacked(template, body)
    assert outcome.status in ("died", "failed")


def test_ending_the_process_does_not_pass(template):
    outcome = attacked(template, "import os; os._exit(0)")
    assert outcome.status == "died"
    assert "exit status 0" in outcome.result.hint


def test_a_crash_is_named(template):
    outcome = attacked(template, "import ctypes; ctypes.string_at(0)")
    assert outcome.status == "died"
    assert "SIGSEGV" in outcome.result.hint


@pytest.mark.parametrize("way", ["sys.exit(0)", "raise SystemExit", "raise KeyboardInterrupt"])
def test_exits_are_errors(template, way):
    outcome = attacked(template, f"import sys\n{way}")
    assert outcome.status == "failed"


def test_ending_the_process_in_the_file_fails_every_part(template):
    report = run(template, "import os; os._exit(0)")
    assert [outcome.status for outcome in report.outcomes] == ["died", "died"]


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


# Processes, files, networks.


@linux
@pytest.mark.parametrize(
    "body",
    [
        "import os; return os.fork()",
        "import subprocess; return subprocess.run(['/bin/sh', '-c', 'true'])",
        "import os; os.execv('/bin/sh', ['sh'])",
        "import multiprocessing as m; p = m.Process(target=print); p.start(); return 'started'",
    ],
)
def test_no_process_is_started(template, body):
    assert works(template, body) in ("PermissionError", "FileNotFoundError", "BlockingIOError")


@linux
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/root", "/home", "/etc/hostname", "/proc/1/mem", "/tmp/.."]
)
def test_files_outside_cannot_be_read(template, path):
    body = f"""
    import os
    path = {path!r}
    return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
    """
    found = works(template, body)
    assert found.endswith("Error"), found


@linux
def test_the_graders_source_cannot_be_read_or_imported(template):
    import eigenlab.grading.recurrent

    path = eigenlab.grading.recurrent.__file__
    assert works(template, f"return open({path!r}).read()").endswith("Error")
    assert works(template, "import eigenlab.grading") == "ModuleNotFoundError"
    assert works(template, "import inside.server") == "ModuleNotFoundError"


@linux
def test_our_library_can_be_imported_but_not_what_holds_solutions(template):
    """Subclasses of our layers are solutions; the checks and the notebooks are not readable."""
    body = """
    import os, importlib, eigenlab, eigenlab.recurrent
    folder = os.path.dirname(eigenlab.__file__)
    entries = sorted(n for n in os.listdir(folder) if os.path.isdir(os.path.join(folder, n)))
    secret = [n for n in entries if n in ("grading", "course", "cli", "studio")]
    for name in ("grading", "course", "course.masters", "grading.isolation.inside.known"):
        try:
            importlib.import_module(f"eigenlab.{name}")
            secret.append(name)
        except ImportError:
            pass
    try:
        open(os.path.join(folder, "recurrent", "x.py"), "w")
        secret.append("written")
    except OSError:
        pass
    texts = ["BEGIN" + " SOLUTION", "the sign of" + " the exponent"]
    for path, _, names in os.walk(folder):
        for name in names:
            text = open(os.path.join(path, name), errors="replace").read()
            secret += [name for t in texts if t in text]
    return f"{eigenlab.recurrent.RNNLayer(2, 3).hidden_size} {len(entries) > 5} {secret}"
    """
    assert works(template, body) == "3 True []"


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
    limits = Limits(wall=1.5)
    parts = ["5d", "5d", "1c", "5d"]
    report = run(template, source, parts, limits, together=True)
    assert [outcome.status for outcome in report.outcomes] == ["passed", "passed", "hung", "passed"]
    assert [outcome.output.count("executed") for outcome in report.outcomes] == [1] * 4


def test_a_file_may_take_longer_than_a_part(template):
    source = "import time; time.sleep(1.2)"
    assert run(template, source, ["5d"], Limits(wall=1.0, execution=20)).results[0]
    assert not run(template, source, ["5d"], Limits(wall=20, execution=1.0)).results[0]


def test_no_answer_is_found_by_walking_frames_and_the_garbage_collector(template):
    body = """
    import gc, sys
    frame, words = sys._getframe(), []
    while frame:
        words += [repr(v)[:2000] for v in [*frame.f_locals.values(), *frame.f_globals.values()]]
        frame = frame.f_back
    words += [repr(o)[:2000] for o in gc.get_objects() if type(o) in (list, tuple)]
    withheld = ("inside", *(f"eigenlab.{name}" for name in ("grading", "course", "cli", "studio")))
    modules = [m for m in sys.modules if m.startswith(withheld)]
    answers = [a[::-1] for a in ("7600.3", "PETS_YREVE_SSOL", "demmus era serauqs eht")]
    found = [a for a in answers if any(a in w for w in words)]
    return f"{found} {modules}"
    """
    assert works(template, body) == "[] []"


@linux
def test_files_cannot_be_deleted_or_written_outside(template, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("here")
    tmp_path.chmod(0o777)
    for body in (
        f"import os; os.remove({str(victim)!r}); return 'removed'",
        f"open({str(victim)!r}, 'w').write('x'); return 'written'",
        f"open({str(tmp_path / 'results.json')!r}, 'w').write('x'); return 'written'",
        "import os, torch; os.remove(torch.__file__); return 'removed'",
        "import torch; open(torch.__file__, 'a').write(''); return 'written'",
    ):
        assert works(template, body).endswith("Error")
    assert victim.read_text() == "here"
    assert os.listdir(tmp_path) == ["victim"]


def test_a_results_file_of_its_own_has_no_effect_and_goes_with_the_folder(template):
    body = """
    import json, os
    with open("results.json", "w") as file:
        json.dump({"score": 100, "passed": True}, file)
    print(os.getcwd())
    return 0.0
    """
    outcome = attacked(template, body)
    assert not outcome.result
    assert not Path(outcome.output.split()[0]).exists()


@linux
def test_no_symbolic_link_is_made(template):
    body = "import os; os.symlink('/etc/passwd', 'link'); return open('link').read(4)"
    assert works(template, body) == "PermissionError"


@linux
def test_files_are_bounded(template):
    body = """
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("large", "wb") as file:
        for _ in range(100):
            file.write(bytes(1 << 20))
    """
    assert works(template, body) == "OSError"
    many = "kept = [open(str(i), 'w') for i in range(100)]"
    assert works(template, many) == "OSError"


@linux
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX"])
def test_there_is_no_network(template, family):
    assert works(template, f"import socket; socket.socket(socket.{family})") == "PermissionError"


def test_the_environment_is_empty(template, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    names = works(template, "import os; return sorted(os.environ)")
    assert "SECRET_TOKEN" not in names
    assert "HOME" in names


@linux
def test_the_user_has_no_rights(template):
    assert works(template, "import os; os.setuid(0); return 'root'") == "PermissionError"
    if os.geteuid() == 0:
        assert works(template, "import os; return (os.getuid(), os.getgroups())") == "(65534, [])"


def test_threads_do_not_outlive_their_process(template):
    before = threading.active_count()
    body = """
    import threading, time
    def live():
        while True:
            time.sleep(0.01)
    for _ in range(4):
        threading.Thread(target=live).start()
    return ((pred - y) ** 2).mean()
    """
    start = time.monotonic()
    attacked(template, body)
    assert time.monotonic() - start < 4
    assert threading.active_count() <= before


@linux
def test_what_a_system_call_filter_cannot_know_is_refused():
    assert seccomp.program("x86_64") != seccomp.program("aarch64")
    assert len(seccomp.program("aarch64")) % 8 == 0


# Values that lie.


@pytest.mark.parametrize(
    "patch",
    [
        "torch.equal = torch.allclose = lambda *a, **k: True",
        "torch.Tensor.__eq__ = lambda *a: True",
        "torch.Tensor.__sub__ = lambda a, b: 0 * a",
        "torch.abs = torch.Tensor.abs = lambda a: 0",
        "import numpy; numpy.abs = lambda a: 0.0",
        "import numpy; numpy.ndarray = object",
        "import json; json.dumps = lambda *a, **k: '{}'",
        "import sys; sys.modules['eigenlab'] = sys.modules['eigenlab.grading'] = sys",
        "torch.Tensor.numpy = lambda self: None",
    ],
)
def test_patching_libraries_does_not_pass(template, patch):
    report = run(template, f"{patch}\ndef loss_fn(*a, **k): return torch.tensor(0.5)", ["1c"])
    assert not report.results[0]
    assert check("1c", lambda *a, **k: torch.tensor(0.5)).passed is False
    namespace: dict = {}
    exec(RIGHT, namespace)
    assert check("1c", namespace["loss_fn"])  # this process is as it was


@pytest.mark.parametrize(
    "value",
    [
        "type('Always', (), {'__eq__': lambda *a: True, '__float__': lambda s: 3.0067})()",
        "type('Always', (float,), {'__eq__': lambda *a: True, '__sub__': lambda *a: 0.0})(1)",
        "torch.ones(()).as_subclass(type('L', (torch.Tensor,), {'__eq__': lambda *a: True}))",
        "torch.ones(()).as_subclass(type('L', (torch.Tensor,), {'detach': lambda s: 3.0067}))",
        "type('L', (), {'toarray': lambda s: __import__('os')._exit(0)})()",
        "type('L', (), {'__array__': lambda *a: 3.0067})()",
        "torch.tensor(float('nan'))",
        "torch.tensor(float('nan'), requires_grad=True)",
        "torch.zeros((), device='meta')",
        "torch.ones((), dtype=torch.complex64)",
        "torch.ones((), dtype=torch.bool)",
        "torch.ones((), dtype=torch.int8)",
        "torch.ones((), dtype=torch.bfloat16, requires_grad=True)",
        "'3.0067'",
        "float('nan')",
        "10 ** 5000",
        "[[[]]] * 9",
        "{'loss': 3.0067}",
        "(lambda l: (l.append(l), l)[1])([])",
        "object()",
        "torch.zeros(200_000_000, dtype=torch.int8)",
    ],
)
def test_values_that_lie_or_are_no_numbers_do_not_pass(template, value):
    outcome = attacked(template, f"import torch\nreturn {value}")
    assert not outcome.result
    assert outcome.result.hint


def test_another_device_is_named(template):
    outcome = attacked(template, "import torch; return torch.zeros((), device='meta')")
    assert "is a Tensor of dtype torch.float32, not numbers" in outcome.result.hint


def test_outputs_with_a_gradient_and_of_double_precision_pass(template):
    body = "return ((pred - y)[:, -last_timestep_only:].double() ** 2).mean()"
    assert attacked(template, body).status == "passed"


@linux
@pytest.mark.parametrize(
    "garbage",
    [
        "b'garbage' * 1000",
        "(1 << 62).to_bytes(8, 'big') * 2",
        "(2).to_bytes(8, 'big') + bytes(8) + b'[]'",
        '(20).to_bytes(8, \'big\') + bytes(8) + b\'{"value":{"t":"tuple"}}\'',
        "(100_000).to_bytes(8, 'big') + bytes(8) + b'[' * 100_000",
    ],
)
def test_garbage_on_the_connection_does_not_pass(template, garbage):
    outcome = attacked(template, f"import os\nos.write(3, {garbage})\nreturn 3.0067")
    assert outcome.status == "died"
    assert not outcome.result


def test_closing_the_connection_does_not_pass(template):
    outcome = attacked(template, "import os; os.close(3); return 3.0067")
    assert outcome.status in ("died", "hung")


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
    first, second = works(template, body), works(template, body)
    assert not set(first.strip("()").split(", ")) & set(second.strip("()").split(", "))


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


# The messages.


def message(header: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">QQ", len(header), len(payload)) + header + payload


@pytest.mark.parametrize(
    "raw",
    [
        message(b"[]"),
        message(b"{}"),
        message(b'{"arrays": 3}'),
        message(b'{"arrays": [["float32", [2]]]}', b"1234"),
        message(b'{"arrays": [["float32", [1]]]}', b"12345"),
        message(b'{"arrays": [["object", [1]]]}', b"12345678"),
        message(b'{"arrays": [["float32", [-1]]]}'),
        message(b'{"arrays": [["float32", [true]]]}', b"1234"),
        message(b'{"arrays": [["float32", [1000000, 1000000, 1000000]]]}'),
        message(b'{"arrays": [["bool", [1]]]}', b"\x07"),
        struct.pack(">QQ", 1 << 40, 0),
    ],
)
def test_messages_that_break_a_rule_are_refused(raw):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(raw)
        with pytest.raises(wire.Malformed):
            wire.receive(ours, time.monotonic() + 1)


@pytest.mark.parametrize(
    "value", [None, True, 3, -0.0, "ä", [1, (2.5, None)], {"a": [1]}, 1 + 2j, ...]
)
def test_values_cross_as_they_are(value):
    arrays: list[np.ndarray] = []
    assert wire.decode(wire.encode(value, arrays, repr), arrays, repr) == value


@pytest.mark.parametrize("tree", [{"t": "list"}, {"t": "array", "a": 0}, [1], {"t": "scalar"}])
def test_values_that_break_a_rule_are_refused(tree):
    with pytest.raises(wire.Malformed):
        wire.decode(tree, [], lambda _: None)


# Requests that make no sense.


def test_a_part_that_is_not_there_is_refused(template):
    with pytest.raises(InputError, match="no such part"):
        check_source("", ["9z"], template=template)


def test_a_limit_is_positive():
    with pytest.raises(InputError, match="wall=0"):
        Limits(wall=0)


def test_checks_in_this_process_need_nothing_of_unix():
    missing = "import sys\nfor name in ('resource', 'fcntl', 'pwd'): sys.modules[name] = None\n"
    code = missing + "import eigenlab.grading"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_works_without_namespaces():
    with Template(namespaces=False) as other:
        report = run(other, "")
        assert [outcome.status for outcome in report.outcomes] == ["passed", "passed"]
        assert not any("namespaces" in layer for layer in report.layers)
        assert "namespaces" in str(report)
        if any("Landlock" in layer for layer in report.layers):
            assert works(other, "return open('/etc/passwd').read(1)") == "PermissionError"
            import eigenlab.grading.comparison

            path = eigenlab.grading.comparison.__file__
            assert works(other, f"return open({path!r}).read(1)") == "PermissionError"
