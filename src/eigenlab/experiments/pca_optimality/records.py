"""What the stages of ``pca-optimality`` measure.

Sizes: P points on a piece of a path, R recorded steps, S starts.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class GradientErrors(Record):
    """Differences of one gradient from two references, over its largest entry."""

    seed: int = measured("Random seed of the weights and the samples.")
    weight: str = measured("Matrix of the gradient, W1 or W2.")
    autograd: float = measured("Largest difference from automatic differentiation.")
    finite_differences: float = measured("Largest difference from central differences.")


class GradientsRecord(Record):
    """The gradients by formula, compared with two references."""

    seeds: Integers = measured("Random seeds, one per network.")
    rows: tuple[GradientErrors, ...] = measured("Errors, one per network and weight matrix.")


class Expansion(Record):
    """The loss as a sum of traces, with S = X Xᵀ, and the gradients of each, at random weights."""

    loss: float = measured("Loss ||X - W2 W1 X||².")
    constant: float = measured("tr(S).")
    cross: float = measured("tr(W2 W1 S).")
    square: float = measured("tr(W1ᵀ W2ᵀ W2 W1 S).")
    cross_errors: Vector = measured(
        "Largest difference of W2ᵀ S, and of S W1ᵀ, from the gradients of tr(W2 W1 S) by automatic "
        "differentiation, over the largest entry.",
        shape="2",
    )
    square_errors: Vector = measured(
        "Largest difference of 2 W2ᵀ W2 W1 S, and of 2 W2 W1 S W1ᵀ, from those of the last trace.",
        shape="2",
    )
    sum_errors: Vector = measured(
        "Largest difference of dL/dW1, and of dL/dW2, from the sums of these gradients.", shape="2"
    )


class Condition(Record):
    """A random decoder and the nearest encoder at which dL/dW1 is zero, beside a random encoder."""

    rank: int = measured("Rank of X, of 6 features.")
    gradient: float = measured("Largest entry of dL/dW1, over ||X||² ||W2||.")
    on_range: float = measured("Largest entry of (W2ᵀ W2 W1 - W2ᵀ) Q over ||W2||², Q a basis of X.")
    anywhere: float = measured("Largest entry of W2ᵀ W2 W1 - W2ᵀ over ||W2||².")
    gradient_elsewhere: float = measured("That of dL/dW1 at the random encoder.")
    on_range_elsewhere: float = measured("That on the range of X at the random encoder.")
    projection: float = measured(
        "Largest entry of (W2 W1 - P) Q, P = W2 (W2ᵀ W2)⁻¹ W2ᵀ the projection on the columns of W2."
    )
    loss: float = measured("Loss over ||X||².")
    left: float = measured("tr((I - P) X Xᵀ) over ||X||².")


class Optimum(Record):
    """Losses W2 = W1ᵀ = U of random orthonormal U, and of the leading eigenvectors.

    U: subspaces.
    """

    spectrum: Vector = measured("Eigenvalues of X Xᵀ / n, descending.")
    n_components: int = measured("Columns k of U.")
    least: float = measured("Loss over ||X||² of the leading eigenvectors.")
    losses: Vector = measured("Loss over ||X||² of each random subspace.", shape="U")
    kept: Matrix = measured("Eigenvalues of Uᵀ X Xᵀ U / n, descending.", shape="U, k")


class DerivationRecord(Record):
    """The steps of the derivation, each at random weights."""

    seeds: Integers = measured("Random seeds, one per network.")
    expansions: tuple[Expansion, ...] = measured("The expanded loss and its gradients.")
    conditions: tuple[Condition, ...] = measured(
        "Stationary encoders, for X of full rank and then for X of lower rank."
    )
    optimum: Optimum = measured("Random subspaces and the leading one.")


class StationaryPoint(Record):
    """A subset of the principal axes that the autoencoder keeps."""

    subset: Integers = measured("Axes that are kept, 0 for that of the largest variance.")
    loss: float = measured("Loss ||X - W2 W1 X||².")
    discarded: float = measured("Sum of the eigenvalues of X Xᵀ on the other axes.")
    share: float = measured("Discarded share of the sum of all eigenvalues.")
    gradient: float = measured("Largest entry of both gradients over ||X||².")
    index: int = measured("Number of directions of descent, counted from the subset.")
    nullity: int = measured("Number of flat directions, counted from the subset.")
    hessian_index: int = measured("Number of negative eigenvalues of the Hessian.")
    hessian_nullity: int = measured(
        "Number of eigenvalues of the Hessian that are zero up to rounding."
    )


class PathPiece(Record):
    """The loss while the kept subspace is rotated from one subset of the axes to another."""

    start: Integers = measured("Axes kept at the start.")
    end: Integers = measured("Axes kept at the end.")
    angles: Vector = measured("Angles from the start of the path.", unit="degrees", shape="P")
    losses: Vector = measured("Loss over ||X||².", shape="P")


class ImagesAtComponents(Record):
    """The autoencoder at the principal components of the images, beside scikit-learn's PCA."""

    gradient: float = measured("Largest entry of both gradients over ||X||².")
    angle_to_pca: float = measured("Largest principal angle to PCA's subspace.", unit="rad")
    ratio_difference: float = measured("Largest difference of the explained variance ratios.")
    variance_difference: float = measured(
        "Largest difference of the explained variances, relative to PCA's."
    )
    explained: float = measured("Share of the variance that the components explain.")


