"""What the stages of ``stacked-rnn`` measure.

Sizes: T steps, U logged updates.
"""

from __future__ import annotations

from eigenlab.experiments.averaged import Averaged
from eigenlab.lab import Integers, Record, Vector, measured


class UntrainedNetwork(Record):
    """The gradient of one network as initialised, or with all weights times a factor."""

    seed: int = measured("Random seed of the weights and the data.")
    cell: str = measured("Kind of cell.")
    factor: float = measured("Factor on the default initial weights.")
    gradient: Vector = measured("|dL/dh_t| / |dL/dh_T|, loss at the last step.", shape="T")
    rate: float = measured(
        "Growth of the gradient per step back, over all steps.", unit="nats per step"
    )
    far_rate: float = measured(
        "Growth of the gradient per step back, over the half of the steps far from the loss.",
        unit="nats per step",
    )


class RatesRecord(Record):
    """Gradients of untrained cells."""

    seeds: Integers = measured("Random seeds, one per network of each cell and factor.")
    length: int = measured("Steps of each sequence.", unit="steps")
    factors: Vector = measured("Factors on the default initial weights, ascending.")
    forget_rates: dict[str, float] = measured(
        "LSTM cell -> ln sigmoid(b_f), its rate with W_h = 0.", unit="nats per step"
    )
    rows: tuple[UntrainedNetwork, ...] = measured("Networks, one per seed, cell and factor.")
    initial: dict[str, Averaged] = measured("Cell -> gradient with the default initialisation.")


class TrainedNetwork(Record):
    """One training on the running average."""

    model: str = measured("Kind and number of layers.")
    seed: int = measured("Random seed of the weights and the batches.")
    steps: Integers = measured("Logged updates.", unit="updates", shape="U")
    losses: Vector = measured("Training loss at the logged updates.", shape="U")
    final_loss: float = measured("Mean training loss of the last tenth of the updates.")
    gradient: Vector = measured(
        "|dL/dh_t| / |dL/dh_T| of the top layer after training, loss at the last step.", shape="T"
    )
    rate: float = measured("Growth of that gradient per step back.", unit="nats per step")


class TrainedNetworks(Record):
    """All trainings of one model."""

    runs: tuple[TrainedNetwork, ...] = measured("Trainings, one per seed.")


class TrainingRecord(Record):
    """Trainings of all models."""

    seeds: Integers = measured("Random seeds, one per training of each model.")
    steps: int = measured("Updates of each training.", unit="updates")
    length: int = measured("Steps of each sequence.", unit="steps")
    runs: tuple[TrainedNetwork, ...] = measured("Trainings, one per model and seed.")
    losses: dict[str, Averaged] = measured("Model -> training loss at the logged updates.")
    gradients: dict[str, Averaged] = measured("Model -> gradient after training.")
