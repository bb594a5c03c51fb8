"""Losses and gradients of the linear autoencoder against hand-made numbers and two references."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.linear import gradients, loss, regularized_gradients, regularized_loss


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
def test_the_loss_does_not_see_the_basis_of_the_code(seed):
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
def test_shapes_that_do_not_fit_are_named(shapes, words):
    with pytest.raises(InputError, match=words):
        loss(*(np.ones(shape) for shape in shapes))


def test_nan_and_a_negative_lam_are_refused():
    with pytest.raises(InputError, match="X holds 1 NaN"):
        gradients([[1.0]], [[1.0]], [[np.nan]])
    for lam in (-1.0, np.nan, np.inf, "much"):
        with pytest.raises(InputError, match="lam="):
            regularized_loss([[1.0]], [[1.0]], [[1.0]], lam)
