"""What the stages of ``graph-clustering`` measure.

Sizes: n points, B blocks of points, V leading values, G values of gamma, S random seeds, T numbers
of steps. Rows by normalisation have the keys ``symmetric`` (vectors of M), ``stochastic`` (of S)
and ``rows`` (of M, each row scaled to length one).
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class Matrices(Record):
    """Properties of the affinity matrix A and its normalisations."""

    affinity_shape: Integers = measured("Rows and columns of A.", shape="2")
    least_affinity: float = measured("Smallest entry of A.")
    largest_affinity: float = measured("Largest entry of A.")
    diagonal_error: float = measured("Largest |A_ii - 1|.")
    affinity_error: float = measured("Largest |A_ij - exp(-gamma |x_i - x_j|^2)|.")
    normalized_error: float = measured("Largest |M_ij - A_ij / sqrt(d_i d_j)|, by the formulas.")
    column_sums: Vector = measured("Smallest and largest sum of a column of M.", shape="2")
    stochastic_error: float = measured("Largest |S_ij - M_ij / sum_i M_ij|, by the formulas.")
    asymmetry: float = measured("Largest |A - A^T|.")
    undirected: bool = measured("Whether A is symmetric.")
    degree_error: float = measured("Largest |D - diag(A 1)|.")
    leading_residual: float = measured("|M v - v| for v = sqrt(d) / |sqrt(d)|.")
    largest_eigenvalue: float = measured("Largest eigenvalue of M.")
    column_sum_error: float = measured("Largest |column sum of S - 1|.")
    least_entry_stochastic: float = measured("Smallest entry of S.")


class Spectrum(Record):
    """Leading singular values of one matrix."""

    values: Vector = measured("Singular values, descending.", shape="V")
    residual: float = measured("Largest residual of the eigenproblem.")
    left_right: float = measured("Largest |u_i - v_i| of the first three singular pairs.")
    participation: Vector = measured(
        "Participation ratio of each vector: the number of points it is localised on.",
        unit="points",
        shape="V",
    )


class Clustering(Record):
    """Clusters found by k-means with ten starts, compared with the true ones."""

    labels: Integers = measured("Cluster of each point.", shape="n")
    confusion: tuple[Integers, ...] = measured(
        "Points by true cluster (row) and found cluster (column).", shape="3, 3"
    )
    accuracy: float = measured("Share of points in the right cluster, under the best matching.")
    ari: float = measured("Adjusted Rand index.")
    nmi: float = measured("Normalised mutual information.")
    homogeneity: float = measured("Homogeneity.")
    completeness: float = measured("Completeness.")


class Starts(Record):
    """Adjusted Rand index of other ways to find clusters in one embedding."""

    one_start: Vector = measured("Adjusted Rand index of k-means with one random start, by seed.")
    ten_starts: Vector = measured(
        "Adjusted Rand index of k-means with ten random starts, with the seeds of the worst "
        "quarter of the single starts."
    )
    cluster_qr: float = measured("Adjusted Rand index of cluster_qr.")


class CourseRecord(Record):
    """The course's steps on its own points."""

    n_samples: int = measured("Number of points.", unit="points")
    gamma: float = measured("Coefficient of the Gaussian affinity.")
    points: Matrix = measured("Coordinates, rounded.", shape="n, 2")
    truth: Integers = measured("True cluster of each point.", shape="n")
    matrices: Matrices = measured("Properties of A, D, M and S.")
    spectra: dict[str, Spectrum] = measured("Matrix (symmetric or stochastic) -> its spectrum.")
    localized_below: float = measured(
        "Participation ratio below which a vector counts as localised, 1 % of the points.",
        unit="points",
    )
    nearest_true_mean: float = measured(
        "Share of the points that are nearest to the true mean of their own cluster."
    )
    from_true_means: float = measured(
        "Share of points in the right cluster, of k-means that starts at the true means."
    )
    within_radius: int = measured(
        "Points that are no farther from the mean of a found cluster than its farthest point, and "
        "in another cluster of k-means; the sum over the clusters.",
        unit="points",
    )
    linear_errors: int = measured(
        "Points that do not have the highest of three linear scores in their own cluster, with the "
        "scores of a linear program."
    )
    variants: dict[str, Clustering] = measured(
        "What is clustered -> its clusters: raw (the points), one of the normalisations, "
        "symmetric_4 (four vectors of M), symmetric_no_loops (of M with A_ii = 0) or eigenvectors "
        "(of S)."
    )
    starts: dict[str, Starts] = measured("Normalisation -> scores by random start.")
    embeddings: dict[str, Matrix] = measured(
        "Normalisation -> three vectors of unit mean square, or rows of unit length, rounded.",
        shape="3, n, 3",
    )
    adjacency: Matrix = measured(
        "Mean affinity of blocks of points, sorted by true cluster.", shape="B, B"
    )
    block_centers: Integers = measured("Point in the middle of each block.", shape="B")
    outlier_degree: float = measured("Degree of the point on which M's third vector is largest.")
    median_degree: float = measured("Median degree of all points.")


