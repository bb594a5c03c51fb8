"""``LinearAutoencoder`` and ``AutoencoderEmbedding`` as users of scikit-learn expect them.

Peers: ``sklearn.decomposition.PCA`` where it is right, and independent formulas (scipy's Gaussian
density, the training data's own variances) where it is not.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, load_wine, make_low_rank_matrix
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from eigenlab.errors import InputError
from eigenlab.linear import LinearAutoencoder

DIGITS = load_digits().data
DATA = {
    "digits": DIGITS,
    "iris": load_iris().data,
    "wine": load_wine().data,
    "few samples": DIGITS[:20],
    "shifted": load_iris().data + 1e6,
}
EXACT = ("auto", "svd", "gram")


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.95, 0.99, 0.999, np.float32(0.75)])
@pytest.mark.parametrize("solver", EXACT)
def test_a_share_of_the_variance_decides_the_number_of_components(name, share, solver):
    """The smallest k with sum_{i <= k} > share; PCA's n_components_."""
    X = DATA[name]
    model, peer = (
        LinearAutoencoder(share, solver=solver).fit(X),
        PCA(float(share), svd_solver="full").fit(X),
    )
    assert model.n_components_ == peer.n_components_
    ratios = PCA(svd_solver="full").fit(X).explained_variance_ratio_
    assert ratios[: model.n_components_].sum() > share
    assert ratios[: model.n_components_ - 1].sum() <= share
    assert model.transform(X[:2]).shape == (2, peer.n_components_)
    assert len(model.get_feature_names_out()) == peer.n_components_
    for attribute in ("explained_variance_", "explained_variance_ratio_", "singular_values_"):
        np.testing.assert_allclose(getattr(model, attribute), getattr(peer, attribute), rtol=1e-6)


def test_a_share_of_a_stream_is_that_of_the_whole():
    chunks = np.array_split(DIGITS, 7)
    for model in (
        LinearAutoencoder(0.9).fit_chunks(chunks),
        LinearAutoencoder(0.9).fit_chunks(lambda: iter(chunks)),
        LinearAutoencoder(0.9).partial_fit(DIGITS[:900]).partial_fit(DIGITS[900:]),
    ):
        assert model.n_components_ == PCA(0.9).fit(DIGITS).n_components_


def test_a_share_when_nothing_varies_is_one_component():
    assert LinearAutoencoder(0.9).fit(np.ones((5, 3))).n_components_ == 1


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 1.5, np.nan, "mle"])
def test_a_number_that_is_no_share_is_refused(share):
    with pytest.raises(InputError, match="a share of the variance between 0 and 1"):
        LinearAutoencoder(share).fit(DIGITS)


@pytest.mark.parametrize("solver", ["randomized", "trained"])
def test_a_solver_without_the_whole_spectrum_refuses_a_share(solver):
    with pytest.raises(InputError, match=f"n_components=0.9 .*'{solver}' cannot"):
        LinearAutoencoder(0.9, solver=solver).fit(DIGITS)


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("solver", [*EXACT, "randomized"])
def test_whitened_codes_are_those_of_pca(name, solver):
    X = DATA[name]
    model = LinearAutoencoder(3, solver=solver, whiten=True, random_state=0, n_passes=20).fit(X)
    peer = PCA(3, whiten=True, svd_solver="full").fit(X)
    codes = model.transform(X)
    np.testing.assert_allclose(codes, peer.transform(X), atol=1e-5)
    np.testing.assert_allclose(np.cov(codes.T), np.eye(3), atol=1e-6)  # the definition
    np.testing.assert_allclose(
        model.inverse_transform(codes), peer.inverse_transform(peer.transform(X)), atol=1e-4
    )
    plain = clone(model).set_params(whiten=False).fit(X)
    np.testing.assert_allclose(
        model.inverse_transform(codes), plain.inverse_transform(plain.transform(X)), atol=1e-4
    )
    assert model.reconstruction_loss(X) == pytest.approx(plain.reconstruction_loss(X), rel=1e-6)


def test_whitened_codes_of_trained_factors_are_those_of_pca():
    """L-BFGS finds the subspace; the whitened axes in it are the principal ones."""
    X = load_wine().data / load_wine().data.std(axis=0)
    model = LinearAutoencoder(2, solver="trained", whiten=True, random_state=0).fit(X)
    np.testing.assert_allclose(model.transform(X), PCA(2, whiten=True).fit_transform(X), atol=1e-3)


