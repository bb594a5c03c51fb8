"""Graphs, their spectrum and their clusters."""

from eigenlab.graphs.affinity import rbf_affinity, scale_gamma, self_tuning_affinity
from eigenlab.graphs.assign import FewerClustersWarning, assign_labels
from eigenlab.graphs.clustering import SpectralClustering
from eigenlab.graphs.connectivity import DisconnectedGraphWarning, connected_components
from eigenlab.graphs.neighbor_affinity import knn_affinity
from eigenlab.graphs.neighbors import Neighbors, nearest_neighbors
from eigenlab.graphs.normalize import (
    degree_matrix,
    is_undirected,
    leading_eigenvector,
    stochastic_normalize,
    symmetric_normalize,
    top_singular_vectors,
    without_loops,
)
from eigenlab.graphs.scales import UnscaledColumnsWarning, unscaled_columns
from eigenlab.graphs.scores import matched_accuracy
from eigenlab.graphs.selection import UnclearClustersWarning
from eigenlab.graphs.shapes import (
    nested_arcs,
    round_blobs,
    stretched_blobs,
    two_circles,
    two_moons,
    unbalanced_blobs,
)
from eigenlab.graphs.walk import (
    mixing_bound,
    random_walk,
    stationary_distribution,
    total_variation,
)
from eigenlab.spectrum import row_normalize

__all__ = [
    "DisconnectedGraphWarning",
    "FewerClustersWarning",
    "Neighbors",
    "SpectralClustering",
    "UnclearClustersWarning",
    "UnscaledColumnsWarning",
    "assign_labels",
    "connected_components",
    "degree_matrix",
    "is_undirected",
    "knn_affinity",
    "leading_eigenvector",
    "matched_accuracy",
    "mixing_bound",
    "nearest_neighbors",
    "nested_arcs",
    "random_walk",
    "rbf_affinity",
    "round_blobs",
    "row_normalize",
    "scale_gamma",
    "self_tuning_affinity",
    "stationary_distribution",
    "stochastic_normalize",
    "stretched_blobs",
    "symmetric_normalize",
    "top_singular_vectors",
    "total_variation",
    "two_circles",
    "two_moons",
    "unbalanced_blobs",
    "unscaled_columns",
    "without_loops",
]
