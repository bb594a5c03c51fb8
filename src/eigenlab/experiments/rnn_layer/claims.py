"""The claims of ``rnn-layer``, each above the function that judges it."""

from __future__ import annotations

import math

from eigenlab.experiments.rnn_layer.records import PublishedRecord, ReferenceRecord
from eigenlab.lab import Check, applies_to, at_most, claim, close
from eigenlab.statistics import worst

#: The published values have four decimals; half a unit of the last one is 5e-5.
PUBLISHED_TOLERANCE = 1e-4
#: In float64 both sides round differently, some 1e-16 per operation over at most a few thousand
#: operations that these networks hardly amplify: 1e-14 with 40 steps, 1e-12 with a thousand.
REFERENCE_TOLERANCE = 1e-10
#: Sums of thirty products in float64.
ROUNDING = 1e-13

ONE_UNIT = 0.1973753273
LAYER_PARAMETERS, REGRESSOR_PARAMETERS = 18, 34
LOSS_EVERY_STEP, LOSS_LAST_STEP = 3.0067, 3.7


@claim(
    "1a.one-unit",
    "One unit with every parameter 0.1 and the input x = 1 has the hidden state 0.1973753273.",
    source="question 1a",
    origin="notebook",
    explanation="tanh(0.1 x 0 + 0.1 x 1 + 0.1) = tanh(0.2): h_0 is zero, and there is one bias, "
    "not two.",
    refutes=["the bias twice", "the state before the nonlinearity"],
    counterexamples=[{"one_unit": math.tanh(0.3)}],  # two biases
)
def one_unit(record: PublishedRecord) -> list[Check]:
    return [close("hidden state", record.one_unit, ONE_UNIT, tolerance=PUBLISHED_TOLERANCE)]


@claim(
    "1a.states",
    "Without a nonlinearity and with every parameter -0.1, three units have the hidden states "
    "-0.1250, -0.1075, -0.1328, -0.1452; the layer has 18 parameters.",
    source="question 1a",
    origin="notebook",
    explanation="W_h has 3 x 3 numbers, W_x 3 x 2 and b 3. All units are alike, so each step is "
    "h <- -0.3 h - 0.1 (x_1 + x_2) - 0.1. The published states have four decimals.",
    refutes=["the bias twice", "the sum of all states so far"],
    counterexamples=[{"states/3/1": 0.1452}, {"layer_parameters": 21}],
)
def states(record: PublishedRecord) -> list[Check]:
    checks = [
        close(
            f"unit {unit + 1} at step {t + 1}",
            value,
            record.published_states[t],
            tolerance=PUBLISHED_TOLERANCE,
        )
        for t, row in enumerate(record.states)
        for unit, value in enumerate(row)
    ]
    return [*checks, close("parameters", record.layer_parameters, LAYER_PARAMETERS, tolerance=0)]


@claim(
    "1a.reference",
    "With random weights all hidden states agree with a textbook loop and with torch.nn.RNN to "
    "1e-10 in double precision.",
    source="question 1a",
    explanation="torch.nn.RNN has two biases, of which only the sum matters; the bias of our "
    "layer is that sum.",
    scope=applies_to(length=(1, 1000), hidden_size=(1, 512)),
    refutes=["W_h transposed", "the bias twice", "the state before the nonlinearity"],
    counterexamples=[{"rows/1/states": 1e-5}],
)
def reference_states(record: ReferenceRecord) -> list[Check]:
    return _largest(record, "states")


@claim(
    "1b.parameters",
    "A regressor with four outputs on that layer has 34 parameters.",
    source="question 1b",
    origin="notebook",
    explanation="The layer has 18, W_f has 4 x 3 and its bias 4.",
    counterexamples=[{"regressor_parameters": 37}],
)
def parameters(record: PublishedRecord) -> list[Check]:
    return [close("parameters", record.regressor_parameters, REGRESSOR_PARAMETERS, tolerance=0)]


