"""The linear autoencoder as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import assert_all_finite, check_is_fitted, validate_data

from eigenlab.errors import InputError
from eigenlab.linear.checks import (
    check_codes,
    check_n_passes,
    check_n_samples,
    check_width_or_share,
)
from eigenlab.linear.components import (
    PrincipalComponents,
    components_by_sketch,
    components_by_svd,
    random_directions,
)
from eigenlab.linear.density import GaussianModel
from eigenlab.linear.scatter import RunningScatter, RunningSketch
from eigenlab.linear.solvers import Solver, choose_solver, solve_stream
from eigenlab.training.seeding import resolve_seed

Array = npt.NDArray[Any]


class LinearAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Autoencoder without nonlinearity that minimises the squared error (question 3b).

    Minimises ``sum ||(x - mean) - W2 W1 (x - mean)||^2`` over W1 (k, d) and W2 (d, k). At the
    minimum W2 W1 is the projection onto the leading k eigenvectors of the covariance, so this is
    principal component analysis (Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2).

    Args:
        n_components: number of hidden units k, 1...d; or a share of the variance between 0 and 1,
            as in scikit-learn's PCA: the smallest k that explains more. Default: ``None``,
            min(n_samples, d).
        solver: algorithm. A share of the variance needs one of the first two.
            Default: ``'auto'``.

            - ``"svd"``: singular values of the centred data in float64; accurate also for
              components whose standard deviation is below 1e-7 of the largest.
            - ``"gram"``: eigenvectors of the centred Gram matrix; the fastest for up to some
              thousand features.
            - ``"randomized"``: randomised subspace iteration without the Gram matrix, for many
              features.
            - ``"trained"``: both weight matrices by L-BFGS from a random start.
            - ``"auto"``: ``"svd"`` for up to a million entries, ``"gram"`` for up to 5,000
              features, otherwise ``"randomized"``, unless ``n_components`` is more than a fifth of
              min(n_samples, d).
        whiten: whether codes are divided by the standard deviations along the principal axes, so
            that those of the training data are uncorrelated with variance 1;
            :meth:`inverse_transform` multiplies by them again. Codes along an axis whose variance
            is zero up to rounding are 0. Default: ``False``.
        n_passes: readings of the data by ``"randomized"``; one is enough for a stream.
            Default: ``6``.
        random_state: seed or ``RandomState`` of ``"randomized"`` and ``"trained"``; pass an int for
            reproducible results. Default: ``None``.

    Attributes:
        components_: principal axes, (k, d) float64, orthonormal rows, by descending variance; the
            entry of largest modulus of each row is positive.
        explained_variance_: variances along the axes, (k,) float64, with 1/(n - 1).
        explained_variance_ratio_: shares of the total variance, (k,); zeros if nothing varies.
        singular_values_: singular values of the centred data, (k,), equal to
            ``sqrt((n - 1) explained_variance_)``.
        mean_: means of the features, (d,) float64.
        noise_variance_: mean variance of the discarded axes, those beyond k of min(n_samples, d);
            0 if there is none.
        W1_: encoder, (k, d): ``components_``, except with ``solver="trained"``.
        W2_: decoder, (d, k): the transpose of ``components_``, except with ``solver="trained"``,
            where only its column space is that of the components.
        n_components_: number of hidden units k.
        n_features_in_: number of features d.
        n_samples_seen_: number of rows that were read.

    >>> X = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.1]])
    >>> model = LinearAutoencoder(1).fit(X)
    >>> model.explained_variance_ratio_.round(3)
    array([1.])
    >>> bool(abs(model.inverse_transform(model.transform(X)) - X).max() < 0.05)
    True
    """

    # Sums of the rows that partial_fit has read, and the components computed from them (None while
    # they are out of date). After fit there are components only.
    _stream: RunningScatter | RunningSketch | None = None
    _components: PrincipalComponents | None = None
    _seed: int

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        solver: Solver = "auto",
        whiten: bool = False,
        n_passes: int = 6,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.solver = solver
        self.whiten = whiten
        self.n_passes = n_passes
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> LinearAutoencoder:
        """Fit to the rows of ``X``.

        Args:
            X: samples in rows, (n_samples, d); float32 and float64 are used as they are.
            y: ignored. Default: ``None``.

        Returns:
            The fitted estimator.

        Raises:
            InputError: a parameter is out of range, or there are fewer than two samples.
            ValueError: ``X`` holds NaN or infinity, or is not a matrix of numbers.
        """
        X = self._check_rows(X, reset=True, finite=False)
        n, d = X.shape
        check_n_samples(n)
        k = self._width(d, n)
        solver = choose_solver(self.solver, n_features=d, n_components=k, n_samples=n)
        seed = resolve_seed(self.random_state)
        self._reset()
        if solver == "svd":
            assert_all_finite(X, input_name="X")
            self._components = components_by_svd(X, k)
        elif solver == "randomized":
            assert_all_finite(X, input_name="X")
            self._components = components_by_sketch(
                lambda: (X,), d, int(k), n_passes=check_n_passes(self.n_passes), seed=seed
            )
        else:
            scatter = RunningScatter(d)
            with np.errstate(invalid="ignore", over="ignore"):
                scatter.update(X)
            if not np.isfinite(scatter.mean).all():
                assert_all_finite(X, input_name="X")
            self._components = solve_stream(scatter, k, solver=solver, seed=seed)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> LinearAutoencoder:
        """Add the rows of one chunk; only sums over the rows are kept.

        With ``"gram"`` (also ``"auto"`` for up to 5,000 features) the result is that of :meth:`fit`
        on all chunks together, in any order. With ``"randomized"`` it is the one-pass
        approximation. Components are computed when an attribute is read. After :meth:`fit` a new
        stream begins; after :meth:`fit_chunks` the stream continues.

        Args:
            X: samples in rows, (m, d), at least one.
            y: ignored. Default: ``None``.

        Returns:
            The estimator.

        Raises:
            InputError: a parameter is out of range, or ``solver`` is ``"svd"``.
            ValueError: as :meth:`fit`.
        """
        X = self._check_rows(X, reset=self._stream is None)
        if self._stream is None:
            self._reset()
            self._seed = resolve_seed(self.random_state)
            self._stream = self._new_stream(X.shape[1])
        self._stream.update(X)
        self._components = None
        return self

    def fit_chunks(self, chunks: Iterable[Any] | Callable[[], Iterable[Any]]) -> LinearAutoencoder:
        """Fit to chunks of rows that need not be in memory together.

        Args:
            chunks: iterable of (m, d) arrays, read once; or a function that returns a new such
                iterable, which ``"randomized"`` calls ``n_passes`` times.

        Returns:
            The fitted estimator.

        Raises:
            InputError: as :meth:`fit`; there is no chunk, ``solver`` is ``"svd"``, or the function
                returns the same iterator each time.
            ValueError: as :meth:`fit`.
        """
        self._reset()
        if callable(chunks):
            d = self._check_rows(_first(chunks), reset=True).shape[1]
            if self._stream_solver(d) == "randomized":
                return self._fit_passes(chunks, d)
        for chunk in chunks() if callable(chunks) else chunks:
            self.partial_fit(chunk)
        if self._stream is None:
            raise InputError("chunks holds no chunk; a generator can be read only once")
        self._fitted()
        return self

    def _fit_passes(self, chunks: Callable[[], Iterable[Any]], d: int) -> LinearAutoencoder:
        def read() -> Iterator[Array]:
            return (self._check_rows(chunk, reset=False) for chunk in chunks())

        found = components_by_sketch(
            read,
            d,
            int(self._width(d, None)),
            n_passes=check_n_passes(self.n_passes),
            seed=resolve_seed(self.random_state),
        )
        check_n_samples(found.n_samples)
        self._components = found
        return self

    def transform(self, X: Any) -> Array:
        """Encode the rows of ``X``.

        Args:
            X: samples in rows, (n, d).

        Returns:
            Codes ``W1 (x - mean)`` in rows, (n, k), in the dtype of ``X``; with ``whiten`` the
            coordinates along ``components_`` divided by their standard deviations.
        """
        check_is_fitted(self)
        return self._encoded(self._check_rows(X, reset=False))

    def inverse_transform(self, X: Any) -> Array:
        """Decode codes.

        Args:
            X: codes in rows, (n, k).

        Returns:
            Reconstructions ``W2 z + mean`` in rows, (n, d), in the dtype of ``X``; with ``whiten``
            the codes are multiplied by the standard deviations first.

        Raises:
            InputError: ``X`` has another number of columns.
        """
        check_is_fitted(self)
        Z = check_codes(X, self.n_components_)
        return Z @ self._factors()[1].T.astype(Z.dtype) + self.mean_.astype(Z.dtype)

    def reconstruction_loss(self, X: Any) -> float:
        """Return the squared error summed over features, averaged over the rows of ``X`` (n, d)."""
        X = self._check_rows(X, reset=False)
        error = X - self.inverse_transform(self._encoded(X))
        return float(np.square(error, dtype=float).sum() / len(X))

    def score_samples(self, X: Any) -> Array:
        """Return the log-likelihood of each row under the Gaussian of probabilistic PCA.

        As in scikit-learn's PCA (Tipping and Bishop 1999, doi:10.1111/1467-9868.00196). It does not
        depend on ``whiten``, which changes codes and not the data (scikit-learn's does: its issue
        13898).

        Args:
            X: samples in rows, (n, d).

        Returns:
            (n,) float64, in nats.

        Raises:
            InputError: the covariance is singular, as with constant features and all components.
        """
        check_is_fitted(self)
        X = self._check_rows(X, reset=False)
        return GaussianModel.of(self._fitted()).log_likelihoods(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of the rows of ``X``, see :meth:`score_samples`.

        Args:
            X: samples in rows, (n, d).
            y: ignored. Default: ``None``.
        """
        return float(self.score_samples(X).mean())

    def get_covariance(self) -> Array:
        """Return the covariance (d, d) of the Gaussian of :meth:`score_samples`."""
        check_is_fitted(self)
        return GaussianModel.of(self._fitted()).covariance()

    @property
    def components_(self) -> Array:
        """(k, d) principal axes."""
        return self._fitted().vectors

    @property
    def mean_(self) -> Array:
        """(d,) mean of the samples."""
        return self._fitted().mean

    @property
    def n_samples_seen_(self) -> int:
        """Number of rows that the fit has read."""
        return self._fitted().n_samples if self._stream is None else self._stream.count

    @property
    def n_components_(self) -> int:
        """Number of hidden units k."""
        return len(self._fitted().values)

    @property
    def explained_variance_(self) -> Array:
        """(k,) variances along the axes, with 1/(n - 1)."""
        found = self._fitted()
        return found.values / (found.n_samples - 1)

    @property
    def explained_variance_ratio_(self) -> Array:
        """(k,) shares of the total variance."""
        found = self._fitted()
        return found.values / found.total if found.total > 0 else np.zeros_like(found.values)

    @property
    def singular_values_(self) -> Array:
        """(k,) singular values of the centred data."""
        return np.sqrt(self._fitted().values)

    @property
    def noise_variance_(self) -> float:
        """Mean variance of the discarded axes."""
        return GaussianModel.of(self._fitted()).noise

    @property
    def W1_(self) -> Array:
        """(k, d) encoder."""
        return self._fitted().W1

    @property
    def W2_(self) -> Array:
        """(d, k) decoder."""
        return self._fitted().W2

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_is_fitted__(self) -> bool:
        return self._components is not None or self._stream is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _encoded(self, X: Array) -> Array:
        return (X - self.mean_.astype(X.dtype)) @ self._factors()[0].T.astype(X.dtype)

    def _check_rows(self, X: Any, *, reset: bool, finite: bool = True) -> Array:
        dtypes = [np.float64, np.float32]
        return validate_data(self, X, dtype=dtypes, reset=reset, ensure_all_finite=finite)

    def _width(self, d: int, n: int | None) -> int | float:
        """The number of components, or the share of the variance that decides it."""
        k = self.n_components
        if k is None:
            return d if n is None else min(n, d)
        return check_width_or_share(k, d)

    def _factors(self) -> tuple[Array, Array]:
        """Encoder (k, d) and decoder (d, k), with the scaling of ``whiten``."""
        found = self._fitted()
        if not self.whiten:
            return found.W1, found.W2
        deviations = np.sqrt(self.explained_variance_)
        varies = found.values > found.negligible
        inverse = np.where(varies, 1 / np.where(varies, deviations, 1), 0)
        return found.vectors * inverse[:, None], found.vectors.T * deviations

    def _stream_solver(self, d: int) -> str:
        k = self._width(d, None)
        return choose_solver(self.solver, n_features=d, n_components=k, n_samples=None)

    def _new_stream(self, d: int) -> RunningScatter | RunningSketch:
        if self._stream_solver(d) == "randomized":
            return RunningSketch(random_directions(d, int(self._width(d, None)), self._seed))
        return RunningScatter(d)

    def _reset(self) -> None:
        self._stream = None
        self._components = None

    def _fitted(self) -> PrincipalComponents:
        """Return the components; compute them first if chunks were added."""
        if not self.__sklearn_is_fitted__():  # so that hasattr is False before fit
            raise AttributeError("not fitted yet; call fit, partial_fit or fit_chunks first")
        if self._components is None:
            assert self._stream is not None
            check_n_samples(self._stream.count)
            k = self._width(len(self._stream.mean), self._stream.count)
            self._components = solve_stream(self._stream, k, solver=self.solver, seed=self._seed)
        return self._components


def _first(chunks: Callable[[], Iterable[Any]]) -> Any:
    """Return the first chunk, without removing it from a later iteration."""
    reading = iter(chunks())
    if iter(chunks()) is reading:
        raise InputError("chunks() returned one iterator twice; return a new one at each call")
    for chunk in reading:
        return chunk
    raise InputError("chunks() holds no chunk")
