"""Find the top eigenpairs in a Krylov space, then look for what it may have overlooked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.reporter import Reporter
from eigenlab.spectrum._certificate import largest_outside
from eigenlab.spectrum._dense import not_symmetric, slack
from eigenlab.spectrum._findings import Findings, tolerance
from eigenlab.spectrum._krylov import Krylov
from eigenlab.spectrum._operators import Counted, Floats

BASIS_BYTES = 3 * 10**8
"""Memory of the basis, unless k needs more."""

BASIS_COLUMNS = 48
"""Or eight blocks, and two a pair. More cost more to make orthogonal than they save in products."""

ROUNDS = 4
"""Fresh starts with an overlooked pair, or from vectors whose residuals turned out too large."""

EXTRA = 8
"""Ritz vectors beyond the k-th that are put aside, too, when overlooked pairs are looked for."""


@dataclass
class Search:
    """One search; :meth:`run` is called once."""

    operator: Counted
    metric: Counted | None
    k: int
    tol: float
    block: int
    max_products: int
    seed: int
    reporter: Reporter
    guessed: bool
    steps: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        n, itemsize = self.operator.n, self.operator.dtype.itemsize
        columns = max(BASIS_COLUMNS, 8 * self.block) + 2 * self.k
        self.affordable = min(n, columns, BASIS_BYTES // (n * itemsize))

    def run(self, start: Floats, certify: bool) -> Findings:
        """The pairs found from the columns of ``start``."""
        for _ in range(ROUNDS):
            krylov = self._krylov(start.shape[1])
            krylov.inject(start)
            values, S, residuals = self._converge(krylov)
            findings, start = self._judge(krylov, values, S, residuals, certify)
            self.guessed = True
            exact = findings.residual_norms.max() <= self._tolerance(krylov)
            if (exact and (findings.searched or not certify)) or self._spent(start.shape[1]):
                break
        return findings

    def _krylov(self, width: int) -> Krylov:
        block = max(self.block, width)
        capacity = max(self.affordable, self.k + EXTRA + 3 * block)
        return Krylov(self.operator, self.metric, min(self.operator.n, capacity))

    def _tolerance(self, krylov: Krylov) -> float:
        return tolerance(self.tol, self.operator.dtype, krylov.scale)

    def _spent(self, more: int) -> bool:
        return self.operator.n_products + more > self.max_products

    def _noise(self, columns: int) -> Floats:
        block = self.random.standard_normal((self.operator.n, columns))
        return np.asarray(block, dtype=self.operator.dtype, order="F")

    def _converge(self, krylov: Krylov) -> tuple[NDArray, NDArray, NDArray]:
        """Grow and restart until the first k residuals are small, or products are spent."""
        due = 0
        while True:
            self.reporter.raise_if_cancelled()
            krylov.grow()
            self.steps += 1
            spent = self._spent(krylov.width)
            full = krylov.room < krylov.width or not krylov.width
            if krylov.size < max(due, self.k) and not (full or spent):
                continue
            due = krylov.size + max(1, krylov.size // 10)  # projected problems cost size^3
            values, S, residuals = krylov.ritz()
            if krylov.asymmetry > slack(self.operator.dtype) * krylov.scale:
                raise InputError(not_symmetric(self.operator, self.metric))
            good = residuals[: self.k] <= self._tolerance(krylov) / 2
            self.reporter.progress(
                int(good.sum()), self.k, f"largest residual {residuals[: self.k].max():.1e}"
            )
            if (len(good) == self.k and good.all()) or (spent and len(good) == self.k):
                return values, S, residuals
            if not krylov.width and not self._refill(krylov):
                return values, S, residuals
            if krylov.room < krylov.width:
                # At least two more blocks must fit, or nothing new is ever learnt.
                most = krylov.V.shape[1] - 2 * krylov.width
                keep = max(self.k, min(self.k + (krylov.size - self.k) // 2, most))
                krylov.restart(values, S, min(keep, krylov.size))
                due = 0

    def _refill(self, krylov: Krylov) -> bool:
        """Leave an invariant subspace that is too small, by a random block."""
        return krylov.inject(self._noise(min(self.block, self.operator.n - krylov.size))) > 0

    def _judge(
        self, krylov: Krylov, values: NDArray, S: NDArray, estimates: NDArray, certify: bool
    ) -> tuple[Findings, Floats]:
        """Explicit residuals, the search for overlooked pairs, and where to go on from."""
        k, limit = self.k, self._tolerance(krylov)
        aside = k
        # What is known of vectors beyond the k-th to a hundredth of the spread helps to prove.
        while aside < min(len(values), k + EXTRA) and estimates[aside] <= 1e-3 * krylov.scale:
            aside += 1
        krylov.restart(values, S, aside)
        found = krylov.V[:, :k]
        random = certify and krylov.V.shape[1] > aside and self.operator.n > aside
        width = (
            krylov.inject(self._noise(min(self.block, krylov.V.shape[1] - aside))) if random else 0
        )
        # One product serves the residuals and the first step of the search for others.
        both = np.concatenate([found, krylov.V[:, aside : aside + width]], axis=1)
        W = np.array(self.operator.matmat(both), order="F")
        weighted = found if self.metric is None else self.metric.matmat(found)
        top = krylov.inner_columns(weighted, W[:, :k]) / krylov.inner_columns(weighted, found)
        R = W[:, :k] - found * top.astype(found.dtype)
        lengths = krylov.inner_columns(R, R if self.metric is None else self.metric.matmat(R))
        norms = np.sqrt(np.maximum(lengths, 0))
        outside, highest, others = np.inf, -np.inf, np.zeros((0, 0))
        if width:
            krylov.absorb(W[:, k:], aside, aside + width)
            outside, highest, others = self._look_outside(krylov, aside, width, top[-1], limit)
        following = max(highest, float(values[k]) if len(values) > k else -np.inf)
        if aside > k:
            # Weyl: leaving out how the vectors put aside couple to the rest costs their residuals.
            outside = max(outside, float(values[k])) + float(np.linalg.norm(estimates[k:aside]))
        if self.operator.n == aside:
            outside = float(values[k]) if aside > k else -np.inf
        order = np.argsort(-top, kind="stable")
        # A random block of which nothing is left had no direction to go, in a metric of low rank.
        complete = self.operator.n == aside or (random and not others.size)
        findings = Findings(
            values=top[order],
            vectors=np.asfortranarray(found[:, order]),
            residual_norms=norms[order],
            residual_size=float(np.linalg.norm(norms)),
            scale=krylov.scale,
            next_value=following,
            outside=outside,
            searched=complete,
        )
        extra = krylov.combine(others) if others.size else np.empty((self.operator.n, 0))
        return findings, np.concatenate([findings.vectors, extra.astype(found.dtype)], axis=1)

    def _look_outside(
        self, krylov: Krylov, aside: int, width: int, lowest_found: float, limit: float
    ) -> tuple[float, float, NDArray]:
        """A Krylov space of a random block orthogonal to the first ``aside`` basis vectors.

        Returns the proved bound on eigenvalues outside, the largest Ritz value there, and the
        coefficients of Ritz vectors that belong among the pairs found.
        """
        n = self.operator.n - aside
        most = max(3, self.steps // 3)
        steps = 1
        while True:
            values, S, residuals = krylov.ritz(aside)
            proven = steps if krylov.width else np.inf  # nothing left to multiply: it is invariant
            bound = np.inf
            if self.metric is None:
                bound = largest_outside(float(values[0]), float(values[-1]), n, proven, width)
            overlooked = int((values > lowest_found + limit).sum())
            # A guess may lie in an invariant subspace, and then only this block looks beyond it:
            # it must have settled on an eigenvalue that is clearly below those found.
            settled = residuals[0] <= max(lowest_found - float(values[0]), limit) / 10
            enough = steps >= most and (settled or not self.guessed)
            if overlooked or bound <= lowest_found or enough:
                break
            if not krylov.width or krylov.room < krylov.width or self._spent(krylov.width):
                break
            self.reporter.raise_if_cancelled()
            krylov.grow()
            steps += 1
        others = np.zeros((0, 0))
        if overlooked:
            others = np.concatenate([np.zeros((aside, overlooked)), S[:, :overlooked]])
        return bound, float(values[0]), others