@claim(
    "1b.prediction",
    "The predictions are y_hat_t = W_f h_t + b_f at every step.",
    source="question 1b",
    explanation="Compared with the formula on the states of a textbook loop and of torch.nn.RNN, "
    "with a random b_f.",
    scope=applies_to(length=(1, 1000), hidden_size=(1, 512)),
    refutes=[
        "the states of the step before",
        "predictions through a ReLU",
        "seven times the predictions",
        "no b_f",
    ],
    counterexamples=[{"rows/0/predictions": 1e-8}],
)
def prediction(record: ReferenceRecord) -> list[Check]:
    return _largest(record, "predictions")


@claim(
    "1b.gradients",
    "The gradient of every recurrent parameter agrees with automatic differentiation of a textbook "
    "loop and of torch.nn.RNN to 1e-10 in double precision.",
    source="question 1b",
    explanation="The layer carries its own backward pass through time, written by hand; this "
    "claim tests that it is the derivative of the forward pass.",
    scope=applies_to(length=(1, 1000), hidden_size=(1, 512)),
    refutes=[
        "twice the gradient of W_h",
        "no gradient through the states before",
        "no gradient of b",
    ],
    counterexamples=[{"rows/-1/gradients": math.nan}],
)
def reference_gradients(record: ReferenceRecord) -> list[Check]:
    return _largest(record, "gradients")


@claim(
    "1c.loss",
    "The loss of the published example is 3.0067 over every step and 3.7 at the last step.",
    source="question 1c",
    origin="notebook",
    explanation="The squares are 1.44, 1.96, 2.56, 3.24, 4 and 4.84; the mean of all six is "
    "18.04/6, that of the two last ones 3.7. A sum instead of the mean, or a factor 1/2, would "
    "give other values.",
    refutes=["half of the mean square", "a sum for the mean", "the root of the mean square"],
    counterexamples=[{"loss_every_step": 18.04}, {"loss_last_step": 3.7 / 2}],
)
def loss(record: PublishedRecord) -> list[Check]:
    tolerance = PUBLISHED_TOLERANCE
    return [
        close("every step", record.loss_every_step, LOSS_EVERY_STEP, tolerance=tolerance),
        close("last step", record.loss_last_step, LOSS_LAST_STEP, tolerance=tolerance),
    ]


@claim(
    "1c.definition",
    "With several outputs the loss is the mean of (y_hat - y)^2 over sequences, steps and "
    "outputs; at the last step it is the mean over sequences and outputs at t = T.",
    source="question 1c",
    explanation="Compared with sums that are written out, on predictions (sequences, steps, "
    "outputs).",
    refutes=[
        "17 times the sum of absolute errors for several outputs",
        "the last output for the last step",
        "half of the mean square",
    ],
    counterexamples=[{"every_step_error": 1e-6}, {"last_step_error": 1e-6}],
)
def definition(record: PublishedRecord) -> list[Check]:
    return [
        at_most("every step: difference from the definition", record.every_step_error, ROUNDING),
        at_most("last step: difference from the definition", record.last_step_error, ROUNDING),
    ]


@claim(
    "1c.average",
    "The targets of the running average are y_t = (x_1 + ... + x_t) / t.",
    source="question 1c",
    refutes=["running sums", "averages of the inputs before", "the average of the whole sequence"],
    counterexamples=[{"average_error": 1e-6}],
)
def average(record: PublishedRecord) -> list[Check]:
    return [at_most("largest difference from the definition", record.average_error, ROUNDING)]


@claim(
    "1c.reference",
    "With random weights the loss agrees with that of a textbook loop and of torch.nn.RNN to 1e-10 "
    "in double precision.",
    source="question 1c",
    scope=applies_to(length=(1, 1000), hidden_size=(1, 512)),
    refutes=["half of the mean square", "the last step only"],
    counterexamples=[{"rows/0/loss": 2e-6}],
)
def reference_loss(record: ReferenceRecord) -> list[Check]:
    return _largest(record, "loss")


def _largest(record: ReferenceRecord, quantity: str) -> list[Check]:
    pairs = dict.fromkeys((row.nonlinearity, row.reference) for row in record.rows)
    return [
        at_most(
            f"{nonlinearity} against {reference}",
            worst(
                getattr(row, quantity)
                for row in record.rows
                if (row.nonlinearity, row.reference) == (nonlinearity, reference)
            ),
            REFERENCE_TOLERANCE,
        )
        for nonlinearity, reference in pairs
    ]
