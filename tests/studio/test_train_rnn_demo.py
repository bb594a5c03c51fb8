"""The page on training a recurrent network."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.recurrent import RNN, RecurrentRegressor, running_average
from eigenlab.reporter import Reporter
from eigenlab.studio.demos.own_sequence import column_values, last_windows, split_sequence
from eigenlab.studio.demos.train_rnn import DEMO, TrainRNNSettings, draw, prepare
from eigenlab.studio.demos.train_rnn_networks import FORMAT
from eigenlab.studio.drawing import NotPrepared, prepared_folder
from eigenlab.studio.drawing import draw as draw_page
from eigenlab.training import generator
from eigenlab.training.storage import read_model
from studio.demo_checks import check_python_lines, check_same, check_updates_in_place, trace

TINY = TrainRNNSettings(updates=50, hidden_size=6, length=6, lag=3)
VARIANTS = [
    {},
    {"task": "delayed copy"},
    {"compare": True, "second_layers": 2, "second_size": 3, "second_rate": 0.02},
    {"task": "own numbers", "sequence": 3},
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
    weights, _ = read_model(folder / "network-1.safetensors", format=FORMAT)
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
    weights, _ = read_model(folder / "network-1.safetensors", format=FORMAT)
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
    deep = TINY.replace(cell="LSTM", num_layers=2, task="delayed copy", compare=True)
    check_updates_in_place(first, draw(deep, _prepared(deep, tmp_path)))


def test_two_networks_are_drawn_as_each_is_alone(folder, tmp_path):
    """They share the data and the seed, so that nothing but the settings differs."""
    both = TINY.replace(compare=True, second_cell="LSTM", second_size=4, second_rate=0.02)
    alone = TINY.replace(cell="LSTM", hidden_size=4, learning_rate=0.02)
    first = draw(TINY, folder)
    (tmp_path / "alone").mkdir()
    second = draw(alone, _prepared(alone, tmp_path / "alone"))
    view = draw(both, _prepared(both, tmp_path))
    for panel, name in (("predictions", "network"), ("loss", "network")):
        assert trace(view, panel, name).y == trace(first, panel, name).y
        assert trace(view, panel, f"second {name}").y == trace(second, panel, name).y
    name = "after training, layer 1"
    shown = trace(view, "norms", "second, after, layer 1").y
    assert shown == trace(second, "norms", name).y
    assert view.numbers["second_ratio_after"] == second.numbers["ratio_after"]
    assert "(RNN)" in view.sentence
    assert "(LSTM)" in view.sentence


def test_own_numbers_are_predicted_on_their_last_fifth(tmp_path):
    """The first window of the test begins at number 17 of 20, and nothing of it was trained on."""
    values = np.random.default_rng(0).normal(5, 2, 20).round(3)
    settings = TINY.replace(
        task="own numbers", length=3, numbers="\n".join(f"{value}" for value in values)
    )
    view = draw(settings, _prepared(settings, tmp_path))
    assert list(trace(view, "predictions", "target").y) == pytest.approx(values[17:20])
    train, test = values[:16], values[16:]
    variance = train.var()
    assert view.numbers["loss_of_zero"] == pytest.approx(
        np.mean((test[1:] - train.mean()) ** 2) / variance
    )
    assert view.numbers["loss_of_repeating"] == pytest.approx(
        np.mean((test[1:] - test[:-1]) ** 2) / variance
    )


def test_a_constant_end_can_be_drawn(tmp_path):
    """To answer the mean costs nothing there, so that no loss is a multiple of it."""
    numbers = ("0 2 " * 20) + "1 " * 10
    settings = TINY.replace(task="own numbers", length=3, numbers=numbers)
    view = draw(settings, _prepared(settings, tmp_path))
    assert view.numbers["loss_of_zero"] == 0
    assert "∞ times" in view.sentence
    assert "on the last 10 numbers" in view.sentence


def test_numbers_beyond_the_training_part_do_not_reach_it():
    """A test that peeks would standardise by all numbers."""
    values = [0.0, 2.0] * 20
    calm, wild = (split_sequence([*values, *end], 3) for end in ([1.0] * 10, [1e6] * 10))
    assert torch.equal(calm.train, wild.train)
    assert (calm.mean, calm.scale) == (1.0, 1.0)


def test_test_windows_are_all_there_and_in_a_circle():
    x, y = last_windows(torch.arange(10.0), 4, 99, 8)
    assert sorted(x[:, 0, 0].tolist()) == [0, 1, 2, 3, 4, 5]
    assert x[0, :, 0].tolist() == [2, 3, 4, 5]
    assert torch.equal(y, x + 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"numbers": ""}, "has 0 numbers"),
        ({"numbers": "1, two, 3"}, "'two' is no number"),
        ({"numbers": "1, nan, 3"}, "beyond"),
        ({"numbers": "1,5; 2,5; 3,5"}, "one number or two"),
        ({"numbers": "1,5\n2,5\n3,5"}, "one number or two"),
        ({"numbers": "1 2 3 4"}, "expected 21 to 5,000"),
        ({"numbers": "7 " * 40}, "all equal"),
        ({"numbers": "0.1 " * 40}, "all equal"),
        ({"task": "own table", "table": ""}, "table is empty"),
        ({"task": "own table", "table": "a,b\n1,2\n4,3\n"}, "2 columns of numbers: a, b"),
        ({"task": "own table", "table": "a,b\n1,2\n", "column": "c"}, "column c: no such column"),
        ({"task": "own table", "table": "a,b\n1,2\n3,\n5,6\n", "column": "b"}, "row 2"),
        ({"task": "own table", "table": "<img src=x>,b\n1,2\n4,3\n"}, "‹img src=x›, b"),
    ],
)
def test_bad_numbers_are_refused_before_a_training_is_offered(changes, words):
    settings = TINY.replace(task="own numbers").replace(**changes)
    with pytest.raises(InputError, match=re.escape(words)) as caught:
        draw_page("train-rnn", settings)
    assert "/tmp" not in str(caught.value)
    assert "--" not in str(caught.value)


def test_a_column_of_a_table_is_a_sequence():
    rows = "".join(f"{1900 + k},{k * k % 17}\n" for k in range(40))
    assert column_values("year,value\n" + rows, "value") == [k * k % 17 for k in range(40)]
    with pytest.raises(NotPrepared):
        draw_page("train-rnn", TINY.replace(task="own table", hidden_size=5))


def test_settings_without_effect_need_no_new_training():
    demo = DEMO
    for other in ({"second_size": 5}, {"lag": 9}, {"numbers": "1 2"}, {"table": ""}):
        assert prepared_folder(demo, TINY.replace(**other)) == prepared_folder(demo, TINY)
    both = TINY.replace(compare=True)
    assert prepared_folder(demo, both.replace(second_size=5)) != prepared_folder(demo, both)


def test_examples_are_settings():
    for example in DEMO.examples:
        TrainRNNSettings(**example.changes)
