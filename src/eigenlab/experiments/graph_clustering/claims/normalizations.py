"""Claims of 5f and 5g: the clusters that the vectors of M and of S give."""

from __future__ import annotations

from eigenlab.experiments.graph_clustering.claims.thresholds import (
    COURSE,
    ROUNDING,
    SEPARATES,
    SOLVED,
)
from eigenlab.experiments.graph_clustering.records import Clustering, CourseRecord
from eigenlab.lab import Check, Outcome, above, at_least, at_most, below, claim
from eigenlab.statistics import least


@claim(
    "5f.two-bases",
    "The left and the right singular vectors of M are two different sets of orthonormal vectors.",
    source="question 5f",
    documented=Outcome.FAILED,
    explanation="M is symmetric and positive semidefinite (a Gaussian kernel, scaled), so that "
    "its singular values are its eigenvalues and U = V. Of S they differ.",
    refutes=["right singular vectors of S"],
    counterexamples=[{"spectra/symmetric/left_right": 0.5}],
)
def two_bases(record: CourseRecord) -> list[Check]:
    largest = record.spectra["symmetric"].left_right
    return [above("largest |u_i - v_i| of the first three pairs", largest, SOLVED)]


@claim(
    "5f.better-rand",
    "k-means on the top three vectors of M does better than on the points, by the adjusted Rand "
    "index.",
    source="question 5f",
    documented=Outcome.FAILED,
    explanation="It does worse (0.549 against 0.588): M's third vector is localised on one "
    "outlier, so only two of the three clusters are visible in the vectors, and the upper two "
    "blobs become one. By measures that do not penalise merged clusters it is better.",
    scope=COURSE,
    refutes=["A without its loops"],
    counterexamples=[{"variants/symmetric/ari": 0.9}],
)
def better_rand(record: CourseRecord) -> list[Check]:
    return [_better(record, "ari")]


@claim(
    "5f.better-information",
    "By normalised mutual information and by completeness, the vectors of M do better than the "
    "points.",
    source="question 5f, with other measures",
    explanation="Each blob is within one cluster, unlike with k-means on the points; this is what "
    "completeness measures.",
    scope=COURSE,
    refutes=["clusters compared with themselves"],
    counterexamples=[
        {"variants/symmetric/nmi": 0.1},
        {"variants/symmetric/completeness": 0.1},
    ],
)
def better_information(record: CourseRecord) -> list[Check]:
    return [_better(record, "nmi"), _better(record, "completeness")]


def _better(record: CourseRecord, measure: str) -> Check:
    """M's clusters score above those of the points."""
    of_M, of_points = (getattr(record.variants[name], measure) for name in ("symmetric", "raw"))
    return above(f"{measure} of M minus that of the points", of_M - of_points, 0.0)


@claim(
    "5f.mixed",
    "The vectors of M separate the lower cluster and mix the upper two.",
    source="question 5f",
    scope=COURSE,
    refutes=["A without its loops"],
    counterexamples=[
        {"variants/symmetric/confusion/0": (300, 367, 0)},
        {"variants/symmetric/confusion/2": (222, 222, 222)},
    ],
)
def mixed(record: CourseRecord) -> list[Check]:
    first, second, lower = record.variants["symmetric"].confusion
    upper = [a + b for a, b in zip(first, second, strict=True)]
    return [
        at_least(
            "share of the upper two clusters in one found cluster", max(upper) / sum(upper), 0.95
        ),
        at_least("share of the lower cluster in another", max(lower) / sum(lower), 0.95),
    ]


@claim(
    "5f.isolated-point",
    "M fails because its third vector is localised on a single isolated point; in the stochastic "
    "matrix such vectors come fourth and later.",
    source="our explanation of 5f and 5g",
    origin="ours",
    explanation="A point with hardly any neighbour is nearly a component of its own, with an "
    "eigenvalue near 1. The block of S that belongs to a closed part of the graph has columns "
    "that sum to one, so its largest singular value is at least 1, and more than that unless its "
    "rows sum to one, too. In a cluster they do not, since degrees fall towards its border; an "
    "isolated point is a block of one entry whose singular value is below 1 because of the weight "
    "of its links to others.",
    scope=COURSE,
    refutes=["A without its loops"],
    counterexamples=[
        {"spectra/symmetric/participation/2": 1500.0},
        {"spectra/symmetric/participation/3": 1.0},
        {"spectra/stochastic/participation/1": 1.0},
        {"spectra/stochastic/participation/3": 1500.0},
        {"outlier_degree": 60.0},
    ],
)
def isolated_point(record: CourseRecord) -> list[Check]:
    of_M = record.spectra["symmetric"].participation
    of_S = record.spectra["stochastic"].participation
    few = record.localized_below
    return [
        below("participation ratio of M's third vector", of_M[2], few, unit="points"),
        above("participation ratio of M's fourth vector", of_M[3], few, unit="points"),
        above(
            "smallest participation ratio of S's first three vectors",
            least(of_S[:3]),
            few,
            unit="points",
        ),
        below("participation ratio of S's fourth vector", of_S[3], few, unit="points"),
        below(
            "degree of M's isolated point over the median",
            record.outlier_degree / record.median_degree,
            0.1,
        ),
    ]


