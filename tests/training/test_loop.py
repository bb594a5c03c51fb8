"""The loop against closed forms: one weight, a quadratic or linear loss, plain gradient descent."""

import json
import math
import os
import signal
import threading

import pytest
import torch
from torch import nn

from eigenlab.errors import Cancelled, InputError
from eigenlab.reporter import Reporter
from eigenlab.training import TrainingDiverged, cosine, minibatches, train, update


class Scalar(nn.Module):
    """One float64 weight ``w``."""

    def __init__(self, w=1.0):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(w, dtype=torch.float64))


def no_data(step):
    return (torch.zeros(1),)


def quadratic(model, batch):
    return model.w**2


def linear(model, batch):
    return model.w * 3.0


def sgd(model, lr=0.1, **options):
    return torch.optim.SGD(model.parameters(), lr=lr, **options)


class Recorder(Reporter):
    def __init__(self, cancel_at=None):
        self.streamed, self.progressed, self.messages = [], [], []
        self.cancel_at = cancel_at

    def metrics(self, values, *, step):
        self.streamed.append((step, dict(values)))
        if step == self.cancel_at:
            self.cancel()

    def progress(self, done, total, message=""):
        self.progressed.append((done, total))

    def message(self, text):
        self.messages.append(text)


def test_gradient_descent_on_a_quadratic_is_geometric():
    """w <- w - lr 2 w, so the loss before update k is (1 - 2 lr)^(2 (k - 1)) w0^2."""
    model = Scalar(2.0)
    history = train(model, quadratic, no_data, optimizer=sgd(model), steps=30, log_every=1)
    expected = [4.0 * 0.8 ** (2 * k) for k in range(30)]
    assert [step for step, _ in history.losses] == list(range(1, 31))
    assert [loss for _, loss in history.losses] == pytest.approx(expected, rel=1e-12)
    assert model.w.item() == pytest.approx(2 * 0.8**30, rel=1e-12)
    assert (history.stopped, history.steps) == ("steps", 30)
    assert history.seconds > 0


def test_a_schedule_multiplies_the_learning_rate_which_is_restored():
    """With gradient 3 the weight moves by -lr * 3 * sum of the factors."""
    model = Scalar(0.0)
    optimizer = sgd(model)
    reporter = Recorder()
    train(
        model,
        linear,
        no_data,
        optimizer=optimizer,
        steps=10,
        schedule=cosine(10),
        log_every=1,
        reporter=reporter,
    )
    factors = [cosine(10)(step) for step in range(10)]
    assert model.w.item() == pytest.approx(-0.3 * sum(factors), rel=1e-12)
    rates = [values["learning_rate"] for _, values in reporter.streamed]
    assert rates == pytest.approx([0.1 * factor for factor in factors])
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_clipping_bounds_the_step_and_reports_the_norm_before_it():
    model, reporter = Scalar(0.0), Recorder()
    train(
        model,
        linear,
        no_data,
        optimizer=sgd(model),
        steps=4,
        clip_norm=0.5,
        log_every=1,
        reporter=reporter,
    )
    # clip_grad_norm_ divides by norm + 1e-6, hence the relative tolerance
    assert model.w.item() == pytest.approx(-0.1 * 0.5 * 4, rel=1e-6)
    assert [values["gradient_norm"] for _, values in reporter.streamed] == [3.0] * 4


def test_log_every_keeps_the_first_and_the_last_loss():
    model, reporter = Scalar(), Recorder()
    history = train(
        model,
        quadratic,
        no_data,
        optimizer=sgd(model),
        steps=25,
        log_every=10,
        reporter=reporter,
    )
    assert [step for step, _ in history.losses] == [1, 10, 20, 25]
    assert [step for step, _ in reporter.streamed] == [1, 10, 20, 25]
    assert reporter.progressed == [(step, 25) for step in (1, 10, 20, 25)]


def test_evaluation_runs_in_evaluation_mode_without_gradients():
    model, seen = Scalar(), []
    model.dropout = nn.Dropout()

    def evaluate(model):
        seen.append((model.training, model.dropout.training, torch.is_grad_enabled()))
        return {"w": model.w}

    def objective(model, batch):
        assert model.training
        return model.w**2

    history = train(
        model,
        objective,
        no_data,
        optimizer=sgd(model),
        steps=7,
        evaluate=evaluate,
        evaluate_every=3,
    )
    assert seen == [(False, False, False)] * 3
    assert [step for step, _ in history.evaluations] == [3, 6, 7]
    assert history.curve("w")[1] == pytest.approx([0.8**3, 0.8**6, 0.8**7], rel=1e-12)
    assert model.training


