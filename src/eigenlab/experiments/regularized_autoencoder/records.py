"""What the stages of ``regularized-autoencoder`` measure.

Sizes: k hidden units, S starts, G values of lambda of a curve, E epochs.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class Combination(Record):
    """The updates of one combination of loss, regulariser and optimiser."""

    loss: str = measured("Loss function.")
    regularizer: str = measured("What regularises.")
    optimizer: str = measured("Optimiser.")
    mismatch: float = measured(
        "Sine of the angle between the mean updates and -gradient of L, all weights stacked, so "
        "that one common step size must serve them all."
    )
    update_at_minimum: float = measured(
        "Length of the mean update over the mean length of the updates at the minimum of L; 0 "
        "where it stays there."
    )


class Decay(Record):
    """SGD on one sample at a time with one weight decay."""

    method: str = measured("How the error is reduced over features, and the weight decay.")
    mismatch: float = measured("Sine of the angle between the mean updates and -gradient of L.")
    length: float = measured(
        "Length of the mean update over the learning rate times the gradient's; 1 where the "
        "learning rate is that of gradient descent on L."
    )


class ObjectiveRecord(Record):
    """Updates beside the gradient of the objective L."""

    seed: int = measured("Of samples and weights.")
    combinations: tuple[Combination, ...] = measured("Every combination.")
    summed: tuple[Decay, ...] = measured(
        "Error summed over features: decay 2 lambda, then other decays."
    )
    averaged: tuple[Decay, ...] = measured(
        "Error averaged over the d features: decay 2 lambda / d, then 2 lambda."
    )
    full_batch: dict[str, float] = measured(
        "Optimiser -> L where it ends on all samples at once, less the minimum of L, relative to "
        "it; squared error and weight decay."
    )


class Minimum(Record):
    """Where gradient descent ends for one lambda."""

    lam: float = measured("Weight of the penalty.", unit="variance")
    active: int = measured("Principal axes with more variance than lambda, at most k.")
    predicted: Vector = measured("Singular values in theory.", shape="k")
    encoder: Matrix = measured("Singular values of W1.", shape="S, k")
    decoder: Matrix = measured("Singular values of W2.", shape="S, k")
    asymmetry: float = measured("Largest |W1 - W2ᵀ|.")
    deviation: Vector = measured("Spectral norm of W2ᵀ W2 - I.", shape="S")
    span_angle: float = measured(
        "Largest principal angle of the column space of W2 to the principal subspace.", unit="rad"
    )
    axis_angle: float = measured(
        "Largest angle between a left singular vector of W2 and its principal axis.", unit="rad"
    )
    column_angle: float = measured(
        "How far the columns of W2 are from those of the first start, up to order and sign: of the "
        "column whose best partner is farthest, in the start that agrees most.",
        unit="rad",
    )
    product_difference: float = measured("Largest difference of W2 W2ᵀ between starts.")


class Predictions(Record):
    """The singular values in theory as functions of lambda."""

    lams: Vector = measured("Values of lambda.", unit="variance", shape="G")
    singular_values: Matrix = measured("At each lambda.", shape="G, k")
    deviation: Vector = measured("Spectral norm of W2ᵀ W2 - I.", shape="G")


class PenaltyCurve(Record):
    """The penalty of two factors of a projection."""

    lam: float | None = measured("Weight of the penalty, where the values were measured.")
    singular_values: Vector = measured("Singular value of W2.", shape="P")
    penalty: Vector = measured("Smallest |w1|² + |w2|² with w1 w2 = 1.", shape="P")


class MinimaRecord(Record):
    """Gradient descent to the minimum for several lambda."""

    seeds: Integers = measured("One per start.")
    variances: Vector = measured("Along the principal axes.", shape="k")
    decay: float = measured(
        "Learning rate x steps x smallest curvature at the minima in theory: the slowest part of "
        "the distance to the minimum decays by exp(-decay)."
    )
    rows: tuple[Minimum, ...] = measured("One per lambda, ascending.")
    curve: Predictions = measured("Predictions over the range of lambda.")
    corners: Predictions = measured("Predictions at each lambda and at sigma_k^2.")
    penalty: PenaltyCurve = measured("Over the range of singular values.")
    measured_penalty: tuple[PenaltyCurve, ...] = measured(
        "That curve at the singular values of W2 on axes that are on, for a small and a medium "
        "lambda."
    )


class TrainingRecord(Record):
    """Stochastic gradient descent on one sample at a time with weight decay 2 lambda."""

    seed: int = measured("Of weights and orders.")
    lam: float = measured("Weight of the penalty.", unit="variance")
    predicted: Vector = measured("Singular values in theory.", shape="k")
    history: Matrix = measured("Singular values of W2 at the start and after each epoch.")
    asymmetry: float = measured("Largest |W1 - W2ᵀ| at the end.")
