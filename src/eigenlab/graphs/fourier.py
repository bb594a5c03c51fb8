"""The complete Gaussian graph of n points in at most three dimensions, at O(n) a product.

With the Fourier series of the Gaussian (:mod:`~eigenlab.graphs.gauss_series`),
A = F W F^*, where F_jk = exp(2 pi i k . x_j / L) and W is diagonal. F and F^* are non-uniform
Fourier transforms, computed by FINUFFT (Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 41
(2019) C479-C504). All n^2 pairs take part in a product, but none is computed by itself.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs.fourier_eigenpairs import fourier_eigenpairs
from eigenlab.graphs.gauss_series import GaussSeries, gauss_series
from eigenlab.graphs.gaussian_nodes import GaussianNodes
from eigenlab.graphs.graph import Floats, NormalizedOperator
from eigenlab.reporter import Reporter
from eigenlab.spectrum import Eigenpairs

MAX_DIMENSIONS = 3
"""Dimensions of space in which the number of modes is affordable."""
MAX_MODES = 2**21
"""More modes than this cost more than tiles: 128 an axis in three dimensions, 1448 in two."""


class FourierGraph(GaussianNodes):
    """The graph A_ij = exp(-gamma ||x_i - x_j||^2) in Fourier form, A = F W F^*.

    Args:
        X: (n, d) points with 1 <= d <= 3.
        gamma: inverse squared length, > 0.
        entry_error: bound asked for on the error of each A_ij. The attribute ``entry_error`` is the
            bound of the truncated series, to which the transforms add rounding of the same order.
            Default: ``1e-13``.
        n_threads: threads of the transforms; 0 is FINUFFT's choice. Default: ``0``.

    Raises:
        InputError: d > 3, or the points spread over so many widths of the Gaussian that the series
            has more than ``MAX_MODES`` terms, or finufft is not installed.

    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> exact = np.exp(-2.0 * ((X[:, None] - X) ** 2).sum(-1))
    >>> graph = FourierGraph(X, gamma=2.0)
    >>> bool(abs(graph.matmat(np.eye(500)) - exact).max() < 1e-11)
    True
    """

    representation = "fourier"

    def __init__(
        self, X: Floats, gamma: float, *, entry_error: float = 1e-13, n_threads: int = 0
    ) -> None:
        check_fourier(X, gamma, entry_error)
        points = np.asarray(X, dtype=np.float64)
        low, high = points.min(axis=0), points.max(axis=0)
        self.n_nodes, self.points, self.gamma = len(points), points, gamma
        self.series: GaussSeries = gauss_series(high - low, gamma, entry_error)
        self.entry_error = self.series.entry_error
        angles = (points - (low + high) / 2) * (2 * np.pi / np.array(self.series.period))
        self._angles = [np.ascontiguousarray(axis) for axis in angles.T]
        self._tolerance = max(entry_error, 1e-14)
        self._n_threads = n_threads
        self._plans: dict[tuple[int, tuple[int, ...]], Any] = {}

    @functools.cached_property
    def degrees(self) -> NDArray[np.float64]:
        """(n,) float64 row sums of A."""
        # Every node has a loop of weight one; rounding must not make its degree smaller.
        return np.maximum(self.matmat(np.ones((self.n_nodes, 1)))[:, 0], 1.0)

    @functools.cached_property
    def weights(self) -> NDArray[np.float64]:
        """(n_modes) diagonal of W, an axis of the array for each axis of space."""
        return functools.reduce(np.multiply.outer, self.series.axis_weights())

    def __getstate__(self) -> dict[str, Any]:
        """State without FINUFFT plans, which belong to a process; they are made when needed."""
        return self.__dict__ | {"_plans": {}}

    def coarsened(self, entry_error: float) -> FourierGraph:
        """The same graph with shorter series."""
        return type(self)(self.points, self.series.gamma, entry_error=entry_error)

    def matmat(self, vectors: Floats) -> Floats:
        """``A @ vectors`` for real (n, m) vectors."""
        product = np.empty_like(vectors)
        # A is real, so two real columns are transformed as real and imaginary part of one.
        for first in range(0, vectors.shape[1], 2):
            self.reporter.raise_if_cancelled()
            pair = vectors[:, first : first + 2].astype(np.float64, copy=False)
            packed = pair[:, 0] + (1j * pair[:, 1] if pair.shape[1] == 2 else 0j)
            out = self.synthesize(self.weights * self.analyze(packed))
            product[:, first] = out.real
            if pair.shape[1] == 2:
                product[:, first + 1] = out.imag
        return product

    def top_eigenpairs(
        self,
        operator: NormalizedOperator,
        k: int,
        *,
        tol: float,
        start: Floats | None,
        seed: int,
        certify: bool,
        reporter: Reporter,
    ) -> Eigenpairs:
        """The ``k`` largest eigenpairs of a normalised operator over this graph, by its modes."""
        coarse = self.coarsened(max(1e-2 * tol, self.entry_error))
        return fourier_eigenpairs(
            operator,
            k,
            (coarse, self),
            tol=tol,
            start=start,
            seed=seed,
            certify=certify,
            reporter=reporter,
        )

    def analyze(
        self, values: NDArray[Any], n_modes: tuple[int, ...] | None = None
    ) -> NDArray[np.complex128]:
        """``F^* values``.

        Args:
            values: (n,) numbers at the points.
            n_modes: modes of each axis, or None for those of the series. Default: ``None``.

        Returns:
            Array of shape ``n_modes``.
        """
        modes = n_modes or self.series.n_modes
        values = np.ascontiguousarray(values, dtype=np.complex128)
        return self._plan(1, modes).execute(values).reshape(modes)

    def synthesize(self, coefficients: NDArray[Any]) -> NDArray[np.complex128]:
        """``F coefficients``: the (n,) values at the points of the series they define."""
        coefficients = np.ascontiguousarray(coefficients, dtype=np.complex128)
        return self._plan(2, coefficients.shape).execute(coefficients)

    def _plan(self, kind: int, modes: tuple[int, ...]) -> Any:
        if (kind, modes) not in self._plans:
            import finufft

            sign = -1 if kind == 1 else 1
            plan = finufft.Plan(
                kind, modes, 1, self._tolerance, sign, nthreads=self._n_threads, dtype="complex128"
            )
            plan.setpts(*self._angles)
            self._plans[kind, modes] = plan
        return self._plans[kind, modes]


def n_modes(X: Floats, gamma: float, entry_error: float = 1e-13) -> tuple[int, ...]:
    """Fourier modes of each axis that a :class:`FourierGraph` of these points has."""
    return gauss_series(np.ptp(X, axis=0), gamma, entry_error).n_modes


def is_suitable(X: Floats, gamma: float, entry_error: float = 1e-13) -> bool:
    """Whether a :class:`FourierGraph` can represent these points.

    >>> is_suitable(np.zeros((5, 4)), gamma=1.0)
    False
    """
    try:
        check_fourier(X, gamma, entry_error)
    except InputError:
        return False
    return True


def check_fourier(X: Floats, gamma: float, entry_error: float = 1e-13) -> None:
    """Raise an InputError that says why a :class:`FourierGraph` cannot represent these points.

    Args:
        X: (n, d) points.
        gamma: inverse squared length, > 0.
        entry_error: bound on the error of each A_ij.
    """
    remedy = "use the tiled graph, representation='tiled'"
    n_dimensions = np.shape(X)[1]
    if n_dimensions > MAX_DIMENSIONS:
        raise InputError(
            f"fast Gauss sums need at most {MAX_DIMENSIONS} dimensions, not {n_dimensions}; "
            f"{remedy}"
        )
    if importlib.util.find_spec("finufft") is None:
        raise InputError(f"fast Gauss sums need finufft: pip install finufft; {remedy}")
    modes = n_modes(X, gamma, entry_error)
    if np.prod(modes, dtype=float) > MAX_MODES:
        raise InputError(
            f"the points spread over too many widths of the Gaussian: gamma={gamma:g} would need "
            f"{' x '.join(map(str, modes))} Fourier modes, more than {MAX_MODES}; {remedy}"
        )
