"""The top eigenpairs by a Krylov space, and the search for pairs that it overlooked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.reporter import Reporter
from eigenlab.spectrum._certificate import largest_outside
from eigenlab.spectrum._dense import asymmetry_message, symmetry_tolerance
from eigenlab.spectrum._findings import Findings, tolerance
from eigenlab.spectrum._krylov import Krylov
from eigenlab.spectrum._operators import CountingOperator, Floats

BASIS_BYTES = 3 * 10**8
"""Most memory of the basis, unless k needs more."""

BASIS_COLUMNS = 48
"""Columns of the basis, or eight blocks, plus two for each pair. More columns would cost more to
make orthogonal than they save in products."""

ROUNDS = 4
"""Most restarts with an overlooked pair, or from vectors whose residuals are too large."""

EXTRA = 8
"""Ritz vectors beyond the k-th that are deflated, too, in the search for overlooked pairs."""


@dataclass
class Search:
    """One search; call :meth:`run` once."""

    operator: CountingOperator
    metric: CountingOperator | None
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
            krylov.set_pending(start)
            values, S, residuals = self._converge(krylov)
            findings, start = self._assess(krylov, values, S, residuals, certify)
            self.guessed = True
            exact = findings.residual_norms.max() <= self._tolerance(krylov)
            if (exact and (findings.searched or not certify)) or self._exhausted(start.shape[1]):
                break
        return findings

    def _krylov(self, width: int) -> Krylov:
        block = max(self.block, width)
        capacity = max(self.affordable, self.k + EXTRA + 3 * block)
        return Krylov(self.operator, self.metric, min(self.operator.n, capacity))

    def _tolerance(self, krylov: Krylov) -> float:
        return tolerance(self.tol, self.operator.dtype, krylov.scale)

    def _exhausted(self, more: int) -> bool:
        return self.operator.n_products + more > self.max_products

    def _noise(self, columns: int) -> Floats:
        block = self.random.standard_normal((self.operator.n, columns))
        return np.asarray(block, dtype=self.operator.dtype, order="F")

    def _converge(self, krylov: Krylov) -> tuple[NDArray, NDArray, NDArray]:
        """Grow and restart until the first k residuals are small or no products are left."""
        due = 0
        while True:
            self.reporter.raise_if_cancelled()
            krylov.grow()
            self.steps += 1
            exhausted = self._exhausted(krylov.width)
            full = krylov.room < krylov.width or not krylov.width
            if krylov.size < max(due, self.k) and not (full or exhausted):
                continue
            due = krylov.size + max(1, krylov.size // 10)  # projected problems cost size^3
            values, S, residuals = krylov.ritz()
            if krylov.asymmetry > symmetry_tolerance(self.operator.dtype) * krylov.scale:
                raise InputError(asymmetry_message(self.operator, self.metric))
            good = residuals[: self.k] <= self._tolerance(krylov) / 2
            self.reporter.progress(
                int(good.sum()), self.k, f"largest residual {residuals[: self.k].max():.1e}"
            )
            if (len(good) == self.k and good.all()) or (exhausted and len(good) == self.k):
                return values, S, residuals
            if not krylov.width and not self._refill(krylov):
                return values, S, residuals
            if krylov.room < krylov.width:
                # At least two more blocks must fit, or the search makes no progress.
                most = krylov.V.shape[1] - 2 * krylov.width
                keep = max(self.k, min(self.k + (krylov.size - self.k) // 2, most))
                krylov.restart(values, S, min(keep, krylov.size))
                due = 0

    def _refill(self, krylov: Krylov) -> bool:
        """Add a random block to an invariant subspace that is too small."""
        return krylov.set_pending(self._noise(min(self.block, self.operator.n - krylov.size))) > 0

    def _assess(
        self, krylov: Krylov, values: NDArray, S: NDArray, estimates: NDArray, certify: bool
    ) -> tuple[Findings, Floats]:
        """Explicit residuals, the search for overlooked pairs, and the start of a next round."""
        k, limit = self.k, self._tolerance(krylov)
        n_deflated = k
        # Vectors beyond the k-th that are known roughly sharpen the bound.
        while (
            n_deflated < min(len(values), k + EXTRA)
            and estimates[n_deflated] <= 1e-3 * krylov.scale
        ):
            n_deflated += 1
        krylov.restart(values, S, n_deflated)
        found = krylov.V[:, :k]
        random = certify and krylov.V.shape[1] > n_deflated and self.operator.n > n_deflated
        width = (
            krylov.set_pending(self._noise(min(self.block, krylov.V.shape[1] - n_deflated)))
            if random
            else 0
        )
        # One product gives the residuals and the first step of the search for others.
        both = np.concatenate([found, krylov.V[:, n_deflated : n_deflated + width]], axis=1)
        W = np.array(self.operator.matmat(both), order="F")
        weighted = found if self.metric is None else self.metric.matmat(found)
        top = krylov.inner_columns(weighted, W[:, :k]) / krylov.inner_columns(weighted, found)
        R = W[:, :k] - found * top.astype(found.dtype)
        lengths = krylov.inner_columns(R, R if self.metric is None else self.metric.matmat(R))
        norms = np.sqrt(np.maximum(lengths, 0))
        outside, highest, others = np.inf, -np.inf, np.zeros((0, 0))
        if width:
            krylov.absorb(W[:, k:], n_deflated, n_deflated + width)
            outside, highest, others = self._look_outside(krylov, n_deflated, width, top[-1], limit)
        following = max(highest, float(values[k]) if len(values) > k else -np.inf)
        if n_deflated > k:
            # Weyl: neglecting how the deflated vectors couple to the rest costs their residuals.
            outside = max(outside, float(values[k])) + float(
                np.linalg.norm(estimates[k:n_deflated])
            )
        if self.operator.n == n_deflated:
            outside = float(values[k]) if n_deflated > k else -np.inf
        order = np.argsort(-top, kind="stable")
        # In a metric of low rank nothing may be left of a random block.
        complete = self.operator.n == n_deflated or (random and not others.size)
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
        self, krylov: Krylov, n_deflated: int, width: int, lowest_found: float, limit: float
    ) -> tuple[float, float, NDArray]:
        """A Krylov space of a random block orthogonal to the first ``n_deflated`` basis vectors.

        Returns the proved bound on eigenvalues outside, the largest Ritz value there, and the
        coefficients of Ritz vectors that belong among the pairs found.
        """
        n = self.operator.n - n_deflated
        most = max(3, self.steps // 3)
        steps = 1
        while True:
            values, S, residuals = krylov.ritz(n_deflated)
            proven = steps if krylov.width else np.inf  # an invariant subspace
            bound = np.inf
            if self.metric is None:
                bound = largest_outside(float(values[0]), float(values[-1]), n, proven, width)
            overlooked = int((values > lowest_found + limit).sum())
            # A guess may lie in an invariant subspace, and then only this block leaves it: it must
            # have converged to an eigenvalue that is clearly below those found.
            settled = residuals[0] <= max(lowest_found - float(values[0]), limit) / 10
            enough = steps >= most and (settled or not self.guessed)
            if overlooked or bound <= lowest_found or enough:
                break
            if not krylov.width or krylov.room < krylov.width or self._exhausted(krylov.width):
                break
            self.reporter.raise_if_cancelled()
            krylov.grow()
            steps += 1
        others = np.zeros((0, 0))
        if overlooked:
            others = np.concatenate([np.zeros((n_deflated, overlooked)), S[:, :overlooked]])
        return bound, float(values[0]), others
