"""Atomic writing of files, and JSON that preserves every float.

Every file of a run, a cache or a checkpoint is written by :func:`write_atomic`: to a temporary
name in the same folder, flushed to disk, then renamed. A process killed at any time leaves the
old file or the new one, never a part of it.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import json
import math
import os
import tempfile
from pathlib import Path
from typing import Any

from eigenlab.errors import InputError

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write ``content`` (text is UTF-8) to ``path`` so that no reader sees an incomplete file.

    Missing parent folders are created. Raises :class:`~eigenlab.errors.InputError` when the
    folder cannot be written, or ``path`` is a pipe or device: it would be replaced, not written to.
    """
    payload = content.encode() if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is a folder, pipe or device; name a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; {_remedy(error)}") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(payload)
            stream.flush()
            os.fsync(stream.fileno())
        _give_default_permissions(temporary)
        os.replace(temporary, path)
    except OSError as error:
        _remove(temporary)
        raise InputError(f"cannot write {path}: {error.strerror}; {_remedy(error)}") from error
    except BaseException:
        _remove(temporary)
        raise


def append_line(path: Path, line: str) -> None:
    """Append one line of text; raises as :func:`write_atomic`.

    A process killed in the middle leaves an unfinished last line, which readers must skip.
    """
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; {_remedy(error)}") from error


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _remedy(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space, then continue with --resume"
    return "choose a folder that you may write to"


def _give_default_permissions(path: str) -> None:
    """Replace ``mkstemp``'s private mode by the default permissions under the umask."""
    umask = os.umask(0)
    os.umask(umask)
    os.chmod(path, 0o666 & ~umask)


def to_plain(value: Any) -> Any:
    """Turn tensors, arrays, numpy scalars and tuples into lists, numbers and strings.

    >>> import numpy as np
    >>> to_plain({"a": np.arange(3), 2: (1.5, np.float64(2.0))})
    {'a': [0, 1, 2], '2': [1.5, 2.0]}
    """
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [to_plain(item) for item in items]
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, enum.Enum):
        return to_plain(value.value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "tolist"):
        return to_plain(value.tolist())
    raise InputError(
        f"a record holds a {type(value).__name__}, which is not data; "
        "use numbers, strings, lists, dicts, arrays or tensors"
    )


def dump_json(value: Any, *, indent: int | None = 1) -> str:
    """Serialise plain data as strict JSON; non-finite floats become ``{"float": "NaN"}``.

    >>> dump_json({"x": float("inf")}, indent=None)
    '{"x": {"float": "Infinity"}}'
    """
    return json.dumps(_guard(to_plain(value)), indent=indent, allow_nan=False, ensure_ascii=False)


def _guard(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": next(k for k, v in _NON_FINITE.items() if repr(v) == repr(value))}
    if isinstance(value, dict):
        return {key: _guard(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_guard(item) for item in value]
    return value


def load_json(text: str) -> Any:
    """Read what :func:`dump_json` wrote.

    >>> load_json('{"x": {"float": "-Infinity"}}')
    {'x': -inf}
    """

    def revive(item: dict[str, Any]) -> Any:
        if item.keys() == {"float"} and item["float"] in _NON_FINITE:
            return _NON_FINITE[item["float"]]
        return item

    return json.loads(text, object_hook=revive)


def read_json(path: Path) -> Any:
    """Read a JSON file; an :class:`~eigenlab.errors.InputError` names the file and the problem."""
    try:
        return load_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not readable as JSON: {error}") from error
