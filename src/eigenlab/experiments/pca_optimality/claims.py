"""The claims of ``pca-optimality``, each above the function that judges it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from eigenlab.experiments.pca_optimality.config import PCAOptimalityConfig
from eigenlab.experiments.pca_optimality.records import (
    Condition,
    DerivationRecord,
    GradientsRecord,
    PointsRecord,
    StaircaseRecord,
    TrainingRecord,
)
from eigenlab.lab import Check, NotRun, Outcome, above, applies_to, at_least, at_most, claim, close
from eigenlab.statistics import least, worst

#: Rounding of some hundred operations in float64, relative to the largest entry.
MACHINE = 1e-12
#: Central differences with a step of 1e-4 on a quartic: truncation 1e-8, rounding 1e-11.
DIFFERENCES = 1e-6
#: Training is judged when exp(-decay), the angle that theory leaves of one radian, is far below the
#: tolerance of 1e-3; random starts begin outside the linear range and need a few more.
ENOUGH_DECAY = 10.0
#: The same after a system of equations with random matrices has been solved.
SOLVED = 1e-9
#: A difference that rounding does not explain.
DIFFERENT = 0.01
BALDI_HORNIK = "Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2"


@claim(
    "3b.gradients",
    "dL/dW1 = 2 W2ᵀ (W2 W1 - I) X Xᵀ and dL/dW2 = 2 (W2 W1 - I) X Xᵀ W1ᵀ.",
    source="question 3b",
    explanation="Compared in double precision with automatic differentiation and with central "
    "differences, relative to the largest entry.",
    refutes=["no factor 2", "W2 and W1 exchanged", "a mean over the samples"],
    counterexamples=[
        {"rows/0/autograd": 1e-6},
        {"rows/-1/finite_differences": math.nan},
    ],
)
def gradients(record: GradientsRecord) -> list[Check]:
    return [
        at_most(
            f"dL/d{weight} against {words}",
            worst(getattr(row, field) for row in record.rows if row.weight == weight),
            bound,
        )
        for weight in ("W1", "W2")
        for field, words, bound in (
            ("autograd", "automatic differentiation", MACHINE),
            ("finite_differences", "central differences", DIFFERENCES),
        )
    ]


@claim(
    "3b.expansion",
    "||X - W2 W1 X||² = tr(X Xᵀ) - 2 tr(W2 W1 X Xᵀ) + tr(W1ᵀ W2ᵀ W2 W1 X Xᵀ).",
    source="question 3b, first step of the derivation",
    explanation="||A||² = tr(A Aᵀ), and a trace does not change when its factors are rotated. The "
    "samples enter through X Xᵀ only.",
    refutes=["a mean over the samples", "the cross term once", "W2 W1 transposed in the last term"],
    counterexamples=[
        {"expansions/0/loss": lambda value: 1.001 * value},
        {"expansions/-1/cross": math.nan},
    ],
)
def expansion(record: DerivationRecord) -> list[Check]:
    errors = [(e.constant - 2 * e.cross + e.square) / e.loss - 1 for e in record.expansions]
    return [at_most("loss minus the sum of traces, relative", worst(map(abs, errors)), MACHINE)]


@claim(
    "3b.term-gradients",
    "d tr(W2 W1 S)/dW1 = W2ᵀ S and /dW2 = S W1ᵀ; d tr(W1ᵀ W2ᵀ W2 W1 S)/dW1 = 2 W2ᵀ W2 W1 S and "
    "/dW2 = 2 W2 W1 S W1ᵀ, with S = X Xᵀ.",
    source="question 3b, second step of the derivation",
    explanation="The last trace holds each matrix twice, hence the factor 2, and S is symmetric. "
    "Their sum with the weights -2 and 1 is the gradient of the loss.",
    refutes=["no factor 2", "W2 and W1 exchanged", "a mean over the samples"],
    counterexamples=[
        {"expansions/0/cross_errors/1": 1e-6},
        {"expansions/0/square_errors/0": 1e-6},
        {"expansions/-1/sum_errors/0": math.nan},
    ],
)
def term_gradients(record: DerivationRecord) -> list[Check]:
    return [
        at_most(f"{words}, {weight}", worst(getattr(e, f)[i] for e in record.expansions), MACHINE)
        for f, words in (
            ("cross_errors", "gradient of tr(W2 W1 S) against automatic differentiation"),
            ("square_errors", "gradient of tr(W1ᵀ W2ᵀ W2 W1 S)"),
            ("sum_errors", "dL/dW against the sum of both"),
        )
        for i, weight in enumerate(("W1", "W2"))
    ]


@claim(
    "3b.condition",
    "dL/dW1 is zero where W2ᵀ W2 W1 = W2ᵀ on the range of X, and only there.",
    source="question 3b, third step of the derivation",
    explanation="dL/dW1 = 2 (W2ᵀ W2 W1 - W2ᵀ) X Xᵀ, and a matrix that X Xᵀ maps to zero is zero on "
    "the range of X. Where X has fewer directions than features, the encoder is free on the "
    "others, and the equation holds on the range only.",
    refutes=["without X Xᵀ", "the transpose of the decoder as the encoder"],
    counterexamples=[
        {"conditions/0/gradient": 1e-6},
        {"conditions/-1/on_range": 1e-6},
        {"conditions/-1/anywhere": 0.0},
        {"conditions/0/gradient_elsewhere": 0.0},
    ],
)
def condition(record: DerivationRecord) -> list[Check]:
    full, lower = _by_rank(record)
    both = (*full, *lower)
    return [
        at_most("dL/dW1 at the encoders found", worst(c.gradient for c in both), MACHINE),
        at_most("W2ᵀ W2 W1 - W2ᵀ on the range of X", worst(c.on_range for c in both), SOLVED),
        at_most("everywhere, X of full rank", worst(c.anywhere for c in full), SOLVED),
        above("everywhere, X of lower rank", least(c.anywhere for c in lower), DIFFERENT),
        above("dL/dW1 at other encoders", least(c.gradient_elsewhere for c in both), DIFFERENT),
        above(
            "W2ᵀ W2 W1 - W2ᵀ on the range of X there",
            least(c.on_range_elsewhere for c in both),
            DIFFERENT,
        ),
    ]


def _by_rank(record: DerivationRecord) -> tuple[list[Condition], list[Condition]]:
    """Those with X of full rank, and the others."""
    largest = max(c.rank for c in record.conditions)
    return (
        [c for c in record.conditions if c.rank == largest],
        [c for c in record.conditions if c.rank < largest],
    )


@claim(
    "3b.projected-loss",
    "With the best encoder W2 W1 is the orthogonal projection P on the columns of W2, and the loss "
    "is tr(X Xᵀ) - tr(P X Xᵀ).",
    source="question 3b, fourth step of the derivation",
    explanation="The condition gives W1 = (W2ᵀ W2)⁻¹ W2ᵀ on the range of X. A projection is "
    "symmetric and idempotent, so the second and the third trace of the loss are equal.",
    refutes=["the transpose of the decoder as the encoder", "a mean over the samples"],
    counterexamples=[
        {"conditions/0/projection": 1e-6},
        {"conditions/-1/loss": lambda value: value + 1e-6},
    ],
)
def projected_loss(record: DerivationRecord) -> list[Check]:
    rows = record.conditions
    return [
        at_most("W2 W1 - P on the range of X", worst(c.projection for c in rows), SOLVED),
        at_most(
            "loss minus tr((I - P) X Xᵀ), relative",
            worst(abs(c.loss - c.left) for c in rows),
            SOLVED,
        ),
    ]


@claim(
    "3b.optimum",
    "tr(Uᵀ X Xᵀ U) is largest for the k leading eigenvectors, so the least loss is the sum of the "
    "discarded eigenvalues.",
    source="question 3b, last step of the derivation",
    explanation="The i-th eigenvalue of Uᵀ S U is at most the i-th of S, and at least the "
    "(d - k + i)-th (Poincaré's separation theorem); the trace is their sum. Compared with random "
    "orthonormal U.",
    refutes=["a mean over the samples", "the trailing eigenvectors"],
    counterexamples=[
        {"optimum/least": lambda value: value + 1e-6},
        {"optimum/losses/3": 0.0},
        {"optimum/kept/0/0": 1e9},
        {"optimum/losses/0": math.nan},
    ],
)
def optimum(record: DerivationRecord) -> list[Check]:
    found, k = record.optimum, record.optimum.n_components
    values, total = found.spectrum, sum(found.spectrum)
    discarded = sum(values[k:]) / total
    trailing = values[len(values) - k :]
    return [
        close("loss of the leading eigenvectors", found.least, discarded, tolerance=MACHINE),
        at_least("least loss of random subspaces", least(found.losses), discarded - MACHINE),
        at_most(
            "eigenvalues of Uᵀ S U above those of S",
            worst(
                kept - value for row in found.kept for kept, value in zip(row, values, strict=False)
            ),
            MACHINE * values[0],
        ),
        at_most(
            "eigenvalues of Uᵀ S U below the last of S",
            worst(
                value - kept
                for row in found.kept
                for kept, value in zip(row, trailing, strict=True)
            ),
            MACHINE * values[0],
        ),
        at_most(
            "loss minus what Uᵀ S U leaves, relative",
            worst(
                abs(value - 1 + sum(row) / total)
                for value, row in zip(found.losses, found.kept, strict=True)
            ),
            MACHINE,
        ),
    ]


@claim(
    "3b.stationary",
    "With W2 = W1ᵀ = any eigenvectors of X Xᵀ both gradients are zero, and the loss is the sum of "
    "the other eigenvalues.",
    source=BALDI_HORNIK,
    origin="ours",
    explanation="W2 W1 is then a projection on eigenvectors, and (W2 W1 - I) X Xᵀ is orthogonal "
    "to all of them.",
    refutes=[
        "data that are not centred",
        "the kept eigenvalues for the discarded",
        "a mean over the samples",
    ],
    counterexamples=[
        {"points/3/gradient": 1e-6},
        {"points/3/loss": 0.0},
        {"images/gradient": 1e-6},
    ],
)
def stationary(record: PointsRecord) -> list[Check]:
    total = record.points[-1].discarded
    return [
        at_most("gradient, any subset", worst(p.gradient for p in record.points), MACHINE),
        at_most(
            "loss minus the discarded eigenvalues",
            worst(abs(p.discarded - p.loss) / total for p in record.points),
            MACHINE,
        ),
        at_most("gradient, components of the images", record.images.gradient, MACHINE),
    ]


def distinct_variances(config: PCAOptimalityConfig) -> str:
    """The scope of the count: with equal variances stationary points form families."""
    ranked = sorted(config.spectrum)
    given = ", ".join(f"{variance:g}" for variance in config.spectrum)
    if ranked[-1] > 1e6 * ranked[0]:  # less than this is lost in the rounding of the Hessian
        return f"it applies to variances in spectrum within a factor of 1e6 (here {given})"
    if all(high > 1.001 * low for low, high in pairwise(ranked)):
        return ""
    return f"it applies to different variances in spectrum (here {given})"


@claim(
    "3b.saddles",
    "Only the leading eigenvectors are a minimum; every other subset is a saddle, whose number of "
    "directions of descent is the number of pairs of a kept axis and a discarded axis of larger "
    "variance, plus the number of discarded axes for each unit with zero weights.",
    source=BALDI_HORNIK,
    origin="ours",
    explanation="Rotating a kept axis towards a discarded axis of larger variance lowers the loss "
    "to second order. The count is compared with the eigenvalues of the Hessian with respect to "
    "all weights; its flat directions come from (W2 C, C⁻¹ W1), which has the same loss for every "
    "invertible C.",
    scope=distinct_variances,
    refutes=["rotations towards smaller variances", "units with zero weights left out"],
    counterexamples=[
        {"points/1/hessian_index": 0},
        {"points/2/index": 9},
        {"points/2/hessian_nullity": 0},
        {"points": lambda points: points[:-1]},
    ],
)
def saddles(record: PointsRecord) -> list[Check]:
    count = sum(math.comb(record.n_axes, rank) for rank in range(record.n_components + 1))
    minima = [p.subset for p in record.points if p.hessian_index == 0]
    best = tuple(range(record.n_components))
    return [
        close("points", len(record.points), count, tolerance=0),
        close("number of points without a direction of descent", len(minima), 1, tolerance=0),
        close(
            "whether that point keeps the leading axes (1: yes)",
            float(minima == [best]),
            1,
            tolerance=0,
        ),
        close(
            "points whose number of negative eigenvalues differs from the count",
            sum(p.index != p.hessian_index for p in record.points),
            0,
            tolerance=0,
        ),
        close(
            "points whose number of zero eigenvalues differs from the count",
            sum(p.nullity != p.hessian_nullity for p in record.points),
            0,
            tolerance=0,
        ),
    ]


@claim(
    "3b.unique",
    "The optimal W1 and W2 are unique up to the signs of their rows and columns.",
    source="question 3b",
    documented=Outcome.FAILED,
    explanation="They are not: W2 C and C⁻¹ W1 have the same product, hence the same loss, for "
    "every invertible C. With distinct eigenvalues the space of the columns of W2 is unique, and "
    "with the constraint W1 = W2ᵀ, W1 W1ᵀ = 1 and diagonal variances the columns are, up to signs.",
    refutes=["C with signs only"],
    counterexamples=[{"others/*/moved": 1e-9}],
)
def unique(record: PointsRecord) -> list[Check]:
    least_loss = [other for other in record.others if abs(other.excess) <= MACHINE]
    return [
        at_most(
            "largest distance of columns of W2 up to sign, at equal loss",
            worst(other.moved for other in least_loss),
            1e-6,
        )
    ]


@claim(
    "3b.unique-subspace",
    "All weights with the least loss have the same column space of W2.",
    source="our reading of 3b",
    origin="ours",
    scope=distinct_variances,
    refutes=["the trailing eigenvectors"],
    counterexamples=[{"others/0/angle": 0.1}, {"others/1/excess": 1e-6}],
)
def unique_subspace(record: PointsRecord) -> list[Check]:
    return [
        at_most("loss above the least, relative", worst(o.excess for o in record.others), MACHINE),
        at_most("gradient", worst(o.gradient for o in record.others), 1e-10),
        at_most("principal angle", worst(o.angle for o in record.others), 1e-6, unit="rad"),
    ]


@claim(
    "3b.subspace",
    "Gradient descent from a random start converges to the principal subspace.",
    source="question 3b",
    explanation="There is no other local minimum, and from almost every start descent does not "
    "converge to a saddle. The rate depends on the gap between the last kept and the first "
    "discarded eigenvalue. The loss converges last, because the encoder's weights along a "
    "discarded axis decay at a rate proportional to its eigenvalue.",
    refutes=["the trailing eigenvectors", "only the encoder is trained"],
    counterexamples=[{"angles/0/-1": 0.1}, {"excess/0/-1": 0.1}],
)
def subspace(record: TrainingRecord) -> list[Check]:
    if record.decay < ENOUGH_DECAY:
        raise NotRun(
            f"after {record.steps[-1]} steps the slowest rotation has decayed by a factor of "
            f"exp({record.decay:.1f}) only, less than exp({ENOUGH_DECAY:g}); take more steps"
        )
    return [
        at_most(
            "largest principal angle", worst(row[-1] for row in record.angles), 1e-3, unit="rad"
        ),
        at_most(
            "loss above the discarded eigenvalues, relative",
            worst(abs(row[-1]) for row in record.excess),
            1e-4,
        ),
    ]


@claim(
    "3b.pca",
    "The closed form agrees with scikit-learn's PCA on the images.",
    source="question 3b",
    explanation="The subspace, the variances along the axes (with 1/(n - 1)) and their shares.",
    refutes=["variances over n", "the variance of each axis taken from the next"],
    counterexamples=[
        {"images/angle_to_pca": 0.01},
        {"images/ratio_difference": 1e-6},
        {"images/variance_difference": 1e-6},
    ],
)
def pca(record: PointsRecord) -> list[Check]:
    return [
        at_most("principal angle to PCA", record.images.angle_to_pca, 1e-6, unit="rad"),
        at_most("explained variance, relative", record.images.variance_difference, 1e-10),
        at_most("explained variance ratio", record.images.ratio_difference, MACHINE),
    ]


def separated_variances(config: PCAOptimalityConfig) -> str:
    """The scope of 3b.staircase: a small start, variances that at least halve, enough steps."""
    outside = applies_to(staircase_start=(None, 1e-8), staircase_steps=(2000, None))(config)
    if outside:
        return outside
    kept = sorted(config.staircase_spectrum, reverse=True)[: config.staircase_components + 1]
    if all(low <= 0.5 * high for high, low in pairwise(kept)) and kept[-1] >= kept[0] / 16:
        return ""
    given = ", ".join(f"{variance:g}" for variance in config.staircase_spectrum)
    return f"it applies to variances in staircase_spectrum that halve (here {given})"


@claim(
    "3b.staircase",
    "From weights close to zero gradient descent passes close to the saddles of the first 0, 1, "
    "2, ... principal axes, in this order, before it reaches the minimum.",
    source="Saxe, McClelland and Ganguli 2014, arXiv:1312.6120",
    origin="ours",
    explanation="Small weights grow along each axis at a rate proportional to its eigenvalue, so "
    "the axis of the largest is learned first, and the loss stays on a plateau until the weights "
    "along the next axis have grown. Here each eigenvalue is at most half of the one before.",
    scope=separated_variances,
    refutes=[
        "the trailing eigenvectors",
        "only the encoder is trained",
        "a start that is not small",
    ],
    counterexamples=[
        {"visits/2/distance": 0.5},
        {"visits/2/loss": 0.5},
        {"visits/2/step": 0},
    ],
)
def staircase(record: StaircaseRecord) -> list[Check]:
    checks = [
        at_most(f"distance to the projection on {v.n_axes} axes", v.distance, 0.05)
        for v in record.visits
    ]
    checks += [
        close(f"loss there, {v.n_axes} axes", v.loss, v.plateau, tolerance=0.01)
        for v in record.visits
    ]
    disorder = _disorder([visit.step for visit in record.visits])
    return [*checks, close("saddles not visited in order", disorder, 0, tolerance=0)]


def _disorder(steps: Sequence[int]) -> int:
    return sum(a >= b for a, b in pairwise(steps))
