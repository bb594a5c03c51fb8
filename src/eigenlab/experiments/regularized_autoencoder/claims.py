"""The claims of ``regularized-autoencoder``, each above the function that judges it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from eigenlab.experiments.regularized_autoencoder.records import (
    MinimaRecord,
    ObjectiveRecord,
    TrainingRecord,
)
from eigenlab.lab import Check, NotRun, above, applies_to, at_least, at_most, claim, close
from eigenlab.statistics import least, worst

#: Rounding of some thousand operations in float64, relative.
MACHINE = 1e-10
#: The course asks for a relative error below this, of a stochastic training.
RELATIVE = 1e-3
#: Relative error of a minimum that descent has reached as far as ENOUGH_DECAY says.
CONVERGED = 1e-6
#: Two directions are different when the sine of their angle is above this; rounding gives 1e-14.
DIFFERENT = 0.01
#: A minimum is judged when in theory exp(-decay) = 1e-7 of the distance to it is left, an order of
#: magnitude below the smallest tolerance; random starts begin outside the linear range.
ENOUGH_DECAY = 16.0
#: Settings of the small problem: with a small lambda a wrong weight decay hardly differs from the
#: right one, with a large one descent is slow, and the layer norm of a single unit is constant.
SMALL_PROBLEM: dict[str, Any] = {
    "objective_lam": (0.1, 0.5),
    "objective_spectrum": (0.1, 5.0),
    "objective_components": (2, None),
}
KUNIN = "Kunin, Bloom, Goeva and Seed 2019, arXiv:1901.08168"


@claim(
    "8a.exact-step",
    "Of three losses, four regularisers and three optimisers, only squared error with weight decay "
    "and SGD steps along the gradient of L.",
    source="question 8a",
    explanation="The mean of the updates over equal batches is compared with -gradient at several "
    "weights at once. Adam divides each entry by its magnitude; dropout of hidden units penalises "
    "the mean square of each times the squared norm of its column of W2, which is not the penalty "
    "of L; layer norm and batch norm change the network and add no penalty; L1 and cross-entropy "
    "have other gradients.",
    scope=applies_to(**SMALL_PROBLEM, objective_points=(2, None)),
    counterexamples=[
        {"combinations/13/angle_sine": 1e-14},  # Adam with squared error and weight decay
        {"combinations/13/angle_sine": 1e-3},
        {"combinations/12/angle_sine": 0.3},  # SGD
        {"combinations/-1/angle_sine": math.nan},
    ],
)
def exact_step(record: ObjectiveRecord) -> list[Check]:
    exact = [row for row in record.combinations if row.angle_sine <= MACHINE]
    names = [(row.loss, row.regularizer, row.optimizer) for row in exact]
    expected = ("squared error", "weight decay", "SGD")
    others = [row.angle_sine for row in record.combinations if row not in exact]
    return [
        close("combinations that step along the gradient", len(exact), 1, tolerance=0),
        close(
            "whether that one is squared error, weight decay, SGD (1: yes)",
            float(names == [expected]),
            1,
            tolerance=0,
        ),
        above("smallest sine of the others", least(others), DIFFERENT),
    ]


@claim(
    "8a.rest",
    "At the minimum of L the mean update of SGD is zero, and that of Adam and AdamW is not.",
    source="question 8a",
    explanation="The gradients of single batches cancel there; divided by their magnitudes, as in "
    "Adam, they do not. Measured with fresh optimisers on small batches.",
    scope=applies_to(**SMALL_PROBLEM, objective_batches=(2, None)),
    counterexamples=[
        {"combinations/12/update_at_minimum": 0.1},  # SGD
        {"combinations/13/update_at_minimum": 1e-12},  # Adam
    ],
)
def rest(record: ObjectiveRecord) -> list[Check]:
    updates = {
        row.optimizer: row.update_at_minimum
        for row in record.combinations
        if (row.loss, row.regularizer) == ("squared error", "weight decay")
    }
    return [
        at_most("SGD: mean update over its parts", updates["SGD"], MACHINE),
        above("Adam", updates["Adam"], DIFFERENT),
        above("AdamW", updates["AdamW"], DIFFERENT),
    ]


@claim(
    "8a.decay",
    "One sample at a time, with the squared error summed over features, weight decay 2λ is exact.",
    source="question 8a",
    explanation="torch.optim.SGD adds decay times W to each gradient, and that of λ ||W||² is 2λ "
    "W, in every step and for every sample, since L has a mean over samples. If the error is "
    "averaged over the d features, as nn.MSELoss does, the error is divided by d, so the decay "
    "has to be 2λ/d, and the learning rate d times as large.",
    scope=applies_to(**SMALL_PROBLEM),
    counterexamples=[
        {"summed/0/angle_sine": 0.01},
        {"summed/0/length": 0.5},
        {"summed/1/angle_sine": 1e-14},
        {"averaged/0/angle_sine": 0.1},
    ],
)
def decay(record: ObjectiveRecord) -> list[Check]:
    exact, *wrong = record.summed
    divided, undivided = record.averaged
    return [
        at_most(f"sine of the angle: {exact.method}", exact.angle_sine, MACHINE),
        close("length of its mean step over that of descent", exact.length, 1, tolerance=MACHINE),
        at_most(f"sine of the angle: {divided.method}", divided.angle_sine, MACHINE),
        *(
            above(f"sine of the angle: {row.method}", row.angle_sine, DIFFERENT)
            for row in (*wrong, undivided)
        ),
    ]


@claim(
    "8a.full-batch",
    "With all samples in every batch Adam with L2 in the gradient ends at the same minimum, and "
    "AdamW, whose decay bypasses the scaling, does not.",
    source="question 8a; Loshchilov and Hutter 2019, arXiv:1711.05101",
    explanation="Adam's update is zero where the full gradient is, so it has the same stationary "
    "points, although it follows another path. AdamW balances a scaled gradient with an unscaled "
    "decay, which corresponds to another objective.",
    scope=applies_to(
        objective_lam=(0.1, 0.5),
        objective_spectrum={4.0, 2.0, 1.0, 0.5, 0.25, 0.125},
        objective_components=(3, None),
        full_batch_steps=(1500, None),
    ),
    counterexamples=[{"full_batch/Adam": 0.1}, {"full_batch/AdamW": 0.0}],
)
def full_batch(record: ObjectiveRecord) -> list[Check]:
    excess = record.full_batch
    return [
        at_most("SGD: objective above its minimum, relative", excess["SGD"], 1e-6),
        at_most("Adam", excess["Adam"], 1e-6),
        above("AdamW", excess["AdamW"], 1e-3),
    ]


def _check_at_minimum(record: MinimaRecord) -> None:
    """Refuse to judge if gradient descent has not converged to the minimum."""
    if record.decay < ENOUGH_DECAY:
        raise NotRun(
            f"the distance to the minimum has decayed by a factor of exp({record.decay:.1f}) only, "
            f"less than exp({ENOUGH_DECAY:g}), for some lambda; take more steps, or values of lams "
            "that are larger or farther from a variance"
        )


@claim(
    "8b.symmetry",
    "At the minimum W1 is the transpose of W2.",
    source="question 8b; " + KUNIN,
    explanation="Where both gradients vanish, λ W1 W1ᵀ = λ W2ᵀ W2: the penalty is lowest when the "
    "two factors have equal norms.",
    counterexamples=[{"rows/0/asymmetry": 0.1}],
)
def symmetry(record: MinimaRecord) -> list[Check]:
    _check_at_minimum(record)
    return [
        at_most(f"largest |W1 - W2ᵀ|, λ = {row.lam:.3g}", row.asymmetry, 1e-6)
        for row in record.rows
    ]


@claim(
    "8b.singular-values",
    "At the minimum W1 and W2 have the singular values sqrt(max(0, 1 - λ/σᵢ²)).",
    source="question 8b; " + KUNIN,
    explanation="Along one principal axis the objective is σ²(1 - p²)² + 2λp². Its minimum is at "
    "p² = 1 - λ/σ², and at zero when the axis has less variance than λ.",
    refutes=["variances over n - 1", "1 - λ/σ², without the root", "λ/σ for λ/σ²", "half of λ"],
    counterexamples=[{"rows/2/decoder/1/0": 0.5}, {"rows/-1/encoder/0/-1": 0.5}],
)
def singular_values(record: MinimaRecord) -> list[Check]:
    _check_at_minimum(record)
    return [
        at_most(
            f"{name}, λ = {row.lam:.3g}",
            relative_error(getattr(row, name), row.predicted),
            CONVERGED,
        )
        for row in record.rows
        for name in ("encoder", "decoder")
    ]


def relative_error(starts: Sequence[Sequence[float]], predicted: Sequence[float]) -> float:
    """Largest relative error; where the prediction is zero, the value itself."""
    return worst(
        abs(value - wanted) / (wanted if wanted > 0 else 1)
        for values in starts
        for value, wanted in zip(values, predicted, strict=True)
    )


@claim(
    "8b.one-sample",
    "Trained one sample at a time with weight decay 2λ, the singular values reach the prediction "
    "to 0.1 %.",
    source="question 8b",
    explanation="With a learning rate that falls to zero; at a constant one they keep fluctuating "
    "around values that are off by a part proportional to it.",
    scope=applies_to(
        sgd_components=(1, 4),
        sgd_lam=(0.2, 0.5),
        sgd_samples=(1500, None),
        sgd_epochs=(100, None),
        sgd_learning_rate=(0.005, 0.01),
    ),
    counterexamples=[{"history/-1/0": math.nan}],
)
def one_sample(record: TrainingRecord) -> list[Check]:
    error = relative_error([record.history[-1]], record.predicted)
    return [at_most("relative error of the singular values", error, RELATIVE)]


@claim(
    "8b.orthonormal",
    "The distance of W2ᵀ W2 from the identity is λ/σ_k², linear in λ up to σ_k².",
    source="question 8b",
    explanation="W2ᵀ W2 has the eigenvalues 1 - λ/σᵢ², and the last is farthest from 1. As λ "
    "falls to zero the columns thus become orthonormal.",
    refutes=["variances over n - 1"],
    counterexamples=[{"rows/1/deviation/0": 0.5}, {"rows/1/deviation/0": math.nan}],
)
def orthonormal(record: MinimaRecord) -> list[Check]:
    _check_at_minimum(record)
    rows = [row for row in record.rows if row.active == len(record.variances)]
    if len(rows) < 2:
        raise NotRun("a slope needs two values of lams below 1, at which all units are active")
    last = record.variances[-1]
    ratios = [value * last / row.lam for row in rows for value in row.deviation]
    ends = rows[0], rows[-1]
    slope = math.log(ends[1].deviation[0] / ends[0].deviation[0]) / math.log(
        ends[1].lam / ends[0].lam
    )
    return [
        close("smallest deviation / (λ / σ_k²)", least(ratios), 1, tolerance=CONVERGED),
        close("largest deviation / (λ / σ_k²)", worst(ratios), 1, tolerance=CONVERGED),
        close("slope in double logarithms", slope, 1, tolerance=CONVERGED),
    ]


@claim(
    "8b.identified",
    "The columns of W2 are not identified, only their space is; yet for λ > 0 the left singular "
    "vectors of W2 are the principal axes.",
    source="question 8b; " + KUNIN,
    explanation="L does not change under W2 O, Oᵀ W1 with orthogonal O, so each start ends with "
    "other columns. W2 W2ᵀ does not contain O: starts agree on it, and its eigenvectors are the "
    "axes wherever the variances above λ differ. Without regularisation O may be any invertible "
    "matrix, and only the column space is determined.",
    scope=applies_to(n_components=(2, None)),
    counterexamples=[
        {"rows/0/column_angle": 0.0},
        {"rows/1/column_angle": math.nan},
        {"rows/0/span_angle": 0.5},
        {"rows/0/axis_angle": 0.5},
        {"rows/0/product_difference": 0.5},
    ],
)
def identified(record: MinimaRecord) -> list[Check]:
    _check_at_minimum(record)
    # Columns in one dimension agree up to their signs.
    angles = [row.column_angle for row in record.rows if row.active > 1]
    if len(record.seeds) < 2 or not angles:
        raise NotRun("it needs two starts and a lambda with two active units; set n_seeds and lams")
    return [
        at_least(
            "columns of W2 between starts up to order and sign, smallest over λ",
            least(angles),
            0.05,
            unit="rad",
        ),
        at_most(
            "column space against PCA",
            worst(row.span_angle for row in record.rows),
            1e-4,
            unit="rad",
        ),
        at_most(
            "W2 W2ᵀ between starts", worst(row.product_difference for row in record.rows), 1e-4
        ),
        at_most(
            "left singular vectors against principal axes",
            worst(row.axis_angle for row in record.rows),
            1e-3,
            unit="rad",
        ),
    ]
