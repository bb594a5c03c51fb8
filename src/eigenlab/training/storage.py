"""Files of fitted models: safetensors with text in the header, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.files import write_atomic


def write_model(
    path: Path | str, tensors: Mapping[str, Tensor], *, format: str, **header: str
) -> None:
    """Write tensors and a header to one file, atomically.

    Args:
        path: the file; an existing one is replaced.
        tensors: weights by name, on any device.
        format: what the file is, with its version.
        **header: further text, such as settings in JSON.
    """
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomic(Path(path), save(stored, metadata={"format": format, **header}))


def read_model(path: Path | str, *, format: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the header that :func:`write_model` wrote.

    Args:
        path: the file.
        format: what it must be.

    Raises:
        InputError: the file is missing or damaged, or has another format.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} does not exist or is not a file; give the path used in save")
    try:
        with safe_open(str(path), framework="pt") as stored:
            header = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a complete safetensors file: {error}") from None
    if header.get("format") != format:
        raise InputError(f"{path} has format {header.get('format')!r}, expected {format!r}")
    return tensors, header
