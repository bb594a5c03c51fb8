"""A training that was stopped and resumed equals, bit for bit, one that never stopped."""

import json
import signal
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn

from eigenlab.errors import Cancelled, InputError
from eigenlab.reporter import Reporter
from eigenlab.training import (
    TrainingDiverged,
    checkpoint,
    cosine,
    generator,
    minibatches,
    one_cycle,
    train,
)

OPTIMIZERS = {
    "sgd": partial(torch.optim.SGD, lr=0.1),
    "nesterov": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "adam": partial(torch.optim.Adam, lr=0.01),
    "fused": partial(torch.optim.AdamW, lr=0.01, fused=True),
    "amsgrad": partial(torch.optim.AdamW, lr=0.01, amsgrad=True, weight_decay=0.1),
    "rmsprop": partial(torch.optim.RMSprop, lr=0.01, centered=True, momentum=0.5),
}
STEPS = 24


class Stopper(Reporter):
    """Cancels when the loss of step ``at`` is reported."""

    def __init__(self, at=None):
        self.at, self.messages = at, []

    def metrics(self, values, *, step):
        if step == self.at:
            self.cancel()

    def message(self, text):
        self.messages.append(text)


def make_model(hidden=6):
    """Dropout draws from the global generator, batch norm has buffers: both must be resumed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(3, hidden),
            nn.BatchNorm1d(hidden),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.Linear(hidden, 1),
        )


X = torch.randn(20, 3, generator=generator(0, "x"))
Y = X.prod(1, keepdim=True)


def objective(model, batch):
    return nn.functional.mse_loss(model(batch[0]), batch[1])


def evaluate(model):
    return {"error": objective(model, (X, Y)).item()}


def run(path, optimizer="adam", *, model=None, reporter=None, seed=0, objective=objective, **plan):
    model = model or make_model()
    torch.manual_seed(5)
    options = {
        "steps": STEPS,
        "schedule": one_cycle(STEPS),
        "clip_norm": 0.5,
        "evaluate": evaluate,
        "evaluate_every": 3,
        "monitor": "error",
        "patience": 7,
        "log_every": 1,
    }
    history = train(
        model,
        objective,
        minibatches(X, Y, batch_size=6, seed=seed),
        optimizer=OPTIMIZERS[optimizer](model.parameters()),
        reporter=reporter or Reporter(),
        checkpoint=path,
        **{**options, **plan},
    )
    return model, history


def assert_same(one, other):
    (model, history), (other_model, other_history) = one, other
    for (name, value), again in zip(
        model.state_dict().items(), other_model.state_dict().values(), strict=True
    ):
        assert torch.equal(value, again), name
    assert history.losses == other_history.losses
    assert history.evaluations == other_history.evaluations
    assert (history.best_step, history.best_value) == (
        other_history.best_step,
        other_history.best_value,
    )
    assert (history.stopped, history.steps) == (other_history.stopped, other_history.steps)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("stop", [1, 10, 12, STEPS - 1])
def test_cancel_and_resume_is_bit_identical(tmp_path, optimizer, stop):
    with pytest.raises(Cancelled, match=f"after step {stop} of {STEPS}; resume from"):
        run(tmp_path / "part", optimizer, reporter=Stopper(stop))
    torch.manual_seed(99)  # a resumed process starts from another random state
    reporter = Stopper()
    resumed = run(tmp_path / "part", optimizer, reporter=reporter)
    assert reporter.messages == [f"resumed after step {stop} of {STEPS}"]
    assert_same(resumed, run(None, optimizer))


def test_a_training_may_be_interrupted_many_times(tmp_path):
    for stop in (2, 3, 9, 17):
        with pytest.raises(Cancelled):
            run(tmp_path / "part", reporter=Stopper(stop))
    assert_same(run(tmp_path / "part"), run(None))


def test_patience_counts_across_an_interruption(tmp_path):
    """A learning rate of 0 never improves: three evaluations after the first one it stops."""
    plan = {"schedule": lambda step: 0.0, "patience": 3, "evaluate_every": 2}
    frozen = make_model().eval()
    plan["objective"] = lambda model, batch: objective(frozen, batch) + 0 * model[0].weight.sum()
    with pytest.raises(Cancelled):
        run(tmp_path / "part", reporter=Stopper(5), **plan)
    _, history = run(tmp_path / "part", **plan)
    assert (history.stopped, history.best_step, history.steps) == ("patience", 2, 8)


def test_a_crash_falls_back_to_the_last_periodic_checkpoint(tmp_path):
    calls = []

    def crashing(model, batch):
        calls.append(1)
        if len(calls) == 15:
            raise RuntimeError("out of memory")
        return objective(model, batch)

    with pytest.raises(RuntimeError, match="out of memory"):
        run(tmp_path / "part", objective=crashing, checkpoint_every=4)
    reporter = Stopper()
    resumed = run(tmp_path / "part", reporter=reporter, checkpoint_every=4)
    assert reporter.messages == [f"resumed after step 12 of {STEPS}"]
    assert_same(resumed, run(None))


@pytest.mark.parametrize("failing", [".safetensors", ".json"])
def test_a_kill_between_the_two_files_leaves_the_old_pair(tmp_path, monkeypatch, failing):
    """Writing the second checkpoint fails before or after its tensors are written."""
    write, written = checkpoint.write_atomic, []

    def failing_write(path, content):
        written.append(path.suffix)
        if written.count(failing) == 2 and path.suffix == failing:
            raise KeyError("killed")
        write(path, content)

    monkeypatch.setattr(checkpoint, "write_atomic", failing_write)
    with pytest.raises(KeyError, match="killed"):
        run(tmp_path / "part", checkpoint_every=5)
    monkeypatch.undo()
    reporter = Stopper()
    resumed = run(tmp_path / "part", checkpoint_every=5, reporter=reporter)
    assert reporter.messages == [f"resumed after step 5 of {STEPS}"]
    assert_same(resumed, run(None))
    assert len(list(tmp_path.iterdir())) == 2, "no other file is left"


def test_a_killed_restart_leaves_the_earlier_checkpoint_intact(tmp_path, monkeypatch):
    """The new run's tensors of the same step must not replace the earlier ones."""
    first = run(tmp_path / "part")
    write = checkpoint.write_atomic

    def failing_write(path, content):
        if path.suffix == ".json":
            raise KeyError("killed")
        write(path, content)

    monkeypatch.setattr(checkpoint, "write_atomic", failing_write)
    with pytest.raises(KeyError, match="killed"):
        run(tmp_path / "part", seed=1, resume=False, checkpoint_every=STEPS)
    monkeypatch.undo()
    assert_same(run(tmp_path / "part"), first)


