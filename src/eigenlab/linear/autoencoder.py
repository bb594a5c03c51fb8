"""The linear autoencoder as an estimator: principal components, in memory, streamed or trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from eigenlab.errors import InputError
from eigenlab.linear import components as top
from eigenlab.linear.objective import checked_width
from eigenlab.linear.scatter import RunningScatter, RunningSketch
from eigenlab.linear.trained import train_factors

Array = npt.NDArray[Any]
Solver = Literal["auto", "gram", "svd", "randomized", "trained"]
SOLVERS = ("auto", "gram", "svd", "randomized", "trained")
#: Up to this many entries the SVD of the data takes milliseconds.
SMALL = 1_000_000
#: Up to this many features their Gram matrix (float64, 200 MB) is the fastest way.
MOST_GRAM_FEATURES = 5_000


class LinearAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Encoder and decoder without nonlinearity that reconstruct best: principal components.

    Minimises ``sum ||(x - mean) - W2 W1 (x - mean)||^2`` over W1 (k, d) and W2 (d, k). The minimum
    is the projection on the top k eigenvectors of the covariance (Baldi and Hornik 1989,
    doi:10.1016/0893-6080(89)90014-2), so the closed forms here find those.

    Args:
        n_components: hidden units k, 1...d; None means min(n, d).
        solver: ``"gram"``: centred Gram matrix in blocks, then its top eigenvectors; the fastest
            for up to some thousand features. ``"svd"``: of the centred data in float64; keeps the
            digits of components whose standard deviation is below 1e-7 of the largest.
            ``"randomized"``: subspace iteration without the Gram matrix, for many features.
            ``"trained"``: both weight matrices by L-BFGS on the derived gradients, from a random
            start. ``"auto"`` takes ``"svd"`` up to a million entries, ``"gram"`` up to 5,000
            features, then ``"randomized"``.
        passes: readings of the data by ``"randomized"``; one is enough for a stream.
        random_state: seed of the random sketch or start.

    Attributes:
        components_: (k, d) float64, orthonormal rows, by falling variance; the entry of largest
            modulus of each is positive. In the units of the data they have length 1.
        explained_variance_: (k,) float64, eigenvalues of the covariance with 1/(n - 1).
        explained_variance_ratio_: the same over the total variance; zeros if nothing varies.
        singular_values_: of the centred data, ``sqrt((n - 1) explained_variance_)``.
        mean_: (d,) float64.
        W1_, W2_: encoder (k, d) and decoder (d, k): ``components_`` and its transpose, except
            with ``"trained"``: there the span of W2 and what W2 W1 does to the data agree.
        n_samples_seen_, n_features_in_, n_components_: counts.

    Raises:
        InputError: ``n_components`` is not in 1...d, ``solver`` is unknown, or there are fewer than
            two samples.

    >>> X = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.1]])
    >>> model = LinearAutoencoder(1).fit(X)
    >>> model.explained_variance_ratio_.round(3)
    array([1.])
    >>> bool(abs(model.inverse_transform(model.transform(X)) - X).max() < 0.05)
    True
    """

    _factors: tuple[Array, Array] | None
    _state: RunningScatter | RunningSketch | None
    _stale: bool
    _spectrum: top.Spectrum

    def __init__(
        self,
        n_components: int | None = None,
        *,
        solver: Solver = "auto",
        passes: int = 6,
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.solver = solver
        self.passes = passes
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> LinearAutoencoder:
        """Fit to the rows of ``X`` (n, d); float32 and float64 are used as they are."""
        X = self._rows(X, reset=True, finite=False)
        n, d = X.shape
        if n < 2:
            raise InputError(f"n_samples = {n}: a covariance needs at least 2 samples")
        k = self._width(d, n)
        solver = self._solver(d, k, n)
        self._forget()
        if solver in ("svd", "randomized"):
            X = self._rows(X, reset=False)
        if solver == "svd":
            self._finish(top.by_svd(X, k))
        elif solver == "randomized":
            chunks = _repeat(X)
            self._finish(top.by_sketch(chunks, d, k, passes=self._passes(), seed=self.random_state))
        else:
            scatter = RunningScatter(d)
            with np.errstate(invalid="ignore", over="ignore"):
                scatter.update(X)
            if not np.isfinite(scatter.mean).all():
                self._rows(X, reset=False)  # says what is not finite; only then a sweep to find it
            self._state = scatter
            self._finish_state()
            self._state = None  # d x d numbers that nobody needs any more
        return self

    def partial_fit(self, X: Any, y: Any = None) -> LinearAutoencoder:
        """Add the rows of one chunk; nothing of it is kept but the sums.

        With ``"gram"`` (also ``"auto"`` up to 5,000 features) the result is that of :meth:`fit` on
        all chunks together, in any order. With ``"randomized"`` it is the one-pass approximation.
        Components are computed when they are first asked for. After :meth:`fit` a new stream
        begins; after :meth:`fit_chunks` it goes on.
        """
        fresh = getattr(self, "_state", None) is None
        X = self._rows(X, reset=fresh)
        if fresh:
            self._forget()
            d = X.shape[1]
            k = self._width(d, None)
            self._state = (
                RunningSketch(top.random_directions(d, k, self.random_state))
                if self._solver(d, k, None) == "randomized"
                else RunningScatter(d)
            )
        assert self._state is not None
        self._state.update(X)
        self._stale = True
        return self

    def fit_chunks(self, chunks: Iterable[Any] | Callable[[], Iterable[Any]]) -> LinearAutoencoder:
        """Fit to an iterable of (m, d) chunks that need never be in memory together.

        Args:
            chunks: read once; or a function that returns such an iterable anew, which
                ``"randomized"`` calls ``passes`` times.

        Raises:
            InputError: as :meth:`fit`; ``chunks`` holds none, or is a function that returns the
                same iterator each time.
        """
        self._forget()
        if callable(chunks):
            first = _first(chunks)
            d = self._rows(first, reset=True).shape[1]
            if self._solver(d, self._width(d, None), None) == "randomized":
                return self._fit_passes(chunks, d)
        for chunk in chunks() if callable(chunks) else chunks:
            self.partial_fit(chunk)
        if getattr(self, "_state", None) is None:
            raise InputError("chunks holds no chunk; a generator can be read only once")
        self._refresh()
        return self

    def _fit_passes(self, chunks: Callable[[], Iterable[Any]], d: int) -> LinearAutoencoder:
        k = self._width(d, None)

        def read() -> Iterator[Array]:
            return (self._rows(chunk, reset=False) for chunk in chunks())

        found = top.by_sketch(read, d, k, passes=self._passes(), seed=self.random_state)
        if found.n_samples < 2:
            raise InputError(
                f"n_samples = {found.n_samples}: a covariance needs at least 2 samples"
            )
        self._finish(found)
        return self

    def transform(self, X: Any) -> Array:
        """Codes ``W1 (x - mean)``, (n, k), in the dtype of ``X``."""
        check_is_fitted(self)
        X = self._rows(X, reset=False)
        return (X - self.mean_.astype(X.dtype)) @ self.W1_.T.astype(X.dtype)

    def inverse_transform(self, X: Any) -> Array:
        """Reconstructions ``W2 z + mean``, (n, d), of the codes in the rows of ``X`` (n, k)."""
        check_is_fitted(self)
        Z = checked_codes(X, self.n_components_)
        return Z @ self.W2_.T.astype(Z.dtype) + self.mean_.astype(Z.dtype)

    def reconstruction_loss(self, X: Any) -> float:
        """Mean over the rows of the squared error summed over features."""
        X = self._rows(X, reset=False)
        error = X - self.inverse_transform(self.transform(X))
        return float(np.square(error, dtype=float).sum() / len(X))

    @property
    def components_(self) -> Array:
        """(k, d) principal axes."""
        return self._found().vectors

    @property
    def mean_(self) -> Array:
        """(d,) mean of the samples."""
        return self._found().mean

    @property
    def n_samples_seen_(self) -> int:
        """Number of rows that the fit has read."""
        state = getattr(self, "_state", None)
        return self._found().n_samples if state is None else state.count

    @property
    def n_components_(self) -> int:
        """Number of hidden units k."""
        return len(self._found().values)

    @property
    def explained_variance_(self) -> Array:
        """(k,) variances along the axes, with 1/(n - 1)."""
        found = self._found()
        return found.values / (found.n_samples - 1)

    @property
    def explained_variance_ratio_(self) -> Array:
        """(k,) shares of the total variance."""
        found = self._found()
        return found.values / found.total if found.total > 0 else np.zeros_like(found.values)

    @property
    def singular_values_(self) -> Array:
        """(k,) singular values of the centred data."""
        return np.sqrt(self._found().values)

    @property
    def W1_(self) -> Array:
        """(k, d) encoder."""
        components = self.components_  # brings the factors of a stream up to date, too
        return components if self._factors is None else self._factors[0]

    @property
    def W2_(self) -> Array:
        """(d, k) decoder."""
        components = self.components_
        return components.T if self._factors is None else self._factors[1]

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_spectrum") or getattr(self, "_state", None) is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _rows(self, X: Any, *, reset: bool, finite: bool = True) -> Array:
        dtypes = [np.float64, np.float32]
        return validate_data(self, X, dtype=dtypes, reset=reset, ensure_all_finite=finite)

    def _width(self, d: int, n: int | None) -> int:
        k = self.n_components
        if k is None:
            return d if n is None else min(n, d)
        return checked_width(k, d, "n_components")

    def _solver(self, d: int, k: int, n: int | None) -> str:
        """The solver for these sizes; n is None for a stream, which has no SVD."""
        if self.solver not in SOLVERS:
            raise InputError(f"solver={self.solver!r} is unknown; choose from {', '.join(SOLVERS)}")
        if n is None and self.solver == "svd":
            raise InputError(
                "solver='svd' needs all data at once; for chunks use 'gram' (exact) or 'randomized'"
            )
        if self.solver != "auto":
            return self.solver
        if n is not None and n * d <= SMALL:
            return "svd"
        if d <= MOST_GRAM_FEATURES:
            return "gram"
        few = 5 * k <= (d if n is None else min(n, d))
        return "randomized" if few else ("gram" if n is None else "svd")

    def _passes(self) -> int:
        passes = self.passes
        if isinstance(passes, bool) or not hasattr(passes, "__index__") or passes < 1:
            raise InputError(f"passes={passes!r}; expected a whole number of at least 1")
        return int(passes)

    def _forget(self) -> None:
        self._factors = None
        self._state = None
        self._stale = False
        if hasattr(self, "_spectrum"):
            del self._spectrum

    def _finish(self, spectrum: top.Spectrum) -> None:
        self._spectrum = spectrum
        self._stale = False

    def _finish_state(self) -> None:
        assert self._state is not None
        if self._state.count < 2:
            raise InputError(
                f"n_samples = {self._state.count}: a covariance needs at least 2 samples"
            )
        if isinstance(self._state, RunningSketch):
            k = self._width(len(self._state.mean), self._state.count)
            self._finish(top.from_sketch(self._state, k))
            return
        k = self._width(len(self._state.mean), self._state.count)
        if self.solver == "trained":
            self._factors = train_factors(self._state.matrix, k, seed=self.random_state)
            self._finish(top.rayleigh_ritz(self._state, self._factors[1]))
        else:
            self._finish(top.from_scatter(self._state, k))

    def _refresh(self) -> None:
        if self._stale:
            self._finish_state()

    def _found(self) -> top.Spectrum:
        if not self.__sklearn_is_fitted__():  # an attribute that is not there yet, as hasattr asks
            raise AttributeError("not fitted yet; call fit, partial_fit or fit_chunks first")
        self._refresh()
        return self._spectrum


def _first(chunks: Callable[[], Iterable[Any]]) -> Any:
    """The first of what ``chunks()`` gives, without taking it from a later reading."""
    reading = iter(chunks())
    if iter(chunks()) is reading:
        raise InputError("chunks() returned one iterator twice; return a new one at each call")
    for chunk in reading:
        return chunk
    raise InputError("chunks() holds no chunk")


def _repeat(X: Array) -> Callable[[], Iterable[Array]]:
    return lambda: (X,)


def checked_codes(Z: Any, k: int) -> Array:
    """Return codes (n, k) as finite float32 or float64, or say what they must be."""
    dtypes = [np.float64, np.float32]
    Z = check_array(np.asarray(Z), dtype=dtypes, ensure_2d=False, ensure_min_samples=0)
    if Z.ndim != 2 or Z.shape[1] != k:
        raise InputError(f"codes have shape {Z.shape}, expected (n, {k})")
    return Z
