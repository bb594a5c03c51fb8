"""One training loop for every system: :func:`train`, its batches, schedules, seeds and devices."""

from eigenlab.training import distributed
from eigenlab.training.batches import Batch, Batches, generated, minibatches
from eigenlab.training.device import resolve_device
from eigenlab.training.history import TrainingDiverged, TrainingHistory
from eigenlab.training.loop import train
from eigenlab.training.schedules import Schedule, constant, cosine, linear_warmup, one_cycle
from eigenlab.training.seeding import derive_seed, generator, seed_everything

__all__ = [
    "Batch",
    "Batches",
    "Schedule",
    "TrainingDiverged",
    "TrainingHistory",
    "constant",
    "cosine",
    "derive_seed",
    "distributed",
    "generated",
    "generator",
    "linear_warmup",
    "minibatches",
    "one_cycle",
    "resolve_device",
    "seed_everything",
    "train",
]