def test_a_finished_training_returns_at_once(tmp_path):
    finished = run(tmp_path / "part")

    def never(model, batch):
        pytest.fail("nothing is left to do")

    again = run(tmp_path / "part", objective=never)
    assert_same(again, finished)
    assert again[1].seconds == finished[1].seconds


def test_checkpoints_in_one_folder_are_independent(tmp_path):
    for name in ("a", "a-1", "a-1-2", "b.c"):
        run(tmp_path / name, seed=len(name))
    assert len(list(tmp_path.iterdir())) == 8
    for name in ("a", "a-1", "a-1-2", "b.c"):
        assert_same(run(tmp_path / name, seed=len(name)), run(None, seed=len(name)))


def test_resume_false_starts_again(tmp_path):
    with pytest.raises(Cancelled):
        run(tmp_path / "part", reporter=Stopper(5))
    reporter = Stopper()
    assert_same(run(tmp_path / "part", resume=False, reporter=reporter), run(None))
    assert reporter.messages == []


def test_tied_weights_are_kept_tied(tmp_path):
    def tied():
        model = make_model()
        model.other = nn.Linear(3, 6, bias=False)
        model.other.weight = model[0].weight
        return model

    head = {"objective": lambda m, b: (m[0](b[0]) ** 2).mean() + (m.other(b[0]) ** 2).mean()}
    head |= {"evaluate": None, "evaluate_every": None, "monitor": None, "patience": None}
    with pytest.raises(Cancelled):
        run(tmp_path / "part", model=tied(), reporter=Stopper(5), **head)
    resumed = run(tmp_path / "part", model=tied(), **head)
    assert resumed[0].other.weight is resumed[0][0].weight
    assert_same(resumed, run(None, model=tied(), **head))


