"""The demos of linear autoencoders: their numbers, and the Python lines that compute them."""

from __future__ import annotations

import math

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.studio.demos import load_demo
from eigenlab.studio.demos.objective_quiz import ObjectiveQuizSettings
from eigenlab.studio.demos.pca import PCASettings
from eigenlab.studio.demos.regularized_autoencoder import RegularizedAutoencoderSettings
from eigenlab.studio.drawing import figure_json
from eigenlab.studio.plot import difference

DEMOS = ("pca", "regularized-autoencoder", "objective-quiz")
EXAMPLES = [
    pytest.param(name, example, id=f"{name}: {example.label}")
    for name in DEMOS
    for example in load_demo(name).examples
]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_the_python_lines_leave_the_numbers(name, example):
    demo = load_demo(name)
    view = demo.draw(demo.settings(**example.changes))
    names = {}
    exec(view.python, names)
    for key, value in view.numbers.items():
        assert float(names[key]) == pytest.approx(value, abs=1e-9, nan_ok=True), key


@pytest.mark.parametrize("name", DEMOS)
def test_the_same_settings_give_the_same_view(name):
    demo = load_demo(name)
    first, second = demo.draw(demo.settings()), demo.draw(demo.settings())
    assert first.sentence == second.sentence
    for a, b in zip(first.panels, second.panels, strict=True):
        same = [{}] * len(a.figure.data), None
        assert difference(figure_json(a.figure), figure_json(b.figure)) == same


def test_the_least_loss_is_the_discarded_share_of_the_variance():
    """Variances 1, 1/2, 1/4, 1/8 and two units: (1/4 + 1/8) / (15/8) = 1/5."""
    view = load_demo("pca").draw(PCASettings(dimension=4, hidden_units=2, decay=0.5))
    assert view.numbers["least_loss"] == pytest.approx(0.2, abs=1e-12)
    assert view.numbers["loss"] == pytest.approx(0.2, abs=1e-4)
    assert "keep no axis" in view.sentence
    assert "then axis 1" in view.sentence


def test_as_many_units_as_features_reach_no_loss():
    settings = PCASettings(dimension=2, hidden_units=2, start=0.1, steps=2000)
    assert load_demo("pca").draw(settings).numbers["loss"] == pytest.approx(0, abs=1e-6)


def test_equal_variances_have_no_single_principal_subspace():
    assert "every subspace" in load_demo("pca").draw(PCASettings(decay=1)).sentence


def test_a_learning_rate_that_diverges_is_refused_with_a_bound():
    with pytest.raises(InputError, match="take less than"):
        load_demo("pca").draw(PCASettings(learning_rate=1, start=1, steps=200))


def test_more_units_than_features_are_refused():
    with pytest.raises(InputError, match="hidden_units=4"):
        load_demo("pca").draw(PCASettings(dimension=3, hidden_units=4))


def test_at_a_saddle_the_loss_is_that_of_its_discarded_axes():
    """Axes 3 and 4 are kept: (1 + 1/2) / (15/8) = 4/5 of the variance is lost."""
    view = load_demo("pca").draw(PCASettings(at_saddle=True, start=1e-8, steps=10))
    assert view.numbers["loss"] == pytest.approx(0.8, abs=1e-6)
    assert view.numbers["largest_angle"] == pytest.approx(math.pi / 2, abs=1e-4)
    assert "still at the saddle that keeps axes 3, 4" in view.sentence
    assert isinstance(view.numbers["loss"], float)
    assert torch.is_grad_enabled()


def test_a_slider_changes_only_numbers():
    for name, moved in (
        ("pca", {"start": 0.01}),
        ("regularized-autoencoder", {"lam": 0.5}),
        ("objective-quiz", {"lam": 0.5, "optimizer": "SGD"}),
    ):
        demo = load_demo(name)
        first = demo.draw(demo.settings())
        second = demo.draw(demo.settings(**moved))
        for a, b in zip(first.panels, second.panels, strict=True):
            assert difference(figure_json(a.figure), figure_json(b.figure)) is not None, a.name


