"""Spectral clustering as a scikit-learn estimator, from two points to millions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils import check_random_state
from sklearn.utils.sparsefuncs import mean_variance_axis
from sklearn.utils.validation import check_is_fitted, validate_data

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import refuse_overflow, self_tuning_affinities_to
from eigenlab.graphs.assign import AssignLabels, FewerClustersWarning, assign_labels
from eigenlab.graphs.choice import (
    AffinityKind,
    far_off_nodes,
    far_off_points,
    gaussian_graph,
    neighbor_graph,
    self_tuning_graph,
)
from eigenlab.graphs.connectivity import connected_components, is_connected, warn_disconnected
from eigenlab.graphs.dense import DenseGraph
from eigenlab.graphs.embedding import Embedding, leading_vectors
from eigenlab.graphs.extension import Extension, Predictor, finish, vanishing
from eigenlab.graphs.graph import NORMALIZATIONS, Floats, Graph, Normalization
from eigenlab.graphs.neighbor_affinity import affinities_to
from eigenlab.graphs.selection import Selection, choose_n_clusters, half_agreement
from eigenlab.graphs.sparse import SparseGraph
from eigenlab.reporter import SILENT, Reporter

MOST_CLUSTERS = 12
"""``n_clusters="auto"`` looks no further."""
MOST_PASSED_OVER = 24
"""Vectors of lone points that are passed over, at most."""


class SpectralClustering(ClusterMixin, BaseEstimator):
    """Clusters of a graph, by k-means on the top singular vectors of its normalised affinities.

    With the default ``normalization="stochastic"`` this is question 5f of the course: M = D^-1/2 A
    D^-1/2, its columns scaled to sum to one, left singular vectors. The graph of ``affinity="rbf"``
    is complete: every pair of points counts, for a million points, too. How it is held is chosen
    from the number and dimension of the points and shown in ``affinity_kind_``:

    ========== =================================================== ==========================
    dense      the matrix, stored                                  a few thousand points
    fourier    fast Gauss sums, O(n) a product, bounded error      at most 3 dimensions
    tiled      computed anew at each product, O(n) memory          any dimension
    sharded    rows over the processes of ``torchrun``             more than one machine
    ========== =================================================== ==========================

    Args:
        n_clusters: how many, or ``"auto"``: the first of the four widest gaps of the spectrum whose
            clusters are stable under leaving out half of the points, or the most stable of them.
        n_components: vectors to embed in; by default ``n_clusters``.
        random_state: seed of everything random.
        n_init: starts of k-means.
        gamma: of the Gaussian exp(-gamma ||x - y||^2); ``"scale"`` is 1 over the total variance,
            the sum of the columns', wherever the points lie; ``"local"`` gives each point a width
            of its own, the distance to its seventh neighbour (for ``nearest_neighbors``: to its
            last).
        affinity: ``"rbf"``, ``"nearest_neighbors"``, ``"precomputed"`` (X is the affinity matrix),
            ``"precomputed_nearest_neighbors"`` (X is a sparse graph of distances), the name of
            another kernel of scikit-learn's, or a callable of two points.
        n_neighbors: of ``nearest_neighbors``, a point counted among its own.
        min_cluster_size: vectors that live on fewer points are passed over for the next ones, in a
            connected graph: a far-off point, linked to little but itself, has a vector of its own
            with a singular value near 1, which says nothing about the others. (Clusters may still
            be smaller: it is vectors that are chosen.) Points that a Gaussian links to nothing but
            themselves are set aside and labelled as :meth:`predict` would. With 1 the top vectors
            are taken whatever they show, as in the course.
        normalization: ``"stochastic"``, ``"symmetric"`` (the vectors of M as they are) or
            ``"rows"`` (those, each row scaled to length one).
        eigen_tol: bound on the residuals of the eigenproblem, ||M u - w u|| or ||S S^T u - s^2 u||,
            relative to the largest eigenvalue; ``"auto"`` is 1e-6.
        assign_labels: ``"kmeans"``, ``"cluster_qr"`` or ``"discretize"``.
        affinity_kind: how to hold the Gaussian graph, ``"auto"`` or one of the table.
        degree: of polynomial kernels.
        coef0: of polynomial and sigmoid kernels.
        kernel_params: further arguments of a kernel or callable.
        device: where ``tiled`` computes, ``cpu`` or ``cuda``.
        n_jobs: threads of the neighbour search.

    Attributes:
        labels_: (n,) cluster of each point.
        n_clusters_: number of clusters.
        embedding_: (n, n_components) rows that were clustered: unit mean square a column, or unit
            length a row for ``"rows"``.
        singular_values_: of the normalised graph, descending.
        eigengap_: s_k - s_(k+1) for k = n_components; NaN where the next value is unknown.
        n_passed_over_: number of vectors passed over because they live on too few points, those of
            points set aside included.
        gamma_: what ``"scale"`` came to; only of the complete Gaussian graph.
        residuals_: (n_components,) how far each vector is from being singular: ||M u - w u||, or
            ||S v - s u|| with v = S^T u / s, which is the residual of the eigenproblem over s.
        certified_: whether residuals of the eigenproblem are within ``eigen_tol`` and the search
            for overlooked vectors found none.
        connected_components_: number of connected components of the graph; 1 for a Gaussian graph
            whose entries are not stored, since none is zero.
        affinity_kind_: how the graph was held.
        affinity_matrix_: (n, n) where it was stored, else absent.
        selection_: with ``"auto"``, the gaps and stabilities it was chosen by.
        recall_: share of true neighbours that the search found.
        n_features_in_: columns of X.
        feature_names_in_: names of the columns, if X has any.

    Raises:
        InputError: (a ``ValueError``) an argument or the data do not fit.

    Warns:
        DisconnectedGraphWarning: the graph has more components than clusters were asked for.
        FewerClustersWarning: the points cannot be told apart into so many clusters.
        UnstableClustersWarning: with ``"auto"``, no number of clusters that was tried is stable.
        EigenpairsWarning: a vector is not certified.

    >>> from eigenlab.graphs import stretched_blobs
    >>> X, _ = stretched_blobs(300)
    >>> model = SpectralClustering(3, gamma=2.0, random_state=0).fit(X)
    >>> np.bincount(model.labels_), bool((model.predict(X) == model.labels_).all())
    (array([101,  98, 101]), True)
    """

    labels_: NDArray[np.int64]
    _own_kernels: ClassVar = ("rbf", "nearest_neighbors")

    def __init__(
        self,
        n_clusters: int | Literal["auto"] = 8,
        *,
        n_components: int | None = None,
        random_state: Any = None,
        n_init: int = 10,
        gamma: float | Literal["scale", "local"] = 1.0,
        affinity: str | Callable[..., float] = "rbf",
        n_neighbors: int = 10,
        min_cluster_size: int = 2,
        normalization: Normalization = "stochastic",
        eigen_tol: float | Literal["auto"] = 1e-6,
        assign_labels: AssignLabels = "kmeans",
        affinity_kind: AffinityKind = "auto",
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
        self.affinity_kind = affinity_kind
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.device = device
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self._precomputed()
        return tags

    def fit(self, X: Any, y: object = None, *, reporter: Reporter = SILENT) -> SpectralClustering:
        """Cluster the rows of ``X``, (n, d), or the nodes of a precomputed (n, n) affinity.

        Args:
            X: array, data frame or sparse matrix, float32 or float64; rows are points.
            y: ignored.
            reporter: hears of stages and progress, and may cancel.
        """
        X = validate_data(
            self, X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=2
        )
        self._check(X)
        if sparse.issparse(X) and self.affinity in self._own_kernels and X.shape[1] <= X.shape[0]:
            X = X.toarray()  # smaller than all pairs, and it need not store these
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        reporter.stage("graph")
        whole, graph, aside = self._graphs(X, seed)
        points = X[~aside] if aside.any() else X
        self.connected_components_ = _count_components(graph)
        reporter.stage("spectrum")
        embedding = self._embed(graph, points, seed, reporter)
        self._warn_if_apart(graph)
        reporter.stage("labels")
        scale = float(np.sqrt(graph.n_nodes))
        self.embedding_ = finish(embedding.vectors, self.normalization, scale)
        self.labels_ = assign_labels(
            self.embedding_,
            self.n_clusters_,
            self.assign_labels,
            n_init=self.n_init,
            random_state=seed,
        )
        if len(np.unique(self.labels_)) == self.n_clusters_:  # else it has been said
            self._warn_if_alike()
        self._remember(whole, embedding, points, scale)
        if aside.any():
            self._bring_back(X, aside)
        return self

    def fit_predict(self, X: Any, y: object = None, **arguments: Any) -> NDArray[np.int64]:
        """``fit(X).labels_``."""
        return self.fit(X, y, **arguments).labels_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """The cluster of each new point, by the Nystrom extension of the embedding.

        A point is linked to the nodes as they are to each other. In a graph of neighbours it is
        linked only to the ``n_neighbors`` nearest, so there a fitted point may be labelled anew.

        Args:
            X: (m, d) points; for a precomputed graph the (m, n) affinities to its nodes.

        Returns:
            (m,) labels. A point too far from all others to have any affinity takes the cluster of
            the nearest.
        """
        check_is_fitted(self, "labels_")
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        return self._extended(X)[0]

    def _extended(self, X: Any) -> tuple[NDArray[np.int64], Floats]:
        """Labels (m,) and rows of the embedding (m, k) of points beside those of the graph."""
        labels = np.empty(X.shape[0], dtype=np.int64)
        embedded = np.empty((X.shape[0], len(self.residuals_)))
        rows = max(1, 2**24 // len(self.labels_))
        for first in range(0, X.shape[0], rows):
            part = slice(first, first + rows)
            embedded[part], alone = self._predictor.extension.embed(
                self._affinities_to_fit(X[part])
            )
            labels[part] = self._predictor.labels(embedded[part])
            if alone.any():
                nearest = self._nearest(X[part], alone)
                labels[part][alone], embedded[part][alone] = self._predictor.node(nearest)
        return labels, embedded

    def _bring_back(self, X: Any, aside: NDArray[np.bool_]) -> None:
        """Give the points set aside what new points would be given."""
        labels, rows = self._extended(X[aside])
        known_labels, known_rows = self.labels_, self.embedding_
        self.labels_ = np.empty(len(aside), dtype=np.int64)
        self.labels_[~aside], self.labels_[aside] = known_labels, labels
        self.embedding_ = np.empty((len(aside), known_rows.shape[1]))
        self.embedding_[~aside], self.embedding_[aside] = known_rows, rows
        self.n_passed_over_ += int(aside.sum())

    def _graphs(self, X: Any, seed: int) -> tuple[Graph, Graph, NDArray[np.bool_]]:
        """The graph of all points, that without far-off ones, and which these are, (n,).

        Where the far-off ones leave no room for Fourier modes, the first graph lacks them, too.
        """
        for name in ("recall_", "gamma_"):
            self.__dict__.pop(name, None)
        aside = np.zeros(X.shape[0], dtype=bool)
        if self.affinity != "rbf" or self.gamma == "local" or sparse.issparse(X):
            graph = self._graph(X, seed)
            return graph, graph, aside
        gamma = self.gamma_ = self._gamma(X)

        def without(far: NDArray[np.bool_]) -> Graph:
            points = X[~far] if far.any() else X
            return gaussian_graph(points, gamma, self.affinity_kind, self.device)

        if self.min_cluster_size == 1:
            graph = without(aside)
            return graph, graph, aside
        aside = self._unless_most(far_off_points(X, gamma, self.affinity_kind))
        whole = without(aside)
        every = aside.copy()
        every[np.flatnonzero(~aside)[far_off_nodes(whole)]] = True
        if every.sum() == aside.sum() or not self._unless_most(every).any():
            return whole, whole, aside
        return whole, without(every), every

    def _unless_most(self, far: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Set nothing aside if too little would be left to cluster."""
        most = MOST_CLUSTERS + 1 if self.n_clusters == "auto" else self.n_clusters
        enough = max(most, self.n_components or 1, len(far) / 2)
        return far if len(far) - far.sum() >= enough else np.zeros_like(far)

    def _precomputed(self) -> bool:
        return self.affinity in ("precomputed", "precomputed_nearest_neighbors")

    def _check(self, X: Any) -> None:
        n = X.shape[0]
        k = self.n_clusters
        if k != "auto" and not _counts(k):
            raise InputError(f"n_clusters={k!r}; expected 'auto' or a whole number >= 1")
        for name in ("n_neighbors", "min_cluster_size"):
            if not _counts(value := getattr(self, name)):
                raise InputError(f"{name}={value!r}; expected a whole number >= 1")
        if k != "auto" and k > n:
            raise InputError(f"n_clusters={k} is more than n_samples={n}; ask for at most {n}")
        if self.normalization not in NORMALIZATIONS:
            raise InputError(
                f"normalization={self.normalization!r}; choose one of {NORMALIZATIONS}"
            )
        if self.n_components is not None and not (
            _counts(self.n_components) and self.n_components <= n
        ):
            raise InputError(
                f"n_components={self.n_components!r}; expected None or 1 to n_samples={n}"
            )
        self._check_gamma()
        if not 0 <= self._tolerance() < 1:
            raise InputError(
                f"eigen_tol={self.eigen_tol!r}; expected a number, 0 <= eigen_tol < 1, or 'auto'"
            )
        if self._precomputed() and X.shape[1] != n:
            raise InputError(
                f"X has shape {X.shape}, but affinity={self.affinity!r} needs a square (n, n) one"
            )

    def _check_gamma(self) -> None:
        if isinstance(self.gamma, str):
            if self.gamma not in {"scale", "local"}:
                raise InputError(f"gamma={self.gamma!r}; expected a number, 'scale' or 'local'")
            ignored = callable(self.affinity) or self._precomputed()
            own = ignored or self.affinity in self._own_kernels
            if self.gamma == "local" and not own:
                raise InputError(
                    f"gamma='local' is no width for affinity={self.affinity!r}; "
                    f"take a number or 'scale', or one of affinity={self._own_kernels}"
                )
        elif not isinstance(self.gamma, Real) or not 0 < self.gamma < np.inf:
            raise InputError(
                f"gamma={self.gamma!r}; expected a positive, finite number, 'scale' or 'local'"
            )

    def _tolerance(self) -> float:
        if isinstance(self.eigen_tol, str):
            return 1e-6 if self.eigen_tol == "auto" else np.nan
        return float(self.eigen_tol) if isinstance(self.eigen_tol, Real) else np.nan

    def _gamma(self, X: Any) -> float:
        if self.gamma != "scale":
            return float(self.gamma)
        if sparse.issparse(X):
            variances = mean_variance_axis(X.astype(np.float64), axis=0)[1]
        else:
            refuse_overflow(X)
            variances = X.var(axis=0, dtype=np.float64)
        total = float(variances.sum())
        return 1.0 / total if total > 0 else 1.0

    def _graph(self, X: Any, seed: int) -> Graph:
        if self._precomputed():
            return self._precomputed_graph(X)
        if self.affinity == "nearest_neighbors":
            local = self.gamma == "local"
            neighbors, self.recall_ = neighbor_graph(
                _dense(X), self.n_neighbors, local=local, seed=seed, n_jobs=self.n_jobs
            )
            return neighbors
        if self.affinity == "rbf" and self.gamma == "local":
            graph, self._widths = self_tuning_graph(_dense(X))
            return graph
        return DenseGraph(self._kernel(X, X))

    def _precomputed_graph(self, X: Any) -> Graph:
        if self.affinity == "precomputed_nearest_neighbors":
            from sklearn.neighbors import NearestNeighbors

            search = NearestNeighbors(n_neighbors=self.n_neighbors, metric="precomputed").fit(X)
            links = search.kneighbors_graph(X, mode="connectivity")
            return SparseGraph((links + links.T) / 2, kind="precomputed")
        if sparse.issparse(X):
            return SparseGraph(X, kind="precomputed")
        return DenseGraph(X, kind="precomputed")

    def _kernel(self, X: Any, Y: Any) -> Floats:
        """Affinities of the rows of X to those of Y, by scikit-learn's kernels."""
        if not callable(self.affinity):
            from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS

            if self.affinity not in tuple(PAIRWISE_KERNEL_FUNCTIONS):
                known = ("rbf", "nearest_neighbors", "precomputed", "precomputed_nearest_neighbors")
                raise InputError(
                    f"affinity={self.affinity!r}; choose one of {known}, a kernel of "
                    f"scikit-learn's ({', '.join(sorted(PAIRWISE_KERNEL_FUNCTIONS))}) or a callable"
                )
        parameters = dict(self.kernel_params or {})
        if not callable(self.affinity):
            parameters |= {"gamma": self._gamma(Y), "degree": self.degree, "coef0": self.coef0}
        return pairwise_kernels(X, Y, metric=self.affinity, filter_params=True, **parameters)

    def _embed(self, graph: Graph, X: Any, seed: int, reporter: Reporter) -> Embedding:
        wanted = self.n_clusters
        if wanted == "auto":
            most = min(MOST_CLUSTERS + 1, graph.n_nodes)
            embedding = self._vectors(graph, max(most, self.n_components or 1), seed, reporter)
            self.selection_: Selection = choose_n_clusters(
                embedding.singular_values[:most], lambda k: self._stability(graph, X, k, seed)
            )
            self.selection_.warn_if_unstable()
            wanted = self.selection_.n_clusters
        else:
            self.__dict__.pop("selection_", None)
            embedding = self._vectors(graph, self.n_components or int(wanted), seed, reporter)
        self.n_clusters_ = int(wanted)
        self.singular_values_ = embedding.singular_values
        self.certified_ = embedding.certified
        embedding = embedding.leading(self.n_components or self.n_clusters_)
        self.residuals_ = embedding.residual_norms
        self.n_passed_over_ = int((embedding.passed_over >= embedding.singular_values[-1]).sum())
        self.eigengap_ = float(embedding.singular_values[-1] - embedding.next_singular_value)
        return embedding

    def _vectors(self, graph: Graph, k: int, seed: int, reporter: Reporter) -> Embedding:
        """The first ``k`` vectors that live on ``min_cluster_size`` points or more.

        The parts of a graph that is not connected are clusters, whatever their size.
        """
        least = self.min_cluster_size if self.connected_components_ == 1 else 1
        asked, embedding = k, None
        while True:
            embedding = leading_vectors(
                graph,
                asked,
                self.normalization,
                tol=self._tolerance(),
                start=None if embedding is None else embedding.vectors,
                seed=seed,
                reporter=reporter,
            )
            missing = k - int((np.rint(embedding.participation) >= least).sum())
            if missing <= 0 or asked >= min(graph.n_nodes, k + MOST_PASSED_OVER):
                break
            asked = min(graph.n_nodes, k + MOST_PASSED_OVER, asked + 2 * missing)
        return embedding.leading(k, least)

    def _stability(self, graph: Graph, X: Any, k: int, seed: int) -> float:
        """How well random halves of the points, clustered anew, agree."""
        settings: dict[str, Any] = {"n_clusters": k, "n_components": None, "random_state": seed}
        settings["affinity_kind"] = "auto"
        if self._precomputed():
            # Points of half the distances may lack neighbours; half of the graph is a graph.
            settings["affinity"] = "precomputed"
            X = graph.affinity  # type: ignore[attr-defined]

        def labels_of(rows: NDArray[np.int64]) -> NDArray[np.int64]:
            part = X[rows][:, rows] if self._precomputed() else X[rows]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return type(self)(**(self.get_params() | settings)).fit_predict(part)

        return half_agreement(labels_of, graph.n_nodes, k, seed)

    def _warn_if_apart(self, graph: Graph) -> None:
        if self.connected_components_ > self.n_clusters_:
            _, component = connected_components(sparse.csr_array(graph.affinity))  # type: ignore[attr-defined]
            warn_disconnected(
                component,
                f"n_clusters={self.n_clusters_} cannot tell so many apart. Raise n_neighbors, "
                "lower gamma or ask for more clusters",
            )

    def _warn_if_alike(self) -> None:
        values = self.singular_values_[: len(self.residuals_)]
        zero = np.maximum(self.residuals_, vanishing(self.normalization))
        known = int((values > zero).sum())
        if known < len(values):
            warnings.warn(
                f"all but {known} of the {len(values)} singular values are zero up to rounding: "
                "the points are too alike for so many clusters, and which points share one is "
                "arbitrary. Raise gamma or ask for fewer clusters",
                FewerClustersWarning,
                stacklevel=3,
            )

    def _remember(self, graph: Graph, embedding: Embedding, X: Any, scale: float) -> None:
        """What :meth:`predict` and users will ask for."""
        self.affinity_kind_ = graph.kind
        self.__dict__.pop("affinity_matrix_", None)
        if isinstance(graph, (DenseGraph, SparseGraph)):
            self.affinity_matrix_ = graph.affinity
        extension = Extension(embedding, self.normalization, scale)
        self._predictor = Predictor(extension, self.embedding_, self.labels_)
        self._fit_X: Any = None if self._precomputed() else X

    def _affinities_to_fit(self, X: Any) -> Any:
        if self._precomputed():
            return X
        if self.affinity == "nearest_neighbors":
            return affinities_to(self._fit_X, X, self.n_neighbors, local=self.gamma == "local")
        if self.affinity == "rbf" and self.gamma == "local":
            return self_tuning_affinities_to(_dense(self._fit_X), self._widths, _dense(X))
        if self.affinity == "rbf" and not sparse.issparse(self._fit_X):
            from sklearn.metrics.pairwise import rbf_kernel

            # Expanded squares lose digits far from the origin.
            centre = self._fit_X.mean(axis=0, dtype=np.float64)
            return rbf_kernel(_dense(X) - centre, self._fit_X - centre, gamma=self.gamma_)
        return self._kernel(X, self._fit_X)

    def _nearest(self, X: Any, alone: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The node nearest to each point that has no affinity to any."""
        if self._fit_X is None:
            row = int(np.flatnonzero(alone)[0])
            raise InputError(f"row {row} of X has no affinity to any node; there is no cluster")
        from sklearn.neighbors import NearestNeighbors

        search = NearestNeighbors(n_neighbors=1).fit(self._fit_X)
        return search.kneighbors(X[alone], return_distance=False)[:, 0]


def _count_components(graph: Graph) -> int:
    """Connected components; a Gaussian graph has one unless its stored entries underflow to 0."""
    if isinstance(graph, DenseGraph):
        if is_connected(graph.affinity):
            return 1
        return connected_components(sparse.csr_array(graph.affinity))[0]
    return connected_components(graph.affinity)[0] if isinstance(graph, SparseGraph) else 1


def _dense(X: Any) -> Any:
    return X.toarray() if sparse.issparse(X) else X


def _counts(value: Any) -> bool:
    """Whether ``value`` is a whole number of at least one thing."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(value >= 1)