def test_a_diverged_state_is_never_written(tmp_path):
    """Weights become NaN at step 8 through a NaN gradient; the file keeps those of step 6."""
    calls = []

    def with_nan(model, batch):
        calls.append(1)
        scale = 0.0 if len(calls) == 8 else 1.0
        return objective(model, batch) + (model[0].weight.sum() * 0 + scale).sqrt()

    with pytest.raises(TrainingDiverged, match="is not finite at step 8"):
        run(tmp_path / "part", objective=with_nan, checkpoint_every=2, clip_norm=None)
    assert json.loads((tmp_path / "part.json").read_text())["progress"]["step"] == 6


def test_another_training_is_refused_with_every_difference(tmp_path):
    run(tmp_path / "part")
    with pytest.raises(
        InputError, match=r"model \(0\.weight: float32 \(6, 3\) stored, float32 \(7"
    ):
        run(tmp_path / "part", model=make_model(hidden=7))
    with pytest.raises(InputError, match="class: Adam stored, RMSprop now"):
        run(tmp_path / "part", "rmsprop")
    with pytest.raises(InputError, match=r"clip_norm: 0\.5 stored, 2\.0 now"):
        run(tmp_path / "part", clip_norm=2.0)
    with pytest.raises(InputError, match=r"schedule: .* stored"):
        run(tmp_path / "part", schedule=cosine(STEPS))
    with pytest.raises(InputError, match=r"plan \(batches\.seed: 0 stored, 1 now\)"):
        run(tmp_path / "part", seed=1)
    with pytest.raises(InputError, match=r"optimizer .*; plan .*use the settings"):
        run(tmp_path / "part", "sgd", patience=2)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    run(tmp_path / "part")
    (tensors,) = tmp_path.glob("*.safetensors")
    whole = tensors.read_bytes()
    tensors.write_bytes(whole[:-1])
    with pytest.raises(InputError, match=r"safetensors is damaged .* remove part\.json"):
        run(tmp_path / "part")
    tensors.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match="is damaged"):
        run(tmp_path / "part")
    tensors.unlink()
    with pytest.raises(InputError, match=r"part\.json needs part-24-\w+\.safetensors, which"):
        run(tmp_path / "part")
    (tmp_path / "part.json").write_text("{}")
    with pytest.raises(InputError, match="is not a checkpoint of format"):
        run(tmp_path / "part")
    (tmp_path / "part.json").write_text("{")
    with pytest.raises(InputError, match="is not readable as JSON"):
        run(tmp_path / "part")


def test_an_optimizer_state_that_cannot_be_stored_is_refused(tmp_path):
    class Odd(torch.optim.SGD):
        def step(self, closure=None):
            super().step(closure)
            for parameter in self.param_groups[0]["params"]:
                self.state[parameter]["memory"] = [torch.zeros(1)]

    model = make_model()
    with pytest.raises(InputError, match="keeps 'memory' as a list"):
        train(
            model,
            objective,
            minibatches(X, Y, batch_size=6, seed=0),
            optimizer=Odd(model.parameters(), lr=0.1),
            steps=2,
            checkpoint=tmp_path / "part",
        )


def test_a_path_that_cannot_be_written_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        run(tmp_path / "file" / "part")


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_checkpoint as t

class Killer(t.Stopper):
    def metrics(self, values, *, step):
        if step == 17:
            os.kill(os.getpid(), signal.SIGKILL)

t.torch.set_num_threads(1)
t.run(Path({path!r}), checkpoint_every=5, reporter=Killer())
"""


def test_sigkill_and_resume_is_bit_identical(tmp_path):
    from pathlib import Path

    code = KILLED.format(tests=str(Path(__file__).parent), path=str(tmp_path / "part"))
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        reporter = Stopper()
        resumed = run(tmp_path / "part", checkpoint_every=5, reporter=reporter)
        assert reporter.messages == [f"resumed after step 15 of {STEPS}"]
        assert_same(resumed, run(None))
    finally:
        torch.set_num_threads(threads)
