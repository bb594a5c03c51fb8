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
    training_ratio: float = measured(
        "ln |dL/dh_1| / |dL/dh_T| over sequences of the length of the training.", unit="nats"
    )


class RatesRecord(Record):
    """Gradients of untrained cells."""

    seeds: Integers = measured("Random seeds, one per network of each cell and factor.")
    length: int = measured("Steps of each sequence.", unit="steps")
    training_length: int = measured("Steps of each sequence of the training.", unit="steps")
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
    test_loss: float = measured(
        "Mean square of y_hat_t - (x_1 + ... + x_t) / t over all steps of new sequences."
    )
    sum_r2: float = measured(
        "Share of the variance of x_1 + ... + x_t that a linear map of the first layer's states "
        "explains, on new sequences."
    )
    time_r2: float = measured("The same share for the time t.")
    gradient: Vector = measured(
        "|dL/dh_t| / |dL/dh_T| of the top layer after training, loss at the last step.", shape="T"
    )
    rate: float = measured("Growth of that gradient per step back.", unit="nats per step")


class TrainedNetworks(Record):
    """All trainings of one model."""

    runs: tuple[TrainedNetwork, ...] = measured("Trainings, one per seed.")


class TrainingRecord(Record):
    """Trainings of all models."""

    seeds: Integers = measured(
        "Random seeds; a model that is trained less often has the first of them."
    )
    steps: int = measured("Updates of each training.", unit="updates")
    length: int = measured("Steps of each sequence.", unit="steps")
    runs: tuple[TrainedNetwork, ...] = measured("Trainings, one per model and seed.")
    losses: dict[str, Averaged] = measured("Model -> training loss at the logged updates.")
    gradients: dict[str, Averaged] = measured("Model -> gradient after training.")


class CapacityRecord(Record):
    """A layer of two units whose weights are set by hand, and its states over its weight."""

    weight: float = measured("Weight of the input and of the bias, far below 1.")
    length: int = measured("Steps of each sequence.", unit="steps")
    largest_sum: float = measured("Largest |x_1 + ... + x_t|.")
    sum_error: float = measured("Largest |h_1 / weight - (x_1 + ... + x_t)|.")
    time_error: float = measured("Largest |h_2 / weight - t|.", unit="steps")
    average_error: float = measured("Largest |h_1 / h_2 - (x_1 + ... + x_t) / t|.")
