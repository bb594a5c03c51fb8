"""Bubblewrap, where an ordinary user's process cannot enter namespaces by itself.

Each test is a program that an ordinary user runs. Where the tests run as root, another user runs
it, in a file system in which that user can enter the folders of Python and of these files.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import eigenlab
from confined import linux

pytestmark = pytest.mark.slow

TESTS, SOURCES = Path(__file__).resolve().parents[1], Path(eigenlab.__file__).resolve().parents[1]
START = """
import json, os
from confined import *
from confined import Limits, Template
from eigenlab.grading.isolation import separation
assert os.geteuid() != 0
"""
#: A trial that fails, as under Ubuntu 24.04.
NONE_OF_ITS_OWN = "separation.own_namespaces = lambda scratch: ''\n"
#: What another user without rights begins with.
USER = "setpriv", "--reuid=1234", "--regid=1234", "--clear-groups", "--inh-caps=-all"


def closed(path: Path) -> Path | None:
    """The first folder above a path that other users cannot enter."""
    above = [*reversed(path.parents), path]
    return next((folder for folder in above if not folder.stat().st_mode & 0o001), None)


def as_a_user() -> list[str]:
    """What the command of a program begins with for an ordinary user to run it."""
    if os.geteuid() != 0:
        return []
    command = ["bwrap", "--dev-bind", "/", "/"]
    needed = [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), SOURCES, TESTS]
    for folder in dict.fromkeys(filter(None, map(closed, needed))):
        command += ["--tmpfs", str(folder)]
        for path in (path for path in needed if path.is_relative_to(folder)):
            between = [above for above in reversed(path.parents) if above.is_relative_to(folder)]
            for above in between[1:]:
                command += ["--perms", "0755", "--dir", str(above)]
            command += ["--dev-bind", str(path), str(path)]
    return [*command, *USER]


def tried(command: list[str]) -> bool:
    """Whether a command works."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module", autouse=True)
def works():
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    trial = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    if not tried([*as_a_user(), *trial]):
        pytest.skip("an ordinary user cannot use bubblewrap here")


def said(program: str, start: str = NONE_OF_ITS_OWN):
    """What a program of an ordinary user prints, as JSON."""
    code = START + start + textwrap.dedent(program)
    environment = {**os.environ, "PYTHONPATH": f"{SOURCES}:{TESTS}", "HOME": "/tmp"}
    command = [*as_a_user(), sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout.splitlines()[-1])


#: What code does, and what comes of it.
FOUND = {
    "import socket; socket.create_connection(('1.1.1.1', 53), 2)": "OSError",
    "import socket; return [name for _, name in socket.if_nameindex()]": "['lo']",
    "import os; return os.listdir('/sys/class/net')": "FileNotFoundError",
    "return open({source!r}).read()": "FileNotFoundError",
    "return open('/etc/passwd').read()": "FileNotFoundError",
    "import os; os.kill({grader}, 0)": "ProcessLookupError",
    "import os; return max(int(n) for n in os.listdir('/proc') if n.isdigit()) < 100": "True",
    "import os, torch; return os.statvfs(torch.__file__).f_flag & os.ST_RDONLY": "1",
    "import os, eigenlab; return os.statvfs(eigenlab.__file__).f_flag & os.ST_RDONLY": "1",
    "import os; return os.statvfs('/').f_flag & os.ST_RDONLY": "1",
    "import eigenlab.grading": "ModuleNotFoundError",
    "open('written', 'w').write('x'); return open('written').read()": "x",
}


@linux
def test_all_copies_have_no_network_no_other_processes_and_the_allowed_files_only():
    """Without Landlock and seccomp, each of which would keep the code from most of it, too."""
    program = f"""
    from pathlib import Path
    import eigenlab.grading.recurrent
    read = Path.read_text
    def without(path, *options):
        off = path.name in ("landlock.py", "seccomp.py")
        return read(path, *options) + off * "\\ndef restrict(*_): return ''\\n"
    Path.read_text = without
    values = dict(source=eigenlab.grading.recurrent.__file__, grader=os.getpid())
    bodies = [body.format(**values) for body in {list(FOUND)}]
    with Template() as template:
        print(json.dumps([run(template, "").layers, works(template, *bodies)]))
    """
    layers, found = said(program)
    assert dict(zip(FOUND, found, strict=True)) == FOUND
    assert any(layer.startswith("bubblewrap") for layer in layers)
    assert "file system of the allowed files" in layers
    assert not any(layer.startswith(("namespaces", "Landlock", "seccomp")) for layer in layers)


@linux
def test_results_are_the_same_and_the_layer_is_named():
    """The first use is in a thread that ends, with which bubblewrap must not end."""
    program = """
    from concurrent.futures import ThreadPoolExecutor
    sources = ["", "def loss_fn(*a): return 0", "def loss_fn(*a): import os; os._exit(3)",
               "del loss_fn", "def loss_fn(*a):\\n    while True: pass"]
    found = []
    for namespaces in (True, False):
        with Template(namespaces=namespaces) as template:
            with ThreadPoolExecutor(1) as pool:
                first = pool.submit(run, template, "").result()
            process = template.process.pid
            reports = [run(template, text, limits=Limits(cpu=1.0)) for text in sources]
            assert template.process.pid == process
        found += [[[str(result) for result in report.results] for report in reports], str(first)]
    print(json.dumps(found))
    """
    confined, text, plain, other = said(program)
    assert confined == plain
    assert "confined by: bubblewrap" in text
    assert "Not there on this system: another user, namespaces for each part" in text
    assert "bubblewrap" not in other


@linux
@pytest.mark.parametrize("does", ["exit 1", "exec sleep 60", None])
def test_where_it_does_not_work_or_is_not_installed_it_is_not_used(does):
    program = f"""
    import pathlib, tempfile
    with tempfile.TemporaryDirectory() as folder:
        if (does := {does!r}) is not None:
            path = pathlib.Path(folder, "bwrap")
            path.write_text("#!/bin/sh\\nPATH=/bin:/usr/bin\\n" + does)
            path.chmod(0o755)
        os.environ["PATH"], separation.TRIAL = folder, 1
        paths = {{"mounted": [], "hidden": [], "search": [folder]}}
        found = separation.separation(paths, folder)
    print(json.dumps([found.own, found.command, found.layers]))
    """
    assert said(program) == [False, [], []]


@linux
def test_a_user_namespace_without_rights_is_none():
    program = """
    from pathlib import Path
    import tempfile
    read = Path.read_text
    refused = "\\ndef _write(*_): raise PermissionError\\n"
    with tempfile.TemporaryDirectory() as scratch:
        offered = separation.own_namespaces(scratch)
        Path.read_text = lambda path, *options: read(path, *options) + refused
        print(json.dumps([offered, separation.own_namespaces(scratch)]))
    """
    offered, refused = said(program, "")
    assert offered in ("all", "some", "")
    assert refused == ""
