"""Checks of problem 2: an update of a classifier, and its accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from eigenlab.grading.comparison import Comparison
from eigenlab.grading.isolation.inside.known import Modes, Scores
from eigenlab.grading.parts import part

UPDATE_X = torch.tensor([[0, 1, 3], [2, 3, 3], [1, 1, 2], [3, 0, 3], [2, 1, 3]])
UPDATE_LAST = torch.tensor([1, 0, 2, 1, 1])
UPDATE_LANGUAGES = torch.tensor([0, 2, 1, 2, 1])
RATE = 0.002


def update_by_hand(table: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean cross-entropy of the update's batch, and its gradient in closed form."""
    loss, gradient = 0.0, np.zeros_like(table)
    for row, end, language in zip(UPDATE_X, UPDATE_LAST, UPDATE_LANGUAGES, strict=True):
        letter = int(row[end])
        powers = np.exp(Scores.FACTOR * table[letter])
        p = powers / powers.sum()
        loss -= np.log(p[int(language)]) / len(UPDATE_X)
        gradient[letter] += Scores.FACTOR * (p - np.eye(3)[int(language)]) / len(UPDATE_X)
    return loss, gradient


def update_mistake(loss_of: Callable[[Tensor], Tensor], steps: int) -> tuple[float, Tensor]:
    """The last loss, and the table after some updates with another loss."""
    model = Scores()
    optimizer, loss = torch.optim.SGD(model.parameters(), lr=RATE), 0.0
    for _ in range(steps):
        found = loss_of(model(UPDATE_X, UPDATE_LAST))
        optimizer.zero_grad()
        found.backward()
        optimizer.step()
        loss = found.item()
    return loss, model.table.detach()


def _shorter(table: Tensor, before: np.ndarray, gradient: np.ndarray) -> Tensor | None:
    """The table, if it has gone against the gradient and not as far as the rate says."""
    step = (before - table.detach().double().numpy()).ravel()
    along = step @ gradient.ravel() / np.linalg.norm(gradient)
    is_parallel = np.linalg.norm(step) - along < 1e-4 * along
    return table if is_parallel and along < 0.9 * RATE * np.linalg.norm(gradient) else None


@part("2-update", "update", "update")
def update_step(update: Callable[..., Any]) -> Iterator[Comparison]:
    """Two updates of a table of logits with plain gradient descent."""
    model = Scores()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    table, gradients = model.table.detach().double().numpy().copy(), []
    for step in (1, 2):
        before = table
        right, gradient = update_by_hand(table)
        gradients.append(gradient)
        table = table - RATE * gradient
        given = update(model, optimizer, UPDATE_X, UPDATE_LAST, UPDATE_LANGUAGES)
        softmax, sums = (
            update_mistake(loss_of, step)
            for loss_of in (
                lambda z: F.cross_entropy(z.softmax(dim=1), UPDATE_LANGUAGES),
                lambda z: F.cross_entropy(z, UPDATE_LANGUAGES, reduction="sum"),
            )
        )
        yield Comparison(
            f"the loss that update returns, number {step},",
            given,
            right,
            mistakes={
                "the softmax is taken twice: F.cross_entropy takes logits.": softmax[0],
                "it is the sum over the batch; take the mean.": sums[0],
            },
            advice="It is the mean cross-entropy before the step.",
        )
        yield Comparison(
            f"the parameters after {step} update(s) with SGD",
            model.table,
            table,
            mistakes={
                "they have not changed: after loss.backward(), optimizer.step() is missing, or "
                "zero_grad() comes between them.": before,
                "the gradients of the last update are added: optimizer.zero_grad() is missing.": (
                    before - RATE * sum(gradients)
                ),
                "the loss is maximised: its sign.": before + RATE * gradient,
                "the softmax is taken twice: F.cross_entropy takes logits.": softmax[1],
                "the loss is the sum over the batch; take the mean.": sums[1],
                "the gradient is clipped or scaled: take the step with the gradient as it is, of "
                f"the length {np.linalg.norm(gradient):.2g} here.": _shorter(
                    model.table, before, gradient
                ),
            },
            advice="zero_grad, backward of the mean cross-entropy, and one step.",
        )


@part("2-accuracy", "accuracy", "accuracy")
def share_of_right(accuracy: Callable[..., Any]) -> Iterator[Comparison]:
    """A model whose predictions are known, in training mode when it comes."""
    x = torch.tensor([[0, 1], [2, 2], [1, 0], [0, 0], [2, 1], [1, 1], [0, 2], [2, 0]])
    last_pos = torch.tensor([1, 0, 1, 0, 0, 1, 0, 0])
    predicted = torch.tensor([1, 2, 0, 0, 2, 1, 0, 2])
    languages = torch.tensor([1, 2, 0, 2, 2, 0, 2, 2])
    model = Modes().train()
    training = model(x, last_pos).argmax(dim=1)
    in_training = (training == languages).double().mean()
    lowest = model.eval()(x, last_pos).argmin(dim=1)
    model.train()
    right = (predicted == languages).double().mean()
    yield Comparison(
        "accuracy(model, x, last_pos, languages) of a model in training mode",
        accuracy(model, x, last_pos, languages),
        right,
        mistakes={
            "it is that of the model in training mode, with dropout: model.eval() comes "
            "first.": in_training,
            "it is a count; divide by the number of names.": right * len(x),
            "it is in percent; return a share.": right * 100,
            "it is the share of errors.": 1 - right,
            "the smallest logit is taken for the prediction.": (
                (lowest == languages).double().mean()
            ),
            "it is one value for each name; take the mean.": (predicted == languages),
        },
        advice="It is the share of the names whose largest logit is that of their language.",
    )
