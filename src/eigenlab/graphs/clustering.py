"""Spectral clustering as a scikit-learn estimator, from two points to millions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from eigenlab.graphs.affinity import check_overflow
from eigenlab.graphs.affinity_source import AffinitySource, dense
from eigenlab.graphs.assign import AssignLabels, FewerClustersWarning, warn_of_fewer
from eigenlab.graphs.checks import LOCAL_WIDTHS, PRECOMPUTED, check_parameters, eigen_tolerance
from eigenlab.graphs.components import (
    LEAST_EDGE,
    Parts,
    embed_parts,
    merge_components,
    resolved_components,
)
from eigenlab.graphs.connectivity import warn_disconnected
from eigenlab.graphs.duplicates import equal_labels, equal_rows
from eigenlab.graphs.embedding import Embedding, spread_vectors
from eigenlab.graphs.extension import Extension, Predictor, negligible_value, scale_rows
from eigenlab.graphs.gaussian_graph import MAX_DENSE_NODES, Representation
from eigenlab.graphs.graph import Graph, Normalization
from eigenlab.graphs.isolated import insert_rows, leave_out_isolated
from eigenlab.graphs.scales import warn_if_unscaled
from eigenlab.graphs.selection import (
    MAX_CLUSTERS,
    Selection,
    choose_n_clusters,
    choose_width,
    least_size,
)
from eigenlab.graphs.sources.choice import affinity_source
from eigenlab.graphs.sources.self_tuning import SelfTuningAffinities
from eigenlab.graphs.threads import kept_threads
from eigenlab.reporter import SILENT, Reporter

SELECTION_NODES = 4000
"""Up to so many points the number of clusters is chosen on the whole graph, else on a sample."""
SELECTION_SAMPLE = 2000
"""Points of that sample."""
Certificate = Literal["components", "vectors", "none"]
OPTIONAL_ATTRIBUTES = ("affinity_matrix_", "gamma_", "recall_", "selection_")


class SpectralClustering(ClusterMixin, BaseEstimator):
    """Cluster a graph by k-means on the leading singular vectors of its normalised affinities.

    Spectral clustering finds clusters of any shape as long as they are connected: neighbouring
    points are linked strongly, and points of different clusters weakly. With the default
    ``normalization="stochastic"`` this is question 5g of the course: the left singular vectors of
    S, which is M = D^-1/2 A D^-1/2 with its columns scaled to sum to one.

    Two things hold whatever the vectors are. Connected components are never divided while there are
    as many as clusters, nor ever mixed in a cluster while there are fewer: with as many of them as
    clusters, they are the clusters. And equal points, or nodes of a precomputed graph with equal
    rows, are in the same cluster; among neighbours they count as one place, linked to the nearest
    others until it and they hold ``n_neighbors`` points.

    The graph of ``affinity="rbf"`` is complete: every pair of points counts, for a million points,
    too. Its representation is chosen from the number and dimension of the points:

    ========== =================================================== ==========================
    dense      the matrix, stored                                  a few thousand points
    fourier    fast Gauss sums, O(n) a product, bounded error      at most 3 dimensions
    tiled      computed anew at each product, O(n) memory          any dimension
    sharded    rows over the processes of ``torchrun``             more than one machine
    ========== =================================================== ==========================

    Args:
        n_clusters: int or ``"auto"``. Number of clusters, at most the number of points. ``"auto"``
            chooses it, up to twelve, by a relative gap of the spectrum and a cut that is nearly the
            least possible (:mod:`eigenlab.graphs.selection`), together with the width of the
            Gaussian unless ``gamma`` is given: then the number alone. Where no number is clear
            there is one cluster, and a warning. Clusters of less than a hundredth of the points, or
            of fewer than six, are not looked for. Default: ``8``.
        n_components: int or None. Number of vectors that the points are embedded in; None is the
            number of clusters, which is right unless the spectrum has no gap there. Default:
            ``None``.
        random_state: int, RandomState instance or None. Determines the random start of the
            eigensolver, the approximate search for neighbours and k-means. Pass an int for
            reproducible results. Default: ``None``.
        n_init: int. Number of random starts of k-means, of which the one with the least inertia is
            kept. Ignored unless ``assign_labels="kmeans"``. Default: ``10``.
        gamma: float, ``"auto"``, ``"scale"`` or ``"local"``. Kernel coefficient, e.g. of the
            Gaussian exp(-gamma ||x - y||^2), an inverse squared length: points much farther apart
            than gamma^-1/2 are not linked. ``"auto"`` is 1, but with ``n_clusters="auto"`` it is
            chosen, too, and up to 8,000 points outliers then have the distance to their seventh
            neighbour as a width. ``"scale"`` is 1 over the total variance of the points; use it
            where the scale of the data is unknown. ``"local"`` gives each point a width of its own,
            the distance to its seventh neighbour (with ``"nearest_neighbors"``: to its last); use
            it where clusters differ in density. Ignored for precomputed affinities, callables and,
            unless it is ``"local"``, ``"nearest_neighbors"``. Default: ``"auto"``.
        affinity: str or callable. How strongly two points are linked. Default: ``"rbf"``.

            - ``"rbf"``: the Gaussian of all pairs. The best choice in few dimensions, where it is
              also fast, and up to some thousand points in any dimension.
            - ``"nearest_neighbors"``: 1 between a point and its ``n_neighbors`` nearest, made
              symmetric. For many points in many dimensions.
            - ``"precomputed"``: X is the (n, n) affinity matrix, dense or sparse.
            - ``"precomputed_nearest_neighbors"``: X is a sparse (n, n) graph of distances, of which
              the ``n_neighbors`` nearest of each point are linked.
            - the name of another kernel in :mod:`sklearn.metrics.pairwise`, or a callable of two
              points that returns a similarity >= 0. All pairs are stored.
        n_neighbors: int. Neighbours of each point, itself counted, for the two affinities by
            neighbours. More of them connect the graph, fewer separate finer clusters. Default:
            ``10``.
        min_cluster_size: int. Vectors localised on fewer points are skipped for the next ones,
            if the graph is connected: an outlier, linked to little but itself, has a vector of its
            own with a singular value near 1, which says nothing about the others. Isolated points,
            which a Gaussian links to nothing but themselves, are left out of the graph and labelled
            as :meth:`predict` would. Take 1 for the leading vectors as they are, as in the course;
            more than 2 where groups of several outliers should not form clusters. Default: ``2``.
        normalization: ``"stochastic"``, ``"symmetric"`` or ``"rows"``. Which vectors are clustered:
            those of S (question 5g), of M (5f), or of M with each row scaled to length one.
            ``"stochastic"`` is least sensitive to outliers, ``"rows"`` suits graphs of neighbours,
            and ``"symmetric"`` is mainly for comparison. Default: ``"stochastic"``.
        eigen_tol: float or ``"auto"``. Bound on the residuals of the eigenproblem, ||M u - w u|| or
            ||S S^T u - s^2 u||, relative to the largest eigenvalue, in [0, 1); ``"auto"`` is 1e-6.
            Larger is faster. Default: ``1e-6``.
        assign_labels: ``"kmeans"``, ``"cluster_qr"`` or ``"discretize"``. How clusters are found in
            the embedding. k-means suits most data; ``"cluster_qr"`` is deterministic and has no
            parameter; ``"discretize"`` is less sensitive to the random start. The last two need
            ``n_components=None``. Default: ``"kmeans"``.
        representation: ``"auto"``, ``"dense"``, ``"tiled"``, ``"fourier"`` or ``"sharded"``.
            Representation of the graph of ``affinity="rbf"``, see the table; ignored for others.
            Set it to compare representations, or ``"tiled"`` to save memory. Default: ``"auto"``.
        degree: float. Degree of polynomial kernels, ignored by others. Default: ``3``.
        coef0: float. Constant term of polynomial and sigmoid kernels, ignored by others. Default:
            ``1``.
        kernel_params: dict or None. Further keyword arguments of a kernel or callable. Default:
            ``None``.
        device: ``"cpu"`` or ``"cuda"``. Where tiles are computed, ignored by the other
            representations. Default: ``"cpu"``.
        n_jobs: int or None. Threads of the search for neighbours; None is one, -1 all. Default:
            ``None``.

    Attributes:
        labels_: (n,) int64 cluster of each point.
        n_clusters_: number of clusters.
        embedding_: (n, n_components) rows that were clustered: columns of unit mean square, or rows
            of unit length for ``"rows"``.
        singular_values_: leading singular values of the normalised graph, descending.
        eigengap_: s_k - s_(k+1) for k = n_components; NaN where the next value is unknown.
        n_skipped_vectors_: number of vectors skipped because they are localised on too few points,
            those of isolated points included.
        gamma_: the gamma used; only of the complete Gaussian graph.
        residuals_: (n_components,) how far each vector is from being singular: ||M u - w u||, or
            ||S v - s u|| with v = S^T u / s, which is the residual of the eigenproblem over s.
        certified_: whether what the labels were made from is verified, that is, whether
            ``certificate_`` is not ``"none"``.
        certificate_: what is verified. ``"components"``: the labels themselves, which are whole
            connected components: no link that counts for ``n_connected_components_`` is cut.
            ``"vectors"``: only the vectors, which are
            the leading ones within ``eigen_tol``; whether ``assign_labels`` found the best clusters
            of them is not known. ``"none"``: neither, and a warning said why. Isolated points (see
            ``min_cluster_size``) are not covered.
        n_connected_components_: number of connected components of the graph. Links too weak to
            change the spectrum by more than ``eigen_tol`` do not count, so a complete graph may
            have several; outliers count as part of the component nearest to them.
        representation_: representation of the graph: one of the table, ``"nearest_neighbors"`` or
            ``"precomputed"``.
        affinity_matrix_: (n, n) array or sparse array; only where it was stored, which it is not
            for neighbours among points of which some are equal.
        selection_: scores by which ``"auto"`` chose, and whether a number is clear; only then.
        recall_: share of true neighbours that the search found; only of ``"nearest_neighbors"``.
        n_features_in_: number of columns of X.
        feature_names_in_: names of the columns, if X has any.

    Raises:
        InputError: (a ``ValueError``) a parameter or the data do not fit.

    Warns:
        DisconnectedGraphWarning: the graph has more components than clusters were asked for. They
            are merged whole: the nearest ones, or for precomputed affinities the smallest.
        FewerClustersWarning: the points cannot be told apart into so many clusters.
        UnscaledColumnsWarning: a few columns vary so much more than others that they decide all
            distances.
        UnclearClustersWarning: with ``"auto"``, no number of clusters is clearly better than one.
        EigenpairsWarning: a vector is not certified.

    >>> from eigenlab.graphs import stretched_blobs
    >>> X, _ = stretched_blobs(300)
    >>> model = SpectralClustering(3, gamma=2.0, random_state=0).fit(X)
    >>> np.bincount(model.labels_), bool((model.predict(X) == model.labels_).all())
    (array([101,  98, 101]), True)
    """

    labels_: NDArray[np.int64]
    selection_: Selection

    def __init__(
        self,
        n_clusters: int | Literal["auto"] = 8,
        *,
        n_components: int | None = None,
        random_state: Any = None,
        n_init: int = 10,
        gamma: float | Literal["auto", "scale", "local"] = "auto",
        affinity: str | Callable[..., float] = "rbf",
        n_neighbors: int = 10,
        min_cluster_size: int = 2,
        normalization: Normalization = "stochastic",
        eigen_tol: float | Literal["auto"] = 1e-6,
        assign_labels: AssignLabels = "kmeans",
        representation: Representation = "auto",
        degree: float = 3,
        coef0: float = 1,
        kernel_params: dict[str, Any] | None = None,
        device: str = "cpu",
        n_jobs: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.random_state = random_state
        self.n_init = n_init
        self.gamma = gamma
        self.affinity = affinity
        self.n_neighbors = n_neighbors
        self.min_cluster_size = min_cluster_size
        self.normalization = normalization
        self.eigen_tol = eigen_tol
        self.assign_labels = assign_labels
        self.representation = representation
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.device = device
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.affinity in PRECOMPUTED
        return tags

    def fit(self, X: Any, y: object = None, *, reporter: Reporter = SILENT) -> SpectralClustering:
        """Cluster points, or the nodes of a precomputed graph.

        Args:
            X: (n, d) array, data frame or sparse matrix of float32 or float64, a point in each row;
                for a precomputed graph the (n, n) matrix that ``affinity`` asks for.
            y: ignored. Default: ``None``.
            reporter: receives progress and may cancel. Default: ``SILENT``.

        Returns:
            The fitted estimator.
        """
        X = self._checked(X)
        with kept_threads():  # k-means and searches for neighbours change them
            if self.affinity in LOCAL_WIDTHS:
                warn_if_unscaled(X, getattr(self, "feature_names_in_", None))
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))

            reporter.stage("graph")
            reporter.raise_if_cancelled()
            source = self._source(X, seed, reporter)
            whole, graph, isolated = leave_out_isolated(
                source, X, self._min_kept(X.shape[0]), reporter
            )
            if self.n_clusters == "auto":
                self._choose(graph, source, seed, reporter)
            else:
                self.n_clusters_ = int(self.n_clusters)
            least, tol = self._least(graph.n_nodes), eigen_tolerance(self.eigen_tol)
            component = resolved_components(graph, tol, least)
            self.n_connected_components_ = int(component.max()) + 1
            reporter.raise_if_cancelled()
            place = source.places()
            reporter.raise_if_cancelled()

            reporter.stage("spectrum")
            parts = self._embed(graph, component, least, tol, seed, reporter)
            embedding = equal_rows(parts.embedding, place)

            reporter.stage("labels")
            scale = float(np.sqrt(graph.n_nodes))
            rows = scale_rows(embedding.vectors, self.normalization, scale)
            if self.n_connected_components_ > self.n_clusters_:
                self._warn_if_unrelated(graph)
                points = source.merging_points()
                labels = merge_components(graph, component, self.n_clusters_, points)
            else:
                labels = parts.labels(
                    rows, self.assign_labels, n_init=self.n_init, random_state=seed
                )
            self.labels_ = equal_labels(labels, place)
            self.certificate_ = self._certificate(embedding)
            self.certified_ = self.certificate_ != "none"
            self._warn_if_indistinct(embedding)

            extension = Extension(embedding, self.normalization, scale)
            reporter.raise_if_cancelled()
            self._predictor = Predictor(source, extension, rows, self.labels_, component)
            n_components = self.n_components or self.n_clusters_
            self.embedding_ = rows[:, :n_components]
            if n_components < rows.shape[1]:
                embedding = embedding.leading(n_components)
            self._store(whole, embedding, source)
            if isolated.any():
                self._label_isolated(X, isolated)
            source.reporter = graph.reporter = whole.reporter = SILENT  # fitted models are pickled
        return self

    def fit_predict(self, X: Any, y: object = None, **arguments: Any) -> NDArray[np.int64]:
        """Cluster points and return their clusters, ``fit(X).labels_``.

        Args:
            X: see :meth:`fit`.
            y: ignored. Default: ``None``.
            **arguments: further arguments of :meth:`fit`.

        Returns:
            (n,) int64 labels.
        """
        return self.fit(X, y, **arguments).labels_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The cluster of each new point, by the Nystrom extension of the embedding.

        A point is linked to the nodes as they are to each other. In a graph of neighbours it is
        linked only to the ``n_neighbors`` nearest, so there a fitted point may be labelled anew.

        Args:
            X: (m, d) points; for a precomputed graph the (m, n) affinities to its nodes.

        Returns:
            (m,) int64 labels. A point too far from all others to have any affinity takes the
            cluster of the nearest.

        Raises:
            InputError: a row of precomputed affinities has none that is positive.
        """
        check_is_fitted(self, "labels_")
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        with kept_threads():
            return self._predictor.predict(X)[0]

    def _checked(self, X: Any) -> Any:
        X = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=2
        )
        check_parameters(self.get_params(deep=False), X.shape)
        for name in OPTIONAL_ATTRIBUTES:
            self.__dict__.pop(name, None)
        if self.affinity in LOCAL_WIDTHS and X.shape[1] <= X.shape[0]:
            return dense(X)  # smaller than all pairs, which then need not be stored
        return X

    def _min_kept(self, n: int) -> int:
        """How many points must be left for isolated ones to be left out."""
        if self.min_cluster_size == 1:
            return n
        most = MAX_CLUSTERS + 1 if self.n_clusters == "auto" else self.n_clusters
        return max(most, self.n_components or 1, (n + 1) // 2)

    def _least(self, n: int) -> int:
        """Least number of points that a vector is spread over."""
        least = self.min_cluster_size
        return least_size(n, least) if self.n_clusters == "auto" else least

    def _source(self, X: Any, seed: int, reporter: Reporter) -> AffinitySource:
        """The source of the affinities; chooses number and width together where both are free."""
        parameters = self.get_params(deep=False)
        free = self.gamma == "auto" and self.n_clusters == "auto" and self.affinity == "rbf"
        if not free:
            return affinity_source(parameters, X, seed)
        if sparse.issparse(X):
            return affinity_source(parameters | {"gamma": "scale"}, X, seed)
        check_overflow(X)
        stored = len(X) <= MAX_DENSE_NODES and self.representation in {"auto", "dense"}
        self.selection_ = choose_width(
            X, local=stored, min_cluster_size=self.min_cluster_size, seed=seed, reporter=reporter
        )
        gamma = float(self.selection_.gamma or 0)
        if stored:
            return SelfTuningAffinities(gamma)
        return affinity_source(parameters | {"gamma": gamma or 1.0}, X, seed)

    def _choose(self, graph: Graph, source: AffinitySource, seed: int, reporter: Reporter) -> None:
        """Choose the number of clusters, on this graph unless it is chosen already."""
        if not hasattr(self, "selection_"):
            if graph.n_nodes > SELECTION_NODES and self.affinity not in PRECOMPUTED:
                rows = np.random.default_rng(seed).choice(graph.n_nodes, SELECTION_SAMPLE, False)
                points = source.points
                graph = source.graph(points[np.sort(rows)])
                source.points = points
            self.selection_ = choose_n_clusters(
                graph, min_cluster_size=self.min_cluster_size, seed=seed, reporter=reporter
            )
        self.selection_.warn_if_unclear()
        self.n_clusters_ = self.selection_.n_clusters

    def _embed(
        self,
        graph: Graph,
        component: NDArray[np.int64],
        least: int,
        tol: float,
        seed: int,
        reporter: Reporter,
    ) -> Parts:
        """The vectors to cluster, and which components they belong to."""
        count, k = self.n_connected_components_, self.n_clusters_
        if 1 < count < k:
            return embed_parts(
                graph,
                component,
                k,
                self.n_components,
                self.normalization,
                min_participation=least,
                tol=tol,
                seed=seed,
                reporter=reporter,
            )
        embedding = spread_vectors(
            graph,
            self.n_components or k,
            self.normalization,
            # The components of a disconnected graph are clusters, whatever their size.
            min_participation=least if count == 1 else 1,
            tol=tol,
            seed=seed,
            reporter=reporter,
        )
        columns = [np.arange(embedding.vectors.shape[1])] * count
        return Parts(embedding, component, columns, np.full(count, max(1, k // count)))

    def _certificate(self, embedding: Embedding) -> Certificate:
        if self.n_connected_components_ >= self.n_clusters_:
            return "components"
        return "vectors" if embedding.certified else "none"

    def _warn_if_unrelated(self, graph: Graph) -> None:
        count, component = graph.connected_components(LEAST_EDGE)
        if count > self.n_clusters_:
            warn_disconnected(
                component,
                f"they are merged whole into n_clusters={self.n_clusters_}, but no edge says which "
                f"belong together. {self._how_to_link('more')}, or raise n_clusters",
            )

    def _how_to_link(self, extent: Literal["more", "less"]) -> str:
        """How the user can link points more or less, with the parameters that have an effect."""
        more = extent == "more"
        if self.affinity in {"nearest_neighbors", "precomputed_nearest_neighbors"}:
            return f"{'Raise' if more else 'Lower'} n_neighbors"
        if callable(self.affinity) or self.affinity == "precomputed":
            return f"Give {'larger' if more else 'smaller'} affinities"
        return f"Give a {'smaller' if more else 'larger'} gamma"

    def _warn_if_indistinct(self, embedding: Embedding) -> None:
        found = len(np.unique(self.labels_))
        if found < self.n_clusters_:
            warn_of_fewer(found, self.n_clusters_)
        if found < self.n_clusters_ or self.certificate_ != "vectors":
            return  # labels that are not made from vectors, or warned of already
        values = embedding.singular_values
        zero = np.maximum(embedding.residual_norms, negligible_value(self.normalization))
        known = int((values > zero).sum())
        if known < len(values):
            warnings.warn(
                f"all but {known} of the {len(values)} singular values are zero up to rounding: "
                "the points are too alike for so many clusters, and which points share one is "
                f"arbitrary. {self._how_to_link('less')}, or lower n_clusters",
                FewerClustersWarning,
                stacklevel=3,
            )

    def _store(self, graph: Graph, embedding: Embedding, source: AffinitySource) -> None:
        """Set what is reported about the graph and its vectors."""
        values = self.singular_values_ = embedding.singular_values
        self.residuals_ = embedding.residual_norms
        self.eigengap_ = float(values[-1] - embedding.next_singular_value)
        self.n_skipped_vectors_ = int((embedding.skipped_values >= values[-1]).sum())
        self.representation_ = graph.representation
        if graph.affinity is not None:
            self.affinity_matrix_: NDArray[np.float64] | sparse.csr_array = graph.affinity
        for name, value in source.attributes.items():
            setattr(self, name, value)

    def _label_isolated(self, X: Any, isolated: NDArray[np.bool_]) -> None:
        """Give isolated points what new points would be given."""
        labels, rows = self._predictor.predict(X[isolated])
        self.labels_ = insert_rows(isolated, self.labels_, labels)
        rows = rows[:, : self.embedding_.shape[1]]
        self.embedding_ = insert_rows(isolated, self.embedding_, rows)
        self.n_skipped_vectors_ += int(isolated.sum())
