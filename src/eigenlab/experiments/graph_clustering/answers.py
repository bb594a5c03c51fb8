"""The answers to 5a to 5g."""

from __future__ import annotations

import math

from eigenlab.experiments.graph_clustering.records import CourseRecord
from eigenlab.lab import answer


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


@answer("5a", figure="points")
def raw(record: CourseRecord) -> str:
    separable = (
        "straight borders exist that separate all points"
        if record.linear_errors == 0
        else f"even the best straight borders have {record.linear_errors} points on a wrong side"
    )
    return (
        f"No: {_percent(record.variants['raw'].accuracy)} of the points are in the right cluster. "
        "k-means assigns each point to the nearest mean, so its borders are straight and halfway "
        "between the means, while the blobs are longer than they are far apart. The true means do "
        f"not help: the nearest one is right for {_percent(record.nearest_true_mean)}, and k-means "
        f"that starts there ends at {_percent(record.from_true_means)}, since another partition "
        f"has a smaller sum of squares. Yet {separable}; they are just not halfway."
    )


@answer("5b", figure="adjacency", formulas=[r"A_{ij} = \exp(-\gamma \lVert x_i - x_j \rVert^2)"])
def affinity(record: CourseRecord) -> str:
    return (
        "A weighted, undirected graph: A is symmetric because distances are "
        f"(largest $|A - A^\\top|$: {record.matrices.asymmetry:.0e}), every pair is linked because "
        "the exponential is positive, and each point is linked to itself with weight 1. With "
        f"$\\gamma = {record.gamma:g}$ the weight falls to a half at a distance of "
        f"{math.sqrt(math.log(2) / record.gamma):.2f}."
    )


@answer("5c", formulas=[r"D = \operatorname{diag}(A \mathbf{1}), \qquad d_i = \sum_j A_{ij}"])
def degrees(record: CourseRecord) -> str:
    return (
        "The degree of a point is the sum of its weights and measures how dense its neighbourhood "
        f"is. The median is {record.median_degree:.1f}; the outlier that makes M fail in 5f has "
        f"{record.outlier_degree:.2f}, of which its loop is 1."
    )


@answer(
    "5d",
    formulas=[r"M = D^{-1/2} A D^{-1/2}, \qquad M_{ij} = \frac{A_{ij}}{\sqrt{d_i d_j}}"],
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


@answer("5e", formulas=[r"(A D^{-1})_{ij} = \frac{A_{ij}}{d_j} = \sqrt{\frac{d_i}{d_j}} M_{ij}"])
def moving(record: CourseRecord) -> str:
    low, high = record.matrices.column_sums
    return (
        "How strongly two nodes are linked relative to what else they are linked to; but not a "
        f"probability, since its columns sum to {low:.2f} to {high:.2f} and not to 1. The "
        "probability of moving from j to i is $A_{ij} / d_j$; this matrix is similar to M and has "
        "the same eigenvalues. $M_{ij}^2$ is the probability of moving from j to i and straight "
        "back."
    )


@answer("5f", figure="clusters", formulas=[r"M = U \Sigma V^\top, \qquad U = V"])
def symmetric(record: CourseRecord) -> str:
    ours, raw_points = record.variants["symmetric"], record.variants["raw"]
    third = record.spectra["symmetric"].participation[2]
    return (
        f"Not quite: {_percent(ours.accuracy)} of the points are right, the adjusted Rand index "
        f"is {ours.ari:.3f} (on the points {raw_points.ari:.3f}), the normalised mutual "
        f"information {ours.nmi:.3f} ({raw_points.nmi:.3f}). The third vector is localised on "
        f"{third:.1f} points: a point with hardly any neighbour is nearly a component of its own, "
        "with an eigenvalue close to 1, so that only two vectors are left for three clusters, and "
        "the upper two are mixed. A fourth vector, or a graph without loops, separates them."
    )


@answer(
    "5g", figure="embedding", formulas=[r"S = M C^{-1}, \qquad S_{ij} = M_{ij} / \sum_i M_{ij}"]
)
def stochastic(record: CourseRecord) -> str:
    ours = record.variants["stochastic"]
    smallest = min(record.spectra["stochastic"].participation[:3])
    vectors = record.variants["eigenvectors"]
    return (
        f"Yes: {_percent(ours.accuracy)} of the points are right. Each of the three leading left "
        f"singular vectors is spread over at least {smallest:.0f} points: the block of an isolated "
        "point has a singular value below 1, and with 2,000 points those of the clusters are above "
        "it. Singular vectors are needed; the leading eigenvectors of S give "
        f"{_percent(vectors.accuracy)}. The claims below say for which widths and "
        "numbers of points this holds."
    )