@pytest.mark.parametrize("solver", EXACT)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_whitening_does_not_amplify_rounding(solver, dtype):
    """Three directions vary; PCA divides the noise of the others by its own size.

    https://github.com/scikit-learn/scikit-learn/issues/29534
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3)) @ rng.normal(size=(3, 10))
    model = LinearAutoencoder(solver=solver, whiten=True).fit(X.astype(dtype))
    codes = model.transform(rng.normal(size=(50, 10)).astype(dtype))
    assert np.isfinite(codes).all()
    assert (np.abs(codes).max(axis=0) > 0).tolist() == [True] * 3 + [False] * 7
    np.testing.assert_allclose(
        model.inverse_transform(model.transform(X)), X, atol=1e-9 if dtype == np.float64 else 1e-3
    )


def test_small_components_that_the_svd_resolves_are_whitened():
    """Singular values fall to 1.6e-9 of the largest, seven digits above rounding."""
    X = make_low_rank_matrix(1000, 10, effective_rank=2, random_state=0, tail_strength=0)
    codes = LinearAutoencoder(solver="svd", whiten=True).fit_transform(X)
    np.testing.assert_allclose(codes.std(axis=0, ddof=1), 1, rtol=1e-6)


def test_a_constant_feature_has_the_code_zero():
    X = np.c_[np.full(30, 7.0), np.arange(30.0)]
    for solver in EXACT:
        codes = LinearAutoencoder(solver=solver, whiten=True).fit_transform(X)
        np.testing.assert_array_equal(codes[:, 1], 0)


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "shifted"])
@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("solver", [*EXACT, "randomized"])
def test_the_score_is_the_log_likelihood_of_probabilistic_pca(name, k, solver):
    """Against PCA, and against scipy's density with the covariance written out."""
    X = DATA[name]
    model = LinearAutoencoder(k, solver=solver, random_state=0, n_passes=30).fit(X)
    peer = PCA(k, svd_solver="full").fit(X)
    assert model.noise_variance_ == pytest.approx(peer.noise_variance_, rel=1e-6)
    np.testing.assert_allclose(model.get_covariance(), peer.get_covariance(), atol=1e-5)
    np.testing.assert_allclose(model.score_samples(X), peer.score_samples(X), rtol=1e-5)
    assert model.score(X) == pytest.approx(peer.score(X), rel=1e-6)
    values, axes = np.linalg.eigh(np.cov(X.T))
    values[:-k] = values[:-k].mean()
    density = multivariate_normal(X.mean(axis=0), (axes * values) @ axes.T)
    np.testing.assert_allclose(model.score_samples(X[:9]), density.logpdf(X[:9]), rtol=1e-5)


def test_with_all_components_the_score_is_that_of_the_gaussian():
    X = load_iris().data
    density = multivariate_normal(X.mean(axis=0), np.cov(X.T))
    for solver in EXACT:
        model = LinearAutoencoder(solver=solver).fit(X)
        np.testing.assert_allclose(model.score_samples(X), density.logpdf(X), rtol=1e-9)
        np.testing.assert_allclose(model.get_covariance(), np.cov(X.T), atol=1e-12)


def test_the_score_does_not_depend_on_whitening():
    """It is of the samples, not of their codes.

    PCA's does depend on it: https://github.com/scikit-learn/scikit-learn/issues/13898
    """
    X = load_wine().data
    plain, white = (LinearAutoencoder(4, whiten=whiten).fit(X) for whiten in (False, True))
    assert white.score(X) == plain.score(X) == pytest.approx(PCA(4).fit(X).score(X))


@pytest.mark.parametrize("solver", EXACT)
@pytest.mark.parametrize(
    "X", [DIGITS, DIGITS[:20], np.ones((9, 2)), np.c_[DATA["iris"], DATA["iris"] @ [1, 1, 1, 1]]]
)
def test_a_singular_covariance_has_no_density(X, solver):
    """Blank pixels, fewer samples than features, nothing varies, a sum of others."""
    with pytest.raises(InputError, match="covariance is singular"):
        LinearAutoencoder(solver=solver).fit(X).score(X)


def test_it_takes_the_place_of_pca_in_pipelines_and_searches():
    X = load_wine().data
    for number in (2, 0.9):
        ours, theirs = (
            cross_val_score(make_pipeline(StandardScaler(), model), X, cv=3)
            for model in (LinearAutoencoder(number), PCA(number, svd_solver="full"))
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    grid = {"n_components": [1, 2, 5, 8]}
    chosen = [
        GridSearchCV(model, grid, cv=3).fit(StandardScaler().fit_transform(X)).best_params_
        for model in (LinearAutoencoder(), PCA())
    ]
    assert chosen[0] == chosen[1]
