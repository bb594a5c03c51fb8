"""scikit-learn's tests of its SpectralClustering, run on eigenlab's.

All tests that call ``fit``, except those of ``eigen_solver`` and ``verbose``, which eigenlab's
estimator does not have.
"""

import contextlib
import types

import pytest
from sklearn.cluster.tests import test_spectral as theirs
from sklearn.utils.fixes import COO_CONTAINERS

from eigenlab.graphs import SpectralClustering


@pytest.fixture(autouse=True)
def tested_class(monkeypatch):
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
    # For a graph with as many components as clusters scikit-learn warns, because its solver may
    # fail; eigenlab's returns the components. It warns of indistinct clusters where all affinities
    # are alike, as under the last kernels.
    silent = types.SimpleNamespace(warns=lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(theirs, "pytest", silent)
    theirs.test_affinities(seed)
