"""Eigenpairs of a Fourier graph: solved among its modes, measured over its nodes."""

from __future__ import annotations

import dataclasses

import numpy as np

from eigenlab.errors import InputError
from eigenlab.graphs.compressed import CompressedProblem, FourierSeries
from eigenlab.graphs.graph import Floats, NormalizedOperator
from eigenlab.reporter import Reporter
from eigenlab.spectrum import Eigenpairs, fix_signs
from eigenlab.spectrum.eigenpairs import MIN_PRODUCTS, default_max_products, find_eigenpairs


def fourier_eigenpairs(
    whole: NormalizedOperator,
    k: int,
    series: tuple[FourierSeries, ...],
    *,
    tol: float,
    start: Floats | None,
    seed: int,
    certify: bool,
    reporter: Reporter,
) -> Eigenpairs:
    """Solve with few modes, with more where few do not suffice, and over the nodes if need be.

    Args:
        whole: normalised operator over all nodes.
        k: number of pairs, 1 <= k <= n.
        series: the graph in Fourier form, shortest series first.
        tol: bound on the residuals over all nodes, relative to the largest eigenvalue.
        start: (n, m) guess of the vectors, or None.
        seed: random seed of the solver.
        certify: whether to search for overlooked pairs.
        reporter: receives progress and may cancel.

    Returns:
        The pairs; residuals are measured over all nodes.
    """
    left = default_max_products(k)  # of all stages together, as of one search elsewhere
    for modes in series:
        problem = CompressedProblem(whole, modes)
        try:
            pairs = _solve(problem, k, tol, start, left, seed, certify, reporter)
        except InputError:
            # A has a rank below k, as when points coincide: in what is left rounding rules.
            break
        left -= pairs.n_products
        pairs = _measured(whole, problem.lift(pairs.vectors), pairs, tol)
        # What few modes could not resolve with all products, more of them cannot either.
        if pairs.residual_norms.max() <= tol or left < MIN_PRODUCTS / 2:
            return pairs
        start = pairs.vectors
    return find_eigenpairs(
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
    return find_eigenpairs(
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


def _measured(
    whole: NormalizedOperator, vectors: Floats, pairs: Eigenpairs, tol: float
) -> Eigenpairs:
    """The pairs again, by Rayleigh-Ritz over all nodes."""
    basis, _ = np.linalg.qr(vectors)
    images = whole.matmat(basis)
    values, turn = np.linalg.eigh(basis.T @ images)
    values, turn = values[::-1], turn[:, ::-1]
    vectors, images = basis @ turn, images @ turn
    lengths = np.linalg.norm(images - vectors * values, axis=0)
    tolerance = tol * float(np.abs(values).max())
    return dataclasses.replace(
        pairs,
        eigenvalues=values,
        vectors=fix_signs(vectors),
        residual_norms=lengths,
        error_bounds=lengths,
        certified=pairs.certified and bool((lengths <= tolerance).all()),
        tolerance=tolerance,
        n_products=pairs.n_products + len(values),
    )
