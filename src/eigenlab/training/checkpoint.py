"""Checkpoints: a JSON file that names the one safetensors file it belongs to.

::

    <prefix>.json                        step, plan, history, early-stop state, optimizer scalars
    <prefix>-<step>-<digest>.safetensors weights, best weights, optimizer state, generator states

The tensors are written first, under a name that contains their digest; replacing the JSON file
then switches from the old pair to the new one atomically. A process killed in between leaves the
old pair intact. Neither file contains a pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json, read_json, write_atomic
from eigenlab.training.progress import Progress

FORMAT = 1


def capture(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    random_states: list[Tensor],
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the JSON record and the named tensors of a checkpoint."""
    tensors: dict[str, Tensor] = {f"model/{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in (progress.best_weights or {}).items()}
    tensors |= {f"random/{rank}": state for rank, state in enumerate(random_states)}
    scalars: dict[str, dict[str, Any]] = {}
    for index, state in optimizer.state_dict()["state"].items():
        scalars[str(index)] = {}
        for name, value in state.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer/{index}/{name}"] = value
            elif value is None or isinstance(value, bool | int | float | str):
                scalars[str(index)][name] = value
            else:
                raise InputError(
                    f"optimizer keeps '{name}' as a {type(value).__name__}, which a checkpoint "
                    "cannot hold; train without checkpoint, or use another optimizer"
                )
    plain = {
        each.name: getattr(progress, each.name)
        for each in fields(progress)
        if each.name != "best_weights"
    }
    return {"progress": plain, "optimizer_state": scalars}, tensors


def restore(
    record: dict[str, Any],
    tensors: dict[str, Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
) -> tuple[Progress, list[Tensor]]:
    """Load a checkpoint; return the progress and one random state per process."""
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "random": {}, "optimizer": {}}
    for key, value in tensors.items():
        kind, _, name = key.partition("/")
        parts[kind][name] = value
    model.load_state_dict(parts["model"])
    state: dict[int, dict[str, Any]] = {
        int(index): dict(scalars) for index, scalars in record["optimizer_state"].items()
    }
    for key, value in parts["optimizer"].items():
        index, _, name = key.partition("/")
        state[int(index)][name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    stored = dict(record["progress"])
    stored["losses"] = [(step, value) for step, value in stored["losses"]]
    stored["evaluations"] = [(step, values) for step, values in stored["evaluations"]]
    states = [parts["random"][str(rank)] for rank in range(len(parts["random"]))]
    return Progress(**stored, best_weights=parts["best"] or None), states


def signature(
    model: nn.Module, optimizer: torch.optim.Optimizer, plan: dict[str, Any]
) -> dict[str, Any]:
    """Return what must agree before a checkpoint is resumed: shapes, optimizer settings, plan."""
    groups = [
        {**group, "params": len(group["params"])}
        for group in optimizer.state_dict()["param_groups"]
    ]
    return {
        "model": {
            name: f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
            for name, value in model.state_dict().items()
        },
        "optimizer": {"class": type(optimizer).__name__}
        | {f"group {i} {k}": v for i, group in enumerate(groups) for k, v in group.items()},
        "plan": plan,
    }


class CheckpointFile:
    """The pair of files of one checkpoint.

    Args:
        prefix: path without suffix.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.json = prefix.with_name(prefix.name + ".json")

    def write(self, record: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Replace the stored checkpoint by this one; on failure the old one stays intact."""
        # Each tensor is copied: safetensors refuses shared memory, as of tied weights, and loading
        # a tied weight twice is harmless. It refuses memory formats other than the contiguous, too.
        payload = save(
            {
                name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
                for name, value in tensors.items()
            }
        )
        digest = hashlib.blake2b(payload, digest_size=16).hexdigest()
        step = record["progress"]["step"]
        name = f"{self.prefix.name}-{step}-{digest[:8]}.safetensors"
        write_atomic(self.prefix.with_name(name), payload)
        stored = {"format": FORMAT, "tensors": name, "digest": digest, **record}
        write_atomic(self.json, dump_json(stored, indent=None))
        own_name = re.compile(re.escape(self.prefix.name) + r"-\d+-[0-9a-f]{8}\.safetensors")
        for path in self.prefix.parent.iterdir():
            if own_name.fullmatch(path.name) and path.name != name:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()

    def read(self) -> tuple[bytes, bytes] | None:
        """Return the raw JSON and tensor files, or None where there is no checkpoint."""
        if not self.json.exists():
            return None
        record = read_json(self.json)
        if not isinstance(record, dict) or record.get("format") != FORMAT:
            raise InputError(
                f"{self.json} is not a checkpoint of format {FORMAT}; remove it to start again"
            )
        path = self.prefix.with_name(str(record.get("tensors")))
        try:
            payload = path.read_bytes()
        except OSError as error:
            raise InputError(
                f"{self.json} needs {path.name}, which cannot be read ({error.strerror}); "
                f"remove {self.json.name} to start again"
            ) from error
        if hashlib.blake2b(payload, digest_size=16).hexdigest() != record["digest"]:
            raise InputError(
                f"{path} is damaged (its digest differs from the one in {self.json.name}); "
                f"remove {self.json.name} to start again"
            )
        return self.json.read_bytes(), payload


def decode(
    source: Path, raw: tuple[bytes, bytes], expected: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Parse what :meth:`CheckpointFile.read` returned; refuse that of another training."""
    record = load_json(raw[0].decode())
    expected = load_json(dump_json(expected))
    differences = [
        f"{part} {_difference(record['signature'].get(part, {}), expected[part])}"
        for part in expected
        if record["signature"].get(part) != expected[part]
    ]
    if differences:
        raise InputError(
            f"{source} is a checkpoint of another training: {'; '.join(differences)}; "
            "use the settings it was made with, another checkpoint, or resume=False"
        )
    return record, load(raw[1])


def _difference(stored: dict[str, Any], now: dict[str, Any]) -> str:
    stored, now = _flat(stored), _flat(now)
    keys = [key for key in stored | now if stored.get(key) != now.get(key)]
    shown = [
        f"{key}: {stored.get(key, 'absent')} stored, {now.get(key, 'absent')} now"
        for key in keys[:3]
    ]
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return f"({', '.join(shown)}{more})"


def _flat(nested: dict[str, Any]) -> dict[str, Any]:
    """Settings of settings as ``outer.inner``, so that only what differs is named."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": each for inner, each in _flat(value).items()}
        else:
            flat[key] = value
    return flat
