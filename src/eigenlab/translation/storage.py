"""Files of fitted translators: safetensors with JSON in the header, no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json, write_atomic

FORMAT = "eigenlab.translation.Translator/1"


def write_translator(
    path: Path, weights: Mapping[str, Tensor], described: Mapping[str, Any]
) -> None:
    """Write weights and description to one file."""
    header = {
        "format": FORMAT,
        "description": dump_json(described, indent=None),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    write_atomic(path, save(tensors, metadata=header))


def read_translator(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what :func:`write_translator` wrote; refuse any other file."""
    if not path.is_file():
        raise InputError(f"{path} does not exist or is not a file; give the path used in save")
    try:
        with safe_open(path, framework="pt") as stored:
            header = stored.metadata() or {}
            weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a complete safetensors file: {error}") from None
    if header.get("format") != FORMAT:
        raise InputError(f"{path} has format {header.get('format')!r}, expected '{FORMAT}'")
    return weights, load_json(header["description"])
