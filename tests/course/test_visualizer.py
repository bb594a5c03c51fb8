"""GradientVisualizer draws what it says, for one's own models, and never changes them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from torch import nn

from eigenlab.course import GradientVisualizer
from eigenlab.course.visualizer import OWN
from eigenlab.errors import InputError


class OwnLayer(nn.Module):
    """As a student writes it: one nn.Linear, and the states kept with their gradients."""

    def __init__(self, input_size, hidden_size, nonlinearity=torch.tanh):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.nonlinearity = nonlinearity
        self.linear = nn.Linear(input_size + hidden_size, hidden_size)

    def forward(self, x):
        h, self.h_list = torch.zeros(len(x), self.hidden_size), []
        for x_t in x.unbind(1):
            h = self.nonlinearity(self.linear(torch.cat([x_t, h], dim=1)))
            h.retain_grad()
            self.h_list.append(h)
        return torch.stack(self.h_list, dim=1), h


class OwnModel(nn.Module):
    def __init__(self, recurrent_net):
        super().__init__()
        self.recurrent_net = recurrent_net
        self.readout = nn.Linear(recurrent_net.hidden_size, 1)

    def forward(self, x):
        all_h, _ = self.recurrent_net(x)
        return self.readout(all_h), all_h


class InPlace(OwnLayer):
    def forward(self, x):
        states = torch.zeros(len(x), x.shape[1], self.hidden_size)
        h = states[:, 0]
        for t in range(x.shape[1]):
            h = self.nonlinearity(self.linear(torch.cat([x[:, t], h], dim=1)))
            states[:, t] = h
        return states, h


class HardCoded(OwnLayer):
    """Has an attribute ``nonlinearity`` that it does not use."""

    def forward(self, x):
        h, states = torch.zeros(len(x), self.hidden_size), []
        for x_t in x.unbind(1):
            h = torch.tanh(self.linear(torch.cat([x_t, h], dim=1)))
            states.append(h)
        return torch.stack(states, dim=1), h


def drawn(figure, name):
    (trace,) = [trace for trace in figure.data if trace.name and name in trace.name]
    return trace


def eigenvalues(figure):
    found = drawn(figure, "eigenvalues")
    return np.sort_complex(np.array(found.x) + 1j * np.array(found.y))


def test_four_panels_show_states_norms_eigenvalues_and_pairs():
    visualizer = GradientVisualizer()
    figure = visualizer.draw(length=12, hidden_size=5)
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [np.shape(trace.z) for trace in maps] == [(5, 12), (12, 12)]
    assert len(drawn(figure, "|h<sub>t</sub>|").y) == 12
    assert len(drawn(figure, "eigenvalues").x) == 5
    assert {trace.xaxis for trace in figure.data} == {"x", "x2", "x3", "x4"}


def test_the_eigenvalues_of_a_layer_written_by_hand_are_those_of_its_w_h():
    layer = OwnLayer(1, 6)
    W_h = layer.linear.weight[:, 1:].detach().double().numpy()
    figure = GradientVisualizer(layer).draw(weight_scale=1.7)
    expected = np.sort_complex(np.linalg.eigvals(1.7 * W_h))
    assert np.allclose(eigenvalues(figure), expected, atol=1e-5)


def test_pairs_and_norms_of_a_hand_written_layer_are_those_of_the_trace():
    torch.manual_seed(0)
    visualizer = GradientVisualizer(OwnModel(OwnLayer(1, 6)))
    figure = visualizer.draw(length=9)
    rows = [trace for trace in figure.data if trace.type == "heatmap"][1].customdata
    expected = visualizer.trace.pairwise_norms[-1].double().numpy()
    found = np.array([[0.0 if value is None else value for value in row] for row in rows])
    assert np.allclose(found, expected, rtol=1e-4, atol=1e-9)
    gradients = drawn(figure, "∂L/∂h").y
    assert np.allclose(gradients, visualizer.trace.gradient_norms[0].double())


def test_a_linear_network_vanishes_below_and_explodes_above_the_unit_circle():
    visualizer = GradientVisualizer()
    for scale, smaller in ((0.5, True), (2.0, False)):
        figure = visualizer.draw(weight_scale=scale, activation="identity", length=40)
        norms = drawn(figure, "∂L/∂h").y
        assert bool(norms[0] < norms[-1] / 1000) is smaller
        assert bool(abs(eigenvalues(figure)).max() < 1) is smaller


@pytest.mark.parametrize(
    "model",
    [
        OwnLayer(1, 4),
        OwnModel(OwnLayer(1, 4)),
        nn.LSTM(1, 4),
        nn.RNN(2, 4, num_layers=2, batch_first=True),
        nn.GRU(1, 4, batch_first=True),
    ],
    ids=lambda m: type(m).__name__,
)
def test_the_model_never_changes(model):
    size = next(p.input_size for p in model.modules() if hasattr(p, "input_size"))
    model(torch.zeros(2, 3, size))  # keeps states that belong to a graph
    before = {name: value.clone() for name, value in model.state_dict().items()}
    visualizer = GradientVisualizer(model)
    visualizer.draw(weight_scale=3.0, bias_scale=0.0, length=5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert getattr(model, "nonlinearity", None) in (None, torch.tanh, "tanh")


def test_scales_multiply_weights_and_biases_of_the_recurrent_part_only():
    model = OwnModel(OwnLayer(1, 4))
    visualizer = GradientVisualizer(model)
    visualizer.draw(weight_scale=1e-6, bias_scale=2.0, length=4)
    expected = torch.tanh(2 * model.recurrent_net.linear.bias).expand(4, -1)
    assert torch.allclose(visualizer.trace.hidden[0, 0], expected, atol=1e-5)
    assert visualizer.trace.gradient_norms[0, -1] > 0  # the readout is not scaled


def test_a_changed_slider_redraws(monkeypatch):
    visualizer = GradientVisualizer(lambda hidden_size: OwnLayer(1, hidden_size))
    visualizer.widget()
    for name, value in {
        "weight_scale": 1.5,
        "bias_scale": 0.5,
        "activation": "relu",
        "hidden_size": 7,
        "length": 11,
        "last_step_only": False,
        "seed": 3,
    }.items():
        before = visualizer._output.outputs
        visualizer.controls[name].value = value
        assert not visualizer.message
        assert getattr(visualizer.settings, name) == value
        assert visualizer._output.outputs != before, name
    shown = visualizer._output.outputs[0]["data"]
    assert np.shape(shown["application/vnd.plotly.v1+json"]["data"][0]["z"]) == (7, 11)
    assert "Plotly.newPlot" in shown["text/html"]


def test_the_own_activation_is_the_default_and_seeds_repeat():
    visualizer = GradientVisualizer(OwnLayer(1, 3))
    assert visualizer.settings.activation == OWN
    first = visualizer.draw(seed=4).to_json()
    visualizer.draw(seed=5)
    assert visualizer.draw(seed=4).to_json() == first


def test_what_cannot_be_changed_is_refused():
    fixed = GradientVisualizer(OwnLayer(1, 3))
    with pytest.raises(InputError, match="hidden_size=5, but the model has 3"):
        fixed.draw(hidden_size=5)
    assert fixed.widget() is fixed.widget()
    assert fixed.controls["hidden_size"].disabled
    hard = GradientVisualizer(HardCoded(1, 3))
    with pytest.raises(InputError, match="nonlinearity"):
        hard.draw(activation="relu")
    with pytest.raises(InputError, match="did you mean 'relu'"):
        fixed.draw(activation="relo")
    with pytest.raises(InputError, match="unknown setting 'scale'"):
        fixed.draw(scale=2)
    with pytest.raises(InputError, match="weight_scale=0 must be positive"):
        fixed.draw(weight_scale=0)
    with pytest.raises(InputError, match="length=1"):
        fixed.draw(length=1)


def test_states_that_are_written_in_place_are_refused_with_a_remedy():
    with pytest.raises(InputError, match=r"torch\.stack"):
        GradientVisualizer(InPlace(1, 3))


def test_an_unwritten_or_other_model_is_refused():
    class Unwritten(nn.Module):
        def forward(self, x):
            raise NotImplementedError("RNNLayer.forward")

    with pytest.raises(InputError, match="still has to be written"):
        GradientVisualizer(Unwritten())
    with pytest.raises(InputError, match="expected a model that returns"):
        GradientVisualizer(nn.Linear(1, 2))
    with pytest.raises(InputError, match=r"torch\.nn\.Module"):
        GradientVisualizer("lstm")
    with pytest.raises(InputError, match="function of the hidden size"):
        GradientVisualizer(OwnLayer)


def test_without_ipywidgets_figures_are_drawn_and_sliders_are_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    visualizer = GradientVisualizer()
    assert visualizer.figure.data
    with pytest.raises(InputError, match="pip install ipywidgets"):
        visualizer.create_visualization()


def test_overflow_is_drawn_as_gaps():
    visualizer = GradientVisualizer(OwnLayer(1, 4))
    visualizer.widget()
    visualizer.controls["activation"].value = "identity"
    visualizer._draw(weight_scale=1e6, length=30)
    assert len(visualizer.figure.data) == 6