class OtherMinimum(Record):
    """The weights (C⁻¹ W1, W2 C) for a random C, beside the leading eigenvectors W1 = W2ᵀ."""

    excess: float = measured("Loss minus the least, relative to the loss of zero weights.")
    gradient: float = measured("Largest entry of both gradients over ||X||².")
    moved: float = measured(
        "Largest difference of a column of W2 from the nearest column, up to sign, over its norm."
    )
    angle: float = measured("Largest principal angle between the two column spaces.", unit="rad")


class PointsRecord(Record):
    """All stationary points of a small problem, and the principal components of the images."""

    seed: int = measured("Random seed of the axes of the small problem.")
    n_axes: int = measured("Principal axes of the small problem.")
    n_components: int = measured("Hidden units in the small problem.")
    points: tuple[StationaryPoint, ...] = measured("Stationary points, by increasing loss.")
    path: tuple[PathPiece, ...] = measured(
        "Path from the trailing axes to the leading ones, one axis at a time."
    )
    others: tuple[OtherMinimum, ...] = measured("Other weights with the least loss.")
    images: ImagesAtComponents = measured(
        "The autoencoder at the principal components of the images."
    )


class TrainingRecord(Record):
    """Gradient descent from random starts."""

    seeds: Integers = measured("Random seeds, one per start.")
    steps: Integers = measured("Recorded steps.", unit="steps", shape="R")
    minimum: float = measured("Loss at the minimum, the discarded variance.")
    decay: float = measured(
        "Learning rate x steps x gap between the last kept and the first discarded variance: "
        "near the minimum the slowest rotation decays by exp(-decay)."
    )
    excess: Matrix = measured("Excess loss, (loss - minimum) / total variance.", shape="S, R")
    angles: Matrix = measured(
        "Largest principal angle of the decoder's columns to the principal subspace.",
        unit="rad",
        shape="S, R",
    )


class Visit(Record):
    """The recorded step nearest to one saddle."""

    n_axes: int = measured("Number of leading principal axes that the saddle keeps.")
    plateau: float = measured("Loss of the saddle over ||X||².")
    step: int = measured("The nearest step.", unit="steps")
    loss: float = measured("Loss at that step over ||X||².")
    distance: float = measured("Frobenius norm of W2 W1 - projection on the axes.")


class StaircaseRecord(Record):
    """Gradient descent from weights close to zero."""

    seed: int = measured("Random seed of the axes and the start.")
    steps: Integers = measured("Recorded steps.", unit="steps", shape="R")
    losses: Vector = measured("Loss over ||X||².", shape="R")
    gradient_norms: Vector = measured("Norm of both gradients over ||X||².", shape="R")
    visits: tuple[Visit, ...] = measured("Nearest steps, one per saddle, by number of axes.")
