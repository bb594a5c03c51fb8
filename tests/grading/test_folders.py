"""Temporary folders: removed at the end, or at the next start after a run was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from confined import linux
from eigenlab.grading import folders

OLD = 1_000_000_000


def other_process(parent):
    """A process that has made a folder, and its path."""
    code = (
        "import sys, time; from eigenlab.grading import folders\n"
        "print(folders.make(sys.argv[1]), flush=True); time.sleep(600)"
    )
    source = str(Path(folders.__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(parent)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    return process, process.stdout.readline().strip()


def test_a_folder_goes_with_its_block(tmp_path):
    with folders.temporary(tmp_path) as folder:
        Path(folder, "file").write_text("x")
    assert not list(tmp_path.iterdir())


@linux
def test_a_folder_is_removed_after_its_process_was_killed_and_not_before(tmp_path):
    process, folder = other_process(tmp_path)
    (Path(folder) / "inner").mkdir()
    os.utime(folder, (OLD, OLD))
    assert folders.remove_stale(tmp_path) == []
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert folders.remove_stale(tmp_path) == [folder]
    assert not Path(folder).exists()


def test_nothing_else_is_removed(tmp_path):
    """A folder that is just being made, folders and files of others, links and what they name."""
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / f"{folders.PREFIX}link").symlink_to(target)
    (tmp_path / f"{folders.PREFIX}file").write_text("x")
    (tmp_path / f"{folders.PREFIX}young").mkdir()
    (tmp_path / "eigenlab-other").mkdir()
    entries = [
        tmp_path / f"{folders.PREFIX}file", tmp_path / "eigenlab-other", target,
    ]  # fmt: skip
    for path in entries:
        os.utime(path, (OLD, OLD))
    before = sorted(tmp_path.iterdir())
    assert folders.remove_stale(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == before


@linux
def test_a_folder_of_another_user_is_kept(tmp_path, monkeypatch):
    folder = tmp_path / f"{folders.PREFIX}theirs"
    folder.mkdir()
    os.utime(folder, (OLD, OLD))
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert folders.remove_stale(tmp_path) == []
    monkeypatch.undo()
    assert folders.remove_stale(tmp_path) == [str(folder)]
