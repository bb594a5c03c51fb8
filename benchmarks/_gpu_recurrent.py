"""Parts of the GPU benchmark: recurrent layers, autocast, ensembles, the trace and the monitor."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from _gpu import TOLERANCES, Row, Setting, check, counted_synchronisations, part, timed
from eigenlab.recurrent import (
    LSTM,
    RNN,
    GradientMonitor,
    RecurrentRegressor,
    fit_regressor,
    fit_regressors,
    from_torch,
    regression_loss,
    running_average,
    trace_gradients,
)
from eigenlab.reporter import SILENT
from eigenlab.training import generator

KINDS: tuple[tuple[Any, Any], ...] = ((RNN, nn.RNN), (LSTM, nn.LSTM))


def moved(module: Any, device: torch.device) -> Any:
    """A copy of a module on a device."""
    return copy.deepcopy(module).to(device)


def outputs_and_gradients(module: nn.Module, x: Tensor, weights: Tensor) -> list[Tensor]:
    """Hidden states, and the gradients of their weighted sum by input and parameters."""
    x = x.detach().requires_grad_()
    module.zero_grad()
    hidden = module(x)[0]
    (hidden * weights).sum().backward()
    return [hidden, x.grad, *(p.grad for p in module.parameters())]  # type: ignore[list-item]


def step(module: nn.Module, x: Tensor, gradient: Tensor) -> Callable[[], None]:
    def run() -> None:
        module.zero_grad()
        module(x)[0].backward(gradient)

    return run


@part
def recurrent_layers(setting: Setting) -> Iterator[Row]:
    """Forward and backward of stacks of two layers, and their times beside torch.nn."""
    batch, steps, inputs, hidden = setting.size((16, 100, 8, 64), (3, 6, 2, 5))
    for ours, _ in KINDS:
        for dtype in (torch.float64, torch.float32):
            module = ours(inputs, hidden, 2, dtype=dtype)
            x = torch.randn(batch, steps, inputs, dtype=dtype)
            weights = torch.randn(batch, steps, hidden, dtype=dtype)
            yield check(
                f"{ours.__name__}, {dtype}",
                outputs_and_gradients(moved(module, setting.device), x.to(setting.device),
                                      weights.to(setting.device)),
                outputs_and_gradients(module, x, weights),
                TOLERANCES[dtype],
            )  # fmt: skip
    module = RNN(inputs, hidden, nonlinearity=torch.nn.functional.softsign)
    x, weights = torch.randn(batch, steps, inputs), torch.randn(batch, steps, hidden)
    yield check(
        "RNN, own nonlinearity",
        outputs_and_gradients(
            moved(module, setting.device), x.to(setting.device), weights.to(setting.device)
        ),
        outputs_and_gradients(module, x, weights),
        TOLERANCES[torch.float32],
    )
    sizes = setting.size(((64, 128, 64, 128), (16, 512, 64, 256), (1, 100, 1, 16)), ((2, 5, 2, 4),))
    for _, theirs in KINDS:
        for batch, steps, inputs, hidden in sizes:
            reference = theirs(inputs, hidden, batch_first=True).to(setting.device)
            module = from_torch(reference)
            x = torch.randn(batch, steps, inputs, device=setting.device)
            gradient = torch.randn(batch, steps, hidden, device=setting.device)
            ways = {
                f"nn.{theirs.__name__}": step(reference, x, gradient),
                "eigenlab": step(module, x, gradient),
            }
            yield timed(
                f"{theirs.__name__} {(batch, steps, inputs, hidden)}", setting, ways, seconds=3
            )


@part
def autocast(setting: Setting) -> Iterator[Row]:
    """16-bit arithmetic against float32 on the CPU, and its time beside torch.nn's."""
    batch, steps, inputs, hidden = setting.size((64, 64, 64, 128), (3, 6, 2, 5))
    kinds = (torch.bfloat16, torch.float16) if setting.on_cuda else (torch.bfloat16,)
    device = setting.device
    for _, theirs in KINDS:
        reference = theirs(inputs, hidden, batch_first=True)
        module = from_torch(reference)
        x, weights = torch.randn(batch, steps, inputs), torch.randn(batch, steps, hidden)
        expected = outputs_and_gradients(module, x, weights)
        here = moved(module, device), x.to(device), weights.to(device)
        for dtype in kinds:
            with torch.autocast(device.type, dtype):
                found = outputs_and_gradients(*here)
            assert found[0].dtype == dtype, found[0].dtype
            name = str(dtype).removeprefix("torch.")
            yield check(f"{theirs.__name__}, autocast {name}", found, expected, TOLERANCES[dtype])
            low = moved(module, device).to(dtype)
            found = outputs_and_gradients(low, here[1].to(dtype), here[2].to(dtype))
            yield check(f"{theirs.__name__}, weights in {name}", found, expected, TOLERANCES[dtype])

            def under_autocast(
                module: nn.Module, x: Tensor = here[1], dtype: torch.dtype = dtype
            ) -> Callable[[], None]:
                def run() -> None:
                    module.zero_grad()
                    with torch.autocast(device.type, dtype):
                        hidden = module(x)[0]
                    hidden.float().square().mean().backward()

                return run

            ways = {
                f"nn.{theirs.__name__}": under_autocast(moved(reference, device)),
                "eigenlab": under_autocast(here[0]),
            }
            yield timed(f"{theirs.__name__}, autocast {name}", setting, ways, seconds=2)


