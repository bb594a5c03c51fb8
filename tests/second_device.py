"""A second device, simulated on the CPU, on which a mix of devices raises as it does on CUDA.

:func:`simulate` registers a device ``"sim"``. Its tensors are wrappers of CPU tensors; every
operation on them is checked as CUDA would check it, then done on the CPU:

- operands are all on one device, but for numbers, copies and index tensors on the CPU;
- numbers are drawn on a device by a generator of this device;
- a tensor on the device is no numpy array.

What only CUDA has (its kernels, cuDNN's rules, streams) is not simulated. Run as a script, it runs
the parts of the GPU benchmark that are named, on the simulated device.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

SIM = torch.device("cpu")  # until the device exists
MAY_MIX = {
    "aten::index",
    "aten::index_put",
    "aten::index_put_",
    "aten::_index_put_impl_",
    "aten::copy_",
    "aten::_to_copy",
    "aten::_foreach_copy_",
    "aten::_pack_padded_sequence",
    "aten::_pack_padded_sequence_backward",
    "aten::_fused_adam_",
    "aten::_fused_adamw_",
}
"""Operations that take a tensor on the CPU beside others: indices, lengths and counts of steps."""

CPUGenerator = torch.Generator
SIM_SEEDS: set[int] = set()


class SimGenerator(CPUGenerator):
    """A generator of the simulated device, told from others by its seed."""

    device = property(lambda self: SIM)  # type: ignore[assignment]

    def manual_seed(self, seed: int) -> SimGenerator:
        own = hash((seed, "sim")) & (2**63 - 1)
        SIM_SEEDS.add(own)
        self.seed_given = seed
        super().manual_seed(own)
        return self

    def initial_seed(self) -> int:
        return self.seed_given


class _Either(type):
    def __call__(cls, device: Any = "cpu") -> Any:
        if torch.device(device).type == "sim":
            return SimGenerator().manual_seed(1)
        return CPUGenerator(device)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, CPUGenerator)


class AnyGenerator(metaclass=_Either):
    """Stands for ``torch.Generator``, of both devices."""


class SimTensor(Tensor):
    """A tensor on the simulated device; ``raw`` holds its numbers."""

    raw: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, raw: Tensor, requires_grad: bool = False) -> SimTensor:
        layout: dict[str, Any] = {}
        if raw.layout == torch.strided:
            layout = {"strides": raw.stride(), "storage_offset": raw.storage_offset()}
        return torch.Tensor._make_wrapper_subclass(
            cls, raw.size(), dtype=raw.dtype, device=SIM, requires_grad=requires_grad, **layout
        )

    def __init__(self, raw: Tensor, requires_grad: bool = False) -> None:
        self.raw = raw

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copy: Any = SimTensor(self.raw.detach().clone())
        if isinstance(self, torch.nn.Parameter):
            copy = torch.nn.Parameter(copy, self.requires_grad)
        memo[id(self)] = copy
        return copy

    @property
    def data(self) -> Any:
        return torch.Tensor.data.__get__(self)

    @data.setter
    def data(self, value: Any) -> None:
        torch.Tensor.data.__set__(self, value)
        self.raw = value.raw

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __getitem__(self, index: Any) -> Any:
        return torch.Tensor.__getitem__(self, _placed(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        torch.Tensor.__setitem__(self, _placed(index), value)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatch(func, args, kwargs or {})


def _placed(index: Any) -> Any:
    """An index whose lists are tensors on the simulated device, as torch makes them on CUDA."""
    if isinstance(index, tuple):
        return tuple(map(_placed, index))
    return torch.tensor(index).long().to(SIM) if isinstance(index, list) else index


class Simulation(TorchDispatchMode):
    """While it is active, tensors can be made on and moved to the simulated device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatch(func, args, kwargs or {})


