"""The rate at which gradients grow or decay per step, measured beside a backward sweep."""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.recurrent.runs import EdgeGradients, LayerRun, Sweep
from eigenlab.recurrent.tape import full_precision, norms_of

SEQUENCES = 4
"""Sequences along which a random gradient is followed."""
RANGE = (1e-30, 1e30)
"""Norms between which float32 has its full precision."""


@full_precision
def sweep_with_growth(run: LayerRun, gradients: EdgeGradients) -> tuple[Sweep, float]:
    """The sweep of a layer, and the mean growth rate of random gradients of its last state.

    Over many steps the rate is the largest Lyapunov exponent, nats per step: the adjoint of a
    product of Jacobians has the same singular values. In a single call the random gradients are
    further rows of the batch, so the sweep costs little more.

    Args:
        run: the layer.
        gradients: at its edges.
    """
    if len(run.calls) > 1:
        rate = _growth_over_calls(run) if run.carries_its_state else float("nan")
        return run.sweep(gradients), rate
    call = run.calls[0]
    tape = call.tape(run.direction, copies=SEQUENCES)
    ((direct, cells),) = run.direct(gradients)
    steps, batch, size = direct.shape
    count = tape.hidden.shape[1] - batch
    probes = direct.new_zeros(steps, count, size)
    ends = _last_steps(run, steps)[:count]
    probes[ends, torch.arange(count)] = _random(count, size).to(direct)
    if cells is not None:
        cells = torch.cat([cells, cells.new_zeros(steps, count, cells.shape[-1])], dim=1)
    totals, delta = tape.backward(torch.cat([direct, probes], dim=1), cells)
    sweep = Sweep(run.by_time([totals[:, :batch]]), [delta[:, :batch]])
    return sweep, _mean_rate(norms_of(totals[:, batch:]).double().cpu(), ends)


def _last_steps(run: LayerRun, steps: int) -> Tensor:
    if run.lengths is None:
        return torch.full((run.hidden.shape[1],), steps - 1)
    return run.lengths.cpu() - 1


def _random(count: int, size: int) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(0))


def _mean_rate(norms: Tensor, ends: Tensor) -> float:
    """Mean slope of the logarithms of (T, count) norms, from each end back while in range."""
    low, high = RANGE
    rates = []
    for values, end in zip(norms.T, ends.tolist(), strict=True):
        inside = (values[: end + 1] > low) & (values[: end + 1] < high)
        outside = (~inside).nonzero()
        first = int(outside[-1]) + 1 if len(outside) else 0
        if first < end:
            rates.append(float(values[first].log() - values[end].log()) / (end - first))
    return sum(rates) / len(rates) if rates else float("nan")


def _growth_over_calls(run: LayerRun) -> float:
    """The same, one step at a time over all calls."""
    pick = slice(0, SEQUENCES)
    tapes = [type(tape)(tape.weights, tape.run.of_sequences(pick)) for tape in run.tapes]
    grad_h = _random(tapes[0].hidden.shape[1], tapes[0].hidden.shape[-1]).to(tapes[0].hidden)[None]
    cell = tapes[0].last_cell
    grad_c = None if cell is None else torch.zeros_like(cell)[None]
    logarithm = torch.zeros(grad_h.shape[1], dtype=torch.float64, device=grad_h.device)
    before = _size(grad_h, grad_c)
    steps = 0
    for tape in reversed(tapes):
        for t in range(len(tape.hidden) - 1, -1, -1):
            _, grad_h, grad_c = tape.step_back(t, grad_h, grad_c)
            after = _size(grad_h, grad_c)
            logarithm += (after / before).double().log()[0]
            scale = after.clamp(min=torch.finfo(after.dtype).tiny).unsqueeze(-1)
            grad_h, grad_c = grad_h / scale, None if grad_c is None else grad_c / scale
            before = torch.ones_like(after)
            steps += 1
    return float(logarithm.mean()) / steps


def _size(grad_h: Tensor, grad_c: Tensor | None) -> Tensor:
    return norms_of(grad_h if grad_c is None else torch.cat([grad_h, grad_c], dim=-1))
