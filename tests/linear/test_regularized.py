"""The regularised minimum: closed form, general optimiser, and training."""

import math

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.linear import (
    RegularizedLinearAutoencoder,
    covariance_loss,
    descend,
    predicted_singular_values,
    regularized_gradients,
    regularized_loss,
    sgd_step,
    shrinkage,
)


def draw(seed=0, n=200):
    """Rows with variances about 9, 4, 1, 0.25 along random axes."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    X = rng.standard_normal((n, 4)) * [3, 2, 1, 0.5] @ turn.T
    return X - X.mean(axis=0)


def variances(X):
    return np.linalg.eigvalsh(X.T @ X / len(X))[::-1]


def test_one_dimension_by_hand():
    """sigma^2 = 4, lam = 1: p^2 = 3/4, L = 4 (1/4)^2 + 2 (3/4) = 1.75 = 2 lam - lam^2 / sigma^2."""
    X = np.array([[2.0], [-2.0]])
    model = RegularizedLinearAutoencoder(1, lam=1.0).fit(X)
    assert model.singular_values_ == pytest.approx([np.sqrt(0.75)])
    assert model.objective_ == pytest.approx(1.75)
    assert model.inverse_transform(model.transform(X)).ravel() == pytest.approx([1.5, -1.5])


def test_shrinkage_by_hand():
    """sqrt(1 - lam / sigma^2) for variances 4, 1 and 0 with lam = 1; without penalty 1, 1 and 0."""
    variances = np.array([4.0, 1.0, 0.0])
    assert shrinkage(variances, 1.0).tolist() == [np.sqrt(0.75), 0.0, 0.0]
    assert shrinkage(variances, 0.0).tolist() == [1.0, 1.0, 0.0]


def test_the_prediction_counts_samples_as_a_mean():
    """Twice the same samples: the same sigma^2; the sum instead would double it."""
    X = draw().T
    once, twice = (predicted_singular_values(x, 3, 0.5) for x in (X, np.hstack([X, X])))
    np.testing.assert_allclose(once, twice, rtol=1e-7)
    wanted = np.sqrt(1 - 0.5 / variances(X.T)[:3])
    np.testing.assert_allclose(once, wanted, rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.integers(1, 4), st.floats(0, 12))
def test_the_closed_form_is_stationary_and_the_value_is_the_formula(seed, k, lam):
    """L = sum over kept axes of 2 lam - lam^2/sigma^2, where sigma^2 > lam, and of sigma^2 else."""
    X = draw(seed)
    model = _fit_quietly(RegularizedLinearAutoencoder(k, lam), X)
    for slope in regularized_gradients(model.W1_, model.W2_, X.T, lam):
        assert np.abs(slope).max() < 1e-10
    s = variances(X)
    kept = np.where(s[:k] > lam, 2 * lam - lam**2 / s[:k], s[:k])
    assert model.objective_ == pytest.approx(kept.sum() + s[k:].sum(), rel=1e-10)
    value = regularized_loss(model.W1_, model.W2_, X.T, lam).item()
    assert value == pytest.approx(model.objective_, rel=1e-12)


def _fit_quietly(model, X):
    if model.lam >= variances(X)[0]:
        with pytest.warns(UserWarning, match="both weight matrices are zero"):
            return model.fit(X)
    return model.fit(X)


@pytest.mark.parametrize("seed", range(3))
def test_a_general_optimiser_reaches_the_same_minimum(seed):
    X, k, lam = draw(), 2, 0.5

    def value(weights):
        return regularized_loss(
            weights[:8].reshape(k, 4), weights[8:].reshape(4, k), X.T, lam
        ).item()

    start = np.random.default_rng(seed).standard_normal(16)
    found = scipy.optimize.minimize(value, start, method="BFGS", options={"gtol": 1e-7})
    model = RegularizedLinearAutoencoder(k, lam).fit(X)
    assert found.fun == pytest.approx(model.objective_, rel=1e-8)
    W1, W2 = found.x[:8].reshape(k, 4), found.x[8:].reshape(4, k)
    np.testing.assert_allclose(W1, W2.T, atol=1e-4)
    for W in (W1, W2):
        np.testing.assert_allclose(
            np.linalg.svd(W, compute_uv=False), model.singular_values_, rtol=1e-4
        )


@given(st.integers(0, 999))
def test_a_rotation_of_the_code_changes_nothing_and_a_stretch_does(seed):
    rng = np.random.default_rng(seed)
    X, lam = draw().T, 0.5
    model = RegularizedLinearAutoencoder(2, lam).fit(X.T)
    turn = np.linalg.qr(rng.standard_normal((2, 2)))[0]
    same = regularized_loss(turn.T @ model.W1_, model.W2_ @ turn, X, lam).item()
    assert same == pytest.approx(model.objective_, rel=1e-12)
    stretch = np.diag([1.3, 1])
    more = regularized_loss(np.linalg.inv(stretch) @ model.W1_, model.W2_ @ stretch, X, lam).item()
    assert more > model.objective_ + 1e-3


def test_random_starts_agree_on_axes_and_not_on_columns():
    X = draw()
    S = torch.as_tensor(X.T @ X / len(X))
    torch.manual_seed(0)
    W1, W2 = torch.randn(5, 3, 4).double() * 0.3, torch.randn(5, 4, 3).double() * 0.3
    run = descend(W1, W2, S, lam=0.2, learning_rate=0.02, steps=4000)
    ends = run.W2[-1]
    axes = np.linalg.eigh(S.numpy())[1][:, ::-1]
    for end in ends:
        left = torch.linalg.svd(end)[0].numpy()
        np.testing.assert_allclose(np.abs((left * axes).sum(axis=0)[:3]), 1, atol=1e-8)
    assert (ends[1:] - ends[0]).abs().amax(dim=(1, 2)).min() > 0.05
    torch.testing.assert_close((ends @ ends.mT)[1:], (ends @ ends.mT)[:1].expand(4, 4, 4))


def test_the_objective_in_covariance_coordinates_is_the_same():
    X = torch.as_tensor(draw().T)
    W1, W2 = torch.randn(2, 4).double(), torch.randn(4, 2).double()
    torch.testing.assert_close(
        covariance_loss(W1, W2, X @ X.T / X.shape[1], 0.7), regularized_loss(W1, W2, X, 0.7)
    )


def test_one_step_of_descent_is_one_step_along_the_gradient():
    X = torch.as_tensor(draw().T)
    W1, W2 = torch.randn(2, 4).double(), torch.randn(4, 2).double()
    run = descend(W1, W2, X @ X.T / X.shape[1], lam=0.3, learning_rate=0.01, steps=1)
    for before, after, slope in zip(
        (W1, W2), (run.W1[-1], run.W2[-1]), regularized_gradients(W1, W2, X, 0.3), strict=True
    ):
        torch.testing.assert_close(after, before - 0.01 * slope)


def test_a_step_is_that_of_torch_with_weight_decay():
    rng = np.random.default_rng(0)
    W1, W2, x = (rng.standard_normal(shape) for shape in ((2, 5), (5, 2), 5))
    theirs = [torch.nn.Parameter(torch.as_tensor(W.copy())) for W in (W1, W2)]
    optimizer = torch.optim.SGD(theirs, lr=0.01, weight_decay=0.6)
    (theirs[1] @ (theirs[0] @ torch.as_tensor(x)) - torch.as_tensor(x)).square().sum().backward()
    optimizer.step()
    sgd_step(W1, W2, x, 0.01, weight_decay=0.6)
    np.testing.assert_allclose(W1, theirs[0].detach(), rtol=1e-12)
    np.testing.assert_allclose(W2, theirs[1].detach(), rtol=1e-12)


def test_the_mean_step_over_the_samples_is_a_step_on_the_objective_with_decay_two_lambda():
    X, rng, lam, rate = draw(n=20), np.random.default_rng(1), 0.4, 0.01
    W1, W2 = rng.standard_normal((2, 4)), rng.standard_normal((4, 2))
    steps = []
    for x in X:
        a, b = W1.copy(), W2.copy()
        sgd_step(a, b, x, rate, weight_decay=2 * lam)
        steps.append((a - W1, b - W2))
    for mean, slope in zip(
        (np.mean(part, axis=0) for part in zip(*steps, strict=True)),
        regularized_gradients(W1, W2, X.T, lam),
        strict=True,
    ):
        np.testing.assert_allclose(mean, -rate * slope, rtol=1e-9)


def test_training_sample_by_sample_reaches_the_closed_form():
    X = draw()
    exact = RegularizedLinearAutoencoder(2, 0.5).fit(X)
    trained = RegularizedLinearAutoencoder(
        2, 0.5, solver="sgd", random_state=0, n_epochs=200, learning_rate=0.02
    ).fit(X)
    assert trained.singular_values_ == pytest.approx(exact.singular_values_, rel=5e-3)
    np.testing.assert_allclose(trained.W1_, trained.W2_.T, atol=2e-2)
    assert exact.objective_ <= trained.objective_ <= 1.0005 * exact.objective_
    again = RegularizedLinearAutoencoder(
        2, 0.5, solver="sgd", random_state=0, n_epochs=200, learning_rate=0.02
    ).fit(X)
    assert np.array_equal(trained.W2_, again.W2_)


def test_lambda_above_every_variance_gives_zeros_and_a_warning():
    X = draw()
    with pytest.warns(UserWarning, match="lam=100 is at least the largest variance"):
        model = RegularizedLinearAutoencoder(2, lam=100.0).fit(X)
    assert not model.W1_.any()
    assert model.objective_ == pytest.approx(variances(X).sum())
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), 0 * X, atol=1e-12)
    assert predicted_singular_values(X.T, 4, 100.0).tolist() == [0, 0, 0, 0]


def test_constant_features_and_more_units_than_samples():
    assert predicted_singular_values(np.zeros((3, 5)), 2, 0.0).tolist() == [0, 0]
    with pytest.warns(UserWarning, match="are zero"):
        model = RegularizedLinearAutoencoder(2, 0.1).fit(np.full((6, 4), 3.0))
    assert model.inverse_transform(model.transform(np.full((1, 4), 3.0))).tolist() == [[3.0] * 4]
    wide = RegularizedLinearAutoencoder(5, 0.01).fit(np.random.default_rng(0).normal(size=(3, 6)))
    assert wide.singular_values_[2:] == pytest.approx(np.zeros(3), abs=1e-12)


def test_without_centring_second_moments_take_the_place_of_variances():
    X = draw() + 5
    model = RegularizedLinearAutoencoder(2, 0.5, center=False).fit(X)
    wanted = predicted_singular_values(X.T, 2, 0.5)
    assert model.singular_values_ == pytest.approx(wanted)
    assert not model.mean_.any()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_components": 0}, "n_components=0"),
        ({"n_components": 5}, r"n_components=5.*from 1 to the 4 features"),
        ({"lam": -1.0}, "lam=-1.0"),
        ({"lam": float("nan")}, "lam=nan"),
        ({"solver": "magic"}, "solver='magic'"),
        ({"solver": "sgd", "n_epochs": 0}, "n_epochs=0"),
        ({"solver": "sgd", "n_epochs": 0.5}, r"n_epochs=0\.5 must be a positive integer"),
        ({"solver": "sgd", "n_epochs": math.inf}, "n_epochs=inf must be a positive integer"),
        ({"solver": "sgd", "random_state": 0, "learning_rate": 50.0, "n_epochs": 2}, "diverged"),
    ],
)
def test_parameters_out_of_range_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        RegularizedLinearAutoencoder(**settings).fit(draw(n=30))


def test_invalid_data_is_refused():
    with pytest.raises(InputError, match="at least 2 samples"):
        RegularizedLinearAutoencoder().fit([[1.0, 2.0]])
    with pytest.raises(InputError, match="X holds 1 NaN"):
        predicted_singular_values([[np.nan]], 1, 0.1)
    with pytest.raises(InputError, match="k=3"):
        predicted_singular_values(np.ones((2, 5)), 3, 0.1)
    with pytest.raises(InputError, match="diverged with learning_rate=9"):
        descend(
            torch.ones(1, 2).double(),
            torch.ones(2, 1).double(),
            np.eye(2),
            learning_rate=9,
            steps=99,
        )


def test_a_direction_without_variance_is_zero_also_without_penalty():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5, 2)) @ rng.standard_normal((2, 50))
    np.testing.assert_allclose(predicted_singular_values(X, 5, 0.0), [1, 1, 0, 0, 0])
    assert predicted_singular_values(X, 2, np.float32(0.5)).shape == (2,)
    with pytest.raises(InputError, match="lam=True"):
        predicted_singular_values(X, 2, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": -1}, "steps=-1"),
        ({"record_at": []}, "expected some of"),
        ({"record_at": [50]}, r"steps=5, record_at=\[50\]"),
        ({"W1": torch.ones(1, 3).double()}, r"W1 is \(1, 3\)"),
        ({"W1": torch.ones(1, 2)}, "float64"),
        ({"W1": np.ones((1, 2))}, "W1 is a ndarray"),
        ({"W1": torch.full((1, 2), torch.nan).double()}, "NaN"),
        ({"lam": torch.tensor(-1.0)}, "negative"),
        ({"lam": torch.tensor(math.inf)}, "not finite"),
        ({"S": np.zeros((2, 2)), "lam": 10.0, "learning_rate": 10.0, "steps": 200}, r"than 0\.025"),
    ],
)
def test_invalid_arguments_of_descend_are_refused(change, words):
    good = {"W1": torch.ones(1, 2).double(), "W2": torch.ones(2, 1).double()}
    settings = {"S": torch.eye(2).double(), "learning_rate": 0.1, "steps": 5, **good, **change}
    with pytest.raises(InputError, match=words):
        descend(**settings)
    run = descend(**good, S=torch.eye(2).double(), learning_rate=0.1, steps=5, record_at=[5, 0, 5])
    assert (run.steps, len(run.W1)) == ([0, 5], 2)
