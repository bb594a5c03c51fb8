"""The hand-written unrolling against the textbook loop, torch.nn and finite differences."""

from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eigenlab.recurrent import LSTM, RNN, LSTMLayer, RNNLayer, from_torch, small, to_torch
from eigenlab.recurrent.nonlinearity import FUNCTIONS
from eigenlab.recurrent.reference import lstm_loop, rnn_loop
from eigenlab.recurrent.unroll import UnrollLSTM, UnrollRNN

#: float64 sums of a few hundred products of order one.
ATOL = 1e-12


def draw(*shapes: tuple[int, ...], seed: int = 0, scale: float = 0.5) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).requires_grad_()
        for shape in shapes
    ]


def rnn_inputs(steps: int, batch: int, inputs: int, hidden: int, seed: int = 0):
    shapes = ((steps, batch, inputs), (batch, hidden), (hidden, inputs), (hidden, hidden))
    return draw(*shapes, (hidden,), seed=seed)


def lstm_inputs(steps: int, batch: int, inputs: int, hidden: int, seed: int = 0):
    shapes = ((steps, batch, inputs), (batch, hidden), (batch, hidden), (4 * hidden, inputs))
    return draw(*shapes, (4 * hidden, hidden), (4 * hidden,), seed=seed)


sizes = st.tuples(*[st.integers(1, 6)] * 4)


@pytest.mark.parametrize("limit", [0, small.SMALL], ids=["torch loop", "numpy loop"])
@settings(deadline=None, max_examples=25)
@given(sizes=sizes, nonlinearity=st.sampled_from(sorted(FUNCTIONS)), seed=st.integers(0, 99))
def test_rnn_equals_the_loop_in_states_and_all_gradients(limit, sizes, nonlinearity, seed):
    inputs = rnn_inputs(*sizes, seed=seed)
    plain = rnn_loop(*inputs, FUNCTIONS[nonlinearity])
    weight = torch.linspace(-1, 2, plain.numel(), dtype=torch.float64).view_as(plain)
    with mock.patch.object(small, "SMALL", limit):
        fast = UnrollRNN.apply(*inputs, nonlinearity)
        gradients = torch.autograd.grad((fast * weight).sum(), inputs)
    torch.testing.assert_close(fast, plain, atol=ATOL, rtol=ATOL)
    torch.testing.assert_close(
        gradients,
        torch.autograd.grad((plain * weight).sum(), inputs),
        atol=ATOL,
        rtol=1e-10,
    )


@settings(deadline=None, max_examples=25)
@given(sizes=sizes, seed=st.integers(0, 99))
def test_lstm_equals_the_loop_in_states_and_all_gradients(sizes, seed):
    inputs = lstm_inputs(*sizes, seed=seed)
    fast, fast_c = UnrollLSTM.apply(*inputs)
    plain, plain_c = lstm_loop(*inputs)
    weight = torch.linspace(-1, 2, fast.numel(), dtype=torch.float64).view_as(fast)
    torch.testing.assert_close(fast, plain, atol=ATOL, rtol=ATOL)
    torch.testing.assert_close(fast_c, plain_c[-1], atol=ATOL, rtol=ATOL)
    torch.testing.assert_close(
        torch.autograd.grad((fast * weight).sum() + 3 * fast_c.sum(), inputs),
        torch.autograd.grad((plain * weight).sum() + 3 * plain_c[-1].sum(), inputs),
        atol=ATOL,
        rtol=1e-10,
    )


@pytest.mark.parametrize("nonlinearity", sorted(FUNCTIONS))
def test_rnn_first_and_second_derivatives_equal_finite_differences(nonlinearity):
    inputs = rnn_inputs(3, 2, 2, 3)

    def run(*arguments):
        return UnrollRNN.apply(*arguments, nonlinearity)

    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradgradcheck(run, inputs)


def test_lstm_first_and_second_derivatives_equal_finite_differences():
    inputs = lstm_inputs(3, 2, 2, 2)
    assert torch.autograd.gradcheck(UnrollLSTM.apply, inputs)
    assert torch.autograd.gradgradcheck(UnrollLSTM.apply, inputs)


