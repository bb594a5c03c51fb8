"""The answers to 8a and 8b."""

from __future__ import annotations

from eigenlab.experiments.regularized_autoencoder.records import MinimaRecord, ObjectiveRecord
from eigenlab.lab import answer
from eigenlab.statistics import worst


@answer("8a", figure="combinations")
def objective(record: ObjectiveRecord) -> str:
    exact = min(record.combinations, key=lambda row: row.angle_sine)
    excess = {row.decay: row.excess for row in record.mse}
    others = [
        row.update_at_minimum
        for name in ("Adam", "AdamW")
        for row in record.combinations
        if (row.loss, row.regularizer, row.optimizer) == (exact.loss, exact.regularizer, name)
    ]
    moved = " and ".join(f"{update:.2f}" for update in others)
    worst_decay = max(excess, key=lambda name: excess[name])
    return (
        f"Two linear layers, {exact.loss}, {exact.regularizer} and {exact.optimizer}: of "
        f"{len(record.combinations)} combinations this one steps along $-\\nabla L$. The gradient "
        r"of $\lambda \lVert W \rVert^2$ is $2 \lambda W$, hence a weight decay of $2 \lambda$. "
        f"In batches, Adam and AdamW leave the minimum of L: their mean update there is {moved} of "
        "a usual one, as they divide each gradient by its size. nn.MSELoss averages over the "
        "features "
        f"as well; with weight decay {worst_decay} L then ends {100 * excess[worst_decay]:.0f} % "
        "above its minimum."
    )


@answer(
    "8b",
    figure="values",
    derivation=[
        (
            "Zero gradients give equal products, so that the encoder is the transpose of the "
            "decoder.",
            r"\frac{\partial L}{\partial W_1} W_1^\top = W_2^\top \frac{\partial L}{\partial W_2} "
            r"= 0 \;\Rightarrow\; W_1 W_1^\top = W_2^\top W_2, \quad W_1 = W_2^\top",
        ),
        (
            "Along each principal axis, with variance σ² and singular values s, one number "
            "remains.",
            r"\ell(s) = \sigma^2 (1 - s^2)^2 + 2 \lambda s^2",
        ),
        (
            "Its derivative vanishes at zero and, if the variance exceeds the penalty, at one more "
            "place.",
            r"\ell'(s) = -4 \sigma^2 s (1 - s^2) + 4 \lambda s = 0 \;\Rightarrow\; "
            r"s^2 = 1 - \lambda / \sigma^2",
        ),
    ],
)
def shrinkage(record: MinimaRecord) -> str:
    error = worst(
        abs(found - expected)
        for row in record.rows
        for start in row.decoder
        for found, expected in zip(start, row.predicted, strict=True)
    )
    first = record.rows[0]
    return (
        "Every singular value shrinks below 1, the more the smaller the variance along its axis, "
        "and those of axes with less variance than λ are zero. Gradient descent ends within "
        f"{error:.0e} of the formula for {len(record.rows)} values of λ. For a small λ the columns "
        "of W₂ are nearly orthonormal (at "
        f"λ = {first.lam:.3g} the singular values are {min(first.predicted):.3f} to "
        f"{max(first.predicted):.3f}), and their span is the principal subspace; single columns "
        "are not identified."
    )
