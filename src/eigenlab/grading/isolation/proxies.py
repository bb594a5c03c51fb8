"""Stand-ins for the objects of a student's code, which is in another process.

Checks use them like the objects themselves: functions are called; models have parameters that can
be set and calls that autograd can differentiate; attributes and methods are those of the object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from eigenlab.grading.isolation.inside import known, wire
from eigenlab.grading.isolation.process import Process, Stopped


class RemoteError(Exception):
    """What the student's code raised, without the exception itself.

    Args:
        kind: name of the exception's class.
        message: its text.
        where: the line of the student's code.
    """

    def __init__(self, kind: str, message: str, where: str) -> None:
        super().__init__(message)
        self.explanation = f"{kind}: {message}{where}"


class Opaque:
    """A value that does not cross, such as a tensor on another device; only its type is known."""

    dtype: str


class RemoteObject:
    """Stands for an object that cannot be called; see :class:`Session`."""

    def __init__(self, session: Session, number: int) -> None:
        self._session, self._number = session, number

    def __getattr__(self, name: str) -> Any:
        return self._session.attribute(self._number, name)


class RemoteCallable(RemoteObject):
    """Stands for a function, a class or another object that can be called."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """What the student's object returns."""
        return self._session.call(self._number, arguments, options)

    def applied(self, build: Callable[..., Any], *arguments: Any) -> Any:
        """``self(*build(*arguments))``, all of it where the student's code runs."""
        return self._session.call(self._number, arguments, {}, build.__name__)


class RemoteModule(nn.Module):
    """Stands for a model, with copies of its parameters; see :class:`Session`."""

    def __init__(self, session: Session, number: int) -> None:
        super().__init__()
        self.__dict__["_session"], self.__dict__["_number"] = session, number

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """What the student's object returns."""
        return self._session.call(self._number, arguments, options)

    def train(self, mode: bool = True) -> RemoteModule:
        """Set the mode of the student's model."""
        self._session.attribute(self._number, "train")(mode)
        return self

    def eval(self) -> RemoteModule:
        """Set the mode of the student's model."""
        self._session.attribute(self._number, "eval")()
        return self

    def __getattr__(self, name: str) -> Any:
        return self._session.attribute(self._number, name)


