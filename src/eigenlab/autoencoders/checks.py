"""Checks of samples, features, labels and training settings."""

from __future__ import annotations

from numbers import Integral

import torch
from torch import Tensor

from eigenlab.errors import InputError


def check_training(
    x: Tensor, input_size: int | None, n_epochs: int, batch_size: int, learning_rate: float
) -> None:
    """Raise an :class:`~eigenlab.errors.InputError` if samples or settings cannot be used."""
    check_tensor("x", x)
    if x.dim() != 2 or input_size not in (None, x.shape[1]) or len(x) == 0:
        wanted = "" if input_size is None else f"{input_size} "
        raise InputError(
            f"x has shape {tuple(x.shape)}; expected (n_samples >= 1, {wanted}features)"
        )
    if not x.is_floating_point():
        raise InputError(f"x is {x.dtype}; give floating-point samples, such as pixels / 255")
    if not torch.isfinite(x).all():
        raise InputError("x holds NaN or infinity; remove or impute these samples first")
    check_numbers(n_epochs, batch_size, learning_rate)


def check_tensor(name: str, value: object) -> None:
    """Raise an :class:`~eigenlab.errors.InputError` if ``value`` is not a tensor."""
    if not isinstance(value, Tensor):
        raise InputError(
            f"{name} is a {type(value).__name__}, expected a tensor; give torch.as_tensor({name})"
        )


def check_numbers(n_epochs: int, batch_size: int, learning_rate: float) -> None:
    """Raise an :class:`~eigenlab.errors.InputError` unless the training settings are valid."""
    numbers = {"n_epochs": n_epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    for name, value in numbers.items():
        if not value > 0:
            raise InputError(f"{name}={value} must be positive")
        if name != "learning_rate" and not isinstance(value, Integral):
            raise InputError(f"{name}={value} must be a whole number")


def check_labelled(features: Tensor, labels: Tensor) -> Tensor:
    """Return the labels as int64; raise an InputError if a probe cannot be fitted."""
    check_tensor("features", features)
    check_tensor("labels", labels)
    fit = features.dim() == 2 and labels.dim() == 1 and len(features) == len(labels)
    if not fit or features.shape[1] == 0:
        raise InputError(
            f"features have shape {tuple(features.shape)}, labels {tuple(labels.shape)}; expected "
            "(n, k >= 1) and (n,)"
        )
    if not features.is_floating_point():
        raise InputError(
            f"features are {features.dtype}; give floating-point ones, such as pixels / 255"
        )
    if not torch.isfinite(features).all():
        raise InputError(
            "features hold NaN or infinity; check whether the autoencoder's training diverged"
        )
    whole = not (labels.is_floating_point() or labels.is_complex())
    labels = labels.long() if whole else labels
    if not whole or (len(labels) > 0 and labels.min() < 0):
        raise InputError(
            "labels must be integers from 0 on; encode them, for example with "
            "sklearn.preprocessing.LabelEncoder"
        )
    if len(torch.unique(labels)) < 2:
        raise InputError(
            f"labels hold {len(torch.unique(labels))} class; a probe needs at least two to tell "
            "apart"
        )
    return labels


def class_count(labels: Tensor, n_classes: int | None) -> int:
    """Return ``n_classes``, by default one more than the largest label, after a check."""
    found = int(labels.max()) + 1
    if n_classes is None:
        return found
    if not isinstance(n_classes, Integral):
        raise InputError(f"n_classes={n_classes!r} must be a whole number")
    if n_classes < found:
        raise InputError(f"n_classes={n_classes} but a label is {found - 1}")
    return int(n_classes)
