"""One run of a recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.reporter import Reporter
from eigenlab.training import Batch, TrainingHistory, autocast, seeded, train
from eigenlab.vision.dataset import ImageDataset
from eigenlab.vision.evaluation import Judgement, channels_last, predict_logits
from eigenlab.vision.loader import CifarLoader
from eigenlab.vision.memory import fitting_size, is_out_of_memory
from eigenlab.vision.optimization import build_optimizer
from eigenlab.vision.recipe import Network, Recipe
from eigenlab.vision.trainee import Trainee
from eigenlab.vision.whiten import IMAGES

#: Settings with which a checkpoint may be continued in spite of another value: how test images are
#: augmented, and the precision that was asked for, which is compared as resolved.
NOT_OF_TRAINING = ("tta", "tta_below", "precision")
#: Added to the variances of patches, as published for each network.
WHITENING_EPS = {"resnet9": 1e-2, "speednet": 5e-4}


class SingleRun:
    """One run of a recipe: data, network, optimizer, schedule and loss.

    Args:
        recipe: network, tricks and settings.
        data: labelled images, on the device of the training.
        seed: random seed of weights, order and augmentation.
        precision: ``"float32"`` or ``"bfloat16"``.
        polar_dtype: ``dtype`` of :class:`Muon`. Default: ``None``.
        compile_steps: ``compile`` of :class:`Muon`. Default: ``False``.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: ImageDataset,
        seed: int,
        precision: Any,
        *,
        polar_dtype: torch.dtype | None = None,
        compile_steps: bool = False,
    ) -> None:
        self.recipe, self.data, self.seed, self.precision = recipe, data, seed, precision
        self.device = data.images.device
        self.loader = CifarLoader(
            data,
            recipe.batch_size,
            seed=seed,
            flip=recipe.flip,
            translate=recipe.translate,
            cutout=recipe.cutout,
            brightness=recipe.brightness,
            contrast=recipe.contrast,
            drop_last=len(data) > recipe.batch_size,
        )
        self.steps = max(1, math.ceil(recipe.epochs * self.loader.steps_per_epoch))
        with seeded(seed, "weights"):
            trainee = Trainee(recipe, len(data.classes))
        self.trainee = channels_last(trainee.to(self.device))
        if recipe.micro_batch_size is not None:
            _slow_down_statistics(trainee.network, recipe.micro_batch_size / self.loader.batch_size)
        self.whiten()
        self.forward: Callable[[Tensor], Tensor] = self.trainee.network
        if recipe.compile:
            self.forward = torch.compile(self.trainee.network)
        self.optimizer, self._schedules = build_optimizer(
            self.trainee.network, recipe, dtype=polar_dtype, compile=compile_steps
        )

    def whiten(self) -> None:
        """Set the filters of the first layer, where the network has a fixed one."""
        layer = self.trainee.network.whiten
        if layer is not None:
            first = self.data.images[:IMAGES].permute(0, 3, 1, 2)
            layer.fit(self.loader.normalize(first), WHITENING_EPS[self.recipe.network])

    @property
    def n_seen(self) -> int:
        """Images that pass in all updates."""
        epochs, rest = divmod(self.steps, self.loader.steps_per_epoch)
        size = self.loader.batch_size
        in_epoch = min(self.loader.n_samples, self.loader.steps_per_epoch * size)
        return epochs * in_epoch + rest * size

    def run(
        self,
        reporter: Reporter,
        checkpoint: Path | None,
        evaluate: Callable[[Trainee], dict[str, float]] | None,
        every: float | None,
    ) -> TrainingHistory:
        """Train.

        Args:
            reporter: receives progress and may cancel.
            checkpoint: path prefix of a checkpoint, or None.
            evaluate: returns metrics, or None.
            every: passes over the images between evaluations, or None.
        """
        per_epoch = self.loader.steps_per_epoch
        try:
            history = train(
                self.trainee,
                self.loss,
                self.batches(),
                optimizer=self.optimizer,
                steps=self.steps,
                schedule=self.schedule,
                micro_batch_size=self.recipe.micro_batch_size,
                before_update=self.before_update,
                evaluate=evaluate,
                evaluate_every=max(1, round(every * per_epoch)) if evaluate and every else None,
                reporter=reporter,
                checkpoint=checkpoint,
            )
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            history = None
        if history is None:  # outside the handler, which keeps the tensors of the failed update
            raise self._out_of_memory()
        self.trainee.end(self.steps)
        return history

    def _out_of_memory(self) -> InputError:
        failed = min(self.recipe.micro_batch_size or self.loader.batch_size, self.loader.batch_size)
        fits = fitting_size(lambda batch: self.loss(self.trainee, batch), self.loader(0), failed)
        return InputError(
            f"{failed} images at a time do not fit into the memory of {self.device}; use "
            f"micro_batch_size={fits}, with which batch norm sees fewer images"
        )

    def schedule(self, step: int) -> Sequence[float]:
        """Factors of the learning rates of the groups of parameters.

        Args:
            step: the 0-based step.
        """
        return [factor(step / self.steps) for factor in self._schedules]

    def before_update(self, step: int) -> None:
        """Average the weights and freeze stages, as the recipe says.

        Args:
            step: the 0-based step.
        """
        self.trainee.before_update(step, self.steps)

    def batches(self) -> _Batches:
        """The batches as functions of the step."""
        return _Batches(self)

    def has_low_resolution(self, step: int) -> bool:
        """Whether the images of an update are made smaller.

        Args:
            step: the 0-based step.
        """
        return step < int(self.recipe.low_resolution * self.steps)

    def shrunk(self, images: Tensor) -> Tensor:
        """Images of the recipe's ``low_size`` pixels.

        Args:
            images: float (B, 3, H, W).
        """
        size = self.recipe.low_size
        return nn.functional.interpolate(
            images, size=(size, size), mode="bilinear", antialias=True
        ).contiguous(memory_format=torch.channels_last)

    def loss(self, trainee: Trainee, batch: Batch) -> Tensor:
        """Mean cross-entropy, of the hardest images where the recipe selects them.

        Args:
            trainee: what is trained.
            batch: images, normalised, and labels.
        """
        images, labels = batch
        if self.recipe.hard_share < 1:
            images, labels = self._hardest(images, labels)
        with autocast(self.precision, self.device):
            logits = self.forward(images)
        return nn.functional.cross_entropy(
            logits.float(), labels, label_smoothing=self.recipe.label_smoothing
        )

    @torch.no_grad()
    def _hardest(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The images of the largest losses, as in A. Jiang et al., arXiv:1910.00762."""
        self.trainee.network.eval()  # statistics and running averages are those of training
        with autocast(self.precision, self.device):
            logits = self.forward(images)
        self.trainee.network.train()
        losses = nn.functional.cross_entropy(logits.float(), labels, reduction="none")
        count = max(2, round(self.recipe.hard_share * len(images)))
        chosen = losses.topk(min(count, len(images))).indices
        return images[chosen], labels[chosen]

    def judge(self, data: ImageDataset, recipe: Recipe) -> Judgement:
        """Classify labelled images.

        Args:
            data: the images.
            recipe: whose test-time augmentation is used.
        """
        data = data.to(self.device)
        logits = predict_logits(
            self.trainee.judged,
            data.images,
            self.loader.normalize,
            tta=recipe.tta,
            tta_below=recipe.tta_below,
            precision=self.precision,
        )
        return Judgement(logits.cpu(), data.labels.cpu())


class _Batches:
    """The batches of a run, of smaller images at its beginning where the recipe says so."""

    def __init__(self, run: SingleRun) -> None:
        self._run = run
        self.steps_per_epoch = run.loader.steps_per_epoch

    def __call__(self, step: int) -> Batch:
        return self.shard(step, 0, 1)

    def shard(self, step: int, rank: int, size: int) -> Batch:
        images, labels = self._run.loader.shard(step, rank, size)
        if len(images) and self._run.has_low_resolution(step):
            images = self._run.shrunk(images)
        return images, labels

    @property
    def signature(self) -> dict[str, Any]:
        """What must agree before a checkpoint is resumed: data, recipe and resolved precision."""
        recipe = asdict(self._run.recipe)
        for name in NOT_OF_TRAINING:
            del recipe[name]
        signature = {**self._run.loader.signature, "recipe": recipe}
        return signature | {"precision": self._run.precision}


def _slow_down_statistics(network: Network, share: float) -> None:
    """Let running statistics forget in an update what they would without micro-batches.

    Otherwise those of the last micro-batches alone, which are noisy, would be used for predicting.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.momentum is not None and share < 1:
            module.momentum = 1 - (1 - module.momentum) ** share
