"""Top eigenvectors of a covariance, by the route that its size allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg

from eigenlab.linear.scatter import RunningScatter, RunningSketch, centre, gram_product

Array = npt.NDArray[Any]
#: Extra directions of a random sketch, beyond the k that are asked for: as many again and ten.
OVERSAMPLING = 10
#: Features up to which all eigenvectors are computed: scipy could compute k of them alone, but with
#: threads of its own, which the idle threads of numpy's product keep from the cores for a while.
WHOLE_SPECTRUM = 1500


class Spectrum(NamedTuple):
    """Leading eigenpairs of a centred Gram matrix ``sum (x - mean)(x - mean)^T``.

    ``values`` (k,) descending, ``vectors`` (k, d) in rows, the entry of largest modulus positive;
    ``total`` is the trace, ``mean`` (d,) and
    ``n_samples`` describe the rows.
    """

    values: Array
    vectors: Array
    total: float
    mean: Array
    n_samples: int


def from_scatter(scatter: RunningScatter, k: int) -> Spectrum:
    """The top k of what a stream left behind; O(d^3), whatever the number of rows."""
    d = len(scatter.mean)
    if d <= WHOLE_SPECTRUM:
        values, vectors = np.linalg.eigh(scatter.matrix)
        values, vectors = values[d - k :], vectors[:, d - k :]
    else:
        values, vectors = scipy.linalg.eigh(scatter.matrix, subset_by_index=(d - k, d - 1))
    total = float(np.trace(scatter.matrix))
    return _spectrum(values[::-1], vectors[:, ::-1].T, total, scatter.mean, scatter.count)


def by_svd(X: Array, k: int) -> Spectrum:
    """From the singular values of the centred data: small components keep all their digits."""
    count, mean, centred = centre(X.astype(float))
    _, values, vectors = scipy.linalg.svd(centred, full_matrices=False)
    total = float(values @ values)
    if k > len(values):  # fewer rows than components: complete the basis, with eigenvalue zero
        vectors = scipy.linalg.svd(centred, full_matrices=True)[2]
        values = np.r_[values, np.zeros(k - len(values))]
    return _spectrum(values[:k] ** 2, vectors[:k], total, mean, count)


def by_sketch(
    chunks: Callable[[], Iterable[Array]], d: int, k: int, *, passes: int, seed: int
) -> Spectrum:
    """Randomised subspace iteration over ``passes`` readings of the data, in O(n d k).

    One pass: Nystroem's approximation ``Y (Omega^T Y)^+ Y^T`` of the Gram matrix from its product
    ``Y`` with random ``Omega`` (Tropp, Yurtsever, Udell and Cevher, NIPS 2017, algorithm 3). More
    passes: each multiplies an orthonormal basis once more, and the last gives the Rayleigh
    quotients (Halko, Martinsson and Tropp, SIAM Review 53 (2011) 217-288, section 5). With s_i the
    eigenvalues and m the width of the sketch, the sine of the angle to the k-th axis falls as
    ``(s_(m+1) / s_k)^(passes - 1)``, and the relative error of its eigenvalue, never above the
    true one, as the square of that.
    """
    sketch = RunningSketch(random_directions(d, k, seed))
    for chunk in chunks():
        sketch.update(chunk)
    if passes == 1:
        return from_sketch(sketch, k)
    basis = np.linalg.qr(sketch.product)[0]
    for reading in range(passes - 1):
        product = gram_product(chunks, sketch.mean, basis)
        if reading < passes - 2:
            basis = np.linalg.qr(product)[0]
    values, turn = np.linalg.eigh((basis.T @ product + product.T @ basis) / 2)
    vectors = (basis @ turn[:, ::-1]).T[:k]
    return _spectrum(values[::-1][:k], vectors, sketch.total, sketch.mean, sketch.count)


def random_directions(d: int, k: int, seed: int) -> Array:
    """(d, m) orthonormal columns of a random subspace, m = min(d, 2 k + 10)."""
    width = min(d, 2 * k + OVERSAMPLING)
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, width)))[0]


def from_sketch(sketch: RunningSketch, k: int) -> Spectrum:
    """Nystroem's approximation, shifted so that its square root exists in rounded arithmetic."""
    shift = sketch.eps * np.linalg.norm(sketch.product)
    if shift == 0:  # nothing varies: any orthonormal vectors, with eigenvalue zero
        return _spectrum(np.zeros(k), sketch.Omega.T[:k], 0.0, sketch.mean, sketch.count)
    shifted = sketch.product + shift * sketch.Omega
    core = sketch.Omega.T @ shifted
    strengths, turn = np.linalg.eigh((core + core.T) / 2)
    root = turn / np.sqrt(np.maximum(strengths, shift))  # less than the shift is rounding
    vectors, values, _ = scipy.linalg.svd(shifted @ root, full_matrices=False)
    values = np.maximum(values**2 - shift, 0)
    return _spectrum(values[:k], vectors.T[:k], sketch.total, sketch.mean, sketch.count)


def rayleigh_ritz(scatter: RunningScatter, basis: Array) -> Spectrum:
    """The axes of the data within the span of the columns of ``basis`` (d, k)."""
    Q = np.linalg.qr(basis)[0]
    values, turn = np.linalg.eigh(Q.T @ scatter.matrix @ Q)
    total = float(np.trace(scatter.matrix))
    return _spectrum(values[::-1], (Q @ turn[:, ::-1]).T, total, scatter.mean, scatter.count)


def signed(vectors: Array) -> Array:
    """Rows with their signs chosen so that the entry of largest modulus is positive."""
    places = np.abs(vectors).argmax(axis=1)
    signs = np.where(vectors[np.arange(len(vectors)), places] < 0, -1.0, 1.0)
    return vectors * signs[:, None]


def _spectrum(values: Array, vectors: Array, total: float, mean: Array, count: int) -> Spectrum:
    return Spectrum(np.maximum(values, 0), signed(vectors), total, mean, count)
