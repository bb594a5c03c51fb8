"""Claims of 5a to 5e: k-means on the points, and the entries of A, D and M."""

from __future__ import annotations

from eigenlab.experiments.graph_clustering.claims.thresholds import (
    COURSE,
    FAILS,
    ROUNDING,
    SOLVED,
)
from eigenlab.experiments.graph_clustering.records import CourseRecord
from eigenlab.lab import Check, Outcome, above, at_least, at_most, below, claim, close


@claim(
    "5a.raw-fails",
    "k-means on the points fails: it assigns more than one point in ten to a wrong cluster.",
    source="question 5a",
    explanation="k-means compares Euclidean distances to three centres, so the borders of its "
    "clusters are straight and halfway between them; the blobs are longer than they are far apart.",
    scope=COURSE,
    refutes=["blobs that are not stretched", "clusters compared with themselves"],
    counterexamples=[{"variants/raw/accuracy": 1.0}],
)
def raw_fails(record: CourseRecord) -> list[Check]:
    return [below("share of points in the right cluster", record.variants["raw"].accuracy, FAILS)]


@claim(
    "5a.radius",
    "The clusters of k-means are the points within a given radius of their means.",
    source="question 5a",
    documented=Outcome.FAILED,
    explanation="A point belongs to the nearest mean, however far that is. The clusters are the "
    "cells of a Voronoi diagram, with straight borders; their radii differ, and within the radius "
    "of one there are many points of the others.",
    scope=COURSE,
    refutes=["blobs that are far apart"],
    counterexamples=[{"within_radius": 0}],
)
def radius(record: CourseRecord) -> list[Check]:
    label = "points of other clusters within the radius of a cluster"
    return [at_most(label, record.within_radius, 0, unit="points")]


@claim(
    "5a.correct-means",
    "k-means also fails when it starts from the true means of the clusters.",
    source="question 5a",
    explanation="Assigning every point to the nearest true mean is right for nine points in ten; "
    "k-means then moves the means to where the sum of squares is smaller, and ends worse than it "
    "began.",
    scope=COURSE,
    refutes=["blobs that are not stretched", "centres that do not move"],
    counterexamples=[{"from_true_means": 0.95}, {"nearest_true_mean": 0.8}],
)
def correct_means(record: CourseRecord) -> list[Check]:
    return [
        below("share of points in the right cluster", record.from_true_means, FAILS),
        above(
            "share of points nearest to the true mean of their cluster, minus that",
            record.nearest_true_mean - record.from_true_means,
            0.0,
        ),
    ]


@claim(
    "5a.not-separable",
    "The clusters are not linearly separable.",
    source="question 5a",
    documented=Outcome.FAILED,
    explanation="They are: a linear program finds one linear score for each cluster such that "
    "every point has the highest score in its own, by a margin. k-means fails although straight "
    "borders would do, because its borders are halfway between the means.",
    scope=COURSE,
    refutes=["straight borders halfway between the means"],
    counterexamples=[{"linear_errors": 3}],
)
def not_separable(record: CourseRecord) -> list[Check]:
    return [above("points on the wrong side of the best straight borders", record.linear_errors, 0)]


@claim(
    "5b.affinity",
    "The weights are A_ij = exp(-gamma |x_i - x_j|^2), for every pair of points.",
    source="question 5b, formula (4)",
    explanation="Compared with the formula entry by entry. The distances are computed from inner "
    "products, which round to 1e-13 here.",
    refutes=[
        "distances that are not squared",
        "half of gamma",
        "the square of gamma",
        "sums of absolute differences for distances",
        "weights 0 and 1 by a threshold",
    ],
    counterexamples=[{"matrices/affinity_error": 1e-6}],
)
def affinity(record: CourseRecord) -> list[Check]:
    return [
        at_most(
            "largest |A_ij - exp(-gamma |x_i - x_j|^2)|", record.matrices.affinity_error, ROUNDING
        )
    ]


