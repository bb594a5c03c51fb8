"""The claims of ``graph-clustering``, each above the function that judges it."""

from __future__ import annotations

import math

from eigenlab.experiments.graph_clustering.config import GraphClusteringConfig
from eigenlab.experiments.graph_clustering.records import (
    Clustering,
    CourseRecord,
    GammaRecord,
    GrowthRecord,
    OutliersRecord,
    WalkRecord,
)
from eigenlab.lab import (
    Check,
    NotRun,
    Outcome,
    above,
    applies_to,
    at_least,
    at_most,
    below,
    claim,
    close,
)
from eigenlab.statistics import least, worst

#: Accuracies below which a clustering fails and above which it separates the clusters: one point in
#: ten in the wrong cluster is a failure, one in a hundred is not.
FAILS, SEPARATES = 0.9, 0.99
#: Entries are at most 1 and their sums a few hundred: a few thousand roundings of 1e-16 each.
ROUNDING = 1e-12
#: The eigenproblem of M is solved to a relative residual of 1e-10.
SOLVED = 1e-10
#: Total variation distances above this are not made of rounding errors.
RESOLVED = 1e-8
NORMALIZATIONS = ("symmetric", "stochastic", "rows")
#: Range of gamma in which S separates the clusters.
LOWEST_GAMMA, HIGHEST_GAMMA = 4.0, 30.0
WALK_STEPS = 100
WALK_CLUSTER = 1

#: The points that the course draws, and the same with another gamma or another number of points.
DRAWN = applies_to(blobs_seed={170}, noise_scale=(1, 1))
COURSE = applies_to(n_samples=(2000, 2000), gamma=(7.5, 7.5), blobs_seed={170}, noise_scale=(1, 1))
STARTS = applies_to(
    n_samples=(2000, 2000),
    gamma=(7.5, 7.5),
    blobs_seed={170},
    noise_scale=(1, 1),
    n_starts=(20, None),
)
WALK = applies_to(
    n_samples=(1500, 5000),
    gamma=(4, 30),
    blobs_seed={170},
    noise_scale=(1, 1),
    walk_length=(50_000, None),
)
GROWTH = applies_to(
    growth_sizes=(2000, None),
    gamma=(7.5, 7.5),
    n_neighbors=(10, 10),
    blobs_seed={170},
    noise_scale=(1, 1),
)


def _sweep(config: GraphClusteringConfig) -> str:
    """Both ends must be measured, since M fails at one of them."""
    ends = {LOWEST_GAMMA, HIGHEST_GAMMA}
    if not ends <= {*config.gammas, config.gamma}:
        return f"it applies to gammas that include {LOWEST_GAMMA:g} and {HIGHEST_GAMMA:g}"
    return applies_to(n_samples=(2000, 2000))(config) or DRAWN(config)


def _several_sizes(config: GraphClusteringConfig) -> str:
    """At some of these sizes there is an outlier that makes each normalisation fail."""
    sizes = GraphClusteringConfig().outlier_sizes
    if set(config.outlier_sizes) != set(sizes):
        return f"it applies to outlier_sizes {', '.join(map(str, sizes))}"
    return applies_to(gamma=(7.5, 7.5))(config) or DRAWN(config)


@claim(
    "5a.raw-fails",
    "k-means on the points fails: it assigns more than one point in ten to a wrong cluster.",
    source="question 5a",
    explanation="k-means compares Euclidean distances to three centres, so the borders of its "
    "clusters are straight and halfway between them; the blobs are longer than they are far apart.",
    scope=COURSE,
    counterexamples=[{"variants/raw/accuracy": 1.0}],
)
def raw_fails(record: CourseRecord) -> list[Check]:
    return [below("share of points in the right cluster", record.variants["raw"].accuracy, FAILS)]


@claim(
    "5a.correct-means",
    "k-means also fails when it starts from the true means of the clusters.",
    source="question 5a",
    explanation="Assigning every point to the nearest true mean is right for nine points in ten; "
    "k-means then moves the means to where the sum of squares is smaller, and ends worse than it "
    "began.",
    scope=COURSE,
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
    counterexamples=[{"matrices/column_sums": (1.0, 1.0)}],
)
def probabilities(record: CourseRecord) -> list[Check]:
    smallest, largest = record.matrices.column_sums
    return [
        close("smallest sum of a column of M", smallest, 1.0, tolerance=ROUNDING),
        close("largest sum of a column of M", largest, 1.0, tolerance=ROUNDING),
    ]


