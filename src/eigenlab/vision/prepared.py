"""A training that is compiled and recorded once, and then run for any number of seeds."""

from __future__ import annotations

import contextlib
import copy
import functools
import math
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import TrainingDiverged, TrainingHistory, autocast, resolve_device, seeded
from eigenlab.training.replay import Replay
from eigenlab.vision import fused
from eigenlab.vision.dataset import ImageDataset
from eigenlab.vision.evaluation import Judgement, augmented_logits, evaluating
from eigenlab.vision.recipe import Network, Recipe
from eigenlab.vision.single_run import SingleRun
from eigenlab.vision.speed import choose_precision, now
from eigenlab.vision.speednet import SpeedNet
from eigenlab.vision.trainee import Trainee
from eigenlab.vision.training import TrainedNetwork, check_data

P = ParamSpec("P")
R = TypeVar("R")

#: Test images that pass through the network together.
TOGETHER = 2000
#: Those that are augmented together, where only uncertain ones are.
UNCERTAIN = 1000


class PreparedTraining:
    """A recipe on fixed data, ready to be run many times on a GPU.

    Does what :func:`train_cifar10` does, but all that does not depend on the seed is done once:
    compilation, where the recipe asks for it, of all but a network that has kernels of its own
    (:mod:`eigenlab.vision.fused`), and the recording of an update and of the pass over
    the test images as CUDA graphs (:class:`eigenlab.training.replay.Replay`), so that a run of a
    second does not wait for the host. On a CPU nothing is recorded, and a run gives the network of
    :func:`train_cifar10` up to rounding.

    Args:
        recipe: with ``optimizer="muon"``, and without ``micro_batch_size`` and ``average``.
        train_data: labelled images.
        test_data: images to judge by. Default: ``None``, no judgement.
        device: as in :func:`eigenlab.training.resolve_device`. Default: ``"auto"``.
        reporter: is told of the precision where the recipe leaves it open. Default: ``SILENT``.

    Raises:
        InputError: the recipe cannot be prepared, or the data do not fit.

    >>> from eigenlab.vision import shapes32
    >>> recipe = Recipe(width=4, epochs=1, batch_size=50, precision="float32")
    >>> training = PreparedTraining(recipe, shapes32(100), shapes32(20, seed=1), device="cpu")
    >>> [0 <= training(seed).accuracy <= 1 for seed in range(2)]
    [True, True]
    """

    def __init__(
        self,
        recipe: Recipe,
        train_data: ImageDataset,
        test_data: ImageDataset | None = None,
        *,
        device: torch.device | str = "auto",
        reporter: Reporter = SILENT,
    ) -> None:
        _check(recipe)
        check_data(train_data, test_data)
        self.recipe, self.device = recipe, resolve_device(device)
        train_data = train_data.to(self.device)
        self.precision = choose_precision(recipe, train_data, reporter)
        fast = self.precision == "bfloat16" and self.device.type == "cuda"
        self._run = SingleRun(
            recipe.replaced(compile=False),
            train_data,
            0,
            self.precision,
            polar_dtype=torch.bfloat16 if fast else None,
            compile_steps=recipe.compile,
        )
        self._batch = self._compiled(self._run.loader.batch)
        if not _has_kernels(self._run.trainee.network, self.device):
            self._run.forward = self._compiled(self._run.forward)
        self._rates = self._schedule()
        self._rate = self._rates[0].clone()
        for rate, group in zip(self._rate, self._run.optimizer.param_groups, strict=True):
            group["lr"] = rate
        self._choices = {name: drawn.clone() for name, drawn in self._run.loader.choices(0).items()}
        pool = torch.cuda.graph_pool_handle() if self.device.type == "cuda" else None
        phases = sorted({self._phase(step) for step in range(self._run.steps)})
        self._updates = {
            phase: Replay(functools.partial(self._update, *phase), self.device, pool)
            for phase in phases
        }
        self._test = None
        if test_data is not None:
            self._test = _TestPass(self._run, test_data.to(self.device), recipe, pool)
        with _fastest_convolutions():
            for update in self._updates.values():
                update()
            if self._test is not None:
                self._test.prepare()

    def __call__(self, seed: int = 0) -> TrainedNetwork:
        """Train a new network.

        Args:
            seed: random seed of weights, order and augmentation.

        Raises:
            TrainingDiverged: the loss is not finite at the end.
        """
        self._begin(seed)
        run, loader = self._run, self._run.loader.reseeded(seed)
        begin = now(self.device)
        run.whiten()
        loss = self._rate
        for step in range(run.steps):
            for name, drawn in loader.choices(step).items():
                self._choices[name].copy_(drawn)
            self._rate.copy_(self._rates[step])
            loss = self._updates[self._phase(step)]()
        trained = now(self.device)
        logits = self._test() if self._test else None
        judged = now(self.device)
        if not math.isfinite(loss.item()):
            raise TrainingDiverged(
                f"training diverged: the loss ({loss.item()}) is not finite after "
                f"{run.steps} updates; lower the learning rates"
            )
        plain, judgement = self._test.judgements(logits) if self._test and logits else (None, None)
        return TrainedNetwork(
            model=copy.deepcopy(run.trainee.network).eval(),
            recipe=self.recipe,
            seed=seed,
            accuracy=judgement.accuracy if judgement else math.nan,
            plain_accuracy=plain.accuracy if plain else math.nan,
            training_seconds=trained - begin,
            total_seconds=judged - begin,
            n_seen=run.n_seen,
            precision=self.precision,
            device=str(self.device),
            history=_history(run.steps, loss.item(), trained - begin),
            judgement=judgement,
            statistics=run.loader.statistics,
        )

    def _compiled(self, function: Callable[P, R]) -> Callable[P, R]:
        if not self.recipe.compile:
            return function
        return torch.compile(function, dynamic=False)

    def _schedule(self) -> Tensor:
        """Learning rates, (steps, groups)."""
        highest = torch.tensor([group["lr"] for group in self._run.optimizer.param_groups])
        factors = [list(self._run.schedule(step)) for step in range(self._run.steps)]
        return (torch.tensor(factors) * highest).to(self.device)

    def _phase(self, step: int) -> tuple[int, bool]:
        """On what an update depends besides its numbers: stages that are not trained, and whether
        the images are smaller."""
        frozen = self._run.trainee.frozen_stages(step, self._run.steps)
        return frozen, self._run.has_low_resolution(step)

    def _update(self, frozen: int, low: bool) -> Tensor:
        network, optimizer = self._run.trainee.network, self._run.optimizer
        if hasattr(network, "frozen_stages"):
            network.frozen_stages = frozen
        optimizer.zero_grad()
        loss = self._batch_loss(low)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def _batch_loss(self, low: bool) -> Tensor:
        images, labels = self._batch(self._choices)
        if low:
            images = self._run.shrunk(images)
        return self._run.loss(self._run.trainee, (images, labels))

    @torch.no_grad()
    def _begin(self, seed: int) -> None:
        """Give the network new weights, where the recording reads and writes them."""
        trainee = self._run.trainee
        with seeded(seed, "weights"):
            fresh = Trainee(self.recipe, trainee.network.head.out_features)
        trainee.load_state_dict(fresh.state_dict())
        for state in self._run.optimizer.state.values():
            for tensor in state.values():
                tensor.zero_()


