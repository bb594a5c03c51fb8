"""Running the owner's model once, and finding the states of the part to trace."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn
from torch.nn.utils.rnn import PackedSequence

from eigenlab.errors import InputError
from eigenlab.recurrent.named_states import NamedStates
from eigenlab.recurrent.observe import RECURRENT, Observer
from eigenlab.recurrent.runs import (
    SUPPORTED,
    LayerRun,
    States,
    choose_calls,
    layer_runs,
    part_name,
)


def run_model(
    model: nn.Module,
    x: Any,
    recurrent: nn.Module | str | None,
    states: Callable[[Any], Any] | None,
) -> tuple[list[States], Any]:
    """The runs of the part to trace, and the model's output."""
    name = None if recurrent is None else part_name(model, recurrent)
    observer = Observer(model, x)
    watched = None if name is None else model.get_submodule(name)
    with _outputs_of(watched) as outputs, observer:
        output = _call(model, x)
    if states is None:
        calls = choose_calls(model, observer.calls, name)
        if not all(call.differentiable for call in calls):
            raise InputError(
                "the model runs its recurrent part with autograd off (torch.no_grad() or "
                "torch.inference_mode() in its forward), so there is no gradient to trace; take it "
                "out of forward"
            )
        if calls:
            return _of_equal_size(layer_runs(calls)), output
    if watched is None or isinstance(watched, RECURRENT) or not outputs:
        raise InputError(
            f"model(x) made no recurrent call that can be seen{_inside(name)}; these are traced in "
            f"any module: {SUPPORTED}. For a recurrence written by hand, pass the module that "
            "returns its hidden states as recurrent= and, if they are not its first output, "
            "states= as a function of its output; of a scripted or data-parallel model pass the "
            "module inside"
        )
    return [NamedStates(name or type(model).__name__, _states_in(outputs, states))], output


def _inside(name: str | None) -> str:
    return f" in {name!r}" if name else ""


def _call(model: nn.Module, x: Any) -> Any:
    """``model(x)``, with a tuple as its positional and a dict as its keyword arguments."""
    if isinstance(x, dict):
        return model(**x)
    if is_plain_tuple(x) and _accepts(model.forward, x):
        return model(*x)
    return model(x)


def _accepts(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # no signature to read
        return True
    return True


def is_plain_tuple(value: Any) -> bool:
    """Whether a value is a tuple, but not a packed sequence, which is one by inheritance."""
    return isinstance(value, tuple) and not isinstance(value, PackedSequence)


@contextlib.contextmanager
def _outputs_of(module: nn.Module | None) -> Iterator[list[Any]]:
    """Collect what a module returns in this thread, unless torch's own calls show its states."""
    outputs: list[Any] = []
    if module is None or isinstance(module, RECURRENT):
        yield outputs
        return
    thread = threading.get_ident()

    def keep(_: nn.Module, __: Any, output: Any) -> None:
        if threading.get_ident() == thread:
            outputs.append(output)

    handle = module.register_forward_hook(keep)
    try:
        yield outputs
    finally:
        handle.remove()


def _states_in(outputs: list[Any], states: Callable[[Any], Any] | None) -> Any:
    """The hidden states among what a module returned in one call, or step by step in several."""
    found = []
    for output in outputs:
        value = states(output) if states else (output[0] if is_plain_tuple(output) else output)
        found.append(value)
    if len(found) == 1:
        return found[0]
    return found


def _of_equal_size(runs: list[LayerRun]) -> list[States]:
    shapes = {tuple(run.hidden.shape) for run in runs}
    if len(shapes) > 1:
        listed = ", ".join(f"{run.name}: {tuple(run.hidden.shape)}" for run in runs)
        raise InputError(
            f"the traced layers differ in (steps, batch, hidden_size): {listed}; name one module "
            "with recurrent="
        )
    return list(runs)
