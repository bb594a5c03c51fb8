"""What the stages of ``rnn-layer`` measure."""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class PublishedRecord(Record):
    """The small networks of the course's own tests."""

    one_unit: float = measured("State of one unit after one step, every parameter 0.1.")
    inputs: Matrix = measured("Inputs of the three linear units.", shape="T, 2")
    states: Matrix = measured("States of three linear units, every parameter -0.1.", shape="T, 3")
    published_states: Vector = measured("The published state at each step.", shape="T")
    layer_parameters: int = measured(
        "Number of parameters of the layer with three units and two inputs."
    )
    regressor_parameters: int = measured("Number of parameters with a readout of four outputs.")
    prediction: Matrix = measured("Predictions of the published example of the loss.", shape="B, S")
    target: Matrix = measured("Its targets.", shape="B, S")
    loss_every_step: float = measured("Loss of the published example over all steps.")
    loss_last_step: float = measured("Loss of the published example at the last step.")
    every_step_error: float = measured(
        "Difference of the loss over all steps from its definition, for several outputs."
    )
    last_step_error: float = measured(
        "Difference of the loss at the last step from its definition, for several outputs."
    )
    average_error: float = measured("Largest |y_t - (x_1 + ... + x_t) / t| of the task's targets.")


class Difference(Record):
    """Largest absolute differences between our layer and another implementation, in float64."""

    seed: int = measured("Random seed of the weights and the data.")
    nonlinearity: str = measured("Nonlinearity of both.")
    reference: str = measured("The other implementation.")
    states: float = measured("Largest difference of all hidden states.")
    predictions: float = measured("Largest difference of all predictions from W_f h_t + b_f.")
    loss: float = measured("Difference of the loss at every step.")
    gradients: float = measured("Largest difference of the gradients of W_h, W_x and b.")


class ReferenceRecord(Record):
    """Our layer compared with a textbook loop and ``torch.nn.RNN``."""

    seeds: Integers = measured("Random seeds, one per network.")
    rows: tuple[Difference, ...] = measured(
        "Differences, one per network, nonlinearity and reference."
    )
