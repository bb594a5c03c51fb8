"""An experiment whose middle stage trains, for tests that kill it; also runs as a program.

``python trainable.py FOLDER [STEP]`` runs it in FOLDER (resuming), and with STEP kills itself with
SIGKILL when the loss of that step has been streamed.
"""

import os
import signal
import sys
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from eigenlab.lab import Claim, Config, Experiment, Stage, at_most, close, setting
from eigenlab.reporter import Reporter
from eigenlab.training import generated, generator, train

STEPS = 60


class TrainableConfig(Config):
    presets: ClassVar = {"smoke": {}, "course": {}, "full": {"width": 8}}

    width: int = setting(4, "Hidden units.", ge=1, le=64)
    rate: float = setting(0.05, "Learning rate.", gt=0)


def prepare(config, context):
    return {"width": config.width, "nothing": float("nan"), "bound": float("inf")}


def fit(config, context):
    torch.manual_seed(config.seed)
    model = nn.Sequential(nn.Linear(2, config.width), nn.Tanh(), nn.Dropout(0.2))
    model.append(nn.Linear(config.width, 1))
    history = train(
        model,
        lambda model, batch: (model(batch[0]) - batch[0].sum(1, keepdim=True)).square().mean(),
        generated(lambda g: (torch.randn(8, 2, generator=g),), config.seed),
        optimizer=torch.optim.Adam(model.parameters(), lr=config.rate),
        steps=STEPS,
        log_every=1,
        reporter=context.reporter,
        checkpoint=context.checkpoint("fit"),
        checkpoint_every=10,
    )
    weights = [parameter.detach() for parameter in model.parameters()]
    return {"seeds": [config.seed], "losses": history.losses, "weights": weights}


def conclude(config, context):
    return {"draw": torch.rand(1, generator=generator(config.seed, "end")).item()}


EXPERIMENT = Experiment(
    name="trainable",
    title="A training",
    source=("9c",),
    summary="Three stages, the second one trains.",
    config=TrainableConfig,
    stages=(Stage("prepare", prepare), Stage("fit", fit), Stage("conclude", conclude)),
    claims=(
        Claim(
            "9c.width",
            "The width is the configured one.",
            "9c",
            "prepare",
            lambda record: [close("width", record["width"], 4, tolerance=0)],
        ),
        Claim(
            "9c.bound",
            "NaN is not below a bound.",
            "9c",
            "prepare",
            lambda record: [at_most("nothing", record["nothing"], record["bound"])],
        ),
        Claim(
            "9c.learns",
            "The loss falls.",
            "9c",
            "fit",
            lambda record: [at_most("last loss", record["losses"][-1][1], record["losses"][0][1])],
        ),
        Claim(
            "9c.end",
            "A draw is below one.",
            "9c",
            "conclude",
            lambda record: [at_most("draw", record["draw"], 1.0)],
        ),
    ),
)


class Killer(Reporter):
    def __init__(self, step):
        self.step = step

    def metrics(self, values, *, step):
        if step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    torch.set_num_threads(1)
    chosen = Killer(int(sys.argv[2])) if len(sys.argv) > 2 else Reporter()
    EXPERIMENT.run(reporter=chosen, folder=Path(sys.argv[1]), resume=True)