@claim(
    "5f.fourth-vector",
    "With a fourth vector M separates the three clusters, too.",
    source="our check of that explanation",
    origin="ours",
    scope=COURSE,
    refutes=["the true cluster of the next point"],
    counterexamples=[{"variants/symmetric_4/accuracy": 0.83}],
)
def fourth_vector(record: CourseRecord) -> list[Check]:
    return [_separates(record.variants["symmetric_4"])]


@claim(
    "5f.no-loops",
    "Without the loops A_ii = 1 three vectors of M separate the clusters.",
    source="our check of that explanation",
    origin="ours",
    explanation="An isolated point is nearly a component because it is linked to itself. Without "
    "that link all of its weight goes to its nearest neighbours, however far they are, and its "
    "entries follow theirs.",
    scope=COURSE,
    refutes=["the true cluster of the next point", "the loops kept"],
    counterexamples=[{"variants/symmetric_no_loops/accuracy": 0.83}],
)
def no_loops(record: CourseRecord) -> list[Check]:
    return [_separates(record.variants["symmetric_no_loops"])]


def _separates(variant: Clustering) -> Check:
    return at_least("share of points in the right cluster", variant.accuracy, SEPARATES)


@claim(
    "5g.columns",
    "S_ij = M_ij / sum_i M_ij, which is column-stochastic.",
    source="question 5g",
    explanation="Compared with the formula entry by entry, from the formulas for A and M. It is "
    "another matrix than A D^-1, which is column-stochastic, too.",
    refutes=[
        "A D^-1",
        "the same of M squared",
        "rows divided by their sums",
        "a softmax of each column",
    ],
    counterexamples=[
        {"matrices/stochastic_error": 1e-6},
        {"matrices/column_sum_error": 1e-3},
        {"matrices/least_entry_stochastic": -1.0},
    ],
)
def columns(record: CourseRecord) -> list[Check]:
    return [
        at_most("largest |S_ij - M_ij / sum_i M_ij|", record.matrices.stochastic_error, ROUNDING),
        at_most("largest |column sum - 1|", record.matrices.column_sum_error, ROUNDING),
        at_least("least entry", record.matrices.least_entry_stochastic, 0.0),
    ]


@claim(
    "5g.separates",
    "k-means on the top three left singular vectors of S separates the three clusters.",
    source="question 5g",
    scope=COURSE,
    refutes=["the true cluster of the next point", "M for S"],
    counterexamples=[{"variants/stochastic/accuracy": 0.83}],
)
def stochastic_separates(record: CourseRecord) -> list[Check]:
    return [_separates(record.variants["stochastic"])]


@claim(
    "5g.eigenvectors",
    "The leading eigenvectors of S separate the three clusters as its leading singular vectors do.",
    source="question 5g",
    documented=Outcome.FAILED,
    explanation="The text speaks of the top eigenvectors, and the computation takes singular "
    "vectors. For a symmetric M these are the same. For S they are not: its eigenvectors give two "
    "of the clusters only (0.67 of the points are right), its left and its right singular vectors "
    "all three.",
    scope=COURSE,
    refutes=["singular vectors for eigenvectors"],
    counterexamples=[{"variants/eigenvectors/accuracy": 0.999}],
)
def eigenvectors(record: CourseRecord) -> list[Check]:
    return [_separates(record.variants["eigenvectors"])]


@claim(
    "5g.rows",
    "k-means on the vectors of M, each row scaled to length one, separates the three clusters.",
    source="our extension of 5g",
    origin="ours",
    explanation="All entries of row i have the factor sqrt(d_i), which is removed by the scaling; "
    "the second vector over the first then has three levels, one for each cluster. The vector of "
    "the isolated point no longer dominates the others, since no row is longer than one.",
    scope=COURSE,
    refutes=["the true cluster of the next point", "rows that are not scaled"],
    counterexamples=[{"variants/rows/accuracy": 0.83}],
)
def rows_separate(record: CourseRecord) -> list[Check]:
    return [_separates(record.variants["rows"])]
