"""The estimators compared with scikit-learn's PCA: in memory, in chunks and trained."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from eigenlab.errors import InputError
from eigenlab.linear import LinearAutoencoder, RegularizedLinearAutoencoder
from eigenlab.linear.scatter import RunningScatter
from eigenlab.spectrum import principal_angles

DIGITS = load_digits().data
EXACT = ("auto", "gram", "svd")


def low_rank(n, d, k, seed=0, noise=1e-3):
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((n, k)) * np.linspace(3, 1, k)
    return parts @ rng.standard_normal((k, d)) + noise * rng.standard_normal((n, d)) + 5


@parametrize_with_checks(
    [
        LinearAutoencoder(),
        LinearAutoencoder(2, solver="gram"),
        LinearAutoencoder(2, solver="randomized", random_state=0),
        LinearAutoencoder(2, solver="trained", random_state=0),
        RegularizedLinearAutoencoder(),
        RegularizedLinearAutoencoder(2, solver="sgd", random_state=0, n_epochs=3),
    ],
    expected_failed_checks=lambda _: {"check_array_api_input": "needs an environment variable"},
)
@pytest.mark.filterwarnings("default")
def test_scikit_learn_estimator_checks(estimator, check):
    check(estimator)


def test_four_points_by_hand():
    """(+-2, 0), (0, +-1) about (10, 20): variances 8/3 and 2/3 with 1/(n - 1)."""
    X = np.array([[12.0, 20.0], [8.0, 20.0], [10.0, 21.0], [10.0, 19.0]])
    for solver in (*EXACT, "randomized", "trained"):
        model = LinearAutoencoder(2, solver=solver, random_state=0).fit(X)
        assert model.mean_ == pytest.approx([10, 20])
        assert model.explained_variance_ == pytest.approx([8 / 3, 2 / 3])
        assert model.explained_variance_ratio_ == pytest.approx([0.8, 0.2])
        assert model.singular_values_ == pytest.approx(np.sqrt([8, 2]))
        np.testing.assert_allclose(model.components_, np.eye(2), atol=1e-6)
        assert model.reconstruction_loss(X) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("solver", [*EXACT, "randomized"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 2e-4)])
def test_it_is_pca(solver, dtype, tolerance):
    X = DIGITS.astype(dtype)
    passes = 30 if solver == "randomized" else 6
    model = LinearAutoencoder(5, solver=solver, random_state=0, n_passes=passes).fit(X)
    peer = PCA(5, svd_solver="full").fit(DIGITS)
    for name in ("components_", "explained_variance_ratio_", "mean_"):
        np.testing.assert_allclose(getattr(model, name), getattr(peer, name), atol=tolerance)
    for name in ("explained_variance_", "singular_values_"):
        np.testing.assert_allclose(getattr(model, name), getattr(peer, name), rtol=tolerance)
    codes = model.transform(X[:9])
    assert codes.dtype == dtype
    np.testing.assert_allclose(codes, peer.transform(DIGITS[:9]), atol=100 * tolerance)
    np.testing.assert_allclose(
        model.inverse_transform(codes), peer.inverse_transform(peer.transform(DIGITS[:9])),
        atol=200 * tolerance,
    )  # fmt: skip


def test_the_loss_at_the_optimum_is_the_sum_of_the_discarded_eigenvalues():
    n = len(DIGITS)
    eigenvalues = np.linalg.eigvalsh(np.cov(DIGITS.T, bias=True))[::-1]
    for k in (1, 8, 40):
        model = LinearAutoencoder(k).fit(DIGITS)
        assert model.reconstruction_loss(DIGITS) == pytest.approx(eigenvalues[k:].sum(), rel=1e-9)
        assert model.explained_variance_ == pytest.approx(eigenvalues[:k] * n / (n - 1))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 40), min_size=2, max_size=6))
def test_chunks_give_the_result_of_the_whole_array(seed, sizes):
    X = np.random.default_rng(seed).standard_normal((sum(sizes), 6)) * np.arange(1, 7) + 1e4
    chunks = np.split(X, np.cumsum(sizes)[:-1])
    whole = LinearAutoencoder(2, solver="svd").fit(X)
    streamed = LinearAutoencoder(2, solver="gram").fit_chunks(iter(chunks))
    assert streamed.n_samples_seen_ == len(X)
    for name in ("mean_", "explained_variance_", "explained_variance_ratio_"):
        assert getattr(streamed, name) == pytest.approx(getattr(whole, name), rel=1e-9)
    reverse = LinearAutoencoder(2).fit_chunks(chunks[::-1])
    assert reverse.explained_variance_ == pytest.approx(whole.explained_variance_, rel=1e-9)


def test_the_variance_is_accurate_for_a_mean_a_billion_times_larger():
    """1e9 + {0, 1, 2, 3} has variance 5/3; sum x^2 - n mean^2 would leave noise of order 100."""
    X = 1e9 + np.arange(4.0)[:, None]
    model = LinearAutoencoder(1, solver="gram").fit_chunks(X[i : i + 1] for i in range(4))
    assert model.explained_variance_ == pytest.approx([5 / 3], rel=1e-12)
    assert model.mean_ == pytest.approx([1e9 + 1.5], abs=1e-6)


def test_the_scatter_of_a_drifting_float32_stream_is_accurate():
    """Blocks whose means are a thousand apart, in float32: variances as from float64."""
    rng = np.random.default_rng(0)
    X = (rng.integers(-8, 9, (5000, 3)) + 1000 * np.repeat(np.arange(5), 1000)[:, None]).astype("f")
    scatter = RunningScatter(3)
    for start in range(0, 5000, 700):
        scatter.update(X[start : start + 700])
    np.testing.assert_allclose(scatter.mean, X.mean(axis=0, dtype=float), rtol=5e-6)
    np.testing.assert_allclose(
        scatter.matrix / 5000, np.cov(X.T.astype(float), bias=True), rtol=5e-6
    )


@pytest.mark.parametrize("solver", ["gram", "randomized"])
@pytest.mark.parametrize("unit", [1e-25, 1e17, 1e25])
def test_float32_whose_squares_leave_its_range(solver, unit):
    """Variances scale with the square of the unit, in one block or several."""
    X = np.random.default_rng(0).standard_normal((5000, 4)) * [5, 3, 2, 1]
    wanted = PCA(2).fit(X).explained_variance_
    model = LinearAutoencoder(2, solver=solver, random_state=0).fit((X * unit).astype("f"))
    assert model.explained_variance_ / unit**2 == pytest.approx(wanted, rel=1e-5)


def test_components_can_be_read_between_chunks():
    model = LinearAutoencoder(3, solver="gram")
    for stop in (500, 1000, 1797):
        model.partial_fit(DIGITS[model.n_samples_seen_ if stop > 500 else 0 : stop])
        peer = PCA(3).fit(DIGITS[:stop])
        assert model.explained_variance_ == pytest.approx(peer.explained_variance_)
        np.testing.assert_allclose(model.components_, peer.components_, atol=1e-8)
    again = model.fit(DIGITS[:300])  # fit forgets what came before
    assert again.n_samples_seen_ == 300
    assert again.partial_fit(DIGITS[:50]).n_samples_seen_ == 50
    assert model.fit_chunks([DIGITS[:40]]).partial_fit(DIGITS[40:50]).n_samples_seen_ == 50


def test_one_pass_finds_a_subspace_with_a_spectral_gap():
    X = low_rank(400, 60, 4)
    exact = PCA(4).fit(X)
    one = LinearAutoencoder(4, solver="randomized", random_state=0).fit_chunks(
        iter(np.array_split(X, 7))
    )
    assert principal_angles(one.components_.T, exact.components_.T).max() < 1e-3
    assert one.explained_variance_ == pytest.approx(exact.explained_variance_, rel=1e-4)
    assert one.explained_variance_ratio_.sum() == pytest.approx(1, abs=1e-3)
    several = LinearAutoencoder(4, solver="randomized", random_state=0, n_passes=4)
    several.fit_chunks(lambda: iter(np.array_split(X, 7)))
    assert principal_angles(several.components_.T, exact.components_.T).max() < 1e-8


def test_training_spans_the_principal_subspace_in_another_basis():
    models = [
        LinearAutoencoder(4, solver="trained", random_state=seed).fit(DIGITS) for seed in (0, 1)
    ]
    exact = PCA(4).fit(DIGITS)
    for model in models:
        assert principal_angles(model.W2_, exact.components_.T).max() < 1e-4
        # Not W2 W1 itself: some pixels are always blank, and no gradient moves their weights.
        rebuilt = model.inverse_transform(model.transform(DIGITS))
        np.testing.assert_allclose(
            rebuilt, exact.inverse_transform(exact.transform(DIGITS)), atol=1e-2
        )
        np.testing.assert_allclose(model.components_, exact.components_, atol=1e-3)
    assert np.abs(models[0].W2_ - models[1].W2_).max() > 0.1


def test_more_features_than_samples():
    X = np.random.default_rng(0).standard_normal((5, 30))
    model = LinearAutoencoder().fit(X)
    assert model.components_.shape == (5, 30)
    wide = LinearAutoencoder(7).fit(X)  # two components beyond the data, without variance
    np.testing.assert_allclose(wide.components_ @ wide.components_.T, np.eye(7), atol=1e-12)
    assert wide.explained_variance_[4:] == pytest.approx(np.zeros(3), abs=1e-12)


@pytest.mark.parametrize("solver", [*EXACT, "randomized", "trained"])
def test_constant_features_explain_nothing(solver):
    model = LinearAutoencoder(2, solver=solver, random_state=0).fit(np.full((6, 4), 3.0))
    assert model.explained_variance_ratio_.tolist() == [0, 0]
    np.testing.assert_allclose(model.components_ @ model.components_.T, np.eye(2), atol=1e-12)
    assert model.transform(np.full((1, 4), 3.0)) == pytest.approx(np.zeros((1, 2)))


@pytest.mark.parametrize("k", [0, 5, -1, 2.0, True, "all"])
def test_a_width_out_of_range_is_refused(k):
    with pytest.raises(InputError, match=r"n_components=.*from 1 to the 4 features"):
        LinearAutoencoder(k).fit(np.eye(4))


@pytest.mark.parametrize("state", [0, np.random.RandomState(0)])
def test_the_random_state_decides_a_sketch(state):
    """An integer repeats the same sketch; a generator moves on."""
    X = low_rank(60, 20, 8, noise=1)
    model = LinearAutoencoder(2, solver="randomized", n_passes=1, random_state=state)
    first, second = (model.fit(X).components_ for _ in range(2))
    assert np.array_equal(first, second) == (state == 0)


def test_invalid_input_is_refused():
    with pytest.raises(InputError, match="at least 2 samples"):
        LinearAutoencoder().fit([[1.0, 2.0]])
    with pytest.raises(InputError, match="at least 2 samples"):
        LinearAutoencoder().fit_chunks([np.ones((1, 2))])
    with pytest.raises(ValueError, match="NaN"):
        LinearAutoencoder().fit([[1.0], [np.nan]])
    with pytest.raises(InputError, match="solver='magic' is unknown"):
        LinearAutoencoder(solver="magic").fit(np.eye(3))
    with pytest.raises(InputError, match="needs all data at once"):
        LinearAutoencoder(solver="svd").partial_fit(np.eye(3))
    with pytest.raises(InputError, match="n_passes=0"):
        LinearAutoencoder(1, solver="randomized", random_state=0, n_passes=0).fit(np.eye(3))
    with pytest.raises(InputError, match="no chunk"):
        LinearAutoencoder().fit_chunks(iter(()))
    with pytest.raises(InputError, match=r"expected \(n, 2\)"):
        LinearAutoencoder(2).fit(np.eye(3)).inverse_transform(np.ones((4, 3)))
    with pytest.raises(NotFittedError):
        LinearAutoencoder().transform(np.eye(2))
    assert not hasattr(LinearAutoencoder(), "components_")


@pytest.mark.parametrize("cls", [LinearAutoencoder, RegularizedLinearAutoencoder])
@pytest.mark.parametrize("code", [np.nan, 1j])
def test_codes_must_be_finite_real_numbers(cls, code):
    model = cls(2).fit(DIGITS)
    assert model.inverse_transform([[1, 2]]).shape == (1, 64)
    assert model.inverse_transform(np.empty((0, 2))).shape == (0, 64)
    with pytest.raises(ValueError, match=r"NaN|Complex data not supported"):
        model.inverse_transform([[code, 1]])


@pytest.mark.parametrize("k", [3, 30])
def test_one_pass_over_float32_samples_of_low_rank(k):
    X = low_rank(200, 40, 3, noise=0).astype(np.float32)
    model = LinearAutoencoder(k, solver="randomized", random_state=0).fit_chunks(
        np.array_split(X, 5)
    )
    expected = np.linalg.svd(X - X.mean(0), compute_uv=False)[:3]
    np.testing.assert_allclose(model.singular_values_[:3], expected, rtol=1e-3)
    assert (model.singular_values_[3:] < 1e-2 * expected[2]).all()
    assert (
        LinearAutoencoder(solver="randomized", random_state=0)
        .fit_chunks([X[:2], X[2:4]])
        .n_components_
        == 4
    )


def test_randomized_variances_are_never_above_the_true_ones():
    X = low_rank(300, 20, 8, noise=0.3)
    true = PCA(6, svd_solver="full").fit(X).explained_variance_
    for passes in (1, 2, 5):
        found = LinearAutoencoder(6, solver="randomized", random_state=0, n_passes=passes).fit(X)
        assert (found.explained_variance_ <= true * (1 + 1e-12)).all()


def test_each_pass_reduces_the_error_by_the_documented_factor():
    """Eigenvalues that fall by 0.8 each, k = 2, width 14: s_15 / s_2 = 0.8^13 = 0.055."""
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((n, 40)))[0] for n in (200, 40))
    X = left * 0.8 ** (np.arange(40) / 2) @ right.T
    X -= X.mean(axis=0)
    _, true, axes = np.linalg.svd(X)
    sines, errors = [], []
    for passes in (2, 4):
        found = LinearAutoencoder(2, solver="randomized", random_state=0, n_passes=passes).fit(X)
        axis = found.components_[1]
        sines.append(np.linalg.norm(axis - axes[:2].T @ (axes[:2] @ axis)))
        errors.append(1 - np.square(found.singular_values_[1] / true[1]))
    factor = np.square(true[14] / true[1])
    assert np.sqrt(sines[1] / sines[0]) == pytest.approx(factor, rel=0.2)
    assert np.sqrt(errors[1] / errors[0]) == pytest.approx(factor**2, rel=0.4)


def test_trained_factors_follow_the_stream():
    X = low_rank(60, 5, 2)
    model = LinearAutoencoder(2, solver="trained", random_state=0).partial_fit(X[:30])
    assert model.n_samples_seen_ == 30
    first = model.W1_
    np.testing.assert_array_equal(model.W1_, first)
    model.partial_fit(X[30:] * 2)
    second = model.W1_
    assert np.abs(second - first).max() > 1e-3
    np.testing.assert_array_equal(model.W1_, second)
    assert LinearAutoencoder(1).partial_fit(X[:1]).n_samples_seen_ == 1


def test_the_number_of_passes_over_chunks_is_that_of_the_solver(monkeypatch):
    X = low_rank(100, 30, 4)
    readings = []

    def chunks():
        readings.append(0)
        for part in np.array_split(X, 3):
            readings[-1] += len(part)
            yield part

    LinearAutoencoder(2, solver="gram").fit_chunks(chunks)
    assert readings.count(100) == 1
    del readings[:]
    monkeypatch.setattr("eigenlab.linear.solvers.MAX_GRAM_FEATURES", 10)
    LinearAutoencoder(2, n_passes=4, random_state=0).fit_chunks(chunks)
    assert readings.count(100) == 4
    once = chunks()
    with pytest.raises(InputError, match="one iterator twice"):
        LinearAutoencoder(2, solver="randomized", random_state=0).fit_chunks(lambda: once)


@pytest.mark.parametrize("solver", ["svd", "gram", "randomized", "trained"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 4999])
def test_every_solver_refuses_nan_and_infinity(solver, bad, row):
    X = np.random.default_rng(0).standard_normal((5000, 3)).astype(np.float32)
    X[row, 1] = bad
    with pytest.raises(ValueError, match="NaN" if np.isnan(bad) else "infinity"):
        LinearAutoencoder(2, solver=solver, random_state=0).fit(X)
