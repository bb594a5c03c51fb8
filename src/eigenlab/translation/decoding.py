"""Writing a translation: greedily, by beam search, or by sampling."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.translation.checks import check_count
from eigenlab.translation.indices import EOS, PAD, SOS
from eigenlab.translation.seq2seq import Encoded, Seq2Seq
from eigenlab.translation.stack import State

ROWS = 16
"""Rows of a batch are filled up to a multiple: matrix products then give a row the same bits in
every batch, which they do not for other numbers of rows."""


@dataclass(frozen=True)
class Translation:
    """One translation of a source.

    Args:
        tokens: indices of the target, without ``<sos>`` and ``<eos>``.
        log_probability: of these tokens and, if complete, of ``<eos>``; natural logarithm.
        score: what beam search ranks by: ``log_probability`` over the length penalty.
        is_complete: whether it ended by ``<eos>``, not at ``max_length``.
        attention: weights of the source positions for each token, (T, S), or None. Default:
            ``None``.
        is_cut: whether ``max_length`` cut this translation or a more probable one, in whose place
            beam search gives this one. Default: ``False``.
    """

    tokens: list[int]
    log_probability: float
    score: float
    is_complete: bool
    attention: Tensor | None = None
    is_cut: bool = False


@torch.no_grad()
def greedy_decode(
    model: Seq2Seq, source: Tensor, source_lengths: Tensor, *, max_length: int = 100
) -> list[Translation]:
    """Write the most probable token at each step, fed with what was written before (question 7c).

    A translation does not depend on the other sources of the batch: in float64 to the last bit on
    a CPU, in float32 up to rounding.

    Args:
        model: in evaluation mode, else dropout would change the result.
        source: indices of the sources, (B, S).
        source_lengths: real tokens of each, (B,).
        max_length: most tokens of a translation, ``<eos>`` included. Default: ``100``.

    Returns:
        A translation for each source, in order.

    Raises:
        InputError: the model is in training mode, or ``max_length`` is below 1.

    >>> model = Seq2Seq(20, 30, 8).eval()
    >>> [found] = greedy_decode(model, torch.tensor([[5, 6, 2]]), torch.tensor([3]), max_length=4)
    >>> len(found.tokens) <= 4
    True
    """
    return _write(model, source, source_lengths, max_length, None, None)


@torch.no_grad()
def sample(
    model: Seq2Seq,
    source: Tensor,
    source_lengths: Tensor,
    *,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
    max_length: int = 100,
) -> list[Translation]:
    """Draw each token from the model's distribution, fed with what was drawn before.

    Args:
        model: in evaluation mode.
        source: indices of the sources, (B, S).
        source_lengths: real tokens of each, (B,).
        temperature: > 0; logits are divided by it. Default: ``1.0``.
        generator: source of randomness, on the CPU. Default: torch's global generator.
        max_length: most tokens of a translation, ``<eos>`` included. Default: ``100``.

    Returns:
        A translation for each source; log-probabilities are those of the model at temperature 1.

    Raises:
        InputError: as :func:`greedy_decode`, or the temperature is not positive.
    """
    if not 0 < temperature < math.inf:
        raise InputError(f"temperature={temperature!r} must be positive; for 0 use greedy_decode")
    return _write(model, source, source_lengths, max_length, temperature, generator)


def _write(
    model: Seq2Seq,
    source: Tensor,
    lengths: Tensor,
    max_length: int,
    temperature: float | None,
    generator: torch.Generator | None,
) -> list[Translation]:
    check_decoding(model, max_length)
    if not len(source):
        return []
    encoded = encode_filled(model, source, lengths)
    rows, count = torch.arange(len(source), device=source.device), len(source)
    tokens: list[list[int]] = [[] for _ in range(count)]
    attentions: list[list[Tensor]] = [[] for _ in range(count)]
    totals, complete = [0.0] * count, [False] * count
    state: State = encoded.state
    fed = torch.full((len(encoded.valid),), SOS, device=source.device)
    for step in range(max_length):
        log_probabilities, state, weights = next_tokens(model, encoded, fed, state, step)
        chosen = _chosen(log_probabilities[: len(rows)], temperature, generator)
        values = log_probabilities[torch.arange(len(rows)), chosen].tolist()
        check_numbers(values)
        going = []
        for place, (row, token) in enumerate(zip(rows.tolist(), chosen.tolist(), strict=True)):
            totals[row] += values[place]
            complete[row] = token == EOS
            if not complete[row]:
                tokens[row].append(token)
                going.append(place)
            if weights is not None and not complete[row]:
                attentions[row].append(weights[place, 0, : int(lengths[row])])
        if not going:
            break
        kept = torch.tensor(going, device=source.device)
        rows = rows[kept]
        kept = filled_rows(kept)
        encoded, state = encoded.rows(kept), tuple(part[:, kept] for part in state)
        fed = chosen[kept.clamp(max=len(chosen) - 1)]
    return [
        Translation(
            tokens[row],
            totals[row],
            totals[row],
            complete[row],
            torch.stack(attentions[row]) if attentions[row] else None,
            is_cut=not complete[row],
        )
        for row in range(count)
    ]


def _chosen(
    log_probabilities: Tensor, temperature: float | None, generator: torch.Generator | None
) -> Tensor:
    if temperature is None:
        return log_probabilities.argmax(dim=-1)
    probabilities = (log_probabilities.double() / temperature).softmax(dim=-1).cpu()
    drawn = torch.multinomial(probabilities, 1, generator=generator).squeeze(1)
    return drawn.to(log_probabilities.device)


def next_tokens(
    model: Seq2Seq, encoded: Encoded, fed: Tensor, state: State, step: int
) -> tuple[Tensor, State, Tensor | None]:
    """Log-probabilities (B, V) after one step, the state, and the attention (B, 1, S) or None.

    ``<pad>`` and ``<sos>`` are never written.
    """
    features, state, weights = model.decode(encoded, fed.unsqueeze(1), state, start=step)
    logits = model.output(features[:, 0].contiguous())
    logits[:, [PAD, SOS]] = -torch.inf
    return logits.log_softmax(dim=-1), state, weights


def encode_filled(model: Seq2Seq, source: Tensor, lengths: Tensor) -> Encoded:
    """Read a batch with copies of its first row up to a multiple of ``ROWS``.

    Attention multiplies by the positions, too, so that their number is a multiple as well.
    """
    rows = filled_rows(torch.arange(len(source), device=source.device))
    source = source[:, : int(lengths.max())]
    if model.attention is not None:
        source = torch.nn.functional.pad(source, (0, -source.shape[1] % ROWS), value=PAD)
    return model.encode(source[rows], lengths.to(source.device)[rows])


def filled_rows(rows: Tensor) -> Tensor:
    """Indices, the first one repeated up to a multiple of ``ROWS``."""
    return torch.cat([rows, rows[:1].expand(-len(rows) % ROWS)])


def check_decoding(model: Seq2Seq, max_length: int) -> None:
    """Raise :class:`~eigenlab.errors.InputError` for a model in training mode or no length."""
    if model.training:
        raise InputError("the model is in training mode, in which dropout is random; call .eval()")
    check_count("max_length", max_length, 1)


def check_numbers(log_probabilities: list[float]) -> None:
    """Raise :class:`~eigenlab.errors.InputError` if the model gives NaN, which ranks nothing."""
    if any(map(math.isnan, log_probabilities)):
        raise InputError(
            "the model gives NaN as a log-probability: its weights are not finite, or so large "
            "that they overflow, as after a training that diverged; fit it again"
        )


def batches_of(source: Tensor, size: int) -> Iterator[slice]:
    """Slices of at most so many rows."""
    for start in range(0, len(source), size):
        yield slice(start, start + size)
