"""Values and messages that lie do not pass."""

from __future__ import annotations

import socket
import struct
import time

import numpy as np
import pytest
import torch

from confined import RIGHT, attacked_alone, linux, run
from eigenlab.grading import check
from eigenlab.grading.isolation.inside import wire


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
        "torch.zeros(70_000_000, dtype=torch.int8)",
    ],
)
def test_values_that_lie_or_are_no_numbers_do_not_pass(template, value):
    outcome = attacked_alone(template, f"import torch\nreturn {value}")
    assert not outcome.result
    assert outcome.result.hint


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
    outcome = attacked_alone(template, f"import os\nos.write(3, {garbage})\nreturn 3.0067")
    assert outcome.status == "died"
    assert not outcome.result


def test_closing_the_connection_does_not_pass(template):
    outcome = attacked_alone(template, "import os; os.close(3); return 3.0067")
    assert outcome.status in ("died", "hung")


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
