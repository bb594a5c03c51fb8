"""The training loop of all systems: :func:`train`, batches, schedules, seeds and devices."""

from eigenlab.training import distributed
from eigenlab.training.batches import Batch, Batches, generated, minibatches
from eigenlab.training.device import resolve_device
from eigenlab.training.history import TrainingDiverged, TrainingHistory
from eigenlab.training.loop import train
from eigenlab.training.precision import autocast, resolve_precision
from eigenlab.training.schedules import Schedule, cosine, one_cycle
from eigenlab.training.seeding import derive_seed, generator, seeded

__all__ = [
    "Batch",
    "Batches",
    "Schedule",
    "TrainingDiverged",
    "TrainingHistory",
    "autocast",
    "cosine",
    "derive_seed",
    "distributed",
    "generated",
    "generator",
    "minibatches",
    "one_cycle",
    "resolve_device",
    "resolve_precision",
    "seeded",
    "train",
]
