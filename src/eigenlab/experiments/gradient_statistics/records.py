"""What the stages of ``gradient-statistics`` measure.

Sizes: T steps, B bins of weight scales, S seeds.
"""

from __future__ import annotations

from eigenlab.experiments.averaged import Averaged
from eigenlab.lab import Integers, Record, Vector, measured

#: A norm vanishes (explodes) when it changes by more than this many decades over the sequence.
DECADES = 3.0


class Run(Record):
    """One network with one activation."""

    gradient_decades: float = measured("log10 |dL/dh_1| / |dL/dh_T|.", unit="decades")
    hidden_decades: float = measured("log10 |h_T| / |h_1|.", unit="decades")
    largest_state: float = measured("Largest |h| of any unit, sequence and step.")
    rms_state: float = measured("Root mean square of h over units, sequences and steps.")

    @property
    def vanishes(self) -> bool:
        """Whether the gradient shrinks by more than a factor of a thousand."""
        return self.gradient_decades < -DECADES

    @property
    def explodes(self) -> bool:
        """Whether the gradient grows by more than a factor of a thousand."""
        return self.gradient_decades > DECADES

    @property
    def state_explodes(self) -> bool:
        """Whether the hidden state grows by more than a factor of a thousand."""
        return self.hidden_decades > DECADES


class RandomNetwork(Record):
    """The same weights and inputs with both activations and without one."""

    weight_scale: float = measured("Gain of W_h, about its spectral radius.")
    bias_scale: float = measured("Standard deviation of the bias.")
    tanh: Run = measured("The network with tanh.")
    relu: Run = measured("The network with ReLU.")
    identity: Run = measured("The network without an activation.")


class BinnedShares(Record):
    """Share of networks in which one event occurs, by weight scale, with 95 % Wilson intervals."""

    event: str = measured("The event: vanishes, explodes or state_explodes.")
    activation: str = measured("The activation: tanh, relu or identity.")
    scales: Vector = measured("Geometric centre of each bin that holds networks.", shape="B")
    shares: Vector = measured("Share of the networks in the bin.", shape="B")
    low: Vector = measured("Lower end of the interval.", shape="B")
    high: Vector = measured("Upper end of the interval.", shape="B")


class NetworksRecord(Record):
    """Many random networks."""

    seeds: Integers = measured("Random seeds, one per network.")
    length: int = measured("Steps of each sequence.", unit="steps")
    networks: tuple[RandomNetwork, ...] = measured("Networks, in the order of the seeds.")
    shares: tuple[BinnedShares, ...] = measured("Shares by event and activation.")


class TracedLosses(Record):
    """One tanh network with gain 1, traced with both losses."""

    every_step: Vector = measured("|dL/dh_t| / |dL/dh_T|, loss at every step.", shape="T")
    last_step: Vector = measured("|dL/dh_t| / |dL/dh_T|, loss at the last step.", shape="T")
    by_distance: Vector = measured(
        "Geometric mean over k of |dL_k/dh_t| / |dL_k/dh_k| at each distance k - t.", shape="T"
    )
    own: Vector = measured("|dL_k/dh_k| for each k.", shape="T")
    own_error: float = measured(
        "Largest relative difference of |dL_k/dh_k| from 2 |y_hat_k - y_k| |W_f| / B, over k."
    )


class EveryStepRecord(Record):
    """The total gradient, and the gradient of each step's loss."""

    seeds: Integers = measured("Random seeds, one per network.")
    length: int = measured("Steps of each sequence.", unit="steps")
    rows: tuple[TracedLosses, ...] = measured("Networks, in the order of the seeds.")
    every_step: Averaged = measured("Gradient with the loss at every step, over the networks.")
    last_step: Averaged = measured("Gradient with the loss at the last step, over the networks.")
    by_distance: Averaged = measured("Gradient by distance, over the networks.")


class Training(Record):
    """One training on a long-range task."""

    task: str = measured("The task: delayed copy or hold the first input.")
    lag: int = measured(
        "Number of steps between an input and the target that depends on it.", unit="steps"
    )
    loss: str = measured("Steps at which the loss is taken: last or every.")
    seed: int = measured("Random seed of the weights and the batches.")
    error: float = measured(
        "Squared error at the last step on new sequences, over the variance of the target."
    )


class Trainings(Record):
    """All trainings on one task with one lag and one loss."""

    runs: tuple[Training, ...] = measured("Trainings, one per seed.")


class LongRangeRecord(Record):
    """Trainings with the loss at the last step or at every step."""

    seeds: Integers = measured("Random seeds, one per training of each task and loss.")
    steps: int = measured("Updates of each training.", unit="steps")
    runs: tuple[Training, ...] = measured("Trainings, one per task, lag, loss and seed.")


class MapCell(Record):
    """Delayed copies of one lag and number of targets, trained with one loss."""

    lag: int = measured("Distance of each target from its input.", unit="steps")
    answers: int = measured("Targets per sequence; a sequence has lag + answers steps.")
    loss: str = measured("Steps at which the loss is taken: last or every.")
    batch_size: int = measured("Sequences per update.", unit="sequences")
    updates: int = measured("Updates after which the errors were measured.", unit="updates")
    errors: Vector = measured(
        "Squared error at the last step on new sequences, over the variance of the target.",
        shape="S",
    )


class TrainedCells(Record):
    """The same after several numbers of updates."""

    cells: tuple[MapCell, ...] = measured("Errors, one per number of updates.")


class MapRecord(Record):
    """Delayed copies by lag, number of targets, loss and updates."""

    seeds: Integers = measured("Random seeds, one per training of each cell.")
    lags: Integers = measured("Lags, ascending.", unit="steps")
    answers: Integers = measured("Numbers of targets per sequence, ascending.")
    updates: Integers = measured("Numbers of updates, ascending.", unit="updates")
    batch_size: int = measured("Sequences per update.", unit="sequences")
    cells: tuple[MapCell, ...] = measured("Cells, one per lag, answers, loss and updates.")
    large_batches: tuple[MapCell, ...] = measured(
        "The middle lag and number of targets, trained with the loss at the last step on batches "
        "that have as many targets at the last step as the others have at all steps."
    )

    def errors(self, lag: int, answers: int, loss: str, updates: int) -> Vector:
        """Errors by seed."""
        key = (lag, answers, loss, updates)
        (cell,) = (c for c in self.cells if (c.lag, c.answers, c.loss, c.updates) == key)
        return cell.errors
