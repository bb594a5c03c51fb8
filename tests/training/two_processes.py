"""Trainings that test_distributed.py runs in one process and in two; prints JSON from rank 0.

Everything is float64: sums over processes are then compared at a tolerance where a wrong weight
of an uneven part (of order 1/n) is ten orders of magnitude too large to hide.
"""

import json
import sys
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from eigenlab.errors import Cancelled
from eigenlab.reporter import Reporter
from eigenlab.training import cosine, distributed, generated, generator, minibatches, train
from eigenlab.translation import Seq2Seq, bucketed_batches, fit_seq2seq
from eigenlab.vision import (
    ImageClassifier,
    Recipe,
    classifier,
    shapes32,
    speed,
    train_cifar10,
)

STEPS = 12
X = torch.randn(23, 3, generator=generator(0, "x"), dtype=torch.float64)
Y = X.prod(1, keepdim=True)


class Model(nn.Module):
    """Two heads, used through ``score`` and not through ``forward``; one is never used."""

    def __init__(self, seed, dropout=0.0):
        super().__init__()
        torch.manual_seed(seed)
        self.body = nn.Linear(3, 5, dtype=torch.float64)
        self.head = nn.Linear(5, 1, dtype=torch.float64)
        self.unused = nn.Linear(5, 1, dtype=torch.float64)
        self.dropout = nn.Dropout(dropout)

    def score(self, x):
        return self.head(self.dropout(torch.tanh(self.body(x))))


def objective(model, batch):
    return nn.functional.mse_loss(model.score(batch[0]), batch[1])


def draw(g):
    x = torch.randn(3, 3, generator=g, dtype=torch.float64)
    return x, x.sum(1, keepdim=True)


BATCHES = {
    "uneven": lambda: minibatches(X, Y, batch_size=9, seed=0),  # parts of 9, 9 and 5 samples
    "generated": lambda: generated(draw, seed=0),
    "one-sample": lambda: lambda step: (X[step : step + 1], Y[step : step + 1]),
}


class Stopper(Reporter):
    """Cancels in rank 1 only, when it begins step ``at``."""

    def __init__(self, at):
        self.looks, self.at = 0, at

    @property
    def cancelled(self):
        if distributed.current().rank != 1:
            return False
        self.looks += 1
        return self.looks >= self.at


def run(batches="uneven", *, dropout=0.0, seed=0, reporter=None, checkpoint=None, **options):
    model = Model(seed, dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05, weight_decay=0.1)
    torch.manual_seed(3)

    def evaluate(model):
        assert distributed.current().leads
        return {"error": objective(model, (X, Y)).item()}

    history = train(
        model,
        objective,
        BATCHES[batches](),
        optimizer=optimizer,
        steps=STEPS,
        clip_norm=0.7,
        evaluate=evaluate,
        evaluate_every=2,
        monitor="error",
        log_every=1,
        reporter=reporter or Reporter(),
        checkpoint=checkpoint if distributed.current().leads else None,
        **options,
    )
    return {
        "losses": history.losses,
        "evaluations": history.evaluations,
        "stopped": history.stopped,
        "weights": {name: value.tolist() for name, value in model.state_dict().items()},
        "next": torch.rand(1).item(),
    }


def run_channels_last():
    """A fused optimizer requires gradients in the memory layout of the weights."""
    torch.manual_seed(0)
    model = nn.Conv2d(2, 3, 2, dtype=torch.float64).to(memory_format=torch.channels_last)
    images = torch.randn(5, 2, 4, 4, generator=generator(0, "images"), dtype=torch.float64)
    target = torch.arange(3.0, dtype=torch.float64)[:, None, None]
    train(
        model,
        lambda model, batch: (model(batch[0]) - target).square().mean(),
        lambda step: (images,),
        optimizer=torch.optim.Adam(model.parameters(), lr=0.05, fused=True),
        steps=4,
    )
    return model.weight.flatten().tolist()


