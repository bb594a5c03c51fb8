"""Building and training the ensemble of a :class:`~eigenlab.names.NameClassifier`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eigenlab.names.encoding import VOCABULARY_SIZE
from eigenlab.names.ensemble import Ensemble, cross_entropy
from eigenlab.names.module import ModelType, RecurrentClassifier
from eigenlab.names.ngram_embedding import NGramRecurrentClassifier, NGramVocabulary
from eigenlab.names.protocols import leak_free_split
from eigenlab.reporter import Reporter
from eigenlab.training import TrainingHistory, derive_seed, minibatches, one_cycle, train

Indices = NDArray[np.int64]


def hold_out(names: Sequence[str], fraction: float, *, seed: int) -> tuple[Indices, Indices]:
    """Return the lines to train on and those held out to fit the temperature.

    No spelling is in both parts. With ``fraction`` 0 all lines are trained on.
    """
    if fraction == 0:
        every_line = np.arange(len(names))
        return every_line, every_line[:0]
    return leak_free_split(names, seed=seed, test_fraction=fraction)


def build_ensemble(
    vocabulary: NGramVocabulary,
    n_categories: int,
    *,
    n_members: int,
    model_type: ModelType,
    rnn_size: int,
    num_layers: int,
    dropout: float,
    bidirectional: bool,
    ngram_dropout: float,
) -> Ensemble:
    """Return ``n_members`` untrained networks that read what ``vocabulary`` encodes.

    Weights are drawn from torch's global generator.
    """
    sizes = (VOCABULARY_SIZE, rnn_size, n_categories, num_layers, dropout, model_type)

    def build_member() -> RecurrentClassifier:
        if vocabulary.max_length == 1:
            return RecurrentClassifier(*sizes, bidirectional=bidirectional)
        return NGramRecurrentClassifier(
            len(vocabulary.ngrams),
            *sizes,
            bidirectional=bidirectional,
            ngram_dropout=ngram_dropout,
        )

    return Ensemble([build_member() for _ in range(n_members)], vocabulary, n_categories)


def train_ensemble(
    model: Ensemble,
    names: Sequence[str],
    labels: Tensor,
    *,
    n_epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    clip_norm: float,
    repeat_discount: float,
    seed: int,
    device: torch.device,
    evaluate: Callable[[Ensemble], Mapping[str, float]] | None,
    reporter: Reporter,
    checkpoint: Path | None,
) -> TrainingHistory:
    """Train ``model`` on names and the numbers of their classes, in place."""
    x, last_pos = model.vocabulary.encode(names)
    weights = repeat_weights(names, labels.tolist(), repeat_discount)
    model.log_shift.copy_(_log_shift(labels, weights, n_categories=len(model.log_shift)))
    batches = minibatches(
        *(part.to(device) for part in (x, last_pos, labels, torch.tensor(weights).float())),
        batch_size=batch_size,
        seed=derive_seed(seed, "batches"),
    )
    steps = n_epochs * batches.steps_per_epoch
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=learning_rate,
        betas=(0.9, 0.99),
        weight_decay=weight_decay,
        fused=True,  # one pass over the n-gram tables instead of several
    )
    return train(
        model,
        cross_entropy,
        batches,
        optimizer=optimizer,
        steps=steps,
        schedule=one_cycle(steps, peak=0.2),
        clip_norm=clip_norm,
        evaluate=evaluate,
        reporter=reporter,
        checkpoint=checkpoint,
    )


def repeat_weights(
    names: Sequence[str], languages: Sequence[int], discount: float
) -> NDArray[np.float64]:
    """Return the weight of each line: c^-discount for a name and language on c lines, with mean 1.

    >>> repeat_weights(["a", "a", "a", "a", "b"], [0, 0, 0, 0, 0], 0.5).round(3).tolist()
    [0.833, 0.833, 0.833, 0.833, 1.667]
    """
    pairs = list(zip(names, languages, strict=True))
    counts = Counter(pairs)
    weights = np.array([counts[pair] for pair in pairs], dtype=np.float64) ** -discount
    shared: NDArray[np.float64] = weights / weights.mean()
    return shared


def _log_shift(labels: Tensor, weights: NDArray[np.float64], *, n_categories: int) -> Tensor:
    """Logarithm of each class's share of the lines over its share of their weights."""
    learned = np.bincount(labels, weights, minlength=n_categories)
    counts = np.bincount(labels, minlength=n_categories)
    present = counts > 0  # the held-out part may have taken all names of a small language
    ratio = np.divide(counts, learned, out=np.ones(len(counts)), where=present)
    return torch.from_numpy(np.log(ratio))
