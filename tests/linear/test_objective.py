"""Losses and gradients of the linear autoencoder: by hand, by autograd, by finite differences."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.linear import (
    covariance_gradients,
    covariance_loss,
    critical_points,
    gradients,
    loss,
    predicted_singular_values,
    regularized_gradients,
    regularized_loss,
    scatter_eigenpairs,
    shrinkage,
)


def draw(seed, k, d, n):
    rng = np.random.default_rng(seed)
    return (torch.as_tensor(rng.standard_normal(shape)) for shape in ((k, d), (d, k), (d, n)))


def test_the_loss_is_a_sum_that_can_be_done_by_hand():
    """W2 W1 keeps the first coordinate, so the loss is the sum of the squares of the second."""
    X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert loss([[1, 0]], [[1], [0]], X).item() == 16 + 25 + 36
    assert regularized_loss([[1, 0]], [[1], [0]], X, lam=0.5).item() == 77 / 3 + 0.5 * 2


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(1, 4), st.integers(4, 6), st.integers(1, 9))
def test_gradients_are_those_of_autograd(seed, k, d, n):
    W1, W2, X = draw(seed, k, d, n)
    lam = 0.3
    for value, ours in (
        (lambda a, b: loss(a, b, X), gradients(W1, W2, X)),
        (
            lambda a, b: regularized_loss(a, b, X, lam),
            regularized_gradients(W1, W2, X, lam),
        ),
    ):
        a, b = W1.clone().requires_grad_(), W2.clone().requires_grad_()
        for mine, theirs in zip(ours, torch.autograd.grad(value(a, b), (a, b)), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-11, atol=1e-11)


def test_gradients_are_the_formulas_of_the_course():
    """2 W2^T (W2 W1 - I) X X^T and 2 (W2 W1 - I) X X^T W1^T, multiplied out as written."""
    W1, W2, X = draw(1, 2, 5, 7)
    gap, S = W2 @ W1 - torch.eye(5), X @ X.T
    by_W1, by_W2 = gradients(W1, W2, X)
    torch.testing.assert_close(by_W1, 2 * W2.T @ gap @ S)
    torch.testing.assert_close(by_W2, 2 * gap @ S @ W1.T)


def test_loss_and_gradients_from_the_covariance_are_those_from_the_samples():
    W1, W2, X = draw(3, 2, 5, 7)
    S = X @ X.T
    torch.testing.assert_close(covariance_loss(W1, W2, S), loss(W1, W2, X))
    for ours, wanted in zip(covariance_gradients(W1, W2, S), gradients(W1, W2, X), strict=True):
        torch.testing.assert_close(ours, wanted)


def test_gradients_from_the_covariance_are_batched():
    (a1, a2, X), (b1, b2, _) = draw(4, 2, 5, 7), draw(5, 2, 5, 7)
    S = X @ X.T / 7
    together = covariance_gradients(torch.stack([a1, b1]), torch.stack([a2, b2]), S)
    for place, weights in enumerate([(a1, a2), (b1, b2)]):
        for part, wanted in zip(together, gradients(*weights, X), strict=True):
            torch.testing.assert_close(part[place], wanted / 7)


def test_one_weight_and_one_variance_by_hand():
    """L = s (1 - w1 w2)^2 with s = 3, w1 = 0.5, w2 = 2: L = 0; with w2 = 1 L = 0.75."""
    W1, S = torch.tensor([[0.5]]).double(), torch.tensor([[3.0]]).double()
    for w2, value, by_w1, by_w2 in ((2.0, 0.0, 0.0, 0.0), (1.0, 0.75, -3.0, -1.5)):
        W2 = torch.tensor([[w2]]).double()
        assert covariance_loss(W1, W2, S).item() == value
        assert [part.item() for part in covariance_gradients(W1, W2, S)] == [by_w1, by_w2]


def test_gradients_are_those_of_finite_differences():
    """A polynomial: central differences at h = 1e-4 err by h^2 times the third derivative."""
    W1, W2, X = draw(2, 2, 4, 6)
    by_W1, by_W2 = gradients(W1, W2, X)
    h = 1e-4
    for weights, ours in ((W1, by_W1), (W2, by_W2)):
        for place in np.ndindex(*weights.shape):
            kept = weights[place].item()
            weights[place] = kept + h
            above = loss(W1, W2, X).item()
            weights[place] = kept - h
            below = loss(W1, W2, X).item()
            weights[place] = kept
            assert (above - below) / (2 * h) == pytest.approx(
                ours[place].item(), rel=1e-6, abs=1e-6
            )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000))
def test_the_loss_does_not_depend_on_the_basis_of_the_code(seed):
    W1, W2, X = draw(seed, 3, 5, 8)
    C = torch.linalg.qr(torch.as_tensor(np.random.default_rng(seed).standard_normal((3, 3))))[0]
    C = C * torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    turned = loss(torch.linalg.inv(C) @ W1, W2 @ C, X)
    torch.testing.assert_close(turned, loss(W1, W2, X), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((2, 3), (2, 3), (3, 4)), r"expected \(k, d\), \(d, k\)"),
        (((2, 3), (3, 2), (4, 3)), "samples in the columns"),
        (((2, 3), (3, 2), (3, 0)), "empty axis"),
    ],
)
def test_mismatched_shapes_are_refused(shapes, words):
    with pytest.raises(InputError, match=words):
        loss(*(np.ones(shape) for shape in shapes))


def test_arrays_give_arrays_and_tensors_give_tensors():
    W1, W2, X = draw(6, 2, 5, 7)
    arrays = tuple(matrix.numpy() for matrix in (W1, W2, X))
    calls = (
        lambda *matrices: (loss(*matrices), *gradients(*matrices)),
        lambda *matrices: (
            regularized_loss(*matrices, 0.3),
            *regularized_gradients(*matrices, 0.3),
        ),
        lambda a, b, c: scatter_eigenpairs(c, mean=True),
        lambda a, b, c: (predicted_singular_values(c, 2, 0.1), shrinkage(c[0] ** 2, 0.1)),
        lambda a, b, c: (critical_points(c, 1)[0].W1, critical_points(c, 1)[0].W2),
    )
    for call in calls:
        for ours, theirs in zip(call(*arrays), call(W1, W2, X), strict=True):
            assert isinstance(ours, np.ndarray | np.float64)
            assert isinstance(theirs, torch.Tensor)
            np.testing.assert_array_equal(ours, theirs.numpy())


def test_nan_and_a_negative_lam_are_refused():
    with pytest.raises(InputError, match="X holds 1 NaN"):
        gradients([[1.0]], [[1.0]], [[np.nan]])
    for lam in (-1.0, np.nan, np.inf, "much"):
        with pytest.raises(InputError, match="lam="):
            regularized_loss([[1.0]], [[1.0]], [[1.0]], lam)
