"""A network in training and the average of its weights."""

from __future__ import annotations

import copy

import torch
from torch import nn

from eigenlab.vision.recipe import Network, Recipe
from eigenlab.vision.speednet import SpeedNet

#: Updates between two updates of the average of the weights.
AVERAGE_EVERY = 5


class Trainee(nn.Module):
    """A network, and the average of its weights where the recipe has one.

    Args:
        recipe: how it is trained.
        n_classes: number of classes.
    """

    def __init__(self, recipe: Recipe, n_classes: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.network: Network = recipe.build(n_classes)
        self.average: Network | None = None
        if recipe.average is not None:
            self.average = copy.deepcopy(self.network).requires_grad_(False)

    @property
    def judged(self) -> Network:
        """The network that predicts."""
        return self.network if self.average is None else self.average

    def before_update(self, step: int, steps: int) -> None:
        """Do what the recipe says before an update: average the weights, freeze stages.

        Args:
            step: number of updates that are done.
            steps: number of all updates.
        """
        self.update_average(step)
        if isinstance(self.network, SpeedNet):
            self.network.frozen_stages = self.frozen_stages(step, steps)

    def end(self, steps: int) -> None:
        """Move the average towards the last weights.

        Args:
            steps: number of all updates.
        """
        self.update_average(-(-steps // AVERAGE_EVERY) * AVERAGE_EVERY)

    def frozen_stages(self, step: int, steps: int) -> int:
        """How many stages of a :class:`SpeedNet` an update no longer trains.

        Args:
            step: number of updates that are done.
            steps: number of all updates.
        """
        if step >= self.recipe.freeze * steps:
            return 2
        return int(step >= self.recipe.whitening_share * steps)

    @torch.no_grad()
    def update_average(self, step: int) -> None:
        """Move the average towards the weights, before the 0-based update ``step``.

        Args:
            step: number of updates that are done.
        """
        if self.average is None or step % AVERAGE_EVERY:
            return
        keep = 0.0 if step == 0 else float(self.recipe.average or 0.0)
        pairs = zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        for mean, value in pairs:
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)
