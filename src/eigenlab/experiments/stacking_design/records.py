"""What the stages of ``stacking-design`` measure.

Sizes: T steps of the decoder, S tokens of the source, K distances, U logged updates.
"""

from __future__ import annotations

import math

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class UntrainedNetwork(Record):
    """What the logits of one network with random weights depend on."""

    seed: int = measured("Random seed of the weights and the sentences.")
    cell: str = measured("Kind of cell.")
    design: str = measured("Design of encoder and decoder.")
    gradients: Matrix = measured(
        "Frobenius norm of the derivative of the logits of step t by the embedding of source "
        "token s, row t and column s.",
        shape="T, S",
    )
    changes: Matrix = measured(
        "Largest change of a logit of step t when source token s is replaced.", shape="T, S"
    )


class Continuation(Record):
    """A stacked decoder after the end of the source, with that end as all that is left."""

    seed: int = measured("Random seed of the weights and the sentences.")
    cell: str = measured("Kind of cell.")
    kept: float = measured(
        "Largest change of a logit after the source's end when the decoder continues from its own "
        "state and the last encoder state alone."
    )
    other_end: float = measured("The same with another last encoder state.")


class VisibilityRecord(Record):
    """Networks with random weights in float64."""

    seeds: Integers = measured("Random seeds, one per network of each kind.")
    networks: tuple[UntrainedNetwork, ...] = measured(
        "Networks, one per seed, cell, design and pair of lengths."
    )
    continuations: tuple[Continuation, ...] = measured("One per seed and cell.")


class Limit(Record):
    """How much of some test words or sentences any decoder of a design can get right."""

    n: int = measured("Test words or sentences.")
    stacked: int = measured("Most that a decoder can get right which has read t tokens at step t.")
    sequential: int = measured("Most that a decoder can get right which has read the source.")

    @property
    def share(self) -> float:
        """Largest share that a stacked decoder can get right; NaN of nothing."""
        return self.stacked / self.n if self.n else math.nan


class LimitsRecord(Record):
    """Counts on the test pairs; no network is involved."""

    n_pairs: int = measured("Test pairs without unknown words.")
    n_unknown: int = measured("Test pairs left out, which hold a word that training lacks.")
    words: dict[str, Limit] = measured("Status of the word -> how many can be right.")
    sentences: dict[str, Limit] = measured("Class of the sentence -> how many can be right.")
    distances: Integers = measured(
        "Places from the step at which a word is written to its last counterpart in the source.",
        unit="tokens",
        shape="K",
    )
    by_distance: tuple[Limit, ...] = measured("Words at each distance.", shape="K")


class TrainedModel(Record):
    """One training, and what it gets right on the test pairs under teacher forcing."""

    design: str = measured("Design of encoder and decoder.")
    seed: int = measured("Random seed of the weights and the batches.")
    hidden_size: int = measured("Hidden units.", unit="units")
    n_parameters: int = measured("Number of parameters.")
    steps: Integers = measured("Logged updates.", unit="updates", shape="U")
    losses: Vector = measured("Training loss at the logged updates.", unit="nats", shape="U")
    words: dict[str, int] = measured("Status of the word -> words right.")
    sentences: dict[str, int] = measured("Class of the sentence -> sentences right in every word.")
    by_distance: Integers = measured("Words right at each distance.", shape="K")


class Comparison(Record):
    """Both designs on the same test pairs, for one seed: sequential minus stacked."""

    seed: int = measured("Random seed of both trainings.")
    words: dict[str, Vector] = measured(
        "Status of the word -> difference of the accuracies and the ends of its 95 % interval, "
        "from resampled sentences."
    )
    sentences: dict[str, Integers] = measured(
        "Class of the sentence -> sentences that both translate exactly, the sequential design "
        "only, the stacked one only, neither."
    )


class TrainedSeed(Record):
    """Both designs, trained with one seed."""

    models: tuple[TrainedModel, ...] = measured("Trainings, one per design.")
    comparison: Comparison = measured("Sequential minus stacked.")


class TrainingRecord(Record):
    """Trainings of both designs, and the limits on the same test pairs."""

    seeds: Integers = measured("Random seeds, one per training of each design.")
    limits: LimitsRecord = measured("How much can be right on these test pairs.")
    models: tuple[TrainedModel, ...] = measured("Trainings, one per seed and design.")
    comparisons: tuple[Comparison, ...] = measured("One per seed.")