def from_the_cpu(device: torch.device, batch: int, steps: int, dtype: torch.dtype) -> Any:
    """A ``draw`` that gives the same batches on every device."""

    def draw(g: torch.Generator) -> tuple[Tensor, Tensor]:
        same = torch.Generator().manual_seed(g.initial_seed())
        x, y = running_average(batch, steps, generator=same, dtype=dtype)
        return x.to(device), y.to(device)

    return draw


@part
def regressors(setting: Setting) -> Iterator[Row]:
    """One regressor, and several at once, beside a plain loop over torch.nn.RNN."""
    count, batch, steps, hidden, updates = setting.size((8, 32, 20, 32, 60), (2, 3, 4, 5, 6))
    device, cpu = setting.device, torch.device("cpu")
    dtype = torch.float64

    def ensemble(device: torch.device, kind: Any) -> list[Any]:
        models = [RecurrentRegressor(kind(1, hidden, dtype=dtype, device=device))
                  for _ in range(count)]  # fmt: skip
        curves = fit_regressors(
            models,
            from_the_cpu(device, batch, steps, dtype),
            seeds=range(count),
            steps=updates,
            learning_rate=1e-2,
            last_step_only=False,
            clip_norm=1.0,
        )
        return [[curve.losses for curve in curves], *(list(m.parameters()) for m in models)]

    def single(device: torch.device) -> list[Any]:
        model = RecurrentRegressor(RNN(1, hidden, dtype=dtype))
        history = fit_regressor(
            model,
            from_the_cpu(device, batch, steps, dtype),
            seed=0,
            steps=updates,
            learning_rate=1e-2,
            last_step_only=True,
            device=device,
            reporter=SILENT,
            checkpoint=None,
        )
        return [[loss for _, loss in history.losses], list(model.parameters())]

    # Two orders of the same sums differ by 3e-15 in the weights after these updates, and float32
    # anywhere on the way by 6e-8.
    tolerance = 1e-8
    for kind in (RNN, LSTM):
        name = f"fit_regressors, {kind.__name__}, {updates} updates"
        yield check(name, ensemble(device, kind), ensemble(cpu, kind), tolerance)
    yield check(f"fit_regressor, {updates} updates", single(device), single(cpu), tolerance)

    def draw(g: torch.Generator) -> tuple[Tensor, Tensor]:
        return running_average(batch, steps, generator=g)

    def plain() -> None:
        for seed in range(count):
            layer, readout = nn.RNN(1, hidden, batch_first=True), nn.Linear(hidden, 1)
            both = nn.ModuleList([layer, readout]).to(device)
            optimizer = torch.optim.Adam(both.parameters(), lr=1e-2)
            g = generator(seed, "batches", device=device)
            for _ in range(updates):
                x, y = draw(g)
                optimizer.zero_grad()
                regression_loss(readout(layer(x)[0]), y).backward()
                optimizer.step()

    def ours() -> None:
        models = [RecurrentRegressor(RNN(1, hidden, device=device)) for _ in range(count)]
        fit_regressors(
            models, draw, seeds=range(count), steps=updates, learning_rate=1e-2,
            last_step_only=False,
        )  # fmt: skip

    ways = {"one after another": plain, "eigenlab": ours}
    yield timed(f"{count} networks, {updates} updates", setting, ways, seconds=10)


