"""Which words and sentences of the test are right, by status, distance and class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from eigenlab.experiments.stacking_design.reading import (
    ALL,
    CLASSES,
    STATUSES,
    distances,
    sentence_class,
    status,
)
from eigenlab.translation import PhrasebookPair

Right = Sequence[Sequence[bool]]
"""Whether each token of each target is right, its end included."""


class Scores:
    """Counts over some test pairs.

    Args:
        pairs: the test pairs.
    """

    def __init__(self, pairs: Sequence[PhrasebookPair]) -> None:
        self.distances = [distances(pair) for pair in pairs]
        self.classes = [sentence_class(pair) for pair in pairs]

    def words(self, right: Right) -> dict[str, int]:
        """Status of the word -> words right."""
        counts = self._counts(right)
        return {kind: int(counts[:, k, 0].sum()) for k, kind in enumerate(STATUSES)}

    def by_distance(self, right: Right, wanted: Sequence[int]) -> list[int]:
        """Words right at each of the wanted distances."""
        found = Counter(
            distance
            for row, apart in zip(right, self.distances, strict=True)
            for ok, distance in zip(row, apart, strict=True)
            if ok
        )
        return [found[distance] for distance in wanted]

    def sentences(self, right: Right) -> dict[str, int]:
        """Class of the sentence -> sentences with every word right, and of all classes."""
        exact = Counter(kind for kind, row in zip(self.classes, right, strict=True) if all(row))
        return {name: exact[name] for name in CLASSES} | {ALL: exact.total()}

    def paired(self, right: Mapping[str, Right]) -> dict[str, list[int]]:
        """Class of the sentence -> exact in both designs, the sequential, the stacked, neither."""
        places = {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}
        counts = {name: [0, 0, 0, 0] for name in (*CLASSES, ALL)}
        rows = zip(self.classes, right["sequential"], right["stacked"], strict=True)
        for name, sequential, stacked in rows:
            place = places[all(sequential), all(stacked)]
            counts[name][place] += 1
            counts[ALL][place] += 1
        return counts

    def differences(
        self, right: Mapping[str, Right], n_resamples: int, generator: torch.Generator
    ) -> dict[str, list[float]]:
        """Status of the word -> accuracy of the sequential minus the stacked design, low, high.

        The words of a sentence are not independent, so whole sentences are resampled (percentile
        bootstrap; Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13).

        Args:
            right: design -> what it has right.
            n_resamples: number of resamples.
            generator: source of randomness.
        """
        counts = {name: self._counts(rows) for name, rows in right.items()}
        gained = (counts["sequential"] - counts["stacked"])[..., 0]  # (sentences, statuses)
        together = torch.cat([gained, counts["stacked"][..., 1]], dim=1)
        n = len(together)
        drawn = torch.randint(n, (n_resamples, n), generator=generator)
        sums = torch.stack([together[row].sum(0) for row in (torch.arange(n), *drawn)])
        ratios = sums[:, : len(STATUSES)] / sums[:, len(STATUSES) :]
        ends = ratios[1:].nanquantile(torch.tensor([0.025, 0.975], dtype=ratios.dtype), dim=0)
        return {
            kind: [float(ratios[0, k]), *ends[:, k].tolist()] for k, kind in enumerate(STATUSES)
        }

    def _counts(self, right: Right) -> Tensor:
        """Words right, and words, of each status in each sentence, (sentences, statuses, 2)."""
        counts = [[[0, 0] for _ in STATUSES] for _ in self.distances]
        for cells, row, apart in zip(counts, right, self.distances, strict=True):
            for ok, distance in zip(row, apart, strict=True):
                cell = cells[STATUSES.index(status(distance))]
                cell[0] += ok
                cell[1] += 1
        return torch.tensor(counts, dtype=torch.float64)