def test_evaluation_is_once_per_epoch_by_default():
    model = Scalar()
    history = train(
        model,
        quadratic,
        minibatches(torch.zeros(10), batch_size=4, seed=0),
        optimizer=sgd(model),
        steps=9,
        evaluate=lambda model: {"w": model.w},
    )
    assert [step for step, _ in history.evaluations] == [3, 6, 9]


def test_target_stops_at_the_first_good_enough_evaluation():
    """0.8^k <= 0.5 first at k = 4."""
    model = Scalar()
    history = train(
        model,
        quadratic,
        no_data,
        optimizer=sgd(model),
        steps=50,
        evaluate=lambda model: {"w": model.w},
        evaluate_every=1,
        monitor="w",
        target=0.5,
    )
    assert (history.stopped, history.steps, history.best_step) == ("target", 4, 4)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_patience_stops_and_the_best_weights_are_kept(mode):
    """(w - 3)^2 of w = 1, 2, 3, ...: the best is the third, then ``patience`` more."""
    sign = 1.0 if mode == "min" else -1.0
    model = Scalar(0.0)
    history = train(
        model,
        lambda model, batch: -model.w,
        no_data,
        optimizer=sgd(model, lr=1.0),
        steps=50,
        evaluate=lambda model: {"error": sign * (model.w - 3) ** 2},
        evaluate_every=1,
        monitor="error",
        mode=mode,
        patience=4,
    )
    assert (history.stopped, history.steps) == ("patience", 7)
    assert (history.best_step, history.best_value) == (3, 0.0)
    assert model.w.item() == 3.0


def test_a_metric_that_is_nan_is_never_the_best():
    model = Scalar()
    values = iter([math.nan, 2.0, math.nan, 3.0])
    history = train(
        model,
        quadratic,
        no_data,
        optimizer=sgd(model),
        steps=4,
        evaluate=lambda model: {"error": next(values)},
        evaluate_every=1,
        monitor="error",
    )
    assert (history.best_step, history.best_value) == (2, 2.0)


def test_divergence_names_the_step_and_leaves_the_model_before_it():
    """w <- w - 2 lr w with lr = 1e200 gives |w| = 2e200, whose square overflows at step 2."""
    model = Scalar()
    with pytest.raises(TrainingDiverged, match=r"the loss \(inf\) is not finite at step 2.*lower"):
        train(model, quadratic, no_data, optimizer=sgd(model, lr=1e200), steps=10)
    assert model.w.item() == pytest.approx(-2e200)
    assert all(group["lr"] == 1e200 for group in sgd(model, lr=1e200).param_groups)


def test_on_a_gpu_divergence_is_found_at_the_next_logged_loss(monkeypatch, tmp_path):
    """Loss 3 overflows, and the next one that is checked is loss 4."""
    monkeypatch.setattr(update, "_reads_at_once", lambda device: False)
    model = Scalar()
    options = {"steps": 10, "log_every": 4, "checkpoint": tmp_path / "run", "checkpoint_every": 1}
    with pytest.raises(TrainingDiverged, match=r"loss .* at step 4; the last .* is 1 at step 1;"):
        train(model, quadratic, no_data, optimizer=sgd(model, lr=1e100), **options)
    stored = json.loads((tmp_path / "run.json").read_text())
    assert stored["progress"]["step"] < 4


def test_on_a_gpu_a_cancellation_takes_effect_at_once(monkeypatch):
    monkeypatch.setattr(update, "_reads_at_once", lambda device: False)
    model = Scalar()
    with pytest.raises(Cancelled, match="after step 1 of 10"):
        train(
            model,
            quadratic,
            no_data,
            optimizer=sgd(model),
            steps=10,
            log_every=5,
            reporter=Recorder(cancel_at=1),
        )


def test_a_gradient_that_is_nan_is_found_when_clipping():
    """sqrt has an infinite derivative at 0, and 0 * inf is NaN while the loss is finite."""
    model = Scalar(0.0)
    with pytest.raises(TrainingDiverged, match="gradient's norm"):
        train(
            model,
            lambda model, batch: (model.w * 0.0).sqrt(),
            no_data,
            optimizer=sgd(model),
            steps=3,
            clip_norm=1.0,
        )
    assert model.w.item() == 0.0


