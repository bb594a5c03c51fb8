"""The leading vectors of a normalised graph, whichever way the graph is held."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs.compressed import CompressedProblem
from eigenlab.graphs.fourier import FourierGraph
from eigenlab.graphs.graph import Floats, Graph, Normalization, NormalizedOperator
from eigenlab.graphs.threads import serial_blas
from eigenlab.reporter import SILENT, Reporter
from eigenlab.spectrum import Eigenpairs, top_eigenpairs
from eigenlab.spectrum.eigenpairs import PRODUCTS, PRODUCTS_A_VECTOR


@dataclass(frozen=True)
class Embedding:
    """The top left singular vectors of a normalised graph, and how far they can be trusted."""

    vectors: Floats
    """(n, k), orthonormal, by descending singular value; largest entries positive."""
    singular_values: NDArray[np.float64]
    """(k,) of S for ``stochastic``; the largest eigenvalues of M for the other two."""
    residual_norms: NDArray[np.float64]
    """(k,) ``||S v - s u||`` with v = S^T u / s; ``||M u - lambda u||``. Measured on all nodes."""
    next_singular_value: float
    """Estimate of the (k+1)-th, for the gap; NaN where unknown."""
    certified: bool
    """The eigenproblem's residuals within the tolerance, and the search for missed vectors none."""
    n_products: int
    """Vectors that the solver multiplied, by the graph or by its compressed form."""
    operator: NormalizedOperator
    """Whose vectors these are: M, or S S^T."""
    passed_over: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """Singular values of vectors that live on too few nodes, see :meth:`leading`."""

    @property
    def participation(self) -> NDArray[np.float64]:
        """(k,) ``1 / sum_i u_i^4``: on how many nodes a vector lives; m if it is even on m."""
        return np.asarray(1 / np.square(np.square(self.vectors)).sum(axis=0))

    def leading(self, k: int, min_size: int = 1) -> Embedding:
        """The first ``k`` vectors that live on at least ``min_size`` nodes.

        Where there are not so many, the first of the others make up the number.
        """
        large = np.rint(self.participation) >= min_size
        kept = np.r_[np.flatnonzero(large), np.flatnonzero(~large)]
        chosen, rest = np.sort(kept[:k]), kept[k : int(large.sum())]
        values, others = self.singular_values, np.setdiff1d(np.flatnonzero(~large), chosen)
        return dataclasses.replace(
            self,
            vectors=self.vectors[:, chosen],
            singular_values=values[chosen],
            residual_norms=self.residual_norms[chosen],
            next_singular_value=float(values[rest[0]]) if len(rest) else self.next_singular_value,
            passed_over=np.r_[self.passed_over, values[others]],
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
    """The ``k`` vectors that embed the nodes of a graph (questions 5c to 5f).

    A graph in Fourier form is solved in compressed form and lifted; what is reported is measured
    on the lifted vectors, by products over all nodes.

    Args:
        graph: held in any way.
        k: vectors, 1 <= k <= n.
        normalization: ``stochastic`` takes S, the other two M; rows are not rescaled here.
        tol: bound on the residuals ||M u - w u|| or ||S S^T u - s^2 u||, relative to the largest
            eigenvalue. Those of S are the latter over s.
        start: (n, m) guess of the vectors.
        seed: of the solver's random vectors.
        certify: search for missed vectors.
        reporter: hears of progress and may cancel.

    Raises:
        InputError: ``k`` does not fit.

    Warns:
        EigenpairsWarning: a vector is not certified.
    """
    whole = NormalizedOperator(graph, normalization)
    squared = normalization == "stochastic"
    with serial_blas():
        if isinstance(graph, FourierGraph):
            pairs = _through_modes(whole, k, tol, start, seed, certify, reporter)
        else:
            pairs = top_eigenpairs(
                whole, k, tol=tol, start=start, seed=seed, certify=certify, reporter=reporter
            )
    values, lengths, following = pairs.eigenvalues, pairs.residual_norms, pairs.next_eigenvalue
    if squared:
        values, following = np.sqrt(np.maximum(values, 0)), float(np.sqrt(max(following, 0)))
        lengths = lengths / np.where(values > 0, values, 1)
    return Embedding(
        pairs.vectors, values, lengths, following, pairs.certified, pairs.n_products, whole
    )


def _through_modes(
    whole: NormalizedOperator,
    k: int,
    tol: float,
    start: Floats | None,
    seed: int,
    certify: bool,
    reporter: Reporter,
) -> Eigenpairs:
    """Solve with few modes, and measure over all nodes; with all modes where few do not do."""
    graph = whole.graph
    assert isinstance(graph, FourierGraph)
    coarse = graph.coarsened(max(1e-2 * tol, graph.entry_error))
    left = PRODUCTS + PRODUCTS_A_VECTOR * k  # for all stages together, as for one search elsewhere
    for modes in (coarse, graph):
        problem = CompressedProblem(whole, modes)
        try:
            pairs = _solve(problem, k, tol, start, left, seed, certify, reporter)
        except InputError:
            # A has a rank below k, as when points coincide: in what is left rounding rules.
            break
        left -= pairs.n_products
        pairs = _measured(whole, problem.lift(pairs.vectors), pairs)
        # What few modes could not resolve with all products, more of them cannot either.
        if pairs.residual_norms.max() <= tol or left < PRODUCTS / 2:
            return pairs
        start = pairs.vectors
    return top_eigenpairs(
        whole,
        k,
        tol=tol,
        start=start,
        max_products=left,
        seed=seed,
        certify=certify,
        reporter=reporter,
    )


def _solve(
    problem: CompressedProblem,
    k: int,
    tol: float,
    start: Floats | None,
    max_products: int,
    seed: int,
    certify: bool,
    reporter: Reporter,
) -> Eigenpairs:
    guess = None if start is None else problem.restrict(start)
    if guess is not None and problem.outer is not None:
        guess = problem.outer.matmat(guess)  # u = B h and H G h = s^2 h give h = H B^* u / s^2
    return top_eigenpairs(
        problem,
        k,
        metric=None if problem.outer is None else problem.inner,
        # What the shorter series leaves out needs room below the tolerance.
        tol=tol / 4,
        start=guess,
        max_products=max_products,
        seed=seed,
        certify=certify,
        reporter=reporter,
    )


def _measured(whole: NormalizedOperator, vectors: Floats, pairs: Eigenpairs) -> Eigenpairs:
    """The pairs again, by Rayleigh-Ritz over all nodes."""
    basis, _ = np.linalg.qr(vectors)
    images = whole.matmat(basis)
    values, turn = np.linalg.eigh(basis.T @ images)
    values, turn = values[::-1], turn[:, ::-1]
    vectors, images = basis @ turn, images @ turn
    lengths = np.linalg.norm(images - vectors * values, axis=0)
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])
    return dataclasses.replace(
        pairs,
        eigenvalues=values,
        vectors=vectors * signs,
        residual_norms=lengths,
        error_bounds=lengths,
        n_products=pairs.n_products + len(values),
    )
