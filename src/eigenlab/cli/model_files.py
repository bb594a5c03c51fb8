"""Files of models that a command trains, and the checkpoint from which it continues."""

from __future__ import annotations

import os
from pathlib import Path

from eigenlab.cli.status import INTERRUPTED
from eigenlab.cli.terminal import notices
from eigenlab.errors import InputError

MODEL_SUFFIX = ".safetensors"


def check_new(model: Path) -> None:
    """Refuse a model that cannot be written, before the training.

    Args:
        model: file to write.
    """
    if model.exists():
        raise InputError(f"{model} exists already; choose another file, or remove it first")
    try:
        model.parent.mkdir(parents=True, exist_ok=True)
        writable = os.access(model.parent, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise InputError(f"cannot write {model}: choose a folder that you may write to")


def checkpoint_of(model: Path) -> Path:
    """Path prefix of the checkpoint beside a model.

    Args:
        model: file to write.
    """
    return model.with_name(f"{model.name}.checkpoint")


def checkpoint_json(checkpoint: Path) -> Path:
    """The file of a checkpoint that names the others.

    Args:
        checkpoint: path prefix.
    """
    return checkpoint.with_name(f"{checkpoint.name}.json")


def remove_checkpoint(checkpoint: Path) -> None:
    """Remove the files of a checkpoint, when the model is saved.

    Args:
        checkpoint: path prefix.
    """
    tensors = checkpoint.parent.glob(f"{checkpoint.name}-*{MODEL_SUFFIX}")
    for path in [checkpoint_json(checkpoint), *tensors]:
        path.unlink(missing_ok=True)


def stopped(checkpoint: Path) -> int:
    """Say how to go on after Ctrl-C, and return the exit status.

    Args:
        checkpoint: path prefix.
    """
    file = checkpoint_json(checkpoint)
    kept = f"; the same command continues from {file}" if file.exists() else ""
    notices().print(f"stopped{kept or ' before the first update'}", markup=False, soft_wrap=True)
    return INTERRUPTED


def how_to_restart(error: InputError, checkpoint: Path) -> InputError:
    """The error of a checkpoint that does not fit, in the words of the command line.

    Args:
        error: what a fit raised.
        checkpoint: path prefix.
    """
    if "resume=False" not in str(error):
        return error
    return InputError(f"{error}; that is, remove {checkpoint_json(checkpoint)}")
