"""The path of the hidden state through a sentence, and its projection onto a plane."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.linear import LinearAutoencoder
from eigenlab.translation.inspection import one_pair
from eigenlab.translation.seq2seq import Seq2Seq


class SentenceStates(NamedTuple):
    """Hidden states of the top layers through one sentence pair.

    Args:
        encoder: after each of the S source tokens and after ``<eos>``, (S + 1, H).
        decoder: before the first step, and after each step: fed ``<sos>`` and the T target tokens,
            (T + 2, H).
    """

    encoder: Tensor
    decoder: Tensor


@torch.no_grad()
def sentence_states(model: Seq2Seq, source: Sequence[int], target: Sequence[int]) -> SentenceStates:
    """The hidden states h of encoder and decoder under teacher forcing (question 7).

    Of a bidirectional encoder, the states of the forward direction; of an LSTM, h without the cell
    state. In the sequential design with a unidirectional encoder ``decoder[0]`` is ``encoder[-1]``.

    Args:
        model: in evaluation mode.
        source: indices of the source tokens, as ``Vocabulary.encode`` gives them.
        target: indices of the target tokens.

    Raises:
        InputError: the model is in training mode, or an index is not a token of its vocabularies.

    >>> states = sentence_states(Seq2Seq(20, 30, 8).eval(), [5, 6], [7, 8, 9])
    >>> states.encoder.shape, states.decoder.shape
    (torch.Size([3, 8]), torch.Size([5, 8]))
    >>> bool((states.decoder[0] == states.encoder[-1]).all())
    True
    """
    pair = one_pair(model, source, target)
    encoded = model.encode(pair.source, pair.lengths)
    read, _ = model.encoder(model.source_embedding(pair.source), lengths=pair.lengths)
    first, state = encoded.state[0][-1], encoded.state
    written = [first]
    for step in range(pair.inputs.shape[1]):
        _, state, _ = model.decode(encoded, pair.inputs[:, step : step + 1], state, start=step)
        written.append(state[0][-1])
    return SentenceStates(read[0], torch.cat(written))


class PlanePaths(NamedTuple):
    """Paths projected onto their principal plane.

    Args:
        paths: the coordinates of each path, (n, 2) float64.
        explained: share of the variance of all states along either axis, (2,).
    """

    paths: list[NDArray[np.float64]]
    explained: NDArray[np.float64]


def project_paths(paths: Iterable[Any]) -> PlanePaths:
    """Project paths of states onto the two principal axes of all their states (question 7).

    Args:
        paths: of each path its n states, (n, H) tensor or array with H >= 2; n may differ.

    Raises:
        InputError: there are fewer than two states, widths differ, or a number is not finite.

    >>> found = project_paths([[[0.0, 0.0, 1.0], [3.0, 4.0, 1.0]], [[-3.0, -4.0, 1.0]]])
    >>> [path[:, 0].round(6).tolist() for path in found.paths], found.explained.round(6).tolist()
    ([[0.0, 5.0], [-5.0]], [1.0, 0.0])
    """
    given = [_states(path, place) for place, path in enumerate(paths)]
    if sum(map(len, given)) < 2 or len({path.shape[1] for path in given}) > 1:
        raise InputError(
            f"paths has shapes {[path.shape for path in given][:4]}; give at least two states, all "
            "of one width H"
        )
    stacked = np.concatenate(given)
    plane = LinearAutoencoder(2, solver="svd").fit(stacked)
    ends = np.cumsum([len(path) for path in given])[:-1]
    return PlanePaths(
        np.split(plane.transform(stacked), ends), np.asarray(plane.explained_variance_ratio_)
    )


def _states(path: Any, place: int) -> NDArray[np.float64]:
    values = path.detach().double().cpu().numpy() if isinstance(path, Tensor) else path
    states = np.asarray(values, dtype=np.float64)
    if states.ndim != 2 or states.shape[1] < 2 or not np.isfinite(states).all():
        raise InputError(
            f"paths[{place}] of shape {states.shape} must be finite states (n, H) with H >= 2"
        )
    return states
