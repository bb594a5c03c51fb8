"""Graphs, their spectrum and their clusters."""

from eigenlab.graphs.affinity import rbf_affinity, self_tuning_affinity
from eigenlab.graphs.assign import FewerClustersWarning, assign_labels
from eigenlab.graphs.clustering import SpectralClustering
from eigenlab.graphs.connectivity import DisconnectedGraphWarning, connected_components
from eigenlab.graphs.neighbor_affinity import knn_affinity
from eigenlab.graphs.neighbors import Neighbors, nearest_neighbors
from eigenlab.graphs.normalize import (
    degree_matrix,
    is_undirected,
    row_normalize,
    stochastic_normalize,
    symmetric_normalize,
    top_singular_vectors,
)
from eigenlab.graphs.selection import UnstableClustersWarning
from eigenlab.graphs.shapes import (
    nested_arcs,
    round_blobs,
    stretched_blobs,
    two_circles,
    two_moons,
    unbalanced_blobs,
)
from eigenlab.graphs.walk import random_walk, stationary

__all__ = [
    "DisconnectedGraphWarning",
    "FewerClustersWarning",
    "Neighbors",
    "SpectralClustering",
    "UnstableClustersWarning",
    "assign_labels",
    "connected_components",
    "degree_matrix",
    "is_undirected",
    "knn_affinity",
    "nearest_neighbors",
    "nested_arcs",
    "random_walk",
    "rbf_affinity",
    "round_blobs",
    "row_normalize",
    "self_tuning_affinity",
    "stationary",
    "stochastic_normalize",
    "stretched_blobs",
    "symmetric_normalize",
    "top_singular_vectors",
    "two_circles",
    "two_moons",
    "unbalanced_blobs",
]
