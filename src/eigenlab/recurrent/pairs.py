"""|dL_k/dh_t| for every pair of steps (question 1g)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.recurrent.runs import EdgeGradients, LayerRun, States
from eigenlab.recurrent.tape import Tape, full_precision, norms_of


class Pairs:
    """The gradients of the loss at each step alone.

    Where L_k reads the hidden states of the top layer at step k only, and each lower layer is read
    by the next one only, all L_k are swept back side by side. Whether this is so is seen from
    autograd: of sum_k e_k L_k with random powers of two e_k, the direct part at step t must be e_t
    times that of sum_k L_k. If it is not, each L_k takes a backward pass of its own.

    Args:
        runs: the layers, bottom first.
        steps: L_k (K,), or None where there is no loss of one step.
        lengths: (B,) valid steps, or None.
        gradients: function of a scalar that returns its gradients at the edges of the runs.
        direct_sum: gradients of sum_k L_k where they are known already. Default: ``None``.
    """

    def __init__(
        self,
        runs: Sequence[States],
        steps: Tensor | None,
        lengths: Tensor | None,
        gradients: Callable[[Tensor], EdgeGradients],
        direct_sum: EdgeGradients | None = None,
    ) -> None:
        self._runs, self._steps, self._lengths, self._gradients = runs, steps, lengths, gradients
        self._seeds: Tensor | None = None
        layers = [run for run in runs if isinstance(run, LayerRun)]
        if steps is None or len(layers) < len(runs) or not all(map(_is_one_plain_call, layers)):
            return
        if lengths is not None or len(steps) != len(layers[-1].hidden):
            return
        known = direct_sum if direct_sum is not None else gradients(steps.sum())
        factors = _random_powers_of_two(steps)
        mixed = gradients((steps * factors).sum())
        if _reads_step_by_step(layers, known, mixed, factors):
            ((self._seeds, _),) = layers[-1].direct(known)
            self._tapes = [run.tapes[0] for run in layers]

    def norms(self) -> Tensor:
        """|dL_k/dh_t| at ``[layer, k, t]``, (L, K, T)."""
        if self._steps is None:
            raise InputError(
                "pairwise_norms needs a loss at every step: use the default loss or step_loss=, "
                "and a model that predicts at every step"
            )
        if self._seeds is not None:
            return _sweep_all(self._tapes, self._seeds)
        return torch.stack([self._norms_of(k) for k in range(len(self._steps))], dim=1)

    def _norms_of(self, k: int) -> Tensor:
        """|dL_k/dh_t|, (L, T), by a backward pass."""
        assert self._steps is not None
        try:
            gradients = self._gradients(self._steps[k])
        except RuntimeError as error:
            if "modified by an inplace operation" not in str(error):
                raise
            raise InputError(
                "the model has changed since it was traced; read pairwise_norms before training on"
            ) from error
        norms = torch.stack([norms_of(run.sweep(gradients).totals) for run in self._runs])
        if self._lengths is None:
            return norms.mean(dim=-1)
        return norms.sum(dim=-1) / (self._lengths > k).sum().clamp(min=1)


def _is_one_plain_call(run: LayerRun) -> bool:
    return len(run.calls) == 1 and run.calls[0].directions == 1 and run.lengths is None


def _random_powers_of_two(steps: Tensor) -> Tensor:
    """Multiplying by them is exact."""
    generator = torch.Generator().manual_seed(0)
    exponents = torch.randint(0, 3, (len(steps),), generator=generator)
    signs = torch.randint(0, 2, (len(steps),), generator=generator) * 2 - 1
    return (signs * 2**exponents).to(steps)


@full_precision
def _reads_step_by_step(
    layers: Sequence[LayerRun], known: EdgeGradients, mixed: EdgeGradients, factors: Tensor
) -> bool:
    """Whether one sweep yields the gradients of all L_k."""
    ((seed, _),), ((expected, cells),) = layers[-1].direct(known), layers[-1].direct(mixed)
    precision = torch.finfo(seed.dtype).eps
    if cells is not None:
        return False
    scaled = factors.to(seed).view(-1, 1, 1) * seed
    if not torch.allclose(scaled, expected, rtol=64 * precision, atol=torch.finfo(seed.dtype).tiny):
        return False
    for upper, lower in zip(layers[:0:-1], layers[-2::-1], strict=True):
        _, delta = upper.tapes[0].backward(expected)
        ((below, cells),) = lower.direct(mixed)
        expected = delta @ upper.tapes[0].weights.w_x
        if cells is not None or expected.shape != below.shape:
            return False
        error, size = norms_of(expected - below), norms_of(below)
        if (error > precision**0.75 * size).any():
            return False
        expected = below
    return True


@full_precision
def _sweep_all(tapes: list[Tape], seeds: Tensor) -> Tensor:
    """Sweep all L_k back at once. Row k of a carried block begins at step t = k.

    The rows of the last losses vanish first. Once nothing in a row is larger than the smallest
    normal number over the machine epsilon, it has no full precision left, and arithmetic on such
    numbers is many times slower than on others: the row is dropped and counts as zero.
    """
    steps, batch, _ = seeds.shape
    norms = seeds.new_zeros(len(tapes), steps, steps)
    carried = [seeds.new_zeros(steps, batch, tape.hidden.shape[-1]) for tape in tapes]
    cells = [
        None if (cell := tape.last_cell) is None else seeds.new_zeros(steps, *cell.shape)
        for tape in tapes
    ]
    carried[-1].copy_(seeds)
    end = steps
    for t in range(steps - 1, -1, -1):
        if t % _ROWS_CHECKED_EVERY == 0:
            blocks = [*carried, *(cell for cell in cells if cell is not None)]
            end = t + 1 + _rows_alive([block[t + 1 : end].flatten(1) for block in blocks])
        above: Tensor | None = None
        for index in range(len(tapes) - 1, -1, -1):
            tape, block, all_cells = tapes[index], carried[index][t:end], cells[index]
            cell = None if all_cells is None else all_cells[t:end]
            if above is not None:
                block += above
            column = norms[index, t:end, t]
            torch.mean(norms_of(block), dim=-1, out=column)
            delta, grad_h, grad_c = tape.step_back(t, block, cell)
            if index > 0:
                above = delta @ tape.weights.w_x
            block.copy_(grad_h)
            if cell is not None and grad_c is not None:
                cell.copy_(grad_c)
    return norms


_ROWS_CHECKED_EVERY = 16


def _rows_alive(blocks: list[Tensor]) -> int:
    """How many leading rows to keep so that no row beyond them holds a number worth carrying."""
    largest = torch.stack([block.abs().amax(dim=1) for block in blocks]).amax(dim=0)
    limit = torch.finfo(largest.dtype)
    kept = (largest >= limit.tiny / limit.eps).nonzero()
    return int(kept[-1]) + 1 if len(kept) else 0
