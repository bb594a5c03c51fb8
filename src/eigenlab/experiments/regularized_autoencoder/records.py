"""What the stages of ``regularized-autoencoder`` measure.

Sizes: k hidden units, S starts, G values of lambda of a curve, E epochs.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class Combination(Record):
    """The updates of one combination of loss, regulariser and optimiser."""

    loss: str = measured("Loss function.")
    regularizer: str = measured("Regulariser.")
    optimizer: str = measured("Optimiser.")
    angle_sine: float = measured(
        "Sine of the angle between the mean updates and -gradient of L at all random weights, "
        "stacked, so that they share one step size."
    )
    update_at_minimum: float = measured(
        "Length of the mean update over the mean length of the updates, at the minimum of L; 0 if "
        "the weights stay there."
    )


class Decay(Record):
    """SGD on one sample at a time with one weight decay."""

    method: str = measured("Reduction of the error over features, and weight decay.")
    angle_sine: float = measured("Sine of the angle between the mean updates and -gradient of L.")
    length: float = measured(
        "Length of the mean update over the learning rate times the gradient's; 1 where the "
        "learning rate is that of gradient descent on L."
    )


class Depth(Record):
    """A network of some linear layers, trained with the squared error and weight decay 2 lambda."""

    n_layers: int = measured("Number of linear layers; two have one hidden layer of k units.")
    singular_values: Vector = measured("Singular values of the product of its matrices.", shape="d")
    distance: float = measured(
        "Frobenius distance of that product from W2 W1 at the minimum of L, over the norm of W2 W1."
    )


class Averaged(Record):
    """Two linear layers, trained with nn.MSELoss."""

    decay: str = measured("Weight decay.")
    singular_values: Vector = measured("Singular values of W2.", shape="k")
    excess: float = measured("(L - minimum of L) / minimum of L.")


class ObjectiveRecord(Record):
    """Updates compared with the gradient of the objective L."""

    seed: int = measured("Random seed of the samples and the weights.")
    combinations: tuple[Combination, ...] = measured("Updates of every combination.")
    summed: tuple[Decay, ...] = measured(
        "Results with the error summed over features: decay 2 lambda, then other decays."
    )
    averaged: tuple[Decay, ...] = measured(
        "Results with the error averaged over the d features: decay 2 lambda / d, then 2 lambda."
    )
    lam: float = measured("Weight of the penalty.", unit="variance")
    variances: Vector = measured("Variances along the principal axes, descending.", shape="d")
    n_components: int = measured("Number of hidden units k.")
    depths: tuple[Depth, ...] = measured("Networks of no, one, two and three layers.")
    mse: tuple[Averaged, ...] = measured(
        "Two layers with nn.MSELoss: weight decay 2 lambda / d, then 2 lambda."
    )
    full_batch: dict[str, float] = measured(
        "Optimiser -> (final L - minimum of L) / minimum of L after training on all samples at "
        "once, with squared error and weight decay."
    )


class Minimum(Record):
    """The end of gradient descent for one lambda."""

    lam: float = measured("Weight of the penalty.", unit="variance")
    active: int = measured("Number of principal axes with more variance than lambda, at most k.")
    predicted: Vector = measured("Singular values predicted by theory.", shape="k")
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
        "Angle between the columns of W2 and the nearest columns of the first start, up to sign: "
        "the largest over columns, in the start where it is smallest.",
        unit="rad",
    )
    product_difference: float = measured("Largest difference of W2 W2ᵀ between starts.")
    pseudo_inverse: Vector = measured(
        "Spectral norm of W1 minus the pseudo-inverse of W2.", shape="S"
    )


class Predictions(Record):
    """The singular values in theory as functions of lambda."""

    lams: Vector = measured("Values of lambda.", unit="variance", shape="G")
    singular_values: Matrix = measured("Singular values at each lambda.", shape="G, k")
    deviation: Vector = measured("Spectral norm of W2ᵀ W2 - I.", shape="G")


class PenaltyCurve(Record):
    """The penalty of two factors of a projection."""

    lam: float | None = measured("Weight of the penalty, where the values were measured.")
    singular_values: Vector = measured("Singular value of W2.", shape="P")
    penalty: Vector = measured("Smallest |w1|² + |w2|² with w1 w2 = 1.", shape="P")


class Factors(Record):
    """Two factors W2 = U C and W1 = C⁻¹ Uᵀ of the projection on the principal axes U."""

    singular_values: Vector = measured("Singular values of W2, those of C.", shape="k")
    penalty: float = measured("||W1||² + ||W2||².")
    formula: float = measured("Sum of σ² + 1/σ² over them.")
    pseudo_inverse: float = measured(
        "Spectral norm of W1 minus the pseudo-inverse of W2, over that of W1."
    )


class MinimaRecord(Record):
    """Gradient descent to the minimum for several lambda."""

    seeds: Integers = measured("Random seeds, one per start.")
    variances: Vector = measured("Variances along the principal axes.", shape="k")
    decay: float = measured(
        "Learning rate x steps x smallest theoretical curvature at the minima: the slowest "
        "component of the distance to the minimum decays by exp(-decay)."
    )
    rows: tuple[Minimum, ...] = measured("Minima, one per lambda, ascending.")
    curve: Predictions = measured("Predictions over the range of lambda.")
    corners: Predictions = measured("Predictions at each lambda and at sigma_k^2.")
    factors: tuple[Factors, ...] = measured(
        "Factors of one projection: with an orthogonal C, then with random ones."
    )
    penalty: PenaltyCurve = measured("Penalty over the range of singular values.")
    measured_penalty: tuple[PenaltyCurve, ...] = measured(
        "Penalty at the nonzero singular values of W2, for a small and a medium lambda."
    )


class LamsRecord(Record):
    """Gradient descent to the minimum from one start, for the figure with a slider."""

    lams: Vector = measured("Values of lambda, ascending.", unit="sigma_k^2", shape="G")
    variances: Vector = measured("Variances along the principal axes.", shape="k")
    minima: tuple[Minimum, ...] = measured("Minima, one per lambda.")


class TrainingRecord(Record):
    """Stochastic gradient descent on one sample at a time with weight decay 2 lambda."""

    seed: int = measured("Random seed of the initial weights and the order of the samples.")
    lam: float = measured("Weight of the penalty.", unit="variance")
    predicted: Vector = measured("Singular values predicted by theory.", shape="k")
    history: Matrix = measured("Singular values of W2 at the start and after each epoch.")
    asymmetry: float = measured("Largest |W1 - W2ᵀ| at the end.")
