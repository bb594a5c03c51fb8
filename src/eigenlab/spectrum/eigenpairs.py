"""The largest eigenvalues of a symmetric operator, with a certificate.

A block Krylov method with thick restarts (:mod:`~eigenlab.spectrum._krylov`) finds the pairs;
explicit residuals and a new random block then bound their errors. Krylov methods may converge to
eigenpairs and still overlook one of a tight cluster, so convergence alone is not enough.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenlab.errors import InputError
from eigenlab.reporter import SILENT, Reporter
from eigenlab.spectrum._certificate import eigenvalue_bounds
from eigenlab.spectrum._dense import decompose, is_small
from eigenlab.spectrum._findings import Findings, tolerance
from eigenlab.spectrum._operators import CountingOperator, Floats, OperatorLike
from eigenlab.spectrum._search import Search
from eigenlab.spectrum.vectors import fix_signs

MIN_PRODUCTS, PRODUCTS_PER_VECTOR = 3000, 100


class EigenpairsWarning(UserWarning):
    """Some eigenpair is not certified; the message names it and the reason."""


@dataclass(frozen=True)
class Eigenpairs:
    """The k largest eigenpairs of a symmetric operator, with error bounds.

    Norms and orthogonality are those of the metric where one was given.
    """

    eigenvalues: NDArray[np.float64]
    """(k,) descending."""
    vectors: Floats
    """(n, k) orthonormal columns in the operator's dtype; the entry of largest modulus is > 0."""
    residual_norms: NDArray[np.float64]
    """(k,) ``||A v - lambda v||``, computed from the vectors with one more product at the end."""
    error_bounds: NDArray[np.float64]
    """(k,) bounds on ``|lambda - true lambda|``, valid if no pair was overlooked. Members of a
    cluster narrower than the tolerance may be exchanged."""
    certified: bool
    """Whether all residuals are within ``tolerance`` and no overlooked pair was found."""
    n_products: int
    """Number of columns that the operator was applied to, including those of the certificate."""
    next_eigenvalue: float
    """Estimate (from below) of the (k+1)-th eigenvalue; -inf if k = n."""
    next_eigenvalue_bound: float
    """No eigenvalue beside the k found exceeds this, up to a probability of 2e-6; may be inf."""
    tolerance: float
    """Bound on the residual norms: ``tol`` (or the least of the dtype) times max |lambda|."""
    overlooked: bool = False
    """Whether a search found another pair that belongs among these."""

    @property
    def converged(self) -> NDArray[np.bool_]:
        """(k,) whether the residual norm is within the tolerance."""
        return self.residual_norms <= self.tolerance


def top_eigenpairs(
    operator: OperatorLike,
    k: int,
    *,
    tol: float = 1e-8,
    start: ArrayLike | None = None,
    metric: OperatorLike | None = None,
    block_size: int | None = None,
    max_products: int | None = None,
    seed: int = 0,
    certify: bool = True,
    reporter: Reporter = SILENT,
) -> Eigenpairs:
    """The ``k`` largest (most positive) eigenvalues and their vectors, certified.

    Args:
        operator: symmetric (n, n): array, tensor, sparse matrix, or any object with ``shape``,
            ``dtype`` and ``matmat`` (a ``LinearOperator``, a ``NormalizedOperator``). float32
            operators are multiplied in float32, with float64 for the small projected problems. An
            object whose products read a matrix from memory may have an attribute ``stored = True``:
            then wide blocks are multiplied, which cost hardly more than narrow ones.
        k: number of pairs, 1 <= k <= n.
        tol: residual norms to reach, relative to the largest |eigenvalue|, in [0, 1). Not below
            64 eps: 1.4e-14 in float64 and 7.6e-6 in float32. Default: ``1e-08``.
        start: (n, m) guess of the leading subspace, for instance from a coarser problem; None
            starts at random. Default: ``None``.
        metric: positive (semi)definite (n, n) operator G, or None for the ordinary inner product.
            ``operator`` must be self-adjoint in <x, y> = x^T G y. An operator that is a product H G
            may have a method ``matmat_from_image(G V) -> H G V``, which saves multiplying by G
            twice. Default: ``None``.
        block_size: columns per product, >= 1; None is at least 8 for a stored dense matrix and 2
            for others. Default: ``None``.
        max_products: limit on the columns the operator is applied to, >= k; None is 3000 + 100 k.
            Default: ``None``.
        seed: random seed of the start and of the certificate's random block. Default: ``0``.
        certify: whether to search for overlooked pairs. Without it ``certified`` is False. Default:
            ``True``.
        reporter: receives the number of converged pairs and may cancel. Default: ``SILENT``.

    Returns:
        Eigenvalues and vectors, with residuals and error bounds.

    Raises:
        InputError: an argument is out of range, the operator is not square, not symmetric, complex,
            returns NaN, or has a scale that would underflow when squared, or ``start`` has another
            shape or NaN entries.
        Cancelled: the reporter asked to stop.

    Warns:
        EigenpairsWarning: some pair is not certified.

    >>> path = np.eye(300, k=1) + np.eye(300, k=-1)
    >>> pairs = top_eigenpairs(path, 2)
    >>> pairs.certified, bool(abs(pairs.eigenvalues[0] - 2 * np.cos(np.pi / 301)) < 1e-14)
    (True, True)
    """
    pairs = find_eigenpairs(
        operator,
        k,
        tol=tol,
        start=start,
        metric=metric,
        block_size=block_size,
        max_products=max_products,
        seed=seed,
        certify=certify,
        reporter=reporter,
    )
    warn_of_shortcomings(
        pairs, "allow more max_products, a larger tol or block_size, or pass a start"
    )
    return pairs


def find_eigenpairs(
    operator: OperatorLike,
    k: int,
    *,
    tol: float = 1e-8,
    start: ArrayLike | None = None,
    metric: OperatorLike | None = None,
    block_size: int | None = None,
    max_products: int | None = None,
    seed: int = 0,
    certify: bool = True,
    reporter: Reporter = SILENT,
) -> Eigenpairs:
    """:func:`top_eigenpairs` without a warning, for callers whose users have other parameters."""
    A = CountingOperator("operator", operator)
    G = None if metric is None else CountingOperator("metric", metric)
    _check_arguments(A, G, k, tol, block_size, max_products)
    guess = _guess(A, start)
    if is_small(A, k):
        findings = decompose(A, G, k)
    else:
        block = block_size or _block_size(A, k)
        limit = max_products or default_max_products(k)
        guessed = start is not None
        search = Search(A, G, k, tol, min(block, A.n), limit, seed, reporter, guessed)
        findings = search.run(_padded(guess, block, seed), certify)
    return _assemble(A, findings, tol, certify)


def default_max_products(k: int) -> int:
    """Columns that a search for ``k`` pairs may multiply unless told otherwise: 3000 + 100 k.

    >>> default_max_products(3)
    3300
    """
    return MIN_PRODUCTS + PRODUCTS_PER_VECTOR * k


def _block_size(A: CountingOperator, k: int) -> int:
    # A stored matrix is read once per product, and eight columns take hardly longer than two;
    # otherwise the cost is that of the columns, and a narrow block needs fewest of them.
    return min(A.n, max(8, k + 4)) if A.stored else 2


def _guess(A: CountingOperator, start: ArrayLike | None) -> Floats:
    if start is None:
        return np.empty((A.n, 0), dtype=A.dtype)
    guess = np.array(start, dtype=A.dtype, order="F")
    if guess.ndim != 2 or len(guess) != A.n or guess.shape[1] == 0:
        raise InputError(f"start has shape {guess.shape}, expected ({A.n}, m) with m >= 1")
    if not np.isfinite(guess).all():
        raise InputError("start holds NaN or infinite entries")
    return guess


def _padded(guess: Floats, block: int, seed: int) -> Floats:
    """The guess, and random columns up to a block."""
    missing = max(0, block - guess.shape[1])
    # A stream of its own: the certificate's random block must not depend on the start.
    random = np.random.default_rng([seed, 1]).standard_normal((len(guess), missing))
    return np.concatenate([guess, random.astype(guess.dtype)], axis=1)


def _check_arguments(
    A: CountingOperator,
    G: CountingOperator | None,
    k: int,
    tol: float,
    block_size: int | None,
    max_products: int | None,
) -> None:
    numbers = {"k": k, "block_size": block_size, "max_products": max_products}
    for name, number in numbers.items():
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not whole and (name == "k" or number is not None):
            raise InputError(f"{name}={number!r}; expected a whole number")
    if not 1 <= k <= A.n:
        raise InputError(f"k={k} is out of range; expected 1 <= k <= n = {A.n}")
    if not 0 <= tol < 1:
        raise InputError(f"tol={tol} is out of range; expected 0 <= tol < 1")
    if block_size is not None and block_size < 1:
        raise InputError(f"block_size={block_size}; expected at least 1 (or None)")
    if max_products is not None and max_products < k:
        raise InputError(f"max_products={max_products} is less than k={k}")
    if G is not None and G.n != A.n:
        raise InputError(f"metric is {G.n} x {G.n}, but operator is {A.n} x {A.n}")


def _assemble(A: CountingOperator, found: Findings, tol: float, certify: bool) -> Eigenpairs:
    limit = tolerance(tol, A.dtype, found.scale)
    bounds = eigenvalue_bounds(found.values, found.residual_size, found.outside)
    bounds += tolerance(0, A.dtype, found.scale)  # rounding of the products themselves
    return Eigenpairs(
        eigenvalues=found.values,
        vectors=fix_signs(found.vectors),
        residual_norms=found.residual_norms,
        error_bounds=bounds,
        certified=bool(certify and found.searched and (found.residual_norms <= limit).all()),
        n_products=A.n_products,
        next_eigenvalue=found.next_value,
        next_eigenvalue_bound=found.outside,
        tolerance=limit,
        overlooked=certify and not found.searched,
    )


def warn_of_shortcomings(pairs: Eigenpairs, remedy: str, stacklevel: int = 3) -> None:
    """Warn, with an :class:`EigenpairsWarning`, of pairs not converged, or not the largest.

    Args:
        pairs: pairs that were searched for.
        remedy: what the user can do, the end of the message: only parameters that the user has.
        stacklevel: frames from here to the user's. Default: ``3``.
    """
    k = len(pairs.eigenvalues)
    reasons = [
        f"pair {i} (eigenvalue {pairs.eigenvalues[i]:.6g}) has residual norm "
        f"{pairs.residual_norms[i]:.1e} > {pairs.tolerance:.1e}"
        for i in np.flatnonzero(~pairs.converged)[:3]
    ]
    if pairs.overlooked:
        reasons.append(
            f"an eigenvalue of at least {pairs.next_eigenvalue:.9g} was overlooked, so pair "
            f"{k - 1} ({pairs.eigenvalues[-1]:.9g}) is not among the {k} largest"
        )
    if reasons:
        warnings.warn(
            f"{'; '.join(reasons)} after {pairs.n_products} products; {remedy}",
            EigenpairsWarning,
            stacklevel=stacklevel,
        )
