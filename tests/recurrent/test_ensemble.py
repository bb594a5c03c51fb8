"""Networks trained side by side are those trained alone."""

import pytest
import torch

from eigenlab.errors import Cancelled, InputError
from eigenlab.recurrent import (
    LSTM,
    RNN,
    LSTMLayer,
    RecurrentRegressor,
    RNNLayer,
    fit_regressor,
    fit_regressors,
    running_average,
)
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import TrainingDiverged

SETTINGS = {"steps": 30, "learning_rate": 1e-2, "log_every": 7}
PARTS = {
    "tanh": lambda: RNN(1, 5, dtype=torch.float64),
    "relu, two layers": lambda: RNN(1, 4, 2, "relu", dtype=torch.float64),
    "LSTM": lambda: LSTM(1, 3, dtype=torch.float64),
    "LSTM, two layers": lambda: LSTM(1, 3, 2, dtype=torch.float64),
    "bare layer": lambda: RNNLayer(1, 3, dtype=torch.float64),
    "bare LSTM layer": lambda: LSTMLayer(1, 3, dtype=torch.float64),
}


def draw(random):
    return running_average(6, 5, generator=random, dtype=torch.float64)


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(("last_step_only", "clip_norm"), [(False, None), (True, 0.3)])
def test_each_network_is_the_one_trained_alone(name, last_step_only, clip_norm):
    seeds = [3, 11, 12]
    options = {**SETTINGS, "last_step_only": last_step_only, "clip_norm": clip_norm}
    together = [RecurrentRegressor(PARTS[name]()) for _ in seeds]
    curves = fit_regressors(together, draw, seeds=seeds, **options)
    for seed, model, curve in zip(seeds, together, curves, strict=True):
        alone = RecurrentRegressor(PARTS[name]())
        history = fit_regressor(
            alone,
            draw,
            seed=seed,
            device=torch.device("cpu"),
            reporter=SILENT,
            checkpoint=None,
            **options,
        )
        steps, losses = history.curve()
        assert curve.steps == steps
        assert curve.losses == pytest.approx(losses, rel=1e-9)
        for found, expected in zip(model.parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_networks_of_two_shapes_are_refused():
    models = [RecurrentRegressor(RNN(1, 2)), RecurrentRegressor(RNN(1, 3))]
    options = {"steps": 1, "learning_rate": 1e-2, "last_step_only": False}
    with pytest.raises(InputError, match="models differ in kind, size or dtype"):
        fit_regressors(models, draw, seeds=[0, 1], **options)
    models = [RecurrentRegressor(RNN(1, 2, dtype=d)) for d in (torch.float32, torch.float64)]
    with pytest.raises(InputError, match="models differ in kind, size or dtype"):
        fit_regressors(models, draw, seeds=[0, 1], **options)
    models = [RecurrentRegressor(RNN(1, 2)), RecurrentRegressor(RNN(1, 2, nonlinearity="relu"))]
    with pytest.raises(InputError, match="models differ in kind, size or dtype"):
        fit_regressors(models, draw, seeds=[0, 1], **options)
    with pytest.raises(InputError, match="2 models and 1 seeds"):
        fit_regressors(models, draw, seeds=[0], **options)


def test_a_diverging_network_is_named():
    models = [RecurrentRegressor(RNN(1, 2, nonlinearity="relu")) for _ in range(2)]
    with pytest.raises(TrainingDiverged, match="model 0 is"):
        fit_regressors(
            models,
            lambda g: running_average(2, 3, generator=g),
            seeds=[0, 1],
            steps=50,
            learning_rate=1e18,
            last_step_only=False,
            log_every=1,
        )


def test_it_can_be_cancelled():
    reporter = Reporter()
    reporter.cancel()
    with pytest.raises(Cancelled):
        fit_regressors(
            [RecurrentRegressor(RNN(1, 2, dtype=torch.float64))],
            draw,
            seeds=[0],
            reporter=reporter,
            last_step_only=False,
            **SETTINGS,
        )


def test_networks_can_be_observed_on_the_way_and_start_as_asked():
    """Observed after two updates, they are those that two updates give."""
    options = {"seeds": [3, 4], "learning_rate": 1e-2, "last_step_only": False}

    def zeros(model, random):
        for parameter in model.parameters():
            torch.nn.init.zeros_(parameter)

    seen = {}

    def observing(models):
        def observe(step):
            seen[step] = [p.detach().clone() for model in models for p in model.parameters()]

        return {"steps": 5, "observe": observe, "observe_at": (2, 5)}

    models = [RecurrentRegressor(RNN(1, 3, dtype=torch.float64)) for _ in range(2)]
    fit_regressors(models, draw, initialize=zeros, **options, **observing(models))
    short = [RecurrentRegressor(RNN(1, 3, dtype=torch.float64)) for _ in range(2)]
    fit_regressors(short, draw, initialize=zeros, steps=2, **options)
    assert list(seen) == [2, 5]
    for found, expected in zip(seen[2], [p for m in short for p in m.parameters()], strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
    # From weights of zero only the readout's bias has a gradient at first.
    assert torch.count_nonzero(short[0].layers[0].W_x) == 0