class Session:
    """The objects of one process of a student's code.

    Args:
        process: runs the code.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.objects: dict[int, Any] = {}
        #: Values of parameters as both sides know them, and which are trained.
        self.sent: dict[int, tuple[list[Tensor], list[bool]]] = {}
        self.known: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.states: dict[int, known.State] = {}
        self.calls = 0
        self.random: Tensor | None = None

    def run(self, source: str) -> None:
        """Execute the source code; RemoteError if it raises."""
        _Exchange(self, {"do": "run", "source": source}).value()

    def get(self, names: list[str]) -> list[list[Any] | None]:
        """The values of names, each in a list; None where there is none."""
        found = _Exchange(self, {"do": "get", "names": names}).value()
        if not (isinstance(found, list) and len(found) == len(names)):
            raise self.malformed("names")
        return found

    def attribute(self, number: int, name: str) -> Any:
        """An attribute of an object; AttributeError where there is none."""
        asked = name if not name.startswith("__") and name not in NOT_ASKED else None
        found = asked and _Exchange(self, {"do": "attribute", "of": number, "name": name}).value()
        if not found:
            raise AttributeError(name)
        return found[0]

    def call(
        self, number: int, arguments: Any, options: dict[str, Any], build: str | None = None
    ) -> Any:
        """Call an object; autograd sees the call as one function of tensors and parameters."""
        self.calls += 1
        request = {"do": "call", "of": number, "number": self.calls}
        if build:
            request["build"] = build
        exchange = _Exchange(self, request)
        exchange.differentiable = torch.is_grad_enabled()
        exchange.arguments(arguments, options)
        return exchange.value()

    def products(self, number: int, inputs: list[Any], gradients: Any) -> list[Tensor | None]:
        """Vector-Jacobian products through an earlier call."""
        exchange = _Exchange(self, {"do": "vjp", "number": number})
        listed = [None if g is None else exchange.put(_numpy(g)) for g in gradients]
        exchange.request["gradients"] = listed
        return exchange.gradients(inputs)

    def malformed(self, what: str) -> Stopped:
        """End the process, which has sent what is no answer."""
        self.process.end(kill=True)
        return Stopped("died", f"it sent what is no answer ({what})")


#: Attributes that the checks ask values for and that no student's object needs.
NOT_ASKED = frozenset(("toarray", "dtype", "applied", "resolve_conj", "detach", "shape"))


#: Types of tensors that may come.
TYPES = {name: getattr(torch, name) for name in (*sorted(wire.DTYPES), "bfloat16")}


class _Exchange:
    """One request and its answer."""

    def __init__(self, session: Session, request: dict[str, Any]) -> None:
        self.session, self.request = session, request
        self.arrays: list[np.ndarray] = []
        self.inputs: list[Any] = []  # the arrays and tensors that are sent
        self.leaves: list[Tensor] = []  # tensors with a gradient
        self.differentiable = False
        self.outputs: list[Any] = []
        self.received: list[np.ndarray] = []
        self.by: list[tuple[int, int]] = []

    def put(self, array: np.ndarray) -> int:
        """Send an array."""
        return wire.put(array, self.arrays)

    # The request.

    def arguments(self, arguments: Any, options: dict[str, Any]) -> None:
        """Add the arguments of a call."""
        self.request["arguments"] = self.encode((tuple(arguments), options))
        self.request["grad"] = self.differentiable
        if self.differentiable:
            self.by = [
                (number, index)
                for number, module in self.session.objects.items()
                if isinstance(module, RemoteModule)
                for index, parameter in enumerate(module.parameters())
                if parameter.requires_grad
            ]
        self.request["by"] = self.by

    def encode(self, value: Any) -> Any:
        return wire.encode(value, self.arrays, self.encode_other)

    def encode_other(self, value: Any) -> Any:  # noqa: PLR0911  one line a type
        if isinstance(value, RemoteObject | RemoteModule):
            return {"t": "object", "id": value._number}
        if isinstance(value, Tensor):
            return self.encode_tensor(value)
        if isinstance(value, np.ndarray):
            self.inputs.append(value)
            return {"t": "input", "a": self.put(value)}
        if isinstance(value, tuple) and type(value).__name__ in known.RECORDS:
            items = [self.encode(item) for item in value]
            return {"t": "record", "name": type(value).__name__, "v": {"t": "list", "v": items}}
        if known.FUNCTIONS.get(name := getattr(value, "__name__", "")) is value:
            return {"t": "function", "name": name}
        if isinstance(value, type) and issubclass(value, known.Recorder):
            return {"t": "recorder", "id": self.number(value)}
        for kind, module in (("torch", torch), ("nn", nn)):
            if name and getattr(module, name, None) is value:
                return {"t": kind, "name": name}
        if isinstance(value, torch.optim.SGD):
            return self.encode_optimizer(value)
        if isinstance(value, nn.Module) and known.MODELS.get(type(value).__name__) is type(value):
            return {
                "t": "model",
                "id": self.number(value),
                "name": type(value).__name__,
                "arguments": list(known.arguments_of(value)),
            }
        raise TypeError(f"a check passes a {type(value).__name__}, which does not cross")

    def encode_tensor(self, value: Tensor) -> Any:
        tree: dict[str, Any] = {"t": "tensor", "a": self.put(_numpy(value))}
        self.inputs.append(value)
        if value.requires_grad:
            tree |= {"gradient": len(self.leaves), "leaf": value.is_leaf}
            self.leaves.append(value)
        return tree

    def encode_optimizer(self, value: torch.optim.SGD) -> Any:
        first = value.param_groups[0]["params"][0]
        for number, model in self.session.known.items():
            if isinstance(model, nn.Module) and next(model.parameters()) is first:
                rate = value.param_groups[0]["lr"]
                return {"t": "sgd", "id": self.number(value), "model": number, "lr": rate}
        raise TypeError("an optimizer has to come after the model whose parameters it changes")

    def number(self, value: Any) -> int:
        numbers = self.session.numbers
        if id(value) not in numbers:
            numbers[id(value)] = len(numbers)
        self.session.known[numbers[id(value)]] = value
        return numbers[id(value)]

    def synchronise(self) -> None:
        """Send what the check has changed: random generator, parameters, known models."""
        session = self.session
        state = torch.get_rng_state()
        if session.random is None or not torch.equal(state, session.random):
            self.request["random"] = self.put(state.numpy())
        self.request["set"] = []
        for number, (before, _) in session.sent.items():
            if number not in session.objects:
                continue
            listed = []
            for index, p in enumerate(session.objects[number].parameters()):
                if not torch.equal(p.detach(), before[index]):
                    listed.append([index, self.put(_numpy(p))])
                    before[index] = p.detach().clone()
            if listed:
                self.request["set"].append([number, listed])
        self.request["known"] = []
        for number, model in session.known.items():
            if not isinstance(model, nn.Module):
                continue
            current = known.state_of(model)
            if number not in session.states or not current.equals(session.states[number]):
                session.states[number] = current
                tree = self.encode_other(model)
                sent = {"model": tree, "state": self.encode_state(current)}
                self.request["known"].append([number, sent])

    def encode_state(self, state: known.State) -> Any:
        def tensor(value: Tensor | None) -> Any:
            return (
                value
                if value is None
                else {"t": "tensor", "state": 1, "a": self.put(_numpy(value))}
            )

        lists = (
            map(tensor, state.values),
            map(tensor, state.gradients),
            state.trained,
            state.modes,
        )
        return {"t": "list", "v": [{"t": "list", "v": list(items)} for items in lists]}

    # The answer.

    def exchange(self) -> Any:
        """Send, wait, take over what has changed; the tree of the answer."""
        self.synchronise()
        header, self.received = self.session.process.ask(self.request, self.arrays)
        # A draw here marks the generator, so that a seed set by a check is seen, even the same one.
        torch.rand(1)
        self.session.random = torch.get_rng_state()
        try:
            self.accept_parameters(header.get("parameters", []))
            self.accept_states(header.get("known", []))
            self.accept_changes(header.get("changed", []))
            error = header.get("error")
            if error is not None:
                raise self.error(error)
            return header["value"]
        except (wire.Malformed, KeyError, TypeError, ValueError, IndexError, AttributeError) as e:
            raise self.session.malformed(type(e).__name__) from e

    def error(self, found: dict[str, Any]) -> BaseException:
        kind, message, where = (str(found[key])[:2000] for key in ("type", "message", "where"))
        return (
            NotImplementedError(message)
            if found["unwritten"]
            else RemoteError(kind, message, where)
        )

    def value(self) -> Any:
        """The value of the answer."""
        tree = self.exchange()
        try:
            value = wire.decode(tree, self.received, self.special)
        except (wire.Malformed, KeyError, TypeError, ValueError, IndexError, RecursionError) as e:
            raise self.session.malformed(type(e).__name__) from e
        if self.outputs:
            self.connect()
            value = _replaced(value, {id(old): new for old, new in self.outputs})
        return value

    def connect(self) -> None:
        """Make the outputs functions of the inputs, for autograd."""
        inputs: list[Tensor] = list(self.leaves)
        for number, index in self.by:
            inputs.append(list(self.session.objects[number].parameters())[index])
        # The outputs have a gradient, even if it is one by nothing that the grader knows.
        anchor = torch.zeros((), requires_grad=True)
        plain = [old for old, _ in self.outputs]
        found = _Call.apply(self.session, self.request["number"], plain, anchor, *inputs)
        self.outputs = list(zip(plain, found, strict=True))

    def gradients(self, inputs: list[Any]) -> list[Tensor | None]:
        """The value of the answer to a request for vector-Jacobian products."""
        tree = self.exchange()
        if not isinstance(tree, list) or len(tree) != len(inputs):
            raise self.session.malformed("gradients")
        found: list[Tensor | None] = []
        for index, (shape, dtype) in zip(tree, inputs, strict=True):
            try:
                given = None if index is None else torch.from_numpy(wire.take(index, self.received))
            except wire.Malformed as error:
                raise self.session.malformed("gradients") from error
            if given is not None and (given.shape, given.dtype) != (shape, dtype):
                raise self.session.malformed("the shape of a gradient")
            found.append(given)
        return found

    def special(self, tree: dict[str, Any]) -> Any:
        kind = tree["t"]
        if kind == "tensor":
            return self.decode_tensor(tree)
        if kind == "opaque":
            cls = type(str(tree["type"])[:100], (Opaque,), {"dtype": str(tree["dtype"])[:100]})
            return cls()
        if kind != "object" or type(tree["id"]) is not int:
            raise wire.Malformed("a value of another kind")
        return self.stand_in(tree)

    def stand_in(self, tree: dict[str, Any]) -> Any:
        objects, number = self.session.objects, tree["id"]
        if number not in objects:
            base: type[Any] = RemoteCallable if tree["callable"] else RemoteObject
            if tree["parameters"]:
                base = RemoteModule
            objects[number] = type(str(tree["type"])[:100], (base,), {})(self.session, number)
            if number in self.session.sent:
                _set_parameters(objects[number], *self.session.sent[number])
        return objects[number]

    def decode_tensor(self, tree: dict[str, Any]) -> Tensor:
        value = torch.from_numpy(wire.take(tree["a"], self.received))
        dtype = TYPES[tree["dtype"]]
        value = value.to(dtype)
        if "gradient" in tree and self.differentiable and dtype.is_floating_point:
            if tree["gradient"] != len(self.outputs):
                raise wire.Malformed("the order of outputs")
            self.outputs.append((value, None))
        return value

    def tensor(self, index: Any) -> Tensor:
        """The tensor of an array that was received."""
        return torch.from_numpy(wire.take(index, self.received))

    def accept_parameters(self, listed: Any) -> None:
        for number, entries in listed:
            values = [torch.from_numpy(wire.take(array, self.received)) for array, _ in entries]
            trained = [flag is True for _, flag in entries]
            self.session.sent[number] = [value.clone() for value in values], trained
            if number in self.session.objects:
                _set_parameters(self.session.objects[number], values, trained)

    def accept_states(self, listed: Any) -> None:
        for number, found in listed:
            model = self.session.known[number]
            if isinstance(model, type) and issubclass(model, known.Recorder):
                for owner, array in found["calls"]:
                    model.calls.append(
                        (int(owner), torch.from_numpy(wire.take(array, self.received)))
                    )
                continue
            values, gradients, trained, modes = found["state"]
            state = known.State(
                [self.tensor(n) for n in values],
                [None if n is None else self.tensor(n) for n in gradients],
                [t is True for t in trained],
                [m is True for m in modes],
            )
            known.set_state(model, state)
            self.session.states[number] = known.state_of(model)

    def accept_changes(self, listed: Any) -> None:
        """Change the check's arguments as the student's code has changed its copies."""
        for index, array in listed:
            target, value = self.inputs[index], wire.take(array, self.received)
            is_tensor = isinstance(target, Tensor)
            same = value.shape == tuple(target.shape)
            if is_tensor:
                given = torch.from_numpy(value)
                same = same and given.dtype == target.dtype
                target.data = given if same else torch.full_like(target.data, 7)
            else:
                target[...] = value if same else 7


class _Call(torch.autograd.Function):
    """A call of the student's code, for autograd."""

    @staticmethod
    def forward(
        ctx: Any, session: Session, number: int, outputs: list[Tensor], *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.session, ctx.number = session, number
        ctx.inputs = [(tensor.shape, tensor.dtype) for tensor in inputs[1:]]
        return tuple(output.clone() for output in outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> Any:
        found = ctx.session.products(ctx.number, ctx.inputs, gradients)
        return None, None, None, None, *found


def _replaced(value: Any, by: dict[int, Any]) -> Any:
    """``value`` with the tensors of ``by`` replaced, in lists, tuples and dictionaries."""
    if isinstance(value, list | tuple):
        return type(value)(_replaced(item, by) for item in value)
    if isinstance(value, dict):
        return {key: _replaced(item, by) for key, item in value.items()}
    return by.get(id(value), value)


def _set_parameters(module: Any, values: list[Tensor], trained: list[bool]) -> None:
    """Give a stand-in the parameters of the model, in their order."""
    if not isinstance(module, RemoteModule):
        return
    current = list(module.parameters())
    if [(p.shape, p.dtype) for p in current] != [(v.shape, v.dtype) for v in values]:
        module._parameters.clear()
        for index, value in enumerate(values):
            floating = value.is_floating_point()
            module._parameters[str(index)] = nn.Parameter(value.clone(), requires_grad=floating)
        current = list(module.parameters())
    for parameter, value, flag in zip(current, values, trained, strict=True):
        parameter.data.copy_(value)
        parameter.requires_grad_(flag and value.is_floating_point())


def _numpy(value: Tensor) -> np.ndarray:
    return value.detach().resolve_conj().resolve_neg().cpu().to_dense().numpy()
