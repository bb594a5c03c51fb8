"""The answers to 5a to 5g."""

from __future__ import annotations

import math

from eigenlab.experiments.graph_clustering.claims.thresholds import FAILS, SEPARATES
from eigenlab.experiments.graph_clustering.records import CourseRecord
from eigenlab.lab import answer


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _worked(accuracy: float) -> str:
    return "Yes" if accuracy >= SEPARATES else "Not quite" if accuracy >= FAILS else "No"


@answer("5a", figure="points")
def raw(record: CourseRecord) -> str:
    accuracy = record.variants["raw"].accuracy
    separable = (
        "straight borders exist that separate all points"
        if record.linear_errors == 0
        else f"even the best straight borders have {record.linear_errors} points on a wrong side"
    )
    return (
        f"{_worked(accuracy)}: {_percent(accuracy)} of the points are in the right cluster. "
        "k-means assigns each point to the nearest mean, so its borders are straight and halfway "
        "between the means, which does not suit blobs that are longer than they are far apart. "
        f"The nearest true mean is right for {_percent(record.nearest_true_mean)}, and k-means "
        f"that starts at the true means ends at {_percent(record.from_true_means)}: it looks for "
        f"the smallest sum of squares, not for the clusters. In these points {separable}."
    )


@answer("5b", figure="adjacency")
def affinity(record: CourseRecord) -> str:
    return (
        "A weighted, undirected graph: A is symmetric because distances are "
        f"(largest $|A - A^\\top|$: {record.matrices.asymmetry:.0e}), every pair is linked because "
        "the exponential is positive, and each point is linked to itself with weight 1. With "
        f"$\\gamma = {record.gamma:g}$ the weight falls to a half at a distance of "
        f"{math.sqrt(math.log(2) / record.gamma):.2f}."
    )


@answer("5c")
def degrees(record: CourseRecord) -> str:
    return (
        "The degree of a point is the sum of its weights and measures how dense its neighbourhood "
        f"is. The median is {record.median_degree:.1f}; the outlier that makes M fail in 5f has "
        f"{record.outlier_degree:.2f}, of which its loop is 1."
    )


@answer(
    "5d",
    derivation=[
        (
            "The root of the degrees is an eigenvector with eigenvalue 1.",
            r"M D^{1/2} \mathbf{1} = D^{-1/2} A \mathbf{1} = D^{-1/2} d = D^{1/2} \mathbf{1}",
        ),
        (
            "No eigenvalue is larger, as M is similar to a stochastic matrix.",
            r"D^{1/2} M D^{-1/2} = A D^{-1}, \qquad \mathbf{1}^\top A D^{-1} = \mathbf{1}^\top",
        ),
    ],
)
def normalized(record: CourseRecord) -> str:
    return (
        "M is symmetric, as A is, and its largest eigenvalue is 1: measured, it is "
        f"{record.matrices.largest_eigenvalue:.10f}. The vector of the roots of the degrees "
        f"satisfies $M v = v$ up to {record.matrices.leading_residual:.0e}; it is constant only if "
        "all degrees are equal."
    )


@answer("5e")
def moving(record: CourseRecord) -> str:
    low, high = record.matrices.column_sums
    return (
        "How strongly two nodes are linked relative to what else they are linked to; but not a "
        f"probability, since its columns sum to {low:.2f} to {high:.2f} and not to 1. The "
        "probability of moving from j to i is $A_{ij} / d_j$; this matrix is similar to M and has "
        "the same eigenvalues. $M_{ij}^2$ is the probability of moving from j to i and straight "
        "back."
    )


@answer("5f", figure="clusters")
def symmetric(record: CourseRecord) -> str:
    ours, raw_points = record.variants["symmetric"], record.variants["raw"]
    third = record.spectra["symmetric"].participation[2]
    localized = (
        f"The third vector is localised on {third:.1f} points: a point with hardly any neighbour "
        "is nearly a component of its own, with an eigenvalue close to 1, so that only two vectors "
        f"are left for three clusters. A fourth vector gives "
        f"{_percent(record.variants['symmetric_4'].accuracy)}, and a graph without loops "
        f"{_percent(record.variants['symmetric_no_loops'].accuracy)}."
        if third < record.localized_below
        else f"The third vector is spread over {third:.0f} points."
    )
    return (
        f"{_worked(ours.accuracy)}: {_percent(ours.accuracy)} of the points are right. The "
        f"adjusted Rand index is {ours.ari:.3f} (on the points {raw_points.ari:.3f}), the "
        f"normalised mutual information {ours.nmi:.3f} ({raw_points.nmi:.3f}). {localized}"
    )


@answer("5g", figure="embedding")
def stochastic(record: CourseRecord) -> str:
    ours = record.variants["stochastic"]
    smallest = min(record.spectra["stochastic"].participation[:3])
    vectors = record.variants["eigenvectors"]
    why = (
        f"each is spread over at least {smallest:.0f} points: the block of an isolated point has a "
        "singular value below 1, and here those of the clusters are larger"
        if smallest >= record.localized_below
        else f"one of them is localised on {smallest:.1f} points, as in M"
    )
    return (
        f"{_worked(ours.accuracy)}: {_percent(ours.accuracy)} of the points are right. Of the "
        f"three leading left singular vectors {why}. The leading eigenvectors of S, which for M "
        f"would be the same, give {_percent(vectors.accuracy)}. The claims below say for which "
        "widths and numbers of points S works."
    )