def dispatch(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Check the devices of an operation and do it on the CPU."""
    name, leaves = func._schema.name, tree_leaves((args, kwargs))
    there = [leaf for leaf in leaves if isinstance(leaf, SimTensor)]
    target = kwargs.get("device")
    on_sim = bool(there) if target is None else torch.device(target).type == "sim"
    check_devices(name, leaves, args, bool(there) or on_sim)
    plain_args, plain_kwargs = tree_map(_raw, (args, kwargs))
    out = OWN.get(name, func)(*plain_args, **plain_kwargs)
    if name == "aten::copy_":
        return args[0]
    if not on_sim:
        return out
    if name == "aten::_pack_padded_sequence":  # batch sizes stay on the CPU
        return SimTensor(out[0]), out[1]
    known = {id(tensor.raw): tensor for tensor in there}

    def wrapped(value: Any) -> Any:
        if isinstance(value, Tensor) and not isinstance(value, SimTensor):
            return known.get(id(value)) if id(value) in known else SimTensor(value)
        return value

    out = tree_map(wrapped, out)
    if there and any(result.alias_info is not None for result in func._schema.returns):
        return return_and_correct_aliasing(func, args, kwargs, out)
    return out


def check_devices(name: str, leaves: list[Any], args: tuple[Any, ...], on_sim: bool) -> None:
    """Raise where CUDA would."""
    here = [x for x in leaves if isinstance(x, Tensor) and not isinstance(x, SimTensor)]
    there = [x for x in leaves if isinstance(x, SimTensor)]
    if there and name not in MAY_MIX and any(tensor.dim() for tensor in here):
        raise RuntimeError(f"{name}: expected all tensors to be on the same device")
    if name == "aten::index" and there and not isinstance(args[0], SimTensor):
        raise RuntimeError(f"{name}: indices should be on the CPU, as the indexed tensor is")
    if name == "aten::_pack_padded_sequence" and isinstance(args[1], SimTensor):
        raise RuntimeError(f"{name}: lengths should be on the CPU")
    for leaf in leaves:
        if isinstance(leaf, CPUGenerator):
            of_sim = CPUGenerator.initial_seed(leaf) in SIM_SEEDS
            if of_sim != on_sim:
                raise RuntimeError(f"{name}: expected a generator of the tensor's device")


def _raw(value: Any) -> Any:
    if isinstance(value, SimTensor):
        return value.raw
    if isinstance(value, torch.device) and value.type == "sim":
        return torch.device("cpu")
    return value


def lstm_cell(a: Tensor, u: Tensor, c: Tensor, b: Any = None, b_h: Any = None) -> tuple[Any, ...]:
    i, f, g, o = (a + u if b is None else a + u + b + b_h).chunk(4, 1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    cell = f * c + i * g
    return o * cell.tanh(), cell, torch.cat([i, f, g, o], 1)


def lstm_cell_backward(
    by_h: Any, by_c: Any, before: Tensor, cell: Tensor, gates: Tensor, biases: bool
) -> tuple[Any, ...]:
    i, f, g, o = gates.chunk(4, 1)
    squashed = cell.tanh()
    by_h = torch.zeros_like(cell) if by_h is None else by_h
    total = by_h * o * (1 - squashed**2) + (0 if by_c is None else by_c)
    parts = [total * g * i * (1 - i), total * before * f * (1 - f), total * i * (1 - g * g)]
    delta = torch.cat([*parts, by_h * squashed * o * (1 - o)], 1)
    return delta, total * f, delta.sum(0) if biases else None


def gru_cell(a: Tensor, u: Tensor, h: Tensor, b: Any = None, b_h: Any = None) -> tuple[Any, ...]:
    if b is not None:
        a, u = a + b, u + b_h
    (a_r, a_z, a_n), (u_r, u_z, u_n) = a.chunk(3, 1), u.chunk(3, 1)
    r, z = (a_r + u_r).sigmoid(), (a_z + u_z).sigmoid()
    n = (a_n + r * u_n).tanh()
    return n + z * (h - n), torch.cat([r, z, n, h, u_n], 1)


def gru_cell_backward(grad: Tensor, kept: Tensor, biases: bool) -> tuple[Any, ...]:
    r, z, n, h, u_n = kept.chunk(5, 1)
    by_n = grad * (1 - z) * (1 - n * n)
    by_z, by_r = grad * (h - n) * z * (1 - z), by_n * u_n * r * (1 - r)
    a, u = torch.cat([by_r, by_z, by_n], 1), torch.cat([by_r, by_z, by_n * r], 1)
    return a, u, grad * z, *((a.sum(0), u.sum(0)) if biases else (None, None))


OWN = {
    "aten::_thnn_fused_lstm_cell": lstm_cell,
    "aten::_thnn_fused_lstm_cell_backward_impl": lstm_cell_backward,
    "aten::_thnn_fused_gru_cell": gru_cell,
    "aten::_thnn_fused_gru_cell_backward": gru_cell_backward,
}
"""Kernels that torch calls off the CPU only."""


def simulate() -> Simulation:
    """Register the device, let eigenlab take it, and return the mode in which it works."""
    global SIM  # noqa: PLW0603
    from eigenlab.training import device

    _setup_privateuseone_for_python_backend("sim")
    SIM = torch.device("sim", 0)
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    torch.Generator = AnyGenerator  # type: ignore[assignment, misc]
    present = device._present
    device._present = lambda kind: kind == "sim" or present(kind)
    made = torch.tensor

    def tensor(data: Any, **options: Any) -> Tensor:
        where = options.pop("device", "cpu")
        return made(data, **options).to(where)

    torch.tensor = tensor
    return Simulation()


def check_itself() -> None:
    """Mixes raise, and what CUDA allows does not."""
    x = torch.arange(6.0).to(SIM)
    drawn = torch.empty(6, device=SIM)
    for wrong in (
        lambda: x + torch.ones(6),
        lambda: torch.ones(6)[x.long()],
        lambda: drawn.uniform_(generator=CPUGenerator()),
        lambda: torch.rand(3, generator=AnyGenerator("sim")),
        x.numpy,
    ):
        try:
            wrong()
        except (RuntimeError, TypeError):
            continue
        raise AssertionError("a mix of devices was not noticed")
    assert x[torch.tensor([1, 2])].tolist() == [1.0, 2.0]
    assert (x * torch.tensor(2.0)).sum().item() == 30.0
    drawn.uniform_(generator=AnyGenerator("sim"))


def main(names: list[str]) -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
    import _gpu_parts  # noqa: F401
    from _gpu import Setting, line, run

    with simulate():
        check_itself()
        setting = Setting(SIM, small=True, deadline=time.perf_counter() + 600, times=False)
        rows = run(setting, names, lambda row: print(line(row), flush=True))
    print(*(row.trace for row in rows if row.trace), sep="\n")
    return int(any(row.status in {"failed", "wrong"} for row in rows))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
