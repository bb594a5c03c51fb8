"""One curve over several networks or seeds: its geometric mean and its range."""

from __future__ import annotations

from collections.abc import Sequence

from eigenlab.lab import Record, Vector, measured
from eigenlab.statistics import geometric_mean


class Averaged(Record):
    """Geometric mean and range of one curve over networks."""

    mean: Vector = measured("Geometric mean.", shape="T")
    low: Vector = measured("Smallest.", shape="T")
    high: Vector = measured("Largest.", shape="T")

    @classmethod
    def over(cls, rows: Sequence[Sequence[float]]) -> Averaged:
        """Average curves of one length.

        Args:
            rows: one curve per network or seed, each of the same T numbers.

        >>> Averaged.over([(1.0, 4.0), (4.0, 1.0)]).high
        (4.0, 4.0)
        """
        columns = list(zip(*rows, strict=True))
        return cls(
            mean=[geometric_mean(column) for column in columns],
            low=[min(column) for column in columns],
            high=[max(column) for column in columns],
        )

    @property
    def curves(self) -> tuple[Vector, Vector, Vector]:
        """Mean, low and high, as :func:`eigenlab.plots.mean_and_range` takes them."""
        return self.mean, self.low, self.high
