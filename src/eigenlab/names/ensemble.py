"""Several recurrent classifiers trained as one module, and the temperature of their answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor, nn

from eigenlab.names.module import RecurrentClassifier
from eigenlab.names.ngram_embedding import NGramVocabulary
from eigenlab.names.protocols import spelling

_SYMBOLS_AT_ONCE = 2**15  # padded symbols per batch of predictions; bounds the memory


class Ensemble(nn.Module):
    """Members see the same batches with their own weights and dropout; answers are averaged.

    Args:
        members: classifiers that read what ``vocabulary`` encodes.
        n_categories: number of classes.

    The buffer ``log_shift`` (classes,) is added to the logits in evaluation mode: Bayes' rule from
    the base rates of the weighted training lines to those of the lines as they are.
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
        """Return each member's logits (members, B, classes)."""
        logits = torch.stack([member(x, last_pos) for member in self.members])
        return logits if self.training else logits + self.log_shift


def repeat_weights(
    names: Sequence[str], languages: Sequence[int], discount: float
) -> NDArray[np.float64]:
    """Weight of each line, mean 1: a pair of name and language on c lines has c^-discount on each.

    >>> repeat_weights(["a", "a", "a", "a", "b"], [0, 0, 0, 0, 0], 0.5).round(3).tolist()
    [0.833, 0.833, 0.833, 0.833, 1.667]
    """
    pairs = list(zip(names, languages, strict=True))
    counts = Counter(pairs)
    weights = np.array([counts[pair] for pair in pairs], dtype=np.float64) ** -discount
    shared: NDArray[np.float64] = weights / weights.mean()
    return shared


def cross_entropy(model: Ensemble, batch: tuple[Tensor, ...]) -> Tensor:
    """Mean cross-entropy (nats) of members and samples, batch = (x, last_pos, labels, weights)."""
    x, last_pos, labels, weights = batch
    logits = model(x[:, : int(last_pos.max()) + 1], last_pos)
    losses = nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none"
    )
    return (losses * weights.repeat(len(logits))).mean()


def predict_logits(model: Ensemble, names: Sequence[str], device: torch.device) -> Tensor:
    """Return logits (members, n, classes) on the CPU, without gradients or dropout.

    Names are taken in order of length, so one name of 5,000 letters does not pad all others.
    """
    order = sorted(range(len(names)), key=lambda index: len(names[index]))
    was_training = model.training
    model.eval()
    answers = []
    with torch.no_grad():
        begin = 0
        while begin < len(order):
            end = begin + 1
            while end < len(order) and len(names[order[end]]) * (end + 1 - begin) <= (
                _SYMBOLS_AT_ONCE
            ):
                end += 1
            x, last_pos = model.vocabulary.encode([spelling(names[i]) for i in order[begin:end]])
            answers.append(model(x.to(device), last_pos).cpu())
            begin = end
    model.train(was_training)
    logits = torch.cat(answers, dim=1)
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return logits[:, back]


def mean_probabilities(logits: Tensor, temperature: float = 1.0) -> NDArray[np.float64]:
    """Average ``softmax(logits / temperature)`` over members: (n, classes), float64."""
    probabilities = torch.softmax(logits.double() / temperature, dim=-1).mean(dim=0)
    answer: NDArray[np.float64] = probabilities.numpy()
    return answer


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the temperature with the least negative log likelihood of ``labels``.

    One number for all classes, so it moves confidence and hardly the ranking (with one member
    not at all): Guo et al. 2017, section 4.2, arXiv:1706.04599. Searched in [0.1, 10].
    """

    def nll(log_temperature: float) -> float:
        chosen = mean_probabilities(logits, np.exp(log_temperature))[
            np.arange(len(labels)), labels.numpy()
        ]
        return float(-np.log(np.maximum(chosen, 1e-300)).mean())

    bound = float(np.log(10.0))
    return float(np.exp(minimize_scalar(nll, bounds=(-bound, bound), method="bounded").x))
