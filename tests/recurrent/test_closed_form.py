"""Closed forms and finite differences, against derivatives by hand and by autograd."""

import copy
import math

import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.recurrent import (
    LSTM,
    RNN,
    RecurrentRegressor,
    gaussian_rnn,
    growth_rate_bounds,
    linear_gradients,
    regression_loss,
    running_average,
    with_spectral_radius,
)
from eigenlab.recurrent.finite_differences import state_gradients, weight_terms
from eigenlab.training import generator


def test_finite_differences_of_a_scalar_linear_network_are_those_by_hand():
    """h_t = w h_{t-1} + x_t, y_hat = f h_3, L = (y_hat - y)^2 at the last step.

    dL/dh_t = 2 (y_hat - y) f w^(3-t), and the share of w at step t is dL/dh_t h_{t-1}.
    """
    w, f = 0.5, 2.0
    model = gaussian_rnn(
        1, weight_scale=1.0, nonlinearity="identity", generator=generator(0, "one unit")
    )
    layer = model.layers[0]
    with torch.no_grad():
        for parameter, value in ((layer.W_h, w), (layer.W_x, 1.0), (model.readout.weight, f)):
            parameter.fill_(value)
    x = torch.tensor([[[1.0], [-2.0], [4.0]]], dtype=torch.float64)
    y = torch.zeros_like(x)
    h = [1.0, -1.5, 3.25]
    outer = 2 * (f * h[2]) * f
    states = state_gradients(model, x, y, True).flatten().tolist()
    assert states == pytest.approx([outer * w**2, outer * w, outer], rel=1e-8)
    terms = weight_terms(model, x, y, True).flatten().tolist()
    assert terms == pytest.approx([0.0, outer * w * h[0], outer * h[1]], rel=1e-8, abs=1e-8)


def test_weight_terms_of_an_lstm_add_up_to_the_gradient_of_autograd():
    model = RecurrentRegressor(LSTM(1, 2, dtype=torch.float64))
    model.reset_parameters(generator(3, "network"))
    x, y = running_average(2, 3, generator=generator(3, "data"), dtype=torch.float64)
    regression_loss(model(x)[0], y).backward()
    layer = model.recurrent.layers[0]
    for name in ("W_h", "W_x", "b"):
        whole = weight_terms(model, x, y, name=name).sum(0)
        torch.testing.assert_close(whole, getattr(layer, name).grad, rtol=1e-6, atol=1e-9)


def test_finite_differences_leave_the_model_as_it_was():
    model = gaussian_rnn(2, weight_scale=1.0, generator=generator(0, "network"))
    before = copy.deepcopy(model.state_dict())
    x, y = running_average(1, 3, generator=generator(0, "data"), dtype=torch.float64)
    weight_terms(model, x, y, True)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_closed_form_of_a_rotation_keeps_its_length():
    angle = 0.3
    W_h = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]],
        dtype=torch.float64,
    )
    W_f = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    residual = torch.tensor([[1.5], [-0.5]], dtype=torch.float64)
    gradient = linear_gradients(W_h, W_f, residual, 6)
    assert gradient.shape == (2, 6, 2)
    torch.testing.assert_close(
        gradient.norm(dim=-1), residual.abs().expand(2, 6), rtol=1e-12, atol=0
    )
    # W_f times a rotation by n * angle, n = 5 at t = 1
    expected = 1.5 * torch.tensor([math.cos(5 * angle), -math.sin(5 * angle)], dtype=torch.float64)
    torch.testing.assert_close(gradient[0, 0], expected)


def test_the_rate_bounds_of_a_normal_matrix_needs_no_condition_number():
    """The eigenvectors of a symmetric matrix are orthonormal: cond(V) = 1."""
    low, high = growth_rate_bounds(np.diag([0.5, 2.0]), np.array([3.0, 4.0]))
    assert high == pytest.approx(0.0, abs=1e-12)
    assert low == pytest.approx(math.log(4 / 5))