class GammaRecord(Record):
    """Three clusters by the width of the Gaussian."""

    gammas: Vector = measured("Gamma, ascending.", shape="G")
    ari: dict[str, Vector] = measured("Normalisation -> adjusted Rand index.", shape="3, G")
    shown: Matrix = measured("Coordinates of some of the points, rounded.", shape="s, 2")
    labels: dict[str, tuple[Integers, ...]] = measured(
        "Normalisation -> found clusters of these points at each gamma.", shape="3, G, s"
    )


class OutliersRow(Record):
    """One number of points."""

    n_samples: int = measured("Number of points.", unit="points")
    kept: dict[str, float] = measured("Normalisation -> adjusted Rand index of leading vectors.")
    skipped: dict[str, float] = measured(
        "Normalisation -> adjusted Rand index where vectors localised on one point are skipped."
    )


class OutliersRecord(Record):
    """Vectors localised on a single point, kept or skipped."""

    rows: tuple[OutliersRow, ...] = measured("Results, by number of points.")


class Shape(Record):
    """Clusters of one shape."""

    gamma: float = measured("Coefficient of the Gaussian affinity.")
    ari: dict[str, Vector] = measured(
        "Adjusted Rand index by seed, of k-means on the points (raw) and of each normalisation.",
        shape="4, S",
    )
    points: Matrix = measured("Coordinates of the first draw, rounded.", shape="n, 2")
    labels: Integers = measured("Clusters of the stochastic matrix of that draw.", shape="n")


class ShapesRecord(Record):
    """Other shapes."""

    seeds: Integers = measured("Random seeds, one per draw.")
    shapes: dict[str, Shape] = measured("Shapes by name.")


class WalkRecord(Record):
    """A random walk that starts in the middle of the second cluster."""

    steps: Integers = measured("Numbers of steps, ascending.", unit="steps", shape="T")
    mass: Matrix = measured("Probability of being in each cluster.", shape="T, 3")
    distance: Vector = measured(
        "Total variation distance to the stationary distribution.", shape="T"
    )
    bound: Vector = measured(
        "1/2 sqrt((1 - pi_i) / pi_i) lambda_2^t, a bound on this distance.", shape="T"
    )
    second_eigenvalue: float = measured("Second eigenvalue lambda_2 of M.")
    stationary_at_start: float = measured("Stationary probability pi_i of the first node.")
    total_error: float = measured("Largest |sum of the probabilities - 1|.")
    one_step_error: float = measured("Largest |p_1 - A_i / d| from the first node i.")


class Fit(Record):
    """One clustering of many points."""

    ari: float = measured("Adjusted Rand index.")
    largest_residual: float = measured("Largest residual norm of a singular vector.")
    representation: str = measured("Representation of the graph.")
    seconds: float = measured("Duration.", unit="s")


class GrowthRow(Record):
    """One number of points."""

    n_samples: int = measured("Number of points.", unit="points")
    complete: Fit = measured("Clustering of the complete Gaussian graph.")
    neighbors: Fit | None = measured(
        "Clustering of the graph of nearest neighbours; None where it was not measured."
    )


class GrowthRecord(Record):
    """The complete graph and the graph of nearest neighbours for increasing numbers of points."""

    n_neighbors: int = measured("Neighbours of a point, itself included.")
    rows: tuple[GrowthRow, ...] = measured("Results, by number of points.")
