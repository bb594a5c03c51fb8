"""Beam search: the most probable translations that are found with a bounded number of prefixes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from numbers import Real

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.translation.checks import check_count
from eigenlab.translation.decoding import (
    Translation,
    check_decoding,
    check_numbers,
    encode_filled,
    filled_rows,
    next_tokens,
)
from eigenlab.translation.indices import EOS, SOS
from eigenlab.translation.seq2seq import Encoded, Seq2Seq
from eigenlab.translation.stack import State


def length_penalty(length: int, exponent: float) -> float:
    """Return ((5 + length) / 6)^exponent, which log-probabilities are divided by.

    Source: Y. Wu et al., 2016, equation 14.

    Args:
        length: tokens, ``<eos>`` included.
        exponent: 0 for no penalty.

    >>> length_penalty(1, 0.6), length_penalty(7, 1.0)
    (1.0, 2.0)
    """
    return float(((5 + length) / 6) ** exponent)


@torch.no_grad()
def beam_search(
    model: Seq2Seq,
    source: Tensor,
    source_lengths: Tensor,
    *,
    beam_size: int = 5,
    n_best: int = 1,
    penalty: float = 0.0,
    max_length: int = 100,
) -> list[list[Translation]]:
    """The best translations among the prefixes that are kept, ``beam_size`` at each length.

    The search of a source ends when no unfinished prefix can still reach the n-best list: the
    log-probability of a prefix can only fall, so it is bounded by its present value over the
    penalty of the longest translation. A translation does not depend on the other sources of the
    batch (see :func:`greedy_decode`), nor the first one on ``n_best``.

    Args:
        model: in evaluation mode.
        source: indices of the sources, (B, S).
        source_lengths: real tokens of each, (B,).
        beam_size: prefixes kept. Default: ``5``.
        n_best: translations returned for each source, at most ``beam_size``. Default: ``1``.
        penalty: exponent of :func:`length_penalty`, >= 0; larger prefers longer translations.
            Default: ``0.0``.
        max_length: most tokens of a translation, ``<eos>`` included. Default: ``100``.

    Returns:
        For each source its translations, the best first; those that reached ``max_length`` without
        ``<eos>`` follow the complete ones. There are fewer than ``n_best`` where no more exist.

    Raises:
        InputError: a number is out of range, or the model is in training mode.

    >>> model = Seq2Seq(20, 30, 8).eval()
    >>> [[first, second]] = beam_search(
    ...     model, torch.tensor([[5, 6, 2]]), torch.tensor([3]), n_best=2, max_length=4
    ... )
    >>> (first.is_complete, first.score) >= (second.is_complete, second.score)
    True
    """
    check_decoding(model, max_length)
    check_search(beam_size, n_best, penalty)
    if not len(source):
        return []
    searches = [_Search(beam_size, n_best, penalty, max_length) for _ in range(len(source))]
    encoded = encode_filled(model, source, source_lengths)
    _run(model, encoded, searches)
    return [
        [_with_attention(model, encoded, row, found) for found in search.best()]
        for row, search in enumerate(searches)
    ]


@dataclass(frozen=True)
class Hypothesis:
    """A beginning of a translation that beam search considers.

    Args:
        tokens: indices of the target, with ``<eos>`` where it ends by it.
        log_probability: of these tokens; natural logarithm.
        is_kept: whether it is continued, or a translation; the others were dropped.
    """

    tokens: tuple[int, ...]
    log_probability: float
    is_kept: bool


@torch.no_grad()
def beam_steps(
    model: Seq2Seq,
    source: Tensor,
    source_lengths: Tensor,
    *,
    beam_size: int = 5,
    n_best: int = 1,
    penalty: float = 0.0,
    max_length: int = 100,
) -> list[list[Hypothesis]]:
    """What :func:`beam_search` considers at each step for one source, as a tree.

    A hypothesis continues that of the step before whose tokens are its own without the last.

    Args:
        model: in evaluation mode.
        source: indices of one source, (1, S).
        source_lengths: its real tokens, (1,).
        beam_size: as of :func:`beam_search`. Default: ``5``.
        n_best: the same. Default: ``1``.
        penalty: the same. Default: ``0.0``.
        max_length: the same. Default: ``100``.

    Returns:
        For each step at most ``2 * beam_size`` hypotheses, the most probable first.

    Raises:
        InputError: as of :func:`beam_search`, or there is not one source.

    >>> model = Seq2Seq(20, 30, 8).eval()
    >>> steps = beam_steps(
    ...     model, torch.tensor([[5, 6, 2]]), torch.tensor([3]), beam_size=2, max_length=4
    ... )
    >>> len(steps[0]), len(steps[0][0].tokens), len(steps[-1][0].tokens) == len(steps)
    (4, 1, True)
    """
    check_decoding(model, max_length)
    check_search(beam_size, n_best, penalty)
    if len(source) != 1:
        raise InputError(f"source holds {len(source)} sentences, expected 1")
    steps: list[list[Hypothesis]] = []
    search = _Search(beam_size, n_best, penalty, max_length, steps=steps)
    _run(model, encode_filled(model, source, source_lengths), [search])
    return steps


def check_search(beam_size: int, n_best: int, penalty: float) -> None:
    """Raise :class:`~eigenlab.errors.InputError` for a number that no beam search can have."""
    check_count("beam_size", beam_size, 1)
    check_count("n_best", n_best, 1)
    if n_best > beam_size:
        raise InputError(f"n_best={n_best} must be from 1 to beam_size={beam_size}")
    if not isinstance(penalty, Real) or not 0 <= penalty < math.inf:
        raise InputError(f"penalty={penalty!r} must be a finite number of at least 0")


def _run(model: Seq2Seq, sources: Encoded, searches: list[_Search]) -> None:
    size = searches[0].beam_size
    going = list(range(len(searches)))
    device = sources.valid.device
    repeated = torch.arange(len(going), device=device).repeat_interleave(size)
    hypotheses = sources.rows(filled_rows(repeated))
    state: State = hypotheses.state
    fed = torch.full((len(hypotheses.valid),), SOS, device=device)
    for step in range(searches[0].max_length):
        log_probabilities, state, _ = next_tokens(model, hypotheses, fed, state, step)
        # The best 2 k of all, of which half may be <eos>, are among the best 2 k of each prefix.
        kept = min(2 * size, log_probabilities.shape[-1])
        each, words = log_probabilities[: len(going) * size].topk(kept, dim=-1)
        before = torch.tensor([searches[row].totals for row in going], dtype=torch.float64)
        totals = each.double().view(len(going), size, kept) + before.to(device).unsqueeze(-1)
        values, places = totals.flatten(1).topk(min(2 * size, size * kept), dim=-1)
        rows_of_values = values.tolist()
        parents = (places // kept).tolist()
        tokens = words.view(len(going), size * kept).gather(1, places).tolist()
        kept_rows, kept_tokens, still = [], [], []
        for place, row in enumerate(going):
            search = searches[row]
            check_numbers(rows_of_values[place])
            chosen = search.advance(rows_of_values[place], parents[place], tokens[place])
            if search.is_over:
                continue
            still.append(row)
            kept_rows += [place * size + parent for parent, _ in chosen]
            kept_tokens += [token for _, token in chosen]
        if not still:
            return
        rows = filled_rows(torch.tensor(kept_rows, device=device))
        if len(still) < len(going):
            hypotheses = hypotheses.rows(rows)
        going = still
        state = tuple(part[:, rows] for part in state)
        tokens_fed = torch.tensor(kept_tokens, device=device)
        fed = tokens_fed[filled_rows(torch.arange(len(tokens_fed), device=device))]


@dataclass
class _Search:
    """Prefixes and finished translations of one source."""

    beam_size: int
    n_best: int
    penalty: float
    max_length: int
    finished: list[Translation] = field(default_factory=list)
    is_over: bool = False
    #: What is considered at each step, where it is asked for.
    steps: list[list[Hypothesis]] | None = None

    def __post_init__(self) -> None:
        # At first all prefixes are the same; only one of them counts.
        self.prefixes: list[list[int]] = [[] for _ in range(self.beam_size)]
        self.totals = [0.0] + [-torch.inf] * (self.beam_size - 1)

    def advance(
        self, values: list[float], parents: list[int], tokens: list[int]
    ) -> list[tuple[int, int]]:
        """Take the best continuations, descending; return parent and token of those kept."""
        chosen: list[tuple[int, int]] = []
        prefixes, totals = [], []
        considered: list[Hypothesis] = []
        length = len(self.prefixes[0]) + 1
        for value, parent, token in zip(values, parents, tokens, strict=True):
            if value == -torch.inf:
                break
            kept = token == EOS or len(chosen) < self.beam_size
            if self.steps is not None:
                considered.append(Hypothesis((*self.prefixes[parent], token), value, kept))
            if token == EOS:
                self._finish(self.prefixes[parent], value, length, is_complete=True)
            elif kept:
                chosen.append((parent, token))
                prefixes.append([*self.prefixes[parent], token])
                totals.append(value)
        if self.steps is not None and considered:
            self.steps.append(considered)
        if not chosen:
            self.is_over = True
            return []
        missing = self.beam_size - len(chosen)  # a vocabulary smaller than the beam
        chosen += [chosen[0]] * missing
        self.prefixes = prefixes + [prefixes[0]] * missing
        self.totals = totals + [-torch.inf] * missing
        if length == self.max_length:
            for prefix, value in zip(prefixes, totals, strict=True):
                self._finish(prefix, value, length, is_complete=False)
            self.is_over = True
        elif self._cannot_improve():
            self.is_over = True
        return chosen

    def _finish(self, prefix: list[int], value: float, length: int, *, is_complete: bool) -> None:
        score = value / length_penalty(length, self.penalty)
        self.finished.append(Translation(prefix, value, score, is_complete))

    def _cannot_improve(self) -> bool:
        if len(self.finished) < self.n_best:
            return False
        scores = sorted((found.score for found in self.finished), reverse=True)
        bound = max(self.totals) / length_penalty(self.max_length, self.penalty)
        return scores[self.n_best - 1] >= bound

    def best(self) -> list[Translation]:
        """The n-best list: complete translations by score, then others."""
        ranked = sorted(self.finished, key=lambda found: (not found.is_complete, -found.score))
        cut = max((each.score for each in ranked if not each.is_complete), default=-math.inf)
        return [
            replace(found, is_cut=not found.is_complete or found.score < cut)
            for found in ranked[: self.n_best]
        ]


def _with_attention(model: Seq2Seq, sources: Encoded, row: int, found: Translation) -> Translation:
    if model.attention is None or not found.tokens:
        return found
    inputs = torch.tensor([[SOS, *found.tokens[:-1]]], device=sources.valid.device)
    one = sources.rows(torch.tensor([row], device=sources.valid.device))
    _, _, weights = model.decode(one, inputs)
    assert weights is not None
    return replace(found, attention=weights[0, :, sources.valid[row]])
