"""Runs a student's source code and answers requests about what it defines.

The grader holds stand-ins for the student's functions, classes and models; each use of one is a
request: ``run``, ``get``, ``call``, ``attribute``, or ``vjp``, which is a vector-Jacobian product
through an earlier call.
"""

from __future__ import annotations

import contextlib
import linecache
import socket
import sys
import traceback
import types
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from . import known, wire

#: What tracebacks call the student's file.
FILE = "<submission>"
#: Calls whose graph is kept for a later vector-Jacobian product.
TAPES = 500


class Tape(NamedTuple):
    """Outputs and inputs of a call, for its vector-Jacobian products."""

    outputs: list[Tensor]
    inputs: list[Tensor]


class Server:
    """The student's objects by number, and what the grader last knew of their parameters."""

    def __init__(self) -> None:
        self.space = types.ModuleType("__main__")
        self.objects: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.sent: dict[int, list[Tensor]] = {}
        self.tapes: dict[int, Tape] = {}
        self.known: dict[int, Any] = {}
        self.states: dict[int, known.State] = {}

    def answer(
        self, request: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Do what is asked; whatever the student's code raises becomes an answer."""
        try:
            return Request(self, request, arrays).answer()
        except BaseException as error:
            return {"error": described(error)}, []

    def number(self, value: Any) -> int:
        """The number of an object of the student's, which is then kept alive."""
        if (found := self.numbers.get(id(value))) is None:
            found = self.numbers[id(value)] = len(self.objects)
            self.objects[found] = value
        return found


class Request:
    """One request and the arrays of its answer."""

    def __init__(self, server: Server, request: dict[str, Any], arrays: list[np.ndarray]) -> None:
        self.server, self.request, self.given = server, request, arrays
        self.arrays: list[np.ndarray] = []
        self.leaves: dict[int, Tensor] = {}  # inputs of the call with a gradient
        self.outputs: list[Tensor] = []
        self.inputs: list[tuple[Any, Any]] = []  # each array that came, and a copy

    def answer(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The header and the arrays of the answer."""
        self.accept()
        try:
            found: dict[str, Any] = {"value": getattr(self, "do_" + self.request["do"])()}
        except BaseException as error:
            found, self.arrays = {"error": described(error)}, []
        found["parameters"] = self.parameters()
        found["known"] = self.states()
        found["changed"] = [
            [index, self.put(value)]
            for index, (value, before) in enumerate(self.inputs)
            if not alike(value, before)
        ]
        return found, self.arrays

    def accept(self) -> None:
        """Take over the random generator, parameters and models as the grader has set them."""
        if (state := self.request.get("random")) is not None:
            torch.set_rng_state(torch.from_numpy(self.given[state].copy()))
        for number, values in self.request.get("set", []):
            parameters = list(self.server.objects[number].parameters())
            for index, array in values:
                value = torch.from_numpy(self.given[array].copy())
                parameters[index].data.copy_(value)
                self.server.sent[number][index] = value
        for number, tree in self.request.get("known", []):
            model = self.decode(tree["model"])
            state = known.State(*wire.decode(tree["state"], self.given, self.special))
            known.set_state(model, state)
            self.server.states[number] = known.state_of(model)
        self.inputs.clear()

    # What can be asked for.

    def do_run(self) -> None:
        """Execute the student's source code, under a name by which ``__main__`` is not run."""
        source, space = self.request["source"], self.server.space
        linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
        space.__name__, space.__file__ = "submission", FILE
        sys.modules["submission"] = space
        exec(compile(source, FILE, "exec", dont_inherit=True), vars(space))

    def do_get(self) -> Any:
        """The values of names; None where there is none, and a list of one value else."""
        space = vars(self.server.space)
        return self.encode([[space[n]] if n in space else None for n in self.request["names"]])

    def do_attribute(self) -> Any:
        """An attribute of an object: None where there is none, and a list of one value else."""
        value = self.server.objects[self.request["of"]]
        try:
            found = getattr(value, self.request["name"])
        except AttributeError:
            return None
        return self.encode([found])

    def do_call(self) -> Any:
        """Call an object."""
        function = self.server.objects[self.request["of"]]
        arguments, options = self.decode(self.request["arguments"])
        if "build" in self.request:
            arguments = known.FUNCTIONS[self.request["build"]](*arguments)
        parameters = [
            list(self.server.objects[number].parameters())[index]
            for number, index in self.request["by"]
        ]
        with torch.set_grad_enabled(self.request["grad"]):
            value = self.encode(function(*arguments, **options))
        if self.outputs:
            inputs = [self.leaves[index] for index in sorted(self.leaves)] + parameters
            self.server.tapes[self.request["number"]] = Tape(self.outputs, inputs)
            if len(self.server.tapes) > TAPES:
                del self.server.tapes[min(self.server.tapes)]
        return value

    def do_vjp(self) -> Any:
        """Gradients of an earlier call's inputs, from those of its outputs."""
        tape = self.server.tapes[self.request["number"]]
        pairs = [
            (output, torch.from_numpy(self.given[array].copy()).to(output.dtype))
            for output, array in zip(tape.outputs, self.request["gradients"], strict=True)
            if array is not None
        ]
        if not pairs or not tape.inputs:
            return [None] * len(tape.inputs)
        outputs, gradients = zip(*pairs, strict=True)
        found = torch.autograd.grad(
            outputs, tape.inputs, gradients, retain_graph=True, allow_unused=True
        )
        return [None if gradient is None else self.put(gradient) for gradient in found]

    # Values.

    def put(self, value: Any) -> int:
        """The number of the array of a tensor or array."""
        array = numpy_of(value) if isinstance(value, Tensor) else value
        return wire.put(np.array(array), self.arrays)

    def encode(self, value: Any) -> Any:
        """A value of the student's code; what is no data becomes a numbered object."""
        return wire.encode(value, self.arrays, self.encode_other)

    def encode_other(self, value: Any) -> Any:  # noqa: PLR0911  one line a type
        """A value that is neither a number, a text nor a plain container."""
        if isinstance(value, Tensor):
            return self.encode_tensor(value)
        if isinstance(value, list | tuple):
            return self.encode((tuple if isinstance(value, tuple) else list)(value))
        if isinstance(value, np.ma.MaskedArray):
            return self.encode(np.ma.filled(value.astype(np.float64), np.nan))
        if isinstance(value, np.ndarray) and value.dtype.name in wire.DTYPES:
            return {"t": "array", "a": self.put(value)}
        if isinstance(value, np.ndarray):
            return {"t": "opaque", "type": "ndarray", "dtype": str(value.dtype)}
        if not isinstance(value, type) and callable(getattr(value, "toarray", None)):
            return self.encode(np.asarray(value.toarray()))  # a sparse matrix of scipy
        has_parameters = not isinstance(value, type) and parameters_of(value) is not None
        return {
            "t": "object",
            "id": self.server.number(value),
            "type": type(value).__name__,
            "callable": callable(value),
            "parameters": has_parameters,
        }

    def encode_tensor(self, value: Tensor) -> Any:
        """A tensor; one with a gradient is an output of the call."""
        dtype = str(value.dtype).removeprefix("torch.")
        try:
            tree = {"t": "tensor", "a": self.put(value), "dtype": dtype}
        except (RuntimeError, TypeError, ValueError):  # of another device, quantised, ...
            return {"t": "opaque", "type": type(value).__name__, "dtype": f"torch.{dtype}"}
        if value.requires_grad:
            tree["gradient"] = len(self.outputs)
            self.outputs.append(value)
        return tree

    def decode(self, tree: Any) -> Any:
        """A value that the grader sent."""
        return wire.decode(tree, self.given, self.special)

    def special(self, tree: dict[str, Any]) -> Any:  # noqa: PLR0911  one line a kind
        """A value that the grader sent, of the kinds that only it sends."""
        kind = tree["t"]
        if kind == "tensor":
            return self.decode_tensor(tree)
        if kind == "input":
            array = self.given[tree["a"]].copy()
            self.inputs.append((array, array.copy()))
            return array
        if kind == "object":
            return self.server.objects[tree["id"]]
        if kind == "function":
            return known.FUNCTIONS[tree["name"]]
        if kind in ("torch", "nn"):
            return getattr(torch if kind == "torch" else nn, tree["name"])
        if kind == "record":
            items = wire.decode(tree["v"], self.given, self.special)
            return known.RECORDS[tree["name"]](*items)
        return self.build(tree)

    def build(self, tree: dict[str, Any]) -> Any:
        """A known model, optimizer or recorder, the same one each time."""
        number, kept = tree["id"], self.server.known
        if number not in kept:
            if tree["t"] == "recorder":
                kept[number] = known.recorder()
            elif tree["t"] == "sgd":
                model = kept[tree["model"]]
                kept[number] = torch.optim.SGD(model.parameters(), lr=tree["lr"])
            else:
                kept[number] = known.MODELS[tree["name"]](*tree["arguments"])
                self.server.states[number] = known.state_of(kept[number])
        return kept[number]

    def decode_tensor(self, tree: dict[str, Any]) -> Tensor:
        """A tensor; one with a gradient is an input of the call."""
        value = torch.from_numpy(self.given[tree["a"]].copy())
        if tree.get("state"):
            return value
        if "gradient" in tree:
            leaf = self.leaves[tree["gradient"]] = value.requires_grad_()
            value = leaf if tree["leaf"] else leaf.clone()
        self.inputs.append((value, value.detach().clone()))
        return value

    # What has changed during the request.

    def parameters(self) -> list[Any]:
        """Parameters of the objects that the grader knows, where they have changed."""
        found = []
        for number, value in list(self.server.objects.items()):
            if isinstance(value, type) or (current := parameters_of(value)) is None:
                continue
            before = self.server.sent.get(number)
            if (
                before is None
                or len(before) != len(current)
                or not all(map(alike, current, before))
            ):
                self.server.sent[number] = [p.detach().clone() for p in current]
                listed = [[self.put(p), p.requires_grad] for p in current]
                found.append([number, listed])
        return found

    def states(self) -> list[Any]:
        """States of the known models that have changed, and what recorders have recorded."""
        found: list[Any] = []
        for number, model in self.server.known.items():
            if isinstance(model, type) and issubclass(model, known.Recorder):
                if model.calls:
                    calls = [[owner, self.put(h)] for owner, h in model.calls]
                    found.append([number, {"calls": calls}])
                    model.calls.clear()
            elif isinstance(model, nn.Module):
                state = known.state_of(model)
                if not state.equals(self.server.states[number]):
                    self.server.states[number] = state
                    found.append([number, {"state": self.encode_state(state)}])
        return found

    def encode_state(self, state: known.State) -> Any:
        """The state of a known model."""
        values = [self.put(value) for value in state.values]
        gradients = [None if g is None else self.put(g) for g in state.gradients]
        return [values, gradients, state.trained, state.modes]


def parameters_of(value: Any) -> list[Tensor] | None:
    """The parameters of a model, those of lazy modules once they exist; None for what has none."""
    if not callable(getattr(value, "parameters", None)):
        return None
    try:
        found = list(value.parameters())
    except Exception:
        return None
    if not all(isinstance(p, Tensor) for p in found):
        return None
    return [p for p in found if not nn.parameter.is_lazy(p)]


def numpy_of(value: Tensor) -> np.ndarray:
    """A tensor of any dtype and layout as an array."""
    dense = value.detach().resolve_conj().resolve_neg().cpu().to_dense()
    if dense.dtype == torch.bfloat16:
        dense = dense.float()
    return dense.numpy()


def alike(value: Any, before: Any) -> bool:
    """Whether a tensor or array still is what it was, NaN included."""
    if isinstance(value, Tensor):
        value, before = value.detach(), before.detach()
        if value.dtype != before.dtype or value.shape != before.shape:
            return False
        return bool(torch.equal(value, before)) or bool(
            value.is_floating_point() and torch.equal(value.nan_to_num(), before.nan_to_num())
        )
    return bool(np.array_equal(value, before))


def described(error: BaseException) -> dict[str, Any]:
    """An exception in words, with the line of the student's code that raised it."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__, limit=-200)
        if not any(name in frame.filename for name in ("site-packages", "<inside", "eigenlab/"))
    ]
    where = ""
    if frames:
        last = frames[-1]
        cell = f"{last.filename}, " if last.filename.startswith("code cell") else ""
        where = f" in {last.name}, {cell}line {last.lineno}: {last.line}"
    if isinstance(error, SyntaxError):
        where = f" in line {error.lineno}"
    return {
        "type": type(error).__name__[:200],
        "message": text_of(error)[:2000],
        "where": where[:1000],
        "unwritten": isinstance(error, NotImplementedError),
        "exit": isinstance(error, SystemExit),
    }


def text_of(error: BaseException) -> str:
    """``str(error)``, which is the student's code too."""
    try:
        return str(error)
    except BaseException:
        return ""


def serve(connection: socket.socket) -> None:
    """Answer requests until the grader closes the connection."""
    server = Server()
    while True:
        try:
            request, arrays = wire.receive(connection)
        except wire.Closed:
            return
        header, found = server.answer(request, arrays)
        try:
            message = wire.pack(header, found)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            message = wire.pack({"error": described(error)}, [])
        with contextlib.suppress(Exception):  # the student's code may have replaced them
            sys.stdout.flush()
            sys.stderr.flush()
        connection.sendall(message)
