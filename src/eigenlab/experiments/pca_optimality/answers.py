"""The answer to 3b."""

from __future__ import annotations

from eigenlab.experiments.pca_optimality.records import PointsRecord
from eigenlab.lab import answer


@answer(
    "3b",
    figure="points",
    derivation=[
        (
            "The loss is a sum of traces, with the scatter matrix S.",
            r"L = \operatorname{tr} S - 2 \operatorname{tr}(W_2 W_1 S) + "
            r"\operatorname{tr}(W_1^\top W_2^\top W_2 W_1 S), \quad S = X X^\top",
        ),
        (
            "Its gradients follow term by term.",
            r"\frac{\partial L}{\partial W_1} = 2 W_2^\top (W_2 W_1 - I) S, \quad "
            r"\frac{\partial L}{\partial W_2} = 2 (W_2 W_1 - I) S W_1^\top",
        ),
        (
            "Where the first is zero, and S and the decoder have full rank, the product is the "
            "projection on the columns of the decoder.",
            r"W_2^\top W_2 W_1 = W_2^\top \;\Rightarrow\; W_2 W_1 = "
            r"W_2 (W_2^\top W_2)^{-1} W_2^\top = P",
        ),
        (
            "The loss of a projection is the variance that it leaves.",
            r"L = \operatorname{tr}((I - P) S)",
        ),
        (
            "Where the second is zero, too, P commutes with S: its columns span eigenvectors of S, "
            "and the loss is the sum of the other eigenvalues, least for the leading ones.",
            r"P S = S P, \quad L = \sum_{j \notin J} \lambda_j \;\ge\; \sum_{j > k} \lambda_j",
        ),
    ],
)
def principal_subspace(record: PointsRecord) -> str:
    minima = [point for point in record.points if point.index == 0]
    saddles = len(record.points) - len(minima)
    best = record.points[0]
    return (
        "At a stationary point the autoencoder keeps some principal axes, at most k, and only at "
        f"the k leading ones the loss is a minimum: of the {len(record.points)} choices of at most "
        f"{record.n_components} of {record.n_axes} axes, {saddles} are saddles. At the minimum "
        f"{100 * best.share:.1f} % of the variance is left, the sum of the discarded eigenvalues. "
        "The weights are not unique, not even up to signs: $(C^{-1} W_1, W_2 C)$ has the same "
        "loss for every invertible $C$; what is unique, for distinct eigenvalues, is the subspace."
    )
