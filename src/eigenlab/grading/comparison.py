"""Compare what a student's code returns with the right values, and recognise mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

#: Numbers a student's code may return: a tensor, an array, a number or nested lists of them.
Numbers = Any

#: The part's error bound when it declares none, the one that the assignment states.
TOLERANCE = 1e-4


def as_array(value: Numbers) -> np.ndarray | None:
    """``value`` as an array of float64 (complex128 where it is complex), or None.

    Tensors may require a gradient, be of any dtype and live on any device. What is not made of
    numbers (None, a string, lists of unequal lengths) has no array.

    >>> as_array(torch.ones(2, requires_grad=True)), as_array("one"), as_array(None)
    (array([1., 1.]), None, None)
    """
    try:
        if isinstance(value, (list, tuple)) and any(torch.is_tensor(item) for item in value):
            value = torch.stack([torch.as_tensor(item) for item in value])
        if torch.is_tensor(value):
            value = value.detach().resolve_conj().cpu().to_dense()
            value = value.to(torch.complex128 if value.is_complex() else torch.float64).numpy()
        elif hasattr(value, "toarray"):  # a sparse matrix of scipy
            value = value.toarray()
        if isinstance(value, np.ma.MaskedArray):  # what is masked is no value
            value = np.ma.filled(value.astype(np.float64), np.nan)
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            return None
        return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    except (ValueError, TypeError, RuntimeError):
        return None


def max_error(given: np.ndarray, expected: np.ndarray) -> float:
    """Largest absolute difference; infinite where one of them is NaN or shapes differ.

    >>> max_error(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    0.5
    >>> max_error(np.array([np.nan]), np.array([0.0]))
    inf
    """
    if given.shape != expected.shape:
        return float("inf")
    if not expected.size:
        return 0.0
    with np.errstate(invalid="ignore"):
        difference = np.abs(given - expected)
    difference = np.where(given == expected, 0.0, difference)  # infinities of the same sign
    return float("inf") if np.isnan(difference).any() else float(difference.max())


@dataclass(frozen=True)
class Picture:
    """What a student's code gave beside the right values, to be drawn.

    Args:
        label: what is compared.
        given: what the student's code returned.
        expected: the right values, of the same shape.
        axes: a word for each axis, such as ``("sequence", "step", "unit")``; none if nothing is
            known of them.
    """

    label: str
    given: np.ndarray
    expected: np.ndarray
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """One value of a student's code beside the right one.

    Args:
        label: what is compared, such as ``"all_h of RNNLayer(1, 3)"``.
        given: what the student's code returned.
        expected: the right value, an array or tensor.
        mistakes: sentence that describes a likely mistake -> what the code with that mistake would
            return. It becomes the hint only if ``given`` equals that value. Default: none.
        advice: hint where no mistake is recognised. Default: ``""``.
        tolerance: bound of the absolute error. Default: ``1e-4``.
        note: what to say if the value is right, such as which of two conventions it follows.
            Default: ``""``.
        axes: a word for each axis of ``expected``; see :class:`Picture`. Default: ``()``.
    """

    label: str
    given: Numbers
    expected: Numbers
    mistakes: Mapping[str, Numbers] = field(default_factory=dict)
    advice: str = ""
    tolerance: float = TOLERANCE
    note: str = ""
    axes: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        """Largest absolute error; infinite for another shape, NaN, or what is not numbers."""
        given, expected = as_array(self.given), as_array(self.expected)
        assert expected is not None
        return float("inf") if given is None else max_error(given, expected)

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance

    def hint(self) -> str:
        """What is wrong, from the evidence at hand: a recognised mistake, the shape, NaN."""
        given, expected = as_array(self.given), as_array(self.expected)
        assert expected is not None
        if self.given is None or self.given is ...:
            return f"{self.label} is None: the code is still missing, or `return` is."
        if given is None:
            kind = getattr(self.given, "dtype", "")
            words = f"{type(self.given).__name__}{f' of dtype {kind}' if kind else ''}"
            return f"{self.label} is a {words}, not numbers."
        for sentence, value in self.mistakes.items():
            mistaken = as_array(value)
            if mistaken is not None and max_error(given, mistaken) <= self.tolerance:
                return f"{self.label}: {sentence}"
        if given.shape != expected.shape:
            return f"{self.label} has shape {given.shape}, expected {expected.shape}."
        if not np.isfinite(given).all() and np.isfinite(expected).all():
            return f"{self.label} contains NaN or infinite values."
        words = f"{self.label} differs by up to {self.error:.2g} (allowed {self.tolerance:g})."
        return f"{words} {self.advice}".rstrip()

    def picture(self) -> Picture | None:
        """Both values as arrays, if they have the same shape and at least two real numbers."""
        given, expected = as_array(self.given), as_array(self.expected)
        if given is None or expected is None or given.shape != expected.shape or given.size < 2:
            return None
        if given.dtype.kind == "c" or expected.dtype.kind == "c":
            return None
        return Picture(self.label, given, expected, self.axes)
