"""Several recurrent classifiers trained as one module."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from eigenlab.names.encoding import spelling
from eigenlab.names.module import RecurrentClassifier
from eigenlab.names.ngram_embedding import NGramVocabulary

_MAX_SYMBOLS = 2**15  # largest number of padded symbols in a batch of predictions


class Ensemble(nn.Module):
    """Several classifiers trained as one module; their probabilities are averaged.

    All members get the same batches, and have their own weights and dropout. The buffer
    ``log_shift`` (n_categories,) is added to the logits in evaluation mode: Bayes' rule from the
    base rates of the weighted training lines to those of the unweighted ones.

    Args:
        members: classifiers that read what ``vocabulary`` encodes.
        vocabulary: encoding of names.
        n_categories: number of classes.
    """

    log_shift: Tensor

    def __init__(
        self,
        members: Sequence[RecurrentClassifier],
        vocabulary: NGramVocabulary,
        n_categories: int,
    ) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.members = nn.ModuleList(members)
        self.register_buffer("log_shift", torch.zeros(n_categories))

    def forward(self, x: Tensor, last_pos: Tensor) -> Tensor:
        """Return the logits of each member, (n_members, B, n_categories)."""
        logits = torch.stack([member(x, last_pos) for member in self.members])
        return logits if self.training else logits + self.log_shift


def cross_entropy(model: Ensemble, batch: tuple[Tensor, ...]) -> Tensor:
    """Mean cross-entropy (nats) of members and samples, batch = (x, last_pos, labels, weights)."""
    x, last_pos, labels, weights = batch
    logits = model(x[:, : int(last_pos.max()) + 1], last_pos)
    losses = nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none"
    )
    return (losses * weights.repeat(len(logits))).mean()


def predict_logits(model: Ensemble, names: Sequence[str], device: torch.device) -> Tensor:
    """Return logits (n_members, n, n_categories) on the CPU, in evaluation mode.

    Names are batched by length, so that one long name does not pad all others. ``model`` is not
    changed: it may be in use in other threads.
    """
    if model.training:  # a copy, since eval() and back would show in other threads
        model = copy.deepcopy(model).eval()
    order = sorted(range(len(names)), key=lambda index: len(names[index]))
    answers = []
    with torch.no_grad():
        begin = 0
        while begin < len(order):
            end = begin + 1
            while end < len(order) and len(names[order[end]]) * (end + 1 - begin) <= (_MAX_SYMBOLS):
                end += 1
            x, last_pos = model.vocabulary.encode([spelling(names[i]) for i in order[begin:end]])
            answers.append(model(x.to(device), last_pos).cpu())
            begin = end
    logits = torch.cat(answers, dim=1)
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return logits[:, back]


def mean_probabilities(logits: Tensor, temperature: float = 1.0) -> NDArray[np.float64]:
    """Average ``softmax(logits / temperature)`` over members: (n, classes), float64."""
    probabilities = torch.softmax(logits.double() / temperature, dim=-1).mean(dim=0)
    answer: NDArray[np.float64] = probabilities.numpy()
    return answer