@claim(
    "5b.undirected",
    "The Gaussian affinities make a weighted, undirected graph.",
    source="question 5b",
    explanation="||x - y|| = ||y - x||, so A is symmetric. exp(...) is positive, so every pair is "
    "linked; in double precision the weights of the farthest pairs are below 1e-308 and stored as "
    "0.",
    refutes=["the ten nearest neighbours of each point, one way"],
    counterexamples=[
        {"matrices/asymmetry": 1e-3},
        {"matrices/affinity_shape/1": 2},
        {"matrices/least_affinity": -1e-9},
        {"matrices/largest_affinity": 1.1},
        {"matrices/diagonal_error": 0.1},
    ],
)
def undirected(record: CourseRecord) -> list[Check]:
    m, n = record.matrices, record.n_samples
    return [
        close("rows of A", m.affinity_shape[0], n, tolerance=0),
        close("columns of A", m.affinity_shape[1], n, tolerance=0),
        at_most("largest |A - A^T|", m.asymmetry, ROUNDING),
        at_least("least weight", m.least_affinity, 0.0),
        at_most("largest weight", m.largest_affinity, 1.0),
        at_most("largest |A_ii - 1|", m.diagonal_error, ROUNDING),
    ]


@claim(
    "5c.degrees",
    "D is diagonal and holds the row sums of A.",
    source="question 5c",
    refutes=["degrees without the loops", "the inverse of the degrees"],
    counterexamples=[{"matrices/degree_error": 1e-3}],
)
def degrees(record: CourseRecord) -> list[Check]:
    return [at_most("largest |D - diag(A 1)|", record.matrices.degree_error, ROUNDING)]


@claim(
    "5d.normalized",
    "The entries of M = D^-1/2 A D^-1/2 are A_ij / sqrt(d_i d_j).",
    source="question 5d",
    explanation="Compared with the formula entry by entry, the degrees being sums of the formula "
    "for A.",
    refutes=["D^-1 A", "A D^-1", "D^1/2 A D^1/2", "the Laplacian D - A"],
    counterexamples=[{"matrices/normalized_error": 1e-6}],
)
def normalized(record: CourseRecord) -> list[Check]:
    return [
        at_most("largest |M_ij - A_ij / sqrt(d_i d_j)|", record.matrices.normalized_error, ROUNDING)
    ]


@claim(
    "5d.leading",
    "The largest eigenvalue of M = D^-1/2 A D^-1/2 is 1, with eigenvector D^1/2 1.",
    source="question 5d",
    explanation="M D^1/2 1 = D^-1/2 A 1 = D^-1/2 d = D^1/2 1, and M is similar to the stochastic "
    "matrix A D^-1, whose eigenvalues lie within the unit circle.",
    refutes=["loops that count twice in the degrees", "the stationary distribution for its root"],
    counterexamples=[
        {"matrices/largest_eigenvalue": 1.001},
        {"matrices/leading_residual": 1e-3},
    ],
)
def leading(record: CourseRecord) -> list[Check]:
    m = record.matrices
    return [
        close("largest eigenvalue of M", m.largest_eigenvalue, 1.0, tolerance=SOLVED),
        at_most("|M v - v| for v = sqrt(d) / |sqrt(d)|", m.leading_residual, SOLVED),
    ]


@claim(
    "5e.probabilities",
    "M_ij is the probability that a walk moves from node j to node i.",
    source="question 5e",
    documented=Outcome.FAILED,
    explanation="The columns of M do not sum to one: for the course's points their sums are "
    "between 0.50 and 1.08. A D^-1 has these probabilities; it is similar to M, with the same "
    "eigenvalues, and M_ij M_ji is the probability of going to j and back. S = M C^-1 of question "
    "5g is another walk.",
    refutes=["M scaled until its sums are one"],
    counterexamples=[{"matrices/column_sums": (1.0, 1.0)}],
)
def probabilities(record: CourseRecord) -> list[Check]:
    smallest, largest = record.matrices.column_sums
    return [
        close("smallest sum of a column of M", smallest, 1.0, tolerance=ROUNDING),
        close("largest sum of a column of M", largest, 1.0, tolerance=ROUNDING),
    ]