class _TestPass:
    """Logits of the test images without and with augmentation."""

    def __init__(
        self, run: SingleRun, data: ImageDataset, recipe: Recipe, pool: object | None
    ) -> None:
        self.run, self.recipe, self.labels = run, recipe, data.labels
        self.images = data.images.permute(0, 3, 1, 2)
        network = run.trainee.judged
        self.network: Callable[[Tensor], Tensor] = network
        if recipe.compile and not _has_kernels(network, run.device):
            compiled = torch.compile(network, dynamic=False)
            # One layout, so that it is compiled once.
            self.network = lambda images: compiled(
                images.contiguous(memory_format=torch.channels_last)
            )
        self.partly = recipe.tta != "none" and recipe.tta_below < 1
        self.everything = Replay(self._everything, run.device, pool)
        size = min(UNCERTAIN, len(data))
        self.chosen = torch.zeros(size, dtype=torch.long, device=run.device)
        self.plain = torch.zeros(size, len(data.classes), device=run.device)
        self.uncertain = Replay(self._uncertain, run.device, pool)

    def prepare(self) -> None:
        """Record."""
        self.everything()
        if self.partly:
            self.uncertain()

    def __call__(self) -> tuple[Tensor, Tensor]:
        plain, augmented = self.everything()
        if not self.partly:
            return plain, augmented
        found = plain.clone()
        doubtful = (plain.softmax(1).amax(1) < self.recipe.tta_below).nonzero().squeeze(1)
        size = len(self.chosen)
        for begin in range(0, len(doubtful), size):
            # The rest of the last part repeats images.
            places = torch.arange(begin, begin + size, device=doubtful.device) % len(doubtful)
            self.chosen.copy_(doubtful[places])
            self.plain.copy_(plain[self.chosen])
            found[self.chosen] = self.uncertain()
        return plain, found

    def judgements(self, logits: tuple[Tensor, Tensor]) -> list[Judgement]:
        """Both, on the CPU."""
        return [Judgement(each.cpu(), self.labels.cpu()) for each in logits]

    @torch.no_grad()
    def _everything(self) -> tuple[Tensor, Tensor]:
        found, without = [], []
        with evaluating(self.run.trainee.judged), autocast(self.run.precision, self.run.device):
            for block in self.images.split(TOGETHER):
                images = self.run.loader.normalize(block)
                without.append(self.network(images).float())
                if self.recipe.tta != "none" and not self.partly:
                    found.append(
                        augmented_logits(self.network, images, without[-1], self.recipe.tta)
                    )
        plain = torch.cat(without)
        return plain, torch.cat(found) if found else plain

    @torch.no_grad()
    def _uncertain(self) -> Tensor:
        with evaluating(self.run.trainee.judged), autocast(self.run.precision, self.run.device):
            images = self.run.loader.normalize(self.images[self.chosen])
            return augmented_logits(self.network, images, self.plain, self.recipe.tta)


@contextlib.contextmanager
def _fastest_convolutions() -> Iterator[None]:
    """Let cuDNN measure its algorithms; a recording keeps those that it then chose."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _has_kernels(network: Network, device: torch.device) -> bool:
    """Whether a network is faster by kernels of its own than compiled."""
    return isinstance(network, SpeedNet) and fused.usable(network.activation, device)


def _history(steps: int, loss: float, seconds: float) -> TrainingHistory:
    return TrainingHistory(
        losses=((steps, loss),),
        evaluations=(),
        best_step=None,
        best_value=None,
        stopped="steps",
        steps=steps,
        seconds=seconds,
    )


def _check(recipe: Recipe) -> None:
    invalid = []
    if recipe.optimizer != "muon":
        invalid.append(f"optimizer={recipe.optimizer!r} must be 'muon'")
    for name in ("micro_batch_size", "average"):
        if getattr(recipe, name) is not None:
            invalid.append(f"{name}={getattr(recipe, name)} must be None")
    if invalid:
        raise InputError(f"a recipe to prepare differs: {'; '.join(invalid)}; or use train_cifar10")
