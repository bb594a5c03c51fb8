"""Checkpoints of a translator: which training they belong to, and the weights they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json, read_json
from eigenlab.training.checkpoint import CheckpointFile
from eigenlab.translation.batches import bucketed_batches


class identified_batches(bucketed_batches):
    """Batches whose checkpoint belongs to one training alone.

    Args:
        sources: see :class:`bucketed_batches`.
        targets: likewise.
        identity: what two trainings must share for one to continue the other, besides what
            :class:`bucketed_batches` compares; plain data by name.
        **options: of :class:`bucketed_batches`.
    """

    def __init__(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        *,
        identity: Mapping[str, Any],
        **options: Any,
    ) -> None:
        super().__init__(sources, targets, **options)
        self.identity: dict[str, Any] = load_json(dump_json(dict(identity)))

    @property
    def signature(self) -> dict[str, Any]:
        """What must agree before a checkpoint is resumed."""
        return {**super().signature, **self.identity}


def digest_of_pairs(*parts: Sequence[tuple[str, str]]) -> str:
    """SHA-256 of lists of sentence pairs, with their order."""
    return hashlib.sha256(dump_json(parts, indent=None).encode()).hexdigest()


def refuse_other_checkpoint(checkpoint: Path, identity: Mapping[str, Any]) -> None:
    """Raise if a stored checkpoint is of another training, and say what differs.

    Args:
        checkpoint: path prefix of the checkpoint, which need not exist.
        identity: of :class:`identified_batches`.

    Raises:
        InputError: a value differs; the message has both.
    """
    file = CheckpointFile(Path(checkpoint)).json
    if not file.exists():
        return
    try:
        stored = read_json(file)["signature"]["plan"]["batches"]
        different = [
            f"{name} ({stored.get(name)} stored, {now} now)"
            for name, now in load_json(dump_json(dict(identity))).items()
            if stored.get(name) != now
        ]
    except (KeyError, TypeError, AttributeError):
        return  # not a checkpoint of a translator, which train() refuses
    if different:
        raise InputError(
            f"{file} is a checkpoint of another training, with another {', '.join(different)}; "
            f"give what it was made with, or remove {file.name} to start again"
        )


def stored_weights(checkpoint: Path | None) -> tuple[Path, int, dict[str, Tensor]] | None:
    """Return file, step and weights of a checkpoint, of its best evaluation if it has one."""
    file = None if checkpoint is None else CheckpointFile(Path(checkpoint))
    found = None if file is None else file.read()
    if file is None or found is None:
        return None
    tensors = load(found[1])
    kind = "best/" if any(name.startswith("best/") for name in tensors) else "model/"
    weights = {n.removeprefix(kind): value for n, value in tensors.items() if n.startswith(kind)}
    return file.json, int(load_json(found[0].decode())["progress"]["step"]), weights