@pytest.mark.parametrize("method", ["gradient descent", "closed form"])
def test_the_minimum_has_the_predicted_columns(method):
    """Variances 1, 1/2, 1/4 and lambda 0.1: the least squared singular value is 1 - 0.1 / 0.25."""
    demo = load_demo("regularized-autoencoder")
    view = demo.draw(RegularizedAutoencoderSettings(lam=0.1, method=method))
    assert view.numbers["largest_error"] < 1e-9
    assert view.numbers["asymmetry"] < 1e-9
    assert view.numbers["deviation"] == pytest.approx(0.4, abs=1e-9)
    assert view.numbers["active"] == 3


@pytest.mark.parametrize("method", ["gradient descent", "closed form", "one at a time"])
def test_a_penalty_above_all_variances_leaves_nothing(method):
    demo = load_demo("regularized-autoencoder")
    view = demo.draw(RegularizedAutoencoderSettings(lam=2, method=method))
    assert view.numbers["active"] == 0
    assert view.numbers["largest_error"] < 1e-6
    assert "shrink to zero" in view.sentence


def test_one_combination_with_weight_decay_and_one_without_follow_the_gradient():
    """The gradient of lambda ||W||^2 is 2 lambda W, what SGD adds for weight_decay=2 lambda."""
    demo = load_demo("objective-quiz")
    equal = {"loss": "squared, summed", "optimizer": "SGD"}
    found = {}
    for regularizer, decay in (("weight decay", "2 λ"), ("penalty in the loss", "λ")):
        settings = ObjectiveQuizSettings(regularizer=regularizer, decay=decay, **equal)
        view = demo.draw(settings)
        assert view.numbers["difference"] < 1e-9
        assert view.sentence.startswith("Equal")
        found[regularizer] = [goal.reached for goal in view.goals]
        # It stays at the minimum of L.
        assert max(view.panels[1].figure.data[0].y) < 1e-12
    assert found == {"weight decay": [True, False], "penalty in the loss": [False, True]}


@pytest.mark.parametrize(
    "change",
    [
        {"decay": "λ"},
        {"decay": "4 λ"},
        {"optimizer": "Adam"},
        {"optimizer": "AdamW"},
        {"loss": "squared, averaged"},
        {"loss": "absolute"},
        {"loss": "cross-entropy"},
        {"layers": "tanh"},
        {"layers": "with bias"},
        {"regularizer": "none"},
        {"regularizer": "dropout"},
        {"regularizer": "batch norm"},
        {"regularizer": "layer norm"},
    ],
)
def test_every_change_of_the_exact_combination_is_told_with_a_reason(change):
    exact = {"loss": "squared, summed", "optimizer": "SGD", "decay": "2 λ"}
    settings = ObjectiveQuizSettings(**(exact | change))
    view = load_demo("objective-quiz").draw(settings)
    assert view.numbers["difference"] > 1e-3
    assert view.sentence.count(";") == 0  # one reason
    assert not view.sentence.endswith(": .")
    names = {}
    exec(view.python, names)
    assert names["difference"] == pytest.approx(view.numbers["difference"], abs=1e-9)


def test_the_error_of_a_wrong_decay_is_that_of_the_formula():
    """SGD with decay lambda instead of 2 lambda: the update is short of lambda W."""
    settings = ObjectiveQuizSettings(loss="squared, summed", optimizer="SGD", decay="λ", lam=0.5)
    view = load_demo("objective-quiz").draw(settings)
    names = {}
    exec(view.python, names)
    W = torch.cat([part.flatten() for part in names["point"]])
    expected = 1e-3 * 0.5 * W.norm() / names["wanted"].norm()
    assert view.numbers["difference"] == pytest.approx(float(expected), rel=1e-6)