MODULES = [
    nn.RNN(3, 5, num_layers=1),
    nn.RNN(3, 5, num_layers=3, nonlinearity="relu"),
    nn.RNN(3, 5, bias=False),
    nn.LSTM(3, 5, num_layers=2),
]


@pytest.mark.parametrize("theirs", MODULES, ids=str)
def test_stacks_equal_torch_with_the_same_weights(theirs):
    theirs = theirs.double()
    ours = from_torch(theirs)
    (x,) = draw((7, 2, 3))
    expected, expected_last = theirs(x)
    hidden, last = ours(x.transpose(0, 1))
    torch.testing.assert_close(hidden.transpose(0, 1), expected, atol=ATOL, rtol=ATOL)
    torch.testing.assert_close(last, expected_last, atol=ATOL, rtol=ATOL)


@pytest.mark.parametrize("theirs", MODULES, ids=str)
def test_first_states_are_used_as_torch_uses_them(theirs):
    theirs = theirs.double()
    x, h0, c0 = draw((4, 2, 3), (theirs.num_layers, 2, 5), (theirs.num_layers, 2, 5))
    state = (h0, c0) if isinstance(theirs, nn.LSTM) else h0
    expected, _ = theirs(x, state)
    hidden, _ = from_torch(theirs)(x.transpose(0, 1), state)
    torch.testing.assert_close(hidden.transpose(0, 1), expected, atol=ATOL, rtol=ATOL)


@pytest.mark.parametrize(
    "ours", [RNNLayer(3, 4), LSTMLayer(3, 4), RNN(3, 4, 2, "relu"), LSTM(3, 4, 2)], ids=str
)
def test_to_torch_and_back_keeps_every_number(ours):
    back = from_torch(to_torch(ours))
    for mine, copied in zip(ours.parameters(), back.parameters(), strict=True):
        torch.testing.assert_close(copied, mine, atol=0, rtol=0)
    (x,) = draw((2, 6, 3))
    torch.testing.assert_close(to_torch(ours)(x.float())[0], ours(x.float())[0])


def test_a_users_own_nonlinearity_follows_the_same_recurrence():
    layer = RNNLayer(2, 3, torch.sin, dtype=torch.float64)
    (x,) = draw((2, 5, 2))
    hidden, last = layer(x)
    h = torch.zeros(2, 3, dtype=torch.float64)
    for t in range(5):
        h = torch.sin(h @ layer.W_h.T + x[:, t] @ layer.W_x.T + layer.b)
        torch.testing.assert_close(hidden[:, t], h, atol=ATOL, rtol=ATOL)
    torch.testing.assert_close(last, h, atol=ATOL, rtol=ATOL)


@pytest.mark.parametrize("batch", [1, 600], ids=["numpy loop", "torch loop"])
def test_both_loops_agree_and_overflow_without_a_warning(batch):
    """The step's size picks the loop; 600 x 4 numbers are above the limit for numpy's."""
    torch.manual_seed(0)
    layer = RNNLayer(2, 4, "identity")
    with torch.no_grad():
        layer.W_h.mul_(1e3)
    x = torch.randn(1, 40, 2).expand(batch, 40, 2)
    hidden, _ = layer(x)
    hidden.sum().backward()
    assert not hidden.isfinite().all()
    plain = rnn_loop(
        x.transpose(0, 1), torch.zeros(batch, 4), layer.W_x, layer.W_h, layer.b, unchanged
    )
    torch.testing.assert_close(hidden[0, :5], plain[:5, 0], rtol=1e-4, atol=0)


def unchanged(a):
    return a


def test_a_network_run_in_two_halves_equals_one_run():
    layer = LSTMLayer(2, 3, dtype=torch.float64)
    (x,) = draw((2, 8, 2))
    whole, _ = layer(x)
    first, state = layer(x[:, :3])
    second, _ = layer(x[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, atol=ATOL, rtol=ATOL)


def test_the_same_generator_gives_the_same_parameters():
    layers = [RNNLayer(4, 8), RNNLayer(4, 8)]
    for layer in layers:
        layer.reset_parameters(torch.Generator().manual_seed(3))
    torch.testing.assert_close(*[list(layer.parameters()) for layer in layers], atol=0, rtol=0)
    assert layers[0].W_h.abs().max() <= 8**-0.5
