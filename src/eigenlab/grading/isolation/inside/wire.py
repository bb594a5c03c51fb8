"""Messages between the grader and the process of a student's code: JSON and raw arrays, no pickle.

A message is two lengths, a JSON header, and the bytes of the arrays one after the other; the
header lists their types and shapes. The reader bounds everything before it allocates anything.
"""

from __future__ import annotations

import json
import math
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np

#: Types of arrays that may cross.
DTYPES = frozenset(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]
)
#: Bytes of a header, bytes of all arrays, nesting, and number of arrays of one message.
HEADER, PAYLOAD, DEPTH, ARRAYS = 4 << 20, 32 << 20, 40, 20_000

Tree = Any
_LENGTHS = struct.Struct(">QQ")


class Malformed(Exception):
    """A message that does not follow the rules."""


class Closed(Exception):
    """The other process has closed the connection."""


def pack(header: dict[str, Any], arrays: list[np.ndarray]) -> bytes:
    """The bytes of a message."""
    listed = [[array.dtype.name, list(array.shape)] for array in arrays]
    text = json.dumps({**header, "arrays": listed}).encode()
    payload = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)
    return _LENGTHS.pack(len(text), len(payload)) + text + payload


def send(connection: socket.socket, header: dict[str, Any], arrays: list[np.ndarray]) -> None:
    """Send one message."""
    connection.sendall(pack(header, arrays))


def receive(
    connection: socket.socket, deadline: float = math.inf
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Wait for one message.

    Args:
        connection: a stream socket.
        deadline: time of :func:`time.monotonic` until which to wait. Default: ``inf``.

    Returns:
        the header and the arrays.

    Raises:
        Malformed: the message breaks a rule or a bound.
        Closed: the connection was closed.
        TimeoutError: the deadline passed.
    """
    text_length, payload_length = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size, deadline))
    if text_length > HEADER or payload_length > PAYLOAD:
        raise Malformed(f"a message of {text_length + payload_length} bytes")
    text = _exactly(connection, text_length, deadline)
    payload = _exactly(connection, payload_length, deadline)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(header, dict):
        raise Malformed("not a JSON object")
    return header, _arrays(header.get("arrays"), payload)


def _exactly(connection: socket.socket, size: int, deadline: float) -> bytearray:
    found = bytearray()
    while len(found) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(None if math.isinf(left) else left)
        try:
            chunk = connection.recv(min(size - len(found), 1 << 20))
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed from error
        if not chunk:
            raise Closed
        found += chunk
    return found


def _arrays(listed: Any, payload: bytearray) -> list[np.ndarray]:
    if not isinstance(listed, list) or len(listed) > ARRAYS:
        raise Malformed("no list of arrays")
    found, start = [], 0
    for entry in listed:
        if not (isinstance(entry, list) and len(entry) == 2):
            raise Malformed("an entry of the list of arrays")
        name, shape = entry
        if not isinstance(name, str) or name not in DTYPES:
            raise Malformed("an array's type")
        if not (
            isinstance(shape, list)
            and len(shape) <= 16
            and all(type(n) is int and 0 <= n <= PAYLOAD for n in shape)
        ):
            raise Malformed("an array's shape")
        dtype = np.dtype(name)
        stop = start + math.prod(shape) * dtype.itemsize
        if stop > len(payload):
            raise Malformed("an array that is longer than its message")
        raw = payload[start:stop]
        if name == "bool" and np.frombuffer(raw, np.uint8).max(initial=0) > 1:
            raise Malformed("a truth value")
        found.append(np.frombuffer(raw, dtype).reshape(shape))
        start = stop
    if start != len(payload):
        raise Malformed("bytes after the last array")
    return found


def encode(  # noqa: PLR0911  one line a type
    value: Any, arrays: list[np.ndarray], other: Callable[[Any], Tree]
) -> Tree:
    """``value`` as JSON, its scalars appended to ``arrays``; ``other`` encodes what is no data."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, np.generic) and value.dtype.name in DTYPES:
        return {"t": "scalar", "a": put(np.asarray(value), arrays)}
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return {"t": "complex", "v": [value.real, value.imag]}
    if value is ...:
        return {"t": "ellipsis"}
    if type(value) is list or (isinstance(value, tuple) and not hasattr(value, "_fields")):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {"t": kind, "v": [encode(item, arrays, other) for item in value]}
    if isinstance(value, dict):
        pairs = [[encode(key, arrays, other), encode(v, arrays, other)] for key, v in value.items()]
        return {"t": "dict", "v": pairs}
    return other(value)


def put(array: np.ndarray, arrays: list[np.ndarray]) -> int:
    """Append an array and return its number."""
    arrays.append(array)
    return len(arrays) - 1


def take(index: Any, arrays: list[np.ndarray]) -> np.ndarray:
    """A writable copy of the array with a number."""
    if type(index) is not int or not 0 <= index < len(arrays):
        raise Malformed("the number of an array")
    return arrays[index].copy()


def decode(  # noqa: PLR0911  one line a kind
    tree: Tree, arrays: list[np.ndarray], other: Callable[[dict[str, Any]], Any], depth: int = 0
) -> Any:
    """The value of :func:`encode`; ``other`` decodes the tags that are not known here."""
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if depth > DEPTH or not isinstance(tree, dict):
        raise Malformed("a value")
    kind, value = tree.get("t"), tree.get("v")
    if kind in ("array", "scalar"):
        array = take(tree.get("a"), arrays)
        if kind == "scalar" and array.ndim:
            raise Malformed("a scalar with axes")
        return array[()] if kind == "scalar" else array
    if kind == "ellipsis":
        return ...
    if kind not in ("complex", "list", "tuple", "dict"):
        return other(tree)
    if not isinstance(value, list):
        raise Malformed("the items of a value")
    if kind == "complex":
        if len(value) != 2 or not all(isinstance(part, int | float) for part in value):
            raise Malformed("a complex number")
        return complex(*value)
    if kind == "dict":
        return _mapping(value, arrays, other, depth)
    items = [decode(item, arrays, other, depth + 1) for item in value]
    return tuple(items) if kind == "tuple" else items


def _mapping(
    pairs: list[Any], arrays: list[np.ndarray], other: Callable[[dict[str, Any]], Any], depth: int
) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2):
            raise Malformed("a pair of a mapping")
        key, item = (decode(part, arrays, other, depth + 1) for part in pair)
        if not isinstance(key, str | int | float | None):
            raise Malformed("a key of a mapping")
        found[key] = item
    return found