def test_cancelling_stops_after_the_current_step():
    model = Scalar()
    with pytest.raises(Cancelled, match="after step 3 of 10"):
        train(
            model,
            quadratic,
            no_data,
            optimizer=sgd(model),
            steps=10,
            log_every=1,
            reporter=Recorder(cancel_at=3),
        )
    assert model.w.item() == pytest.approx(0.8**3)


@pytest.fixture
def interruptible():
    """Ctrl-C as in a terminal; a shell starts background jobs without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_takes_effect_after_the_current_update(tmp_path):
    """The signal arrives inside the objective of update 4; the update is still finished."""
    model = Scalar()

    def objective(model, batch):
        if model.w.item() == pytest.approx(0.8**3):
            os.kill(os.getpid(), signal.SIGINT)
        return model.w**2

    with pytest.raises(KeyboardInterrupt):
        train(
            model,
            objective,
            no_data,
            optimizer=sgd(model),
            steps=10,
            checkpoint=tmp_path / "run",
        )
    assert model.w.item() == pytest.approx(0.8**4)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    history = train(
        model, quadratic, no_data, optimizer=sgd(model), steps=10, checkpoint=tmp_path / "run"
    )
    assert history.steps == 10
    assert model.w.item() == pytest.approx(0.8**10)


@pytest.mark.usefixtures("interruptible")
def test_a_second_ctrl_c_takes_effect_at_once():
    model = Scalar()

    def objective(model, batch):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the second interrupt must arrive at once")

    with pytest.raises(KeyboardInterrupt):
        train(model, objective, no_data, optimizer=sgd(model), steps=10)
    assert model.w.item() == 1.0


def test_training_works_in_a_thread():
    model = Scalar()
    thread = threading.Thread(
        target=train, args=(model, quadratic, no_data), kwargs={"optimizer": sgd(model), "steps": 5}
    )
    thread.start()
    thread.join()
    assert model.w.item() == pytest.approx(0.8**5)


def test_all_invalid_arguments_are_reported_at_once():
    model = Scalar()
    with pytest.raises(InputError) as caught:
        train(
            model,
            quadratic,
            no_data,
            optimizer=sgd(model),
            steps=0,
            clip_norm=-1.0,
            monitor="accuracy",
            mode="most",
            log_every=0,
        )
    for fault in ("steps=0", "clip_norm=-1.0", "mode='most'", "log_every=0", "need evaluate"):
        assert fault in str(caught.value)
    with pytest.raises(InputError, match="patience and target need monitor"):
        train(model, quadratic, no_data, optimizer=sgd(model), steps=1, patience=3)


@pytest.mark.parametrize(
    ("objective", "got"),
    [
        (lambda model, batch: model.w.repeat(2), r"shape \(2,\)"),
        (lambda model, batch: torch.tensor(1.0), r"shape \(\)"),
        (lambda model, batch: 1.0, "float"),
    ],
)
def test_an_objective_must_return_a_scalar_of_the_parameters(objective, got):
    model = Scalar()
    with pytest.raises(InputError, match=f"scalar tensor .* got {got}"):
        train(model, objective, no_data, optimizer=sgd(model), steps=1)


def test_the_optimizer_must_belong_to_the_model():
    with pytest.raises(InputError, match="parameters that model does not"):
        train(Scalar(), quadratic, no_data, optimizer=sgd(Scalar()), steps=1)


def test_metric_names_are_checked():
    model = Scalar()
    options = {"optimizer": sgd(model), "steps": 2, "evaluate_every": 1}
    with pytest.raises(InputError, match="evaluate returned 'loss'"):
        train(model, quadratic, no_data, evaluate=lambda model: {"loss": 1}, **options)
    with pytest.raises(InputError, match="monitor='acc' is not among the evaluated accuracy"):
        train(
            model,
            quadratic,
            no_data,
            evaluate=lambda model: {"accuracy": 1},
            monitor="acc",
            **options,
        )
    history = train(model, quadratic, no_data, evaluate=lambda model: {"accuracy": 1}, **options)
    with pytest.raises(InputError, match="metric 'acc' was not evaluated; known: loss, accuracy"):
        history.curve("acc")