@claim(
    "5f.two-bases",
    "The left and the right singular vectors of M are two different sets of orthonormal vectors.",
    source="question 5f",
    documented=Outcome.FAILED,
    explanation="M is symmetric and positive semidefinite (a Gaussian kernel, scaled), so that "
    "its singular values are its eigenvalues and U = V. Of S they differ.",
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
    counterexamples=[{"variants/symmetric_no_loops/accuracy": 0.83}],
)
def no_loops(record: CourseRecord) -> list[Check]:
    return [_separates(record.variants["symmetric_no_loops"])]


def _separates(variant: Clustering) -> Check:
    return at_least("share of points in the right cluster", variant.accuracy, SEPARATES)


@claim(
    "5f.skipped-vectors",
    "With other numbers of points every normalisation fails because of outliers, and none fails "
    "if vectors localised on a single point are skipped.",
    source="our extension of 5f",
    origin="ours",
    explanation="A vector u is localised on about 1 / sum u_i^4 points. `min_cluster_size` of "
    "`SpectralClustering` controls which vectors are skipped; the next ones take their place.",
    scope=_several_sizes,
    counterexamples=[
        {"rows/1/skipped/rows": 0.6},
        {"rows/*/kept/stochastic": 0.99},
    ],
)
def skipped_vectors(record: OutliersRecord) -> list[Check]:
    checks = []
    for name in NORMALIZATIONS:
        skipped = least(row.skipped[name] for row in record.rows)
        kept = least(row.kept[name] for row in record.rows)
        checks.append(at_least(f"worst adjusted Rand index, {name}", skipped, 0.97))
        checks.append(below(f"worst adjusted Rand index without skipping, {name}", kept, FAILS))
    return checks


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
    counterexamples=[{"variants/eigenvectors/accuracy": 0.999}],
)
def eigenvectors(record: CourseRecord) -> list[Check]:
    return [_separates(record.variants["eigenvectors"])]


@claim(
    "5g.any-width",
    "For 2,000 points S separates the clusters at each measured gamma from 4 to 30; M and its "
    "normalised rows fail at some of them.",
    source="our extension of 5g",
    origin="ours",
    explanation="The larger gamma, the more points are isolated, and the more of M's leading "
    "vectors belong to them. Measured are 4, 7.5, 15 and 30, not all numbers between. At 1 and 2 "
    "the Gaussian is wider than the gaps, and S does worse than M; with 300, 500 or 1,000 points "
    "S fails at 7.5, too (see `5f.skipped-vectors`).",
    scope=_sweep,
    counterexamples=[
        {"ari/stochastic/-1": 0.5},
        {"ari/symmetric/*": 1.0},
        {"ari/rows/*": 1.0},
    ],
)
def any_width(record: GammaRecord) -> list[Check]:
    worst_of = {
        name: least(
            score
            for gamma, score in zip(record.gammas, scores, strict=True)
            if LOWEST_GAMMA <= gamma <= HIGHEST_GAMMA
        )
        for name, scores in record.ari.items()
    }
    return [
        at_least("worst adjusted Rand index of S", worst_of["stochastic"], FAILS),
        below("worst adjusted Rand index of M", worst_of["symmetric"], FAILS),
        below("worst adjusted Rand index of rows", worst_of["rows"], FAILS),
    ]


@claim(
    "5g.walk",
    "A random walk with the probabilities A D^-1 stays in its cluster for a hundred steps; its "
    "distance from the stationary distribution shrinks in the end by the second eigenvalue of M "
    "in each step.",
    source="Levin, Peres and Wilmer, Markov Chains and Mixing Times, section 12.2",
    origin="ours",
    explanation="||p_t - pi||_TV <= 1/2 sqrt((1 - pi_i) / pi_i) lambda_2^t for a reversible walk "
    "from node i whose other eigenvalues are not negative. The bound is above 1, and says "
    "nothing, for the first 17,000 steps here; then the distance follows it. A D^-1 is not the "
    "matrix S that is clustered, but similar to M.",
    scope=WALK,
    refutes=["a walk with M, scaled to sum to one", "the third eigenvalue", "half of the steps"],
    counterexamples=[
        {"distance/-1": 20.0},
        {"distance/-1": lambda value: 0.9 * value},
        {"mass/*/1": 0.4},
        {"total_error": 1e-3},
        {"one_step_error": 1e-3},
    ],
)
def random_walk(record: WalkRecord) -> list[Check]:
    # Below this, distances are sums of rounding errors.
    far = [place for place, distance in enumerate(record.distance) if distance > RESOLVED]
    if record.bound[far[-1]] >= 1:
        raise NotRun("the walk is too short for its bound to say anything; raise walk_length")
    excess = worst(a - b for a, b in zip(record.distance, record.bound, strict=True))
    kept = record.mass[record.steps.index(WALK_STEPS)][WALK_CLUSTER]
    (first, begin), (last, end) = ((record.distance[p], record.steps[p]) for p in far[-2:])
    rate = math.log(last / first) / (end - begin)
    return [
        at_most("largest |A_ij / d_j - probability after one step|", record.one_step_error, 1e-12),
        at_most("largest excess over the bound", excess, 1e-9),
        close(
            "change of ln distance per step at the end, over ln of the second eigenvalue",
            rate / math.log(record.second_eigenvalue),
            1.0,
            tolerance=1e-4,
        ),
        above("share still in its cluster after 100 steps", kept, 0.5),
        at_most("largest |total probability - 1|", record.total_error, 1e-9),
    ]


