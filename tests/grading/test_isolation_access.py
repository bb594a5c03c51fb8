"""What code in a confined process cannot reach: processes, files, networks, answers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from confined import attacked, linux, run, works
from eigenlab.grading.isolation.inside import seccomp
from eigenlab.grading.isolation.separation import Separation


@linux
def test_no_process_is_started(template):
    for body in (
        "import os; return os.fork()",
        "import subprocess; return subprocess.run(['/bin/sh', '-c', 'true'])",
        "import os; os.execv('/bin/sh', ['sh'])",
        "import multiprocessing as m; p = m.Process(target=print); p.start(); return 'started'",
    ):
        (found,) = works(template, body)
        assert found in ("PermissionError", "FileNotFoundError", "BlockingIOError"), body


@linux
def test_files_outside_cannot_be_read(template):
    bodies = [
        f"""
        import os
        path = {path!r}
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        """
        for path in ("/etc/passwd", "/root", "/home", "/etc/hostname", "/proc/1/mem", "/tmp/..")
    ]
    found = works(template, *bodies)
    assert all(name.endswith("Error") for name in found), found


@linux
def test_the_graders_source_cannot_be_read_or_imported(template):
    import eigenlab.grading.recurrent

    path = eigenlab.grading.recurrent.__file__
    bodies = (f"return open({path!r}).read()", "import eigenlab.grading", "import inside.server")
    read, *imported = works(template, *bodies)
    assert read.endswith("Error")
    assert imported == ["ModuleNotFoundError", "ModuleNotFoundError"]


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
    assert works(template, body) == ["3 True []"]


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
    assert works(template, body) == ["[] []"]


@linux
def test_files_cannot_be_deleted_or_written_outside(template, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("here")
    tmp_path.chmod(0o777)
    found = works(
        template,
        f"import os; os.remove({str(victim)!r}); return 'removed'",
        f"open({str(victim)!r}, 'w').write('x'); return 'written'",
        f"open({str(tmp_path / 'results.json')!r}, 'w').write('x'); return 'written'",
        "import os, torch; os.remove(torch.__file__); return 'removed'",
        "import torch; open(torch.__file__, 'a').write(''); return 'written'",
    )
    assert all(name.endswith("Error") for name in found), found
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
    assert works(template, body) == ["PermissionError"]


@linux
def test_files_are_bounded(template):
    body = """
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open("large", "wb") as file:
        for _ in range(100):
            file.write(bytes(1 << 20))
    """
    many = "kept = [open(str(i), 'w') for i in range(100)]"
    assert works(template, body, many) == ["OSError", "OSError"]


@linux
def test_there_is_no_network(template):
    families = ("AF_INET", "AF_INET6", "AF_UNIX")
    bodies = (f"import socket; socket.socket(socket.{family})" for family in families)
    assert works(template, *bodies) == ["PermissionError"] * 3


def test_the_environment_is_empty(template, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    (names,) = works(template, "import os; return sorted(os.environ)")
    assert "SECRET_TOKEN" not in names
    assert "HOME" in names


@linux
def test_the_user_has_no_rights(template):
    bodies = "import os; os.setuid(0)", "import os; return (os.getuid(), os.getgroups())"
    root, user = works(template, *bodies)
    assert root == "PermissionError"
    assert os.geteuid() != 0 or user == "(65534, [])"


@linux
def test_what_a_system_call_filter_cannot_know_is_refused():
    assert seccomp.program("x86_64") != seccomp.program("aarch64")
    assert len(seccomp.program("aarch64")) % 8 == 0


def test_it_works_without_namespaces(template, monkeypatch):
    run(template, "")  # it has started, with what it has decided
    monkeypatch.setattr(template, "separation", Separation(own=False))
    report = run(template, "")
    assert [outcome.status for outcome in report.outcomes] == ["passed", "passed"]
    assert not any("namespaces" in layer for layer in report.layers)
    assert "namespaces" in str(report)
    if any("Landlock" in layer for layer in report.layers):
        import eigenlab.grading.comparison

        paths = "/etc/passwd", eigenlab.grading.comparison.__file__
        bodies = (f"return open({path!r}).read(1)" for path in paths)
        assert works(template, *bodies) == ["PermissionError", "PermissionError"]


@linux
def test_no_other_process_is_seen_or_signalled(template):
    if not any(layer.startswith("namespaces (process") for layer in run(template, "").layers):
        pytest.skip("there are no namespaces of processes here")
    numbers = (template.process.pid, os.getpid())
    bodies = [f"import os; os.kill({number}, 0)" for number in numbers]
    listed = "import os; return [n for n in os.listdir('/proc') if n.isdigit() and n != '1']"
    found = works(template, "import os; return (os.getpid(), os.getppid())", *bodies, listed)
    assert found[0] == "(1, 0)"
    assert found[1:3] == ["ProcessLookupError", "ProcessLookupError"]
    assert found[3] in ("[]", "PermissionError")