def run_translation():
    """A mean over tokens, of which the parts of a batch have different numbers."""
    sources = [[3 + (i * k) % 7 for k in range(1, 2 + i % 6)] for i in range(11)]
    targets = [[3 + (i + k) % 5 for k in range(1 + (i * 5) % 7)] for i in range(11)]
    torch.manual_seed(0)
    model = Seq2Seq(10, 8, 8, attention=True, dtype=torch.float64)
    history = fit_seq2seq(
        model,
        bucketed_batches(sources, targets, batch_size=5, seed=0),
        steps=STEPS,
        learning_rate=0.01,
        teacher_forcing=cosine(STEPS),
    )
    weights = {name: value.tolist() for name, value in model.state_dict().items()}
    return {"losses": history.losses, "evaluations": [], "weights": weights}


def run_images(processes):
    """Each process normalises over its own images, as one does over micro-batches."""
    recipe = Recipe(width=4, epochs=1, batch_size=40, precision="float32", learning_rate=0.02)
    recipe = recipe.replaced(bias_learning_rate=1.0, head_learning_rate=1.0)
    if processes == 1:
        recipe = recipe.replaced(micro_batch_size=20)
    found = train_cifar10(recipe, shapes32(120), shapes32(40, seed=1))
    parameters = torch.cat([value.flatten() for value in found.model.parameters()])
    state = torch.cat([value.flatten().float() for value in found.model.state_dict().values()])
    return {
        "weights": parameters.tolist(),
        "seen": found.n_seen,
        "alike": same_everywhere(state),
        "judged alike": same_everywhere(found.judgement.logits),
    }


def same_everywhere(tensor):
    return all(torch.equal(tensor, other) for other in distributed.current().gather(tensor))


def run_choices():
    """What each process would choose otherwise: the faster precision, and a random seed."""
    rank = distributed.current().rank
    rates = {"float32": 1.0 + rank, "bfloat16": 2.0 - rank}  # rank 1 measures the opposite
    seeds, train_it = [], classifier.train_cifar10

    def spied(*arguments, seed, **options):
        seeds.append(seed)
        return train_it(*arguments, seed=seed, **options)

    data = shapes32(40)
    recipe = Recipe(width=4, epochs=1, batch_size=20, precision="auto")
    with (
        mock.patch.object(speed, "resolve_precision", return_value="bfloat16"),
        mock.patch.object(speed, "images_per_second", side_effect=lambda *of: rates[of[2]]),
        mock.patch.object(classifier, "train_cifar10", spied),
    ):
        precision = train_cifar10(recipe, data).precision
        ImageClassifier(width=4, n_epochs=1).fit(data.images, data.labels)
    return {
        "precision": precision,
        "same precision": same_everywhere(torch.tensor([precision == "float32"])),
        "same seed": same_everywhere(torch.tensor(seeds)),
    }


def stopped_and_resumed(folder):
    message = "not stopped"
    try:
        run(dropout=0.3, reporter=Stopper(at=8), checkpoint=folder / "part")
    except Cancelled as reason:
        message = str(reason)
    resumed = run(dropout=0.3, checkpoint=folder / "part")
    return {"message": message, "resumed": resumed, "whole": run(dropout=0.3)}


def main(folder):
    torch.set_num_threads(1)
    with distributed.start():
        group = distributed.current()
        results = {name: run(name) for name in BATCHES}
        results["own start"] = run(seed=group.rank)
        results["early stop"] = run(target=0.9)
        results["interrupted"] = stopped_and_resumed(folder)
        results["channels last"] = run_channels_last()
        results["translation"] = run_translation()
        results["images"] = run_images(group.size)
        results["choices"] = run_choices()
        results["size"] = group.size
        alike = group.gather(torch.tensor([hash(json.dumps(results["uneven"]["weights"]))]))
        results["same weights"] = len({int(value) for value in alike}) == 1
        following = group.gather(torch.tensor([results["uneven"]["next"]]))
        results["same generator"] = len({float(value) for value in following}) == 1
    if group.leads:
        (folder / "results.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
