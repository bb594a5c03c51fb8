"""Questions 5a to 5g: clusters as eigenvectors of a graph."""

from __future__ import annotations

from typing import Any, ClassVar

from eigenlab.experiments import _graph_figures as figures
from eigenlab.experiments import _graph_judges as judges
from eigenlab.experiments import _graph_measurements as measurements
from eigenlab.lab import Claim, Config, Experiment, Figure, Outcome, Stage, Table, setting


class GraphClusteringConfig(Config):
    """The course's points and graph, and how far beyond them to go."""

    n_samples: int = setting(
        2000, "Points of the three stretched blobs.", unit="points", ge=1500, le=5000
    )
    gamma: float = setting(
        7.5, "Of the Gaussian affinity exp(-gamma r^2), per squared length.", ge=0.01, le=100
    )
    n_starts: int = setting(
        60, "Random starts of k-means whose results are compared.", ge=20, le=1000
    )
    gamma_sweep: bool = setting(True, "Whether to repeat the clustering for six gammas.")
    n_draws: int = setting(5, "Draws of every other shape.", ge=1, le=50)
    most_points: int = setting(
        1_000_000,
        "Largest number of blob points; below 10,000 growth is left out.",
        unit="points",
        ge=0,
        le=1_000_000,
    )
    most_neighbour_points: int = setting(
        50_000,
        "Largest number of points whose neighbour graph is clustered, too.",
        unit="points",
        ge=10_000,
        le=1_000_000,
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"gamma_sweep": False, "n_draws": 1, "most_points": 0},
        "course": {},
        "full": {"n_draws": 20, "most_neighbour_points": 200_000},
    }


