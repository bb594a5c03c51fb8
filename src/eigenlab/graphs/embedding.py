"""The leading vectors of a normalised graph, in any representation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eigenlab.graphs.graph import Floats, Graph, Normalization, NormalizedOperator
from eigenlab.graphs.threads import serial_blas
from eigenlab.reporter import SILENT, Reporter
from eigenlab.spectrum import participation_ratio
from eigenlab.spectrum.eigenpairs import warn_of_shortcomings

MAX_SKIPPED = 24
"""Vectors localised on too few nodes that are skipped, at most."""


@dataclass(frozen=True)
class Embedding:
    """The top left singular vectors of a normalised graph, with measures of their accuracy."""

    vectors: Floats
    """(n, k), orthonormal, by descending singular value; largest entries positive."""
    singular_values: NDArray[np.float64]
    """(k,) of S for ``stochastic``; the largest eigenvalues of M for the other two."""
    residual_norms: NDArray[np.float64]
    """(k,) ``||S v - s u||`` with v = S^T u / s; ``||M u - lambda u||``. Measured on all nodes."""
    next_singular_value: float
    """Estimate of the (k+1)-th, for the gap; NaN where unknown."""
    certified: bool
    """Whether residuals of the eigenproblem are within the tolerance and no vector was missed."""
    n_products: int
    """Number of vectors that the solver multiplied by the graph or its compressed form."""
    operator: NormalizedOperator
    """The operator that these are eigenvectors of: M, or S S^T."""
    skipped_values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """Singular values of vectors localised on too few nodes, see :meth:`leading`."""

    @property
    def participation(self) -> NDArray[np.float64]:
        """(k,) number of nodes each vector is localised on, ``1 / sum_i u_i^4``."""
        return participation_ratio(self.vectors)

    def leading(self, k: int, min_participation: int = 1) -> Embedding:
        """The first ``k`` vectors of a participation ratio of at least ``min_participation``.

        Where there are not so many, the first of the others make up the number.

        Args:
            k: number of vectors.
            min_participation: least participation ratio, after rounding to a whole number.
                Default: ``1``, which every vector has.
        """
        spread = np.rint(self.participation) >= min_participation
        kept = np.r_[np.flatnonzero(spread), np.flatnonzero(~spread)]
        chosen, rest = np.sort(kept[:k]), kept[k : int(spread.sum())]
        values, others = self.singular_values, np.setdiff1d(np.flatnonzero(~spread), chosen)
        return dataclasses.replace(
            self,
            vectors=self.vectors[:, chosen],
            singular_values=values[chosen],
            residual_norms=self.residual_norms[chosen],
            next_singular_value=float(values[rest[0]]) if len(rest) else self.next_singular_value,
            skipped_values=np.r_[self.skipped_values, values[others]],
        )


def leading_vectors(
    graph: Graph,
    k: int,
    normalization: Normalization = "stochastic",
    *,
    tol: float = 1e-6,
    start: Floats | None = None,
    seed: int = 0,
    certify: bool = True,
    reporter: Reporter = SILENT,
) -> Embedding:
    """The ``k`` vectors that embed the nodes of a graph (questions 5c to 5g).

    A graph in Fourier form is solved in compressed form and lifted; residuals are then measured on
    the lifted vectors, by products over all nodes.

    Args:
        graph: graph in any representation.
        k: number of vectors, 1 <= k <= n.
        normalization: ``"stochastic"`` for the vectors of S, ``"symmetric"`` or ``"rows"`` for
            those of M; rows are not rescaled here. Default: ``"stochastic"``.
        tol: bound on the residuals ||M u - w u|| or ||S S^T u - s^2 u||, relative to the largest
            eigenvalue. Those of S are the latter over s. Default: ``1e-6``.
        start: (n, m) guess of the vectors, or None. Default: ``None``.
        seed: random seed of the solver. Default: ``0``.
        certify: whether to search for missed vectors. Default: ``True``.
        reporter: receives progress and may cancel. Default: ``SILENT``.

    Returns:
        The embedding.

    Raises:
        InputError: ``k`` is out of range.

    Warns:
        EigenpairsWarning: a vector is not certified.
    """
    whole = NormalizedOperator(graph, normalization)
    squared = normalization == "stochastic"
    with serial_blas():
        pairs = graph.top_eigenpairs(
            whole, k, tol=tol, start=start, seed=seed, certify=certify, reporter=reporter
        )
    warn_of_shortcomings(
        pairs,
        "raise eigen_tol, or change n_clusters or n_components so that a gap follows the last",
        stacklevel=6,
    )
    values, lengths, following = pairs.eigenvalues, pairs.residual_norms, pairs.next_eigenvalue
    if squared:
        values, following = np.sqrt(np.maximum(values, 0)), float(np.sqrt(max(following, 0)))
        lengths = lengths / np.where(values > 0, values, 1)
    return Embedding(
        pairs.vectors, values, lengths, following, pairs.certified, pairs.n_products, whole
    )


def spread_vectors(
    graph: Graph,
    k: int,
    normalization: Normalization = "stochastic",
    *,
    min_participation: int = 2,
    tol: float = 1e-6,
    seed: int = 0,
    reporter: Reporter = SILENT,
) -> Embedding:
    """The first ``k`` vectors that are localised on at least ``min_participation`` nodes.

    More vectors are computed until there are enough, at most ``MAX_SKIPPED`` more.

    Args:
        graph: graph in any representation.
        k: number of vectors, 1 <= k <= n.
        normalization: see :func:`leading_vectors`. Default: ``"stochastic"``.
        min_participation: least participation ratio, rounded. Default: ``2``.
        tol: see :func:`leading_vectors`. Default: ``1e-6``.
        seed: random seed of the solver. Default: ``0``.
        reporter: receives progress and may cancel. Default: ``SILENT``.

    Returns:
        The embedding; ``skipped_values`` belong to the vectors left out.
    """
    most = min(graph.n_nodes, k + MAX_SKIPPED)
    asked, start = k, None
    while True:
        found = leading_vectors(
            graph, asked, normalization, tol=tol, start=start, seed=seed, reporter=reporter
        )
        missing = k - int((np.rint(found.participation) >= min_participation).sum())
        if missing <= 0 or asked >= most:
            return found.leading(k, min_participation)
        asked, start = min(most, asked + 2 * missing), found.vectors
