"""The spectrum of a Gaussian graph at a cost that does not grow with its number of points.

Write M = D^-1/2 A D^-1/2 = B B^* with B = D^-1/2 F W^1/2 (:mod:`~eigenlab.graphs.fourier`). The
nonzero eigenvalues of the n x n matrix B B^* are those of B^* B, whose size is the number of modes.
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
import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from torch import Tensor

from eigenlab.graphs.gauss_series import GaussSeries
from eigenlab.graphs.graph import Floats, NormalizedOperator

BATCH_CELLS = 2**23
"""Grid cells transformed at a time: two arrays of 64 MiB."""


class FourierSeries(Protocol):
    """What is needed of :class:`~eigenlab.graphs.fourier.FourierGraph`: A = F W F^*."""

    n_nodes: int
    series: GaussSeries

    @property
    def weights(self) -> NDArray[np.float64]:
        """Diagonal of W, an axis of the array for each axis of space."""
        ...

    def analyze(
        self, values: NDArray[Any], n_modes: tuple[int, ...] | None = None
    ) -> NDArray[np.complex128]:
        """``F^* values``."""
        ...

    def synthesize(self, coefficients: NDArray[Any]) -> NDArray[np.complex128]:
        """``F coefficients``."""
        ...


class CompressedProblem:
    """The eigenproblem of a :class:`NormalizedOperator` over a graph's Fourier modes.

    The coordinates are the Fourier coefficients of a real function: of the last axis only
    frequencies >= 0, real and imaginary parts, times sqrt(2) where a conjugate twin is left out, so
    that the plain inner product is that of the functions.

    Args:
        whole: operator over the nodes, which determines the scaling.
        graph: Fourier series, that of ``whole.graph`` or a shorter one.

    Attributes:
        inner: G = B^* B, symmetric positive semidefinite.
        outer: None for the symmetric matrix, whose eigenvalues are those of G; else H, and the
            eigenvalues are those of H G, self-adjoint in the metric G.
        shape: (m, m), of G and H.

    >>> from eigenlab.graphs.fourier import FourierGraph
    >>> X = np.random.default_rng(0).normal(size=(300, 2))
    >>> graph = FourierGraph(X, gamma=1.0)
    >>> whole = NormalizedOperator(graph, "symmetric")
    >>> gram = CompressedProblem(whole, graph).inner
    >>> values = np.linalg.eigvalsh(gram.matmat(np.eye(gram.shape[0])))
    >>> bool(np.allclose(values[-9:], np.linalg.eigvalsh(whole.matmat(np.eye(300)))[-9:]))
    True
    """

    dtype = np.dtype(np.float64)

    def __init__(self, whole: NormalizedOperator, graph: FourierSeries) -> None:
        self._graph, self._scale = graph, whole.scale
        modes = graph.series.n_modes
        self._half = (*modes[:-1], modes[-1] // 2 + 1)
        roots = np.sqrt(graph.weights)[..., modes[-1] // 2 :]
        self._twins = np.full(self._half[-1], math.sqrt(2.0))
        self._twins[0] = 1.0
        self._roots = np.fft.ifftshift(roots, axes=range(len(modes) - 1))
        density = whole.scale**2
        self.inner = GramOperator(graph, density, self._roots, self._twins)
        self.outer: GramOperator | None = None
        if whole.column_weights is not None:
            weights = density * whole.column_weights
            self.outer = GramOperator(graph, weights, self._roots, self._twins)
        self.shape = self.inner.shape

    def matmat(self, coordinates: Floats) -> NDArray[np.float64]:
        """``H G`` (or ``G``) times (m, k) coordinates."""
        product = self.inner.matmat(coordinates)
        return product if self.outer is None else self.outer.matmat(product)

    def matmat_from_image(self, image: Floats) -> Floats:
        """``H G V``, given the ``image`` G V."""
        return image if self.outer is None else self.outer.matmat(image)

    def lift(self, coordinates: Floats) -> NDArray[np.float64]:
        """``B h``: (m, k) coordinates to (n, k) vectors over the nodes."""
        vectors = np.empty((self._graph.n_nodes, coordinates.shape[1]))
        modes, leading = self._graph.series.n_modes, range(len(self._half) - 1)
        for column, h in enumerate(coordinates.T):
            half = np.ascontiguousarray(h).view(np.complex128).reshape(self._half)
            # Conjugate coefficients are left out: they would double the real part.
            series = np.zeros(modes, dtype=np.complex128)
            series[..., modes[-1] // 2 :] = np.fft.fftshift(
                self._roots * self._twins * half, axes=leading
            )
            vectors[:, column] = self._scale * self._graph.synthesize(series).real
        return vectors

    def restrict(self, vectors: Floats) -> NDArray[np.float64]:
        """``B^* u``: (n, k) vectors to (m, k) coordinates, the adjoint of :meth:`lift`."""
        coordinates = np.empty((self.inner.shape[0], vectors.shape[1]), order="F")
        for column, u in enumerate(vectors.T):
            series = self._graph.analyze(self._scale * u)[
                ..., self._graph.series.n_modes[-1] // 2 :
            ]
            half = np.fft.ifftshift(series, axes=range(len(self._half) - 1))
            half = np.ascontiguousarray(half * (self._roots * self._twins))
            coordinates[:, column] = half.view(np.float64).ravel()
        return coordinates


class GramOperator:
    """W^1/2 F^* diag(density) F W^1/2 by convolution: two FFTs a vector, for any n.

    Args:
        graph: Fourier series.
        density: (n,) weights of the nodes.
        roots: diagonal of W^1/2 over the half spectrum.
        twins: (modes of the last axis,) sqrt(2) where a conjugate coefficient is left out, else 1.
    """

    dtype = np.dtype(np.float64)

    def __init__(
        self,
        graph: FourierSeries,
        density: NDArray[np.float64],
        roots: NDArray[np.float64],
        twins: NDArray[np.float64],
    ) -> None:
        size = 2 * roots.size
        self.shape = (size, size)
        self._half = roots.shape
        # Differences of two modes in -K .. K reach 2K: nothing wraps around from 4K + 1 cells on.
        differences = tuple(2 * modes - 1 for modes in graph.series.n_modes)
        self._cells = tuple(next_fast_len(count, real=True) for count in differences)
        symbol = np.zeros(self._cells, dtype=np.complex128)
        symbol[tuple(slice(count) for count in differences)] = graph.analyze(density, differences)
        shift = [-(count // 2) for count in differences]
        symbol = np.roll(symbol, shift, axis=tuple(range(len(shift))))
        self._axes = tuple(range(1, len(shift) + 1))
        field = torch.fft.ifftn(torch.from_numpy(symbol), norm="forward").real
        self._field = field / float(np.prod(self._cells))
        self._into = torch.from_numpy(roots / twins)
        self._out_of = torch.from_numpy(roots * twins)
        self._corners = list(_corners(graph.series.n_modes))

    def matmat(self, coordinates: Floats) -> NDArray[np.float64]:
        """The (m, k) product."""
        columns = torch.from_numpy(np.ascontiguousarray(coordinates.T, dtype=np.float64))
        spectra = torch.view_as_complex(columns.view(-1, *self._half, 2)) * self._into
        for batch in spectra.split(max(1, BATCH_CELLS // math.prod(self._cells))):
            function = self._on_cells(batch).mul_(self._field)
            result = torch.fft.rfftn(function, dim=self._axes)
            for corner in self._corners:
                batch[corner] = result[corner]
        spectra *= self._out_of
        return torch.view_as_real(spectra).reshape(len(columns), -1).numpy().T

    def _on_cells(self, spectrum: Tensor) -> Tensor:
        cells = (*self._cells[:-1], self._cells[-1] // 2 + 1)
        spread = torch.zeros((len(spectrum), *cells), dtype=torch.complex128)
        for corner in self._corners:
            spread[corner] = spectrum[corner]
        return torch.fft.irfftn(spread, self._cells, dim=self._axes, norm="forward")


def _corners(modes: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Slices of the low frequencies, which are in the corners of a half spectrum of any size."""
    axes = [[slice(size // 2 + 1), slice(-(size // 2), None)] for size in modes]
    axes[-1] = [slice(modes[-1] // 2 + 1)]
    return itertools.product([slice(None)], *axes)