EXPERIMENT = Experiment(
    name="graph-clustering",
    title="Clusters as eigenvectors of a graph",
    source=("5a", "5b", "5c", "5d", "5e", "5f", "5g"),
    summary=(
        "Three long, slanted blobs of 2,000 points. k-means cuts them across, since it knows only "
        "round clusters. Seen as a graph in which near points are linked strongly, they are three "
        "parts with little between them, and the leading vectors of the normalised affinity matrix "
        "tell which is which - if no lone point is in their way. Two normalisations are compared, "
        "then other shapes, other widths of the Gaussian, a walker on the graph, and what becomes "
        "of it all when points are many: every pair of points stays linked, by fast Gauss sums."
    ),
    config=GraphClusteringConfig,
    stages=(
        Stage("course", measurements.measure_course),
        Stage("gamma", measurements.measure_gamma),
        Stage("lone", measurements.measure_lone),
        Stage("shapes", measurements.measure_shapes),
        Stage("walk", measurements.measure_walk),
        Stage("growth", measurements.measure_growth),
    ),
    claims=(
        Claim(
            id="5a.raw-fails",
            statement="k-means on the points fails: it puts more than one point in ten into a "
            "wrong cluster.",
            source="question 5a",
            record="course",
            judge=judges.judge_raw,
            explanation="k-means compares Euclidean distances to three centres, so its clusters "
            "are cells with straight borders halfway between them; the blobs are longer than they "
            "are far apart.",
        ),
        Claim(
            id="5b.undirected",
            statement="The Gaussian affinities make a complete, weighted, undirected graph.",
            source="question 5b",
            record="course",
            judge=judges.judge_affinity,
            explanation="||x - y|| = ||y - x||, so A is symmetric.",
        ),
        Claim(
            id="5c.degrees",
            statement="D is diagonal and holds the row sums of A.",
            source="question 5c",
            record="course",
            judge=judges.judge_degrees,
        ),
        Claim(
            id="5d.leading",
            statement="The largest eigenvalue of M = D^-1/2 A D^-1/2 is 1, with eigenvector "
            "D^1/2 1.",
            source="question 5d",
            record="course",
            judge=judges.judge_symmetric,
            explanation="M D^1/2 1 = D^-1/2 A 1 = D^-1/2 d = D^1/2 1, and M is similar to the "
            "stochastic matrix A D^-1, whose eigenvalues lie within the unit circle.",
        ),
        Claim(
            id="5e.better-rand",
            statement="k-means on the top three vectors of M does better than on the points, by "
            "the adjusted Rand index.",
            source="question 5e",
            record="course",
            judge=judges.judge_better("ari"),
            documented=Outcome.FAILED,
            explanation="It does worse (0.549 against 0.588): M's third vector is one lone point, "
            "so three clusters are sought where only two are visible, and the upper two blobs are "
            "one. By measures that forgive merging what belongs together it is better.",
        ),
        Claim(
            id="5e.better-information",
            statement="By normalised mutual information and by completeness, the vectors of M do "
            "better than the points.",
            source="question 5e, read for another measure",
            record="course",
            judge=lambda record: (
                judges.judge_better("nmi")(record) + judges.judge_better("completeness")(record)
            ),
            explanation="Each blob is in one piece, which k-means on the points does not manage; "
            "completeness asks for just that.",
        ),
        Claim(
            id="5e.mixed",
            statement="The vectors of M set the lower cluster apart and mix the upper two.",
            source="question 5e",
            record="course",
            judge=judges.judge_mixed,
        ),
        Claim(
            id="5e.lone-point",
            statement="M fails because its third vector lives on a single far-off point; in the "
            "stochastic matrix such vectors come fourth and later.",
            source="our explanation of 5e and 5f",
            record="course",
            judge=judges.judge_lonely,
            explanation="A point with hardly any neighbour is nearly a component of its own, with "
            "an eigenvalue near 1. The block of S that belongs to a closed part of the graph has "
            "columns that sum to one, so its largest singular value is at least 1, and more than "
            "that unless its rows sum to one, too. In a cluster they do not, since degrees fall "
            "towards the rims; a lone point is a block of one entry and stays below 1 by what it "
            "leaks.",
        ),
        Claim(
            id="5e.fourth-vector",
            statement="With a fourth vector M separates the three clusters, too.",
            source="our check of that explanation",
            record="course",
            judge=judges.judge_separates("symmetric, 4 vectors"),
        ),
        Claim(
            id="5e.no-loops",
            statement="Without the loops A_ii = 1 three vectors of M separate the clusters.",
            source="our check of that explanation",
            record="course",
            judge=judges.judge_separates("symmetric, no loops"),
            explanation="A lone point is nearly a component because it is linked to itself. "
            "Without that link all of its weight goes to its nearest neighbours, however far off, "
            "and it follows them.",
        ),
        Claim(
            id="5e.passed-over",
            statement="With other numbers of points every normalisation meets lone points and "
            "fails, and none fails if vectors that live on a single point are passed over.",
            source="our remedy",
            record="lone",
            judge=judges.judge_lone,
            explanation="A vector u lives on about 1 / sum u_i^4 points. What is passed over and "
            "what is taken instead: `min_cluster_size` of `SpectralClustering`.",
        ),
        Claim(
            id="5f.columns",
            statement="S = M C^-1 is column-stochastic.",
            source="question 5f",
            record="course",
            judge=judges.judge_columns,
        ),
        Claim(
            id="5f.separates",
            statement="k-means on the top three left singular vectors of S separates the three "
            "clusters.",
            source="question 5f",
            record="course",
            judge=judges.judge_separates("stochastic"),
        ),
        Claim(
            id="5f.any-width",
            statement="S separates the clusters for every gamma from 4 to 30; M and its rows fail "
            "for some of them.",
            source="our extension of 5f",
            record="gamma",
            judge=judges.judge_gamma,
            tier="course",
            explanation="The larger gamma, the more points are lone ones, and the more of M's "
            "leading vectors belong to them.",
        ),
        Claim(
            id="5f.walk",
            statement="A walker stays in its cluster for a hundred steps, and its distance to the "
            "end of the walk is bounded by the second eigenvalue.",
            source="Levin, Peres and Wilmer, Markov Chains and Mixing Times, section 12.2",
            record="walk",
            judge=judges.judge_walk,
            explanation="||p_t - pi||_TV <= 1/2 sqrt((1 - pi_i) / pi_i) lambda_2^t for a "
            "reversible walk from node i whose other eigenvalues are not negative.",
        ),
        Claim(
            id="5f.many-points",
            statement="On the complete graph the clusters stay separated as points become many, "
            "with residuals of at most 1e-6; on ten nearest neighbours they run together.",
            source="our extension of 5f",
            record="growth",
            judge=judges.judge_growth,
            tier="course",
            explanation="The neighbour graph looks ever closer as points become dense, until the "
            "touching rims of two clusters are as well linked as anything else. A Gaussian of "
            "fixed width keeps its scale. (Neighbours with rows of length one.)",
        ),
        Claim(
            id="5g.separates",
            statement="k-means on the vectors of M, each row scaled to length one, separates the "
            "three clusters.",
            source="question 5g",
            record="course",
            judge=judges.judge_separates("rows"),
            explanation="All entries of a row carry the factor sqrt(d_i), which the length divides "
            "out; the second vector over the first then has three levels, one a cluster. The lone "
            "point's vector no longer towers over the others, since no row is longer than one.",
        ),
        Claim(
            id="5g.restarts",
            statement="For the rows one start of k-means is not always enough, ten are; for S one "
            "is.",
            source="our extension of 5g",
            record="course",
            judge=judges.judge_starts,
            explanation="A start that spends a centre on the lone points, or two on the lower "
            "cluster, stays there. Its inertia is higher, so the best of ten starts is not among "
            "them. cluster_qr is no way out: it picks the lone point as a representative.",
        ),
    ),
    figures=(
        Figure(
            "points",
            "Three stretched blobs, and what k-means makes of them",
            "Left the clusters the points were drawn from, right k-means with ten starts.",
            "course",
            figures.draw_points,
        ),
        Figure(
            "adjacency",
            "The affinity matrix, sorted by cluster",
            "Mean affinity of blocks of points. The lower right block, the lower cluster, has "
            "hardly any link to the others; the upper two have more between them.",
            "course",
            figures.draw_adjacency,
        ),
        Figure(
            "spectrum",
            "Leading singular values of both matrices",
            "Open circles: vectors that live on less than 1 % of the points. Such a vector is "
            "third in M and fourth in S, which makes all the difference.",
            "course",
            figures.draw_spectrum,
        ),
        Figure(
            "embedding",
            "The three vectors as coordinates",
            "Left, M: the third axis is one point, far out. Middle, S: three clusters. Right, "
            "each row of M's vectors scaled to length one: three directions.",
            "course",
            figures.draw_embedding,
        ),
        Figure(
            "clusters",
            "Clusters found in the vectors",
            "k-means with ten starts on the vectors of each matrix.",
            "course",
            figures.draw_clusters,
        ),
        Figure(
            "gamma",
            "How much depends on the width of the Gaussian",
            "Three clusters, three vectors, ten starts. At small gamma the graph sees no gaps, at "
            "large gamma it falls into lone points.",
            "gamma",
            figures.draw_gamma,
        ),
        Figure(
            "shapes",
            "Other shapes",
            "Clusters of the stochastic matrix, one draw; scores of all draws in the table.",
            "shapes",
            figures.draw_shapes,
        ),
        Figure(
            "walk",
            "A walker that starts in the middle of an upper cluster",
            "Probability of being in each cluster, and total variation distance to where every "
            "walk ends.",
            "walk",
            figures.draw_walk,
        ),
        Figure(
            "growth",
            "From thousands to many points",
            "The same blobs, drawn ever more densely.",
            "growth",
            figures.draw_growth,
        ),
    ),
    tables=(
        Table("variants", "How well the clusters match", "course", judges.table_variants),
        Table(
            "starts",
            "Random starts of k-means (adjusted Rand index)",
            "course",
            judges.table_starts,
        ),
        Table(
            "lone",
            "Adjusted Rand index, vectors of single points taken or passed over",
            "lone",
            judges.table_lone,
        ),
        Table(
            "shapes",
            "Adjusted Rand index on other shapes, mean (worst)",
            "shapes",
            judges.table_shapes,
        ),
        Table("growth", "Adjusted Rand index of many points", "growth", judges.table_growth),
    ),
    metrics=lambda records: {
        "adjusted Rand, stochastic": records["course"]["variants"]["stochastic"]["ari"],
        "adjusted Rand, raw points": records["course"]["variants"]["raw points"]["ari"],
    },
)
