import enum
import errno
import json
import math
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from eigenlab import files
from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json, read_json, to_plain, write_atomic

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(plain)
@example([math.inf, -math.inf, math.nan, -0.0, {"x": [math.inf]}, 5e-324, 0.1 + 0.2])
def test_json_keeps_every_value_and_float(value):
    """``repr`` tells -0.0 from 0.0 and makes NaN equal to itself."""
    text = dump_json(value)
    assert repr(load_json(text)) == repr(value)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"bare {name}"))


def test_a_file_is_replaced_whole_and_others_may_read_it(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write_atomic(path, "é one")
    assert path.read_bytes() == "é one".encode()
    with path.open("rb") as reader:
        write_atomic(path, b"two")
        assert reader.read() == "é one".encode()
    assert path.read_bytes() == b"two"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    path = tmp_path / "file.txt"
    write_atomic(path, "old")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, failing, fail)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_a_path_that_is_not_a_file_is_not_changed(tmp_path):
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    for path in (pipe, folder):
        with pytest.raises(InputError, match=f"{path.name} is a folder, pipe or device"):
            write_atomic(path, "x")
    assert pipe.is_fifo()
    assert sorted(tmp_path.iterdir()) == [folder, pipe]


def test_a_path_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*file/below: .*choose a folder"):
        write_atomic(tmp_path / "file" / "below", "x")


class Colour(enum.StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.tensor([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (torch.tensor(0.5, requires_grad=True), 0.5),
        (torch.tensor([0.1], dtype=torch.float64), [0.1]),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        ((1, (2.5, None)), [1, [2.5, None]]),
        ({3, 1, 2}, [1, 2, 3]),
        ({1: {"a": Path("b/c")}}, {"1": {"a": "b/c"}}),
        (Colour.RED, "red"),
        (math.inf, math.inf),
    ],
)
def test_to_plain(value, expected):
    result = to_plain(value)
    assert result == expected
    assert type(result) is type(expected)


def test_what_is_not_data_is_refused():
    with pytest.raises(InputError, match="a record holds a function, which is not data"):
        dump_json({"f": lambda: 0})


def test_reading_names_the_file_and_the_fault(tmp_path):
    path = tmp_path / "x.json"
    with pytest.raises(InputError, match=r"x\.json does not exist"):
        read_json(path)
    path.write_text('{"a": ')
    with pytest.raises(InputError, match=r"x\.json is not readable as JSON: Expecting value"):
        read_json(path)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InputError, match=r"x\.json is not readable as JSON: .*utf-8"):
        read_json(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=r"x\.json is not readable as JSON: .*directory"):
        read_json(path)


def test_a_full_disk_is_reported_with_the_path_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    write_atomic(path, "old")

    def full(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match=r"record\.json: No space left on device; free some space"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["record.json"]
