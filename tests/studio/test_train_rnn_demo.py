"""The page on training a recurrent network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from eigenlab.recurrent import RNN, RecurrentRegressor, running_average
from eigenlab.reporter import Reporter
from eigenlab.studio.demos.train_rnn import DEMO, FORMAT, TrainRNNSettings, draw, prepare
from eigenlab.training import generator
from eigenlab.training.storage import read_model
from studio.demo_checks import check_python_lines, check_same, check_updates_in_place, trace

TINY = TrainRNNSettings(updates=50, hidden_size=6, length=6, lag=3)
VARIANTS = [
    {},
    {"task": "delayed copy"},
    {"cell": "LSTM", "num_layers": 2},
    {"hidden_size": 1, "length": 3},
]


def _prepared(settings: TrainRNNSettings, folder: Path) -> Path:
    prepare(settings, folder, Reporter())
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _prepared(TINY, tmp_path_factory.mktemp("rnn"))


@pytest.mark.parametrize("changes", VARIANTS)
def test_python_lines_compute_the_numbers(tmp_path, changes):
    settings = TINY.replace(**changes)
    check_python_lines(draw(settings, _prepared(settings, tmp_path)))


def test_plotted_answers_are_those_of_the_stored_weights(folder):
    """By the recurrence written out on the first test sequence."""
    weights, _ = read_model(folder / "network.safetensors", format=FORMAT)
    W_h, W_x, b = (weights[f"recurrent.layers.0.{name}"] for name in ("W_h", "W_x", "b"))
    x, y = running_average(128, 6, generator=generator(0, "fresh sequences"), dtype=torch.float64)
    h, answers = torch.zeros(6, dtype=torch.float64), []
    for t in range(6):
        h = torch.tanh(W_h @ h + W_x @ x[0, t] + b)
        answers.append((weights["readout.weight"] @ h + weights["readout.bias"]).item())
    view = draw(TINY, folder)
    assert list(trace(view, "predictions", "network").y) == pytest.approx(answers, rel=1e-9)
    assert list(trace(view, "predictions", "target").y) == pytest.approx(y[0, :, 0].tolist())


def test_targets_are_running_averages_and_delayed_inputs(folder, tmp_path):
    """Always answering 0 costs the mean of 1/t for the average of standard normal inputs."""
    expected = sum(1 / t for t in range(1, 7)) / 6
    assert draw(TINY, folder).numbers["loss_of_zero"] == pytest.approx(expected, rel=0.2)
    settings = TINY.replace(task="delayed copy")
    found = draw(settings, _prepared(settings, tmp_path)).numbers["loss_of_zero"]
    assert found == pytest.approx(3 / 6, rel=0.2)  # three of six answers are inputs, the rest 0


def test_gradient_before_the_training_is_that_of_autograd(folder):
    """Of the untrained network, by torch alone."""
    model = RecurrentRegressor(RNN(1, 6, 1, dtype=torch.float64))
    model.reset_parameters(generator(0, "weights"))
    x, y = running_average(128, 6, generator=generator(0, "fresh sequences"), dtype=torch.float64)
    x, y = x[:32], y[:32]
    layer = model.layers[0]
    h = torch.zeros(32, 6, dtype=torch.float64)
    states = []
    for t in range(6):
        h = torch.tanh(h @ layer.W_h.T + x[:, t] @ layer.W_x.T + layer.b)
        h.retain_grad()
        states.append(h)
    loss = (model.readout(h) - y[:, -1]).square().mean()
    loss.backward()
    expected = [state.grad.norm(dim=1).mean().item() for state in states]
    shown = trace(draw(TINY, folder), "norms", "before training, layer 1").y
    assert list(shown) == pytest.approx(expected, rel=1e-9)


def test_eigenvalues_are_those_of_the_first_and_last_weights(folder):
    weights, _ = read_model(folder / "network.safetensors", format=FORMAT)
    matrix = next(value for name, value in weights.items() if name.endswith("W_h"))
    expected = torch.linalg.eigvals(matrix).abs().sort().values
    shown = trace(draw(TINY, folder), "eigenvalues", "after training, layer 1")
    found = sorted(abs(complex(a, b)) for a, b in zip(shown.x, shown.y, strict=True))
    assert found == pytest.approx(expected.tolist(), rel=1e-6)


def test_other_test_sequences_need_no_training(folder):
    first, second = (draw(TINY.replace(sequence=k), folder) for k in (0, 1))
    assert first.numbers["loss"] != second.numbers["loss"]
    assert "sequence" not in DEMO.preparation.settings


def test_same_settings_same_view_and_other_settings_move_numbers_only(folder, tmp_path):
    first = draw(TINY, folder)
    check_same(first, draw(TINY, folder))
    deep = TINY.replace(cell="LSTM", num_layers=2, task="delayed copy")
    check_updates_in_place(first, draw(deep, _prepared(deep, tmp_path)))


def test_examples_are_settings():
    for example in DEMO.examples:
        TrainRNNSettings(**example.changes)
