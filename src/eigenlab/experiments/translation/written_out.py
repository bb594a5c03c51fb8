"""The model's equations, written out a step and a sentence at a time; the claims compare with it.

Nothing of :mod:`eigenlab.translation` is called: only the weights are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class WrittenOut(NamedTuple):
    """One sentence pair.

    Args:
        states: h_t of the encoder after each source token, ``<eos>`` last, each (H,).
        log_probabilities: of each target token, ``<eos>`` last, (T + 1,).
    """

    states: list[Tensor]
    log_probabilities: Tensor


def written_out(
    model: nn.Module,
    source: Sequence[int],
    target: Sequence[int],
    *,
    sos: int,
    eos: int,
    carried: bool = True,
    never_written: Sequence[int] = (),
) -> WrittenOut:
    """Read the source, carry the last state over, and score the target.

    Args:
        model: a ``Seq2Seq`` of one GRU layer each, the encoder in one direction.
        source: indices of the source.
        target: indices of the target.
        sos: index that the decoder is fed first.
        eos: index that ends both sentences.
        carried: whether the decoder starts from the encoder's last state, or from zeros.
            Default: ``True``.
        never_written: indices whose probability is 0, the others being divided by what is left.
            Default: ``()``.
    """
    weights = dict(model.named_parameters())
    h = torch.zeros_like(weights["source_embedding.weight"][0])
    states = []
    for token in [*source, eos]:
        h = _gru_step(weights, "encoder", weights["source_embedding.weight"][token], h)
        states.append(h)
    if not carried:
        h = torch.zeros_like(h)
    allowed = torch.ones_like(weights["output.bias"], dtype=torch.bool)
    allowed[list(never_written)] = False
    scores = []
    for fed, written in zip([sos, *target], [*target, eos], strict=True):
        h = _gru_step(weights, "decoder", weights["target_embedding.weight"][fed], h)
        read = _attend(weights, h, states) if "attention.score.weight" in weights else h
        logits = weights["output.weight"] @ read + weights["output.bias"]
        scores.append(logits[written] - torch.logsumexp(logits[allowed], 0))
    return WrittenOut(states, torch.stack(scores))


def _gru_step(weights: dict[str, nn.Parameter], part: str, x: Tensor, h: Tensor) -> Tensor:
    """h' = (1 - z) n + z h, as in the documentation of ``torch.nn.GRU``."""
    w_x, w_h, b_x, b_h = (
        weights[f"{part}.layers.0.{kind}_l0"]
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    x_r, x_z, x_n = (w_x @ x + b_x).chunk(3)
    h_r, h_z, h_n = (w_h @ h + b_h).chunk(3)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


def _attend(weights: dict[str, nn.Parameter], h: Tensor, states: list[Tensor]) -> Tensor:
    """tanh(W_c [h, sum_i a_i s_i] + b_c), with a the softmax of v^T tanh(W_q h + b_q + W_k s_i)."""
    query = weights["attention.query.weight"] @ h + weights["attention.query.bias"]
    scores = [
        weights["attention.score.weight"][0]
        @ torch.tanh(query + weights["attention.key.weight"] @ s)
        for s in states
    ]
    shares = torch.softmax(torch.stack(scores), 0)
    context = torch.stack([a * s for a, s in zip(shares, states, strict=True)]).sum(0)
    joined = torch.cat([h, context])
    return torch.tanh(weights["combine.weight"] @ joined + weights["combine.bias"])
