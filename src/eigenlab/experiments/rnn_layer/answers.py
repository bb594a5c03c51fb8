"""The answers to 1a, 1b and 1c."""

from __future__ import annotations

from eigenlab.experiments.rnn_layer.records import PublishedRecord, ReferenceRecord
from eigenlab.lab import answer
from eigenlab.statistics import worst


@answer(
    "1a",
    figure="states",
)
def layer(record: PublishedRecord) -> str:
    last = record.states[-1][0]
    inputs = ", ".join(f"({', '.join(f'{value:g}' for value in x)})" for x in record.inputs)
    return (
        "A loop over the steps applies the same weights to the last state and the next input. To "
        "check one by hand: one unit with every parameter 0.1 and $x_1 = 1$ has "
        f"$h_1 = \\tanh(0.1 + 0.1) = {record.one_unit:.10f}$. Three linear units on two inputs, "
        f"with every parameter -0.1, have {record.layer_parameters} parameters "
        f"($9 + 6 + 3$), and with the inputs {inputs} each has the state {last:.4f} after "
        f"{len(record.states)} steps; the table below has every step."
    )


@answer("1b", figure="differences")
def readout(record: ReferenceRecord) -> str:
    error = worst(row.predictions for row in record.rows)
    gradient = worst(row.gradients for row in record.rows)
    return (
        "A linear map reads a prediction from the state of every step, without a nonlinearity. The "
        "predictions agree with a textbook loop and with torch.nn.RNN to "
        f"{error:.0e}, and the gradients of all recurrent parameters to {gradient:.0e}."
    )


@answer(
    "1c",
)
def loss(record: PublishedRecord) -> str:
    return (
        "The mean of the squared errors over sequences, steps and the m outputs; for the last step "
        "only, the mean over sequences and outputs. In the published example these are "
        f"{record.loss_every_step:.4f} and {record.loss_last_step:.4f}. A common mistake is to "
        "take the last entry of the last axis, which is an output, for the last step."
    )
