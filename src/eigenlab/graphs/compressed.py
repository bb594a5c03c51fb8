"""The spectrum of a Gaussian graph, found at a cost that does not grow with its points.

Write M = D^-1/2 A D^-1/2 = B B^* with B = D^-1/2 F W^1/2 (:mod:`~eigenlab.graphs.fourier`). The
nonzero eigenvalues of the n x n matrix B B^* are those of B^* B, which has one row a Fourier mode.
And B^* B = W^1/2 T W^1/2, where T is Toeplitz,

    T_kl = sum_j exp(-2 pi i (k - l) . x_j / L) / d_j,

so that after one pass over the points a product with it is a convolution: two FFTs on a grid.
A million points of a plane become some fifteen thousand modes; if h is an eigenvector of B^* B then
B h is one of M. The stochastic matrix S = M C^-1 compresses likewise: S S^T = B H B^* with
H = B^* C^-2 B, and with G = B^* B the vectors are B h for H G h = s^2 h. H G is self-adjoint in the
inner product of G, which is the inner product of the vectors B h themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from eigenlab.graphs.fourier import FourierGraph
from eigenlab.graphs.graph import Floats, NormalizedOperator


class CompressedOperator:
    """The problem of a :class:`NormalizedOperator` over a Fourier graph, in Fourier coordinates.

    A vector of m real coordinates is a real function on the grid of the modes, whose discrete
    Fourier transform (orthonormal) holds the coefficients.

    Attributes:
        metric: G where the operator is self-adjoint in <h, h'> = h^T G h'; None where it is
            symmetric in the plain inner product.

    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> whole = NormalizedOperator(FourierGraph(X, gamma=1.0), "symmetric")
    >>> small = CompressedOperator(whole)
    >>> values = np.linalg.eigvalsh(small.matmat(np.eye(small.shape[0])))
    >>> bool(np.allclose(values[-9:], np.linalg.eigvalsh(whole.matmat(np.eye(300)))[-9:]))
    True
    """

    dtype = np.dtype(np.float64)

    def __init__(self, whole: NormalizedOperator) -> None:
        graph = whole.graph
        assert isinstance(graph, FourierGraph)
        self._graph, self._scale = graph, whole.scale
        self._modes = graph.series.n_modes
        n_coordinates = int(np.prod(self._modes))
        self.shape = (n_coordinates, n_coordinates)
        roots = np.sqrt(graph.weights)
        self._centred_roots = roots
        half = self._modes[-1] // 2 + 1
        self._half_roots = scipy.fft.ifftshift(roots)[..., :half]
        density = whole.scale**2
        self.metric: _Gram | None = None
        gram = _Gram(self, density)
        self._gram = gram
        self._outer: _Gram | None = None
        if whole.column_weights is not None:
            self.metric = gram
            self._outer = _Gram(self, density * whole.column_weights)

    def matmat(self, coordinates: Floats) -> NDArray[np.float64]:
        """The operator times (m, k) coordinates."""
        product = self._gram.matmat(coordinates)
        return product if self._outer is None else self._outer.matmat(product)

    def lift(self, coordinates: Floats) -> NDArray[np.float64]:
        """``B h``: (m, k) coordinates to (n, k) vectors over the nodes."""
        vectors = np.empty((self._graph.n_nodes, coordinates.shape[1]))
        for column, h in enumerate(coordinates.T):
            spectrum = scipy.fft.fftn(h.reshape(self._modes), norm="ortho")
            series = self._centred_roots * scipy.fft.fftshift(spectrum)
            vectors[:, column] = self._scale * self._graph.synthesize(series).real
        return vectors

    def restrict(self, vectors: Floats) -> NDArray[np.float64]:
        """``B^* u``: (n, k) vectors to (m, k) coordinates, the adjoint of :meth:`lift`."""
        coordinates = np.empty((self.shape[0], vectors.shape[1]))
        for column, u in enumerate(vectors.T):
            series = self._centred_roots * self._graph.analyze(self._scale * u)
            h = scipy.fft.ifftn(scipy.fft.ifftshift(series), norm="ortho")
            coordinates[:, column] = h.real.ravel()
        return coordinates


class _Gram:
    """W^1/2 F^* diag(density) F W^1/2 by convolution, in real coordinates."""

    dtype = np.dtype(np.float64)

    def __init__(self, parent: CompressedOperator, density: NDArray[np.float64]) -> None:
        self.shape = parent.shape
        self._modes, self._half_roots = parent._modes, parent._half_roots
        # Differences of two modes in -K .. K reach 2K: no wrapping from 4K + 1 cells on.
        differences = tuple(2 * modes - 1 for modes in self._modes)
        self._cells = tuple(scipy.fft.next_fast_len(size, real=True) for size in differences)
        symbol = np.zeros(self._cells, dtype=np.complex128)
        centred = parent._graph.analyze(density, differences)
        symbol[tuple(slice(size) for size in differences)] = centred
        shift = [-(size // 2) for size in differences]
        symbol = np.roll(symbol, shift, axis=tuple(range(len(shift))))
        self._field = scipy.fft.ifftn(symbol, norm="forward").real
        self._corners = list(_corners(self._modes))

    def matmat(self, coordinates: Floats) -> NDArray[np.float64]:
        """The (m, k) product, column by column through a grid that stays in the cache."""
        product = np.empty(coordinates.shape)
        spread = np.zeros((*self._cells[:-1], self._cells[-1] // 2 + 1), dtype=np.complex128)
        for column, h in enumerate(coordinates.T):
            spectrum = self._half_roots * scipy.fft.rfftn(h.reshape(self._modes), norm="ortho")
            for corner in self._corners:
                spread[corner] = spectrum[corner]
            function = scipy.fft.irfftn(spread, self._cells, norm="forward")
            function *= self._field
            result = scipy.fft.rfftn(function, norm="forward", overwrite_x=True)
            for corner in self._corners:
                spectrum[corner] = result[corner]
            spectrum *= self._half_roots
            product[:, column] = scipy.fft.irfftn(spectrum, self._modes, norm="ortho").ravel()
        return product


def _corners(modes: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Slices of the low frequencies, which sit in the corners of a half spectrum of any size."""
    axes: list[list[slice]] = [[slice(size // 2 + 1), slice(-(size // 2), None)] for size in modes]
    axes[-1] = [slice(modes[-1] // 2 + 1)]
    return itertools.product(*axes)