def test_the_rate_bounds_holds_for_a_matrix_far_from_normal():
    """W = [[1, 100], [0, 0.5]] first amplifies, then settles at its eigenvalue 1."""
    W, v = np.array([[1.0, 100.0], [0.0, 0.5]]), np.array([1.0, 1.0])
    low, high = growth_rate_bounds(W, v)
    for n in (1, 5, 50):
        grown = math.log(np.linalg.norm(v @ np.linalg.matrix_power(W, n)) / np.linalg.norm(v))
        assert low - 1e-9 <= grown <= high + 1e-9
    assert high > math.log(100)


def test_the_spectral_radius_is_what_was_asked_for():
    matrix = torch.randn(8, 8, dtype=torch.float64, generator=generator(0, "matrix"))
    radius = np.abs(np.linalg.eigvals(with_spectral_radius(matrix, 1.5).numpy())).max()
    assert radius == pytest.approx(1.5, rel=1e-12)


def test_a_nilpotent_matrix_has_no_other_spectral_radius():
    with pytest.raises(InputError, match="spectral radius 0"):
        with_spectral_radius(torch.tensor([[0.0, 1.0], [0.0, 0.0]]), 1.0)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8])
def test_the_closed_form_is_a_power_for_every_step(length):
    random = generator(0, "closed form")
    W_h, W_f, residual = (
        torch.randn(shape, generator=random, dtype=torch.float64)
        for shape in ((3, 3), (2, 3), (4, 2))
    )
    found = linear_gradients(W_h, W_f, residual, length)
    assert found.shape == (4, length, 3)
    for t in range(length):
        power = torch.linalg.matrix_power(W_h, length - 1 - t)
        torch.testing.assert_close(found[:, t], 2 / 8 * residual @ W_f @ power)


def test_a_power_beyond_the_range_of_float64_does_not_spoil_what_is_finite():
    """W_f reads only the eigenvalue 1/2; 4^1199 overflows, 2^-999 does not."""
    W_h = torch.diag(torch.tensor([4.0, 0.5], dtype=torch.float64))
    W_f = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    found = linear_gradients(W_h, W_f, torch.ones(1, 1, dtype=torch.float64), 1000)
    distances = torch.arange(999, -1, -1, dtype=torch.float64)
    torch.testing.assert_close(found[0, :, 1], 2 * 0.5**distances, rtol=1e-12, atol=0)
    assert not found[0, :, 0].any()


def test_shapes_that_do_not_fit_are_refused():
    one = torch.ones(1, 1)
    with pytest.raises(InputError, match=r"W_h has shape \(1, 2\)"):
        linear_gradients(torch.ones(1, 2), one, one, 3)
    with pytest.raises(InputError, match="length=0"):
        linear_gradients(one, one, one, 0)


@pytest.mark.parametrize("last_step_only", [True, False])
@pytest.mark.parametrize("network", [RNN(1, 3, 2, "relu", dtype=torch.float64),
                                     LSTM(1, 2, 2, dtype=torch.float64)])  # fmt: skip
def test_state_gradients_of_stacks_equal_those_of_autograd(network, last_step_only):
    model = RecurrentRegressor(network)
    model.reset_parameters(generator(1, "network"))
    x, y = running_average(2, 4, generator=generator(1, "data"), dtype=torch.float64)
    found = state_gradients(model, x, y, last_step_only)
    states, inputs = [], x
    for layer in model.layers:
        states.append([])
        state, outputs = None, []
        for t in range(x.shape[1]):
            output, state = layer(inputs[:, t : t + 1], state)
            leaf = output + torch.zeros_like(output, requires_grad=True)
            leaf.retain_grad()
            h = leaf[:, 0]
            state = (h, state[1]) if isinstance(state, tuple) else h
            states[-1].append(leaf)
            outputs.append(leaf)
        inputs = torch.cat(outputs, dim=1)
    regression_loss(model.readout(inputs), y, last_step_only=last_step_only).backward()
    expected = torch.stack([torch.cat([leaf.grad for leaf in layer], dim=1) for layer in states])
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
