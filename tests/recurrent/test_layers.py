"""Published values of questions 1a to 1c, and one clear error for each wrong input."""

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.recurrent import (
    LSTM,
    RNN,
    LSTMLayer,
    RecurrentRegressor,
    RNNLayer,
    from_torch,
    regression_loss,
    running_average,
    to_torch,
)


def filled(module, value):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)
    return module


def test_published_state_of_the_one_unit_layer():
    hidden, last = filled(RNNLayer(1, 1, dtype=torch.float64), 0.1)(torch.ones(1, 1, 1).double())
    assert last.item() == pytest.approx(0.1973753273, abs=1e-7)  # published in float32
    assert hidden.shape == (1, 1, 1)


def test_published_states_of_the_linear_layer():
    layer = filled(RNNLayer(2, 3, nonlinearity="identity", dtype=torch.float64), -0.1)
    x = torch.tensor([[[0.1, 0.15], [0.2, 0.25], [0.3, 0.35], [0.4, 0.45]]]).double()
    hidden, _ = layer(x)
    expected = torch.tensor([-0.1250, -0.1075, -0.1328, -0.1452]).double().view(1, 4, 1)
    torch.testing.assert_close(hidden, expected.expand(1, 4, 3), atol=1e-4, rtol=0)


def test_parameter_counts():
    layer = RNNLayer(2, 3)
    assert sum(p.numel() for p in layer.parameters()) == 18
    regressor = RecurrentRegressor(layer, output_size=4)
    assert sum(p.numel() for p in regressor.parameters()) == 34
    assert sum(p.numel() for p in LSTMLayer(2, 3).parameters()) == 4 * 18


def test_regressor_reads_every_state_linearly():
    model = RecurrentRegressor(RNN(2, 3), output_size=4)
    prediction, hidden = model(torch.randn(5, 6, 2))
    expected = hidden @ model.readout.weight.T + model.readout.bias
    torch.testing.assert_close(prediction, expected)


def test_loss_of_many_outputs_is_the_mean_over_every_number():
    prediction, target = torch.zeros(2, 3, 4), torch.zeros(2, 3, 4)
    target[1, 2, 3] = 12.0
    assert regression_loss(prediction, target).item() == pytest.approx(144 / 24)
    assert regression_loss(prediction, target, last_step_only=True).item() == pytest.approx(144 / 8)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_running_average_is_the_mean_of_what_was_seen(distribution):
    generator = torch.Generator().manual_seed(1)
    x, y = running_average(3, 7, generator=generator, distribution=distribution)
    for t in range(7):
        torch.testing.assert_close(y[:, t], x[:, : t + 1].mean(dim=1))
    generator = torch.Generator().manual_seed(1)
    _, last = running_average(
        3, 7, generator=generator, distribution=distribution, last_step_only=True
    )
    torch.testing.assert_close(last, y[:, -1:])


WRONG = {
    "empty sequence": (lambda: RNNLayer(2, 3)(torch.zeros(1, 0, 2)), "length must be at least 1"),
    "no batch axis": (lambda: RNN(2, 3)(torch.zeros(4, 2)), "add a batch axis"),
    "features": (lambda: LSTM(2, 3)(torch.zeros(1, 4, 5)), "input_size=2"),
    "dtype": (lambda: LSTMLayer(2, 3)(torch.zeros(1, 4, 2).double()), "float64"),
    "h0": (lambda: RNNLayer(2, 3)(torch.zeros(1, 4, 2), torch.zeros(2, 3)), "h0 has shape"),
    "stack h0": (lambda: RNN(2, 3, 2)(torch.zeros(1, 4, 2), torch.zeros(1, 1, 3)), "num_layers=2"),
    "c0": (
        lambda: LSTMLayer(2, 3)(torch.zeros(1, 4, 2), (torch.zeros(1, 3), torch.zeros(1, 4))),
        "c_0 has shape",
    ),
    "hidden_size": (lambda: RNNLayer(2, 0), "hidden_size=0"),
    "num_layers": (lambda: LSTM(2, 3, num_layers=0), "num_layers=0"),
    "nonlinearity": (lambda: RNNLayer(2, 3, "tan"), "did you mean 'tanh'"),
    "regressor": (lambda: RecurrentRegressor(torch.nn.Linear(2, 3)), "without hidden_size"),
    "output_size": (lambda: RecurrentRegressor(RNNLayer(2, 3), 0), "output_size=0"),
    "loss shapes": (lambda: regression_loss(torch.zeros(2, 3), torch.zeros(2, 3, 1)), "equal shap"),
    "loss of nothing": (lambda: regression_loss(torch.zeros(0, 3), torch.zeros(0, 3)), "no number"),
    "length": (lambda: running_average(1, 0, generator=torch.Generator()), "length=0"),
    "distribution": (
        lambda: running_average(1, 1, generator=torch.Generator(), distribution="normale"),
        "did you mean 'normal'",
    ),
    "from_torch": (lambda: from_torch(torch.nn.GRU(2, 3)), "torch.nn.GRU|GRU, expected"),
    "bidirectional": (lambda: from_torch(torch.nn.RNN(2, 3, bidirectional=True)), "bidirectional"),
    "projection": (lambda: from_torch(torch.nn.LSTM(2, 3, proj_size=1)), "proj_size=1"),
    "to_torch": (lambda: to_torch(RNNLayer(2, 3, "identity")), "does not exist in torch.nn.RNN"),
    "to_torch kind": (lambda: to_torch(torch.nn.Linear(2, 3)), "module is a Linear"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_named_in_one_line(case):
    call, message = WRONG[case]
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