class Tagger(nn.Module):
    """A recurrent module under a linear head, with lengths if they are given."""

    def __init__(self, recurrent: nn.RNNBase) -> None:
        super().__init__()
        self.recurrent = recurrent
        width = recurrent.hidden_size * (2 if recurrent.bidirectional else 1)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is None:
            return self.head(self.recurrent(x)[0])
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return self.head(pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)[0])


class CellLoop(nn.Module):
    """An LSTM cell called step by step."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(inputs, hidden), nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), self.cell.hidden_size)
        states = []
        for x_t in x.unbind(1):
            h, c = self.cell(x_t, (h, c))
            states.append(h)
        return self.head(torch.stack(states, dim=1))


def everything_traced(
    model: nn.Module, given: tuple[Tensor, ...], y: Tensor, where: torch.device, options: Any
) -> dict[str, Any]:
    """All that a trace shows of a model on a device, in float64.

    In float32 the exponents and eigenvalues would not be determined well enough to compare.
    """
    there = tuple(part.to(where) for part in given)
    x = there if len(there) > 1 else there[0]
    trace = trace_gradients(moved(model, where).double(), x, y.to(where), **options)
    return {
        "hidden": trace.hidden,
        "hidden_gradients": trace.hidden_gradients,
        "norms": [trace.hidden_norms, trace.gradient_norms, trace.norms_by_distance()],
        "pairs": trace.pairwise_norms,
        "terms": trace.weight_terms(0),
        "weights": trace.weight_gradients(0),
        "radius": trace.spectral_radius,
        "exponents": trace.lyapunov_exponents(0)[0],
        "jacobians": trace.jacobians(0),
        "bound": trace.jacobian_bound,
        "closed form": trace.closed_form_norms,
    }


@part
def trace(setting: Setting) -> Iterator[Row]:
    """The gradient trace of every kind of recurrent call, and its time beside batched autograd."""
    batch, steps, inputs, hidden = setting.size((4, 40, 3, 16), (3, 5, 2, 4))
    device = setting.device
    x = torch.randn(batch, steps, inputs, dtype=torch.float64)
    y = torch.randn(batch, steps, 1, dtype=torch.float64)
    lengths = torch.arange(steps - batch + 1, steps + 1)

    def lstm() -> nn.LSTM:
        return nn.LSTM(inputs, hidden, num_layers=2, batch_first=True)

    def gru() -> nn.GRU:
        return nn.GRU(inputs, hidden, bidirectional=True, batch_first=True)

    linear = RNN(inputs, hidden, nonlinearity="identity")
    cases: dict[str, tuple[nn.Module, tuple[Tensor, ...], dict[str, Any]]] = {
        "eigenlab RNN": (RecurrentRegressor(RNN(inputs, hidden)), (x,), {}),
        "eigenlab RNN, linear": (RecurrentRegressor(linear), (x,), {"last_step_only": True}),
        "eigenlab LSTM, two layers": (RecurrentRegressor(LSTM(inputs, hidden, 2)), (x,), {}),
        "nn.LSTM, two layers": (Tagger(lstm()), (x,), {}),
        "nn.LSTM, evaluation mode": (Tagger(lstm()).eval(), (x,), {}),
        "nn.GRU, both directions": (Tagger(gru()), (x,), {}),
        "nn.GRU, packed": (Tagger(gru()), (x, lengths), {"lengths": lengths}),
        "nn.LSTMCell in a loop": (CellLoop(inputs, hidden), (x,), {}),
    }
    for name, (model, given, options) in cases.items():
        results = [
            everything_traced(model, given, y, where, options)
            for where in (device, torch.device("cpu"))
        ]
        # Eigenvalues and exponents lose digits to the conditioning of the matrices.
        yield check(name, *results, 1e-6)

    steps, hidden = setting.size((100, 64), (6, 5))
    model = RecurrentRegressor(RNN(1, hidden)).to(device)
    layer = model.layers[0]
    x, y = torch.randn(1, steps, 1, device=device), torch.randn(1, steps, 1, device=device)

    def batched_autograd() -> Tensor:
        h, states = x.new_zeros(1, hidden), []
        for x_t in x.unbind(1):
            h = torch.tanh(h @ layer.W_h.T + x_t @ layer.W_x.T + layer.b)
            states.append(h)
        losses = (model.readout(torch.stack(states, dim=1)) - y).square().flatten()
        rows = torch.eye(len(losses), device=device)
        gradients = torch.autograd.grad(losses, states, rows, is_grads_batched=True)
        return torch.stack([g.norm(dim=-1).squeeze(-1) for g in gradients], dim=1)

    def ours() -> Tensor:
        return trace_gradients(model, x, y).pairwise_norms

    yield check("every pair, float32", ours()[0], batched_autograd(), TOLERANCES[torch.float32])
    ways = {"batched autograd": batched_autograd, "eigenlab": ours}
    yield timed(f"every pair, T = {steps}", setting, ways, seconds=5)


@part
def monitor(setting: Setting) -> Iterator[Row]:
    """What the monitor records, and what it costs a training at every=10."""
    batch, steps, hidden = setting.size((32, 100, 128), (3, 5, 4))
    device = setting.device
    model = Tagger(nn.LSTM(1, hidden, num_layers=2, batch_first=True))
    x = torch.randn(batch, steps, 1)
    y = torch.randn(batch, steps, 1)

    lengths = torch.arange(steps, steps - batch, -1).clamp(min=1)
    gru = nn.GRU(1, hidden // 4, bidirectional=True, batch_first=True)

    def recorded(model: nn.Module, where: torch.device, *more: Tensor) -> list[Any]:
        mine = moved(model, where).double()
        with GradientMonitor(mine, every=1) as watching:
            for _ in range(2):
                mine.zero_grad()
                prediction = mine(x.double().to(where), *(part.to(where) for part in more))
                regression_loss(prediction, y.double().to(where)).backward()
        flows = [flow for record in watching.records for flow in record.layers.values()]
        return [
            [flow.hidden_norms, flow.gradient_norms, flow.lyapunov_exponent, flow.spectral_radius]
            for flow in flows
        ]

    for name, watched, more in (
        ("records of two layers", model, ()),
        ("records of a packed GRU, both directions", Tagger(gru), (lengths,)),
        ("records of a cell in a loop", CellLoop(1, hidden // 4), ()),
    ):
        results = [recorded(watched, where, *more) for where in (device, torch.device("cpu"))]
        yield check(name, *results, 1e-6)
    mine, x, y = moved(model, device), x.to(device), y.to(device)
    optimizer = torch.optim.Adam(mine.parameters())

    def ten_updates() -> None:
        for _ in range(10):
            optimizer.zero_grad()
            regression_loss(mine(x), y).backward()
            optimizer.step()

    def ten_observed() -> None:
        with GradientMonitor(mine, every=10):
            ten_updates()

    with counted_synchronisations(setting) as count:
        ten_observed()
    note = f"{count()} synchronisations in ten updates" if setting.on_cuda else ""
    ways = {"ten updates": ten_updates, "with the monitor": ten_observed}
    yield timed("every=10", setting, ways, note=note)
