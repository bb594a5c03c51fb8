"""Running a model without leaving anything changed in it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn


@contextlib.contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Restore parameters, buffers and attributes of all modules that the body has changed.

    What a training step would change on the way (running statistics, power iterations, states kept
    on the module) is put back, also after an exception. Random generators advance as in any run.
    """
    kept = [_Kept(module) for module in model.modules()]
    try:
        yield
    finally:
        for state in kept:
            state.restore()


class _Kept:
    """The attributes of one module, its lists and dicts, and the values of its tensors."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._attributes = dict(module.__dict__)
        self._containers = [
            (value, value.copy())
            for value in self._attributes.values()
            if isinstance(value, list | dict | set)
        ]
        found = [
            *self._attributes.values(),
            *module._parameters.values(),
            *module._buffers.values(),
        ]
        self._tensors = [
            (value, value.detach().clone())
            for value in found
            if isinstance(value, Tensor) and not value.is_inference()
        ]

    def restore(self) -> None:
        attributes = self._module.__dict__
        if any(attributes.get(name, self) is not value for name, value in self._attributes.items()):
            attributes.update(self._attributes)
        for name in attributes.keys() - self._attributes.keys():
            del attributes[name]
        for container, copy in self._containers:
            _restore_container(container, copy)
        with torch.no_grad():
            for tensor, values in self._tensors:
                if not torch.equal(tensor, values):
                    tensor.copy_(values)


def _restore_container(container: Any, copy: Any) -> None:
    if isinstance(container, list):
        if len(container) != len(copy) or any(
            a is not b for a, b in zip(container, copy, strict=True)
        ):
            container[:] = copy
    elif isinstance(container, set):
        if container != copy:
            container.clear()
            container.update(copy)
    elif list(container) != list(copy) or any(container[k] is not copy[k] for k in copy):
        container.clear()
        container.update(copy)


def outside_compilation(function: Callable[..., Any]) -> Callable[..., Any]:
    """A hook that compiled code calls as it is, if anything was compiled so far."""
    return torch.compiler.disable(function) if "torch._dynamo" in sys.modules else function


@contextlib.contextmanager
def eager() -> Iterator[None]:
    """Run compiled modules as they were written, if anything was compiled."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield
