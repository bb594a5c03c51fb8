"""Leading eigenvectors of a covariance matrix, by algorithms for different sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg

from eigenlab.linear.scatter import RunningScatter, RunningSketch, centre, gram_product
from eigenlab.spectrum import fix_signs

Array = npt.NDArray[Any]
#: A random sketch for k components has 2 k + OVERSAMPLING columns.
OVERSAMPLING = 10
#: Eigenvalues of a Gram matrix are accurate to some ten units in the last place of the largest.
ROUNDING = 10
#: Up to this many features all eigenvectors are computed with NumPy. SciPy can compute k of them
#: only, but its thread pool competes with that of NumPy's matrix product for the cores.
WHOLE_SPECTRUM = 1500


class PrincipalComponents(NamedTuple):
    """Leading eigenpairs of a centred Gram matrix ``sum (x - mean)(x - mean)^T``.

    ``values`` (k,) descending, ``vectors`` (k, d) in rows, the entry of largest modulus positive;
    ``total`` is the trace, ``mean`` (d,) and ``n_samples`` describe the rows. ``negligible`` bounds
    the rounding error of ``values``: up to it they may be zero. ``W1`` (k, d) and ``W2`` (d, k) are
    the encoder and decoder: the vectors, except after training.
    """

    values: Array
    vectors: Array
    total: float
    mean: Array
    n_samples: int
    negligible: float
    W1: Array
    W2: Array


def components_from_scatter(scatter: RunningScatter, k: int | float) -> PrincipalComponents:
    """Return the top k components of an accumulated scatter matrix, in O(d^3).

    A fraction ``k`` is a share of the variance, see :func:`count_components`.
    """
    d = len(scatter.mean)
    total = float(np.trace(scatter.matrix))
    if d <= WHOLE_SPECTRUM or isinstance(k, float):
        values, vectors = np.linalg.eigh(scatter.matrix)
        k = count_components(values[::-1], total, k)
        values, vectors = values[d - k :], vectors[:, d - k :]
    else:
        values, vectors = scipy.linalg.eigh(scatter.matrix, subset_by_index=(d - k, d - 1))
    negligible = ROUNDING * scatter.eps * float(values[-1])
    return _components(
        values[::-1], vectors[:, ::-1].T, total, scatter.mean, scatter.count, negligible
    )


def components_by_svd(X: Array, k: int | float) -> PrincipalComponents:
    """Return the top k components from the singular values of the centred data.

    Small components are accurate to full precision. A fraction ``k`` is a share of the variance,
    see :func:`count_components`.
    """
    count, mean, centred = centre(X.astype(float))
    _, values, vectors = scipy.linalg.svd(centred, full_matrices=False)
    # Rounding of the entries, a random matrix of that size; and of the decomposition.
    rounding = np.finfo(X.dtype).eps * np.abs(X).max() * np.sqrt(X.shape).sum()
    negligible = float(rounding + max(X.shape) * np.finfo(float).eps * values[0]) ** 2
    total = float(values @ values)
    k = count_components(values**2, total, k)
    if k > len(values):  # fewer rows than components: complete the basis, with eigenvalue zero
        vectors = scipy.linalg.svd(centred, full_matrices=True)[2]
        values = np.r_[values, np.zeros(k - len(values))]
    return _components(values[:k] ** 2, vectors[:k], total, mean, count, negligible)


def count_components(values: Array, total: float, k: int | float) -> int:
    """Return ``k``, or for a fraction the number of axes that explain more than it.

    Args:
        values: all eigenvalues, descending.
        total: their sum.
        k: number of components, or a share of the variance between 0 and 1, both excluded.

    >>> count_components(np.array([3.0, 2.0, 1.0]), 6.0, 0.8)
    2
    """
    if not isinstance(k, float):
        return k
    if total <= 0:
        return 1  # nothing varies
    shares = np.cumsum(np.maximum(values, 0)) / total
    return min(int(np.searchsorted(shares, k, side="right")) + 1, len(values))


def components_by_sketch(
    chunks: Callable[[], Iterable[Array]], d: int, k: int, *, n_passes: int, seed: int
) -> PrincipalComponents:
    """Return the top k components by randomised subspace iteration, in O(n d k) per pass.

    One pass: Nystroem's approximation ``Y (Omega^T Y)^+ Y^T`` of the Gram matrix from its product
    ``Y`` with random ``Omega`` (Tropp, Yurtsever, Udell and Cevher, NIPS 2017, algorithm 3). More
    passes: each multiplies an orthonormal basis once more, and the last gives the Rayleigh
    quotients (Halko, Martinsson and Tropp, SIAM Review 53 (2011) 217-288, section 5). With s_i the
    eigenvalues and m the width of the sketch, the sine of the angle to the k-th axis falls as
    ``(s_(m+1) / s_k)^(n_passes - 1)``, and the relative error of its eigenvalue, never above the
    true one, as the square of that.
    """
    sketch = RunningSketch(random_directions(d, k, seed))
    for chunk in chunks():
        sketch.update(chunk)
    if n_passes == 1:
        return components_from_sketch(sketch, k)
    basis = np.linalg.qr(sketch.product)[0]
    for reading in range(n_passes - 1):
        product = gram_product(chunks, sketch.mean, basis)
        if reading < n_passes - 2:
            basis = np.linalg.qr(product)[0]
    values, turn = np.linalg.eigh((basis.T @ product + product.T @ basis) / 2)
    vectors = (basis @ turn[:, ::-1]).T[:k]
    return _components(
        values[::-1][:k],
        vectors,
        sketch.total,
        sketch.mean,
        sketch.count,
        ROUNDING * sketch.eps * float(values[-1]),
    )


def random_directions(d: int, k: int, seed: int) -> Array:
    """Return an orthonormal basis (d, m) of a random subspace, m = min(d, 2 k + 10)."""
    width = min(d, 2 * k + OVERSAMPLING)
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, width)))[0]


def components_from_sketch(sketch: RunningSketch, k: int) -> PrincipalComponents:
    """Return the top k components of Nystroem's approximation.

    It is shifted so that its square root exists in floating-point arithmetic.
    """
    shift = sketch.eps * np.linalg.norm(sketch.product)
    if shift == 0:  # nothing varies: any orthonormal vectors, with eigenvalue zero
        return _components(np.zeros(k), sketch.Omega.T[:k], 0.0, sketch.mean, sketch.count, 0.0)
    shifted = sketch.product + shift * sketch.Omega
    core = sketch.Omega.T @ shifted
    strengths, turn = np.linalg.eigh((core + core.T) / 2)
    root = turn / np.sqrt(np.maximum(strengths, shift))  # less than the shift is rounding
    vectors, values, _ = scipy.linalg.svd(shifted @ root, full_matrices=False)
    values = np.maximum(values**2 - shift, 0)
    # What is below the shift was hidden by it.
    return _components(
        values[:k], vectors.T[:k], sketch.total, sketch.mean, sketch.count, float(shift)
    )


def rayleigh_ritz(scatter: RunningScatter, basis: Array) -> PrincipalComponents:
    """Return the principal axes of the data within the column space of ``basis`` (d, k)."""
    Q = np.linalg.qr(basis)[0]
    values, turn = np.linalg.eigh(Q.T @ scatter.matrix @ Q)
    total = float(np.trace(scatter.matrix))
    negligible = ROUNDING * scatter.eps * float(values[-1])
    vectors = (Q @ turn[:, ::-1]).T
    return _components(values[::-1], vectors, total, scatter.mean, scatter.count, negligible)


def _components(
    values: Array, vectors: Array, total: float, mean: Array, count: int, negligible: float
) -> PrincipalComponents:
    vectors = fix_signs(vectors.T).T
    return PrincipalComponents(
        np.maximum(values, 0),
        vectors,
        total,
        mean,
        count,
        negligible,
        W1=vectors,
        W2=vectors.T,
    )