@claim(
    "5g.many-points",
    "On the complete graph the clusters stay separated as the number of points grows, with "
    "residuals of at most 1e-6; on the graph of ten nearest neighbours they are mixed.",
    source="our extension of 5g",
    origin="ours",
    explanation="The edges of the neighbour graph become ever shorter as points become dense, "
    "until the boundary where two clusters touch is linked as strongly as their interior. A "
    "Gaussian of fixed width keeps its scale. (For the graph of neighbours the rows are scaled to "
    "length one.)",
    scope=GROWTH,
    counterexamples=[
        {"rows/-1/complete/ari": 0.9},
        {"rows/-1/complete/largest_residual": 1e-5},
        {"rows/*/neighbors/ari": 0.99},
    ],
)
def many_points(record: GrowthRecord) -> list[Check]:
    both = [(row.complete, row.neighbors) for row in record.rows if row.neighbors is not None]
    if len(both) < 2:
        raise NotRun("neighbours were clustered for fewer than two numbers of points")
    (_, first), (complete, last) = both[0], both[-1]
    return [
        at_least(
            "worst adjusted Rand index of the complete graph",
            least(row.complete.ari for row in record.rows),
            0.98,
        ),
        at_most(
            "largest residual", worst(row.complete.largest_residual for row in record.rows), 1e-6
        ),
        below(
            "adjusted Rand index of ten neighbours, change from fewest to most points",
            last.ari - first.ari,
            0.0,
        ),
        above(
            "adjusted Rand index of the complete graph minus that of ten neighbours, most points",
            complete.ari - last.ari,
            0.05,
        ),
    ]


@claim(
    "5g.rows",
    "k-means on the vectors of M, each row scaled to length one, separates the three clusters.",
    source="our extension of 5g",
    origin="ours",
    explanation="All entries of row i have the factor sqrt(d_i), which is removed by the scaling; "
    "the second vector over the first then has three levels, one for each cluster. The vector of "
    "the isolated point no longer dominates the others, since no row is longer than one.",
    scope=COURSE,
    counterexamples=[{"variants/rows/accuracy": 0.83}],
)
def rows_separate(record: CourseRecord) -> list[Check]:
    return [_separates(record.variants["rows"])]


@claim(
    "5g.restarts",
    "For the normalised rows of M one random start of k-means is not always enough, but ten are; "
    "for S one is enough.",
    source="our extension of 5g",
    origin="ours",
    explanation="From a start with one centre at the isolated points, or two in the lower "
    "cluster, k-means converges to a local minimum. Its inertia is higher, so the best of ten "
    "starts is not among these. cluster_qr does not help: it selects the isolated point as a "
    "representative.",
    scope=STARTS,
    counterexamples=[
        {"starts/rows/ten_starts/0": 0.5},
        {"starts/stochastic/one_start/0": 0.5},
        {"starts/rows/one_start/*": 1.0},
    ],
)
def restarts(record: CourseRecord) -> list[Check]:
    rows, stochastic = record.starts["rows"], record.starts["stochastic"]
    return [
        below("worst adjusted Rand index of rows, one start", least(rows.one_start), FAILS),
        at_least("worst adjusted Rand index of rows, ten starts", least(rows.ten_starts), FAILS),
        at_least("worst adjusted Rand index of S, one start", least(stochastic.one_start), FAILS),
    ]
