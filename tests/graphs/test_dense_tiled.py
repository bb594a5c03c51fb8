"""Stored and tiled graphs against their matrix."""

import numpy as np
import pytest
import torch
import torch._dynamo.exc

from eigenlab.errors import InputError
from eigenlab.graphs import rbf_affinity, tiled
from eigenlab.graphs.dense import DenseGraph
from eigenlab.graphs.gaussian_graph import gaussian_graph
from eigenlab.graphs.tiled import TiledGraph


@pytest.mark.parametrize("tile_numbers", [2**20, 100])
def test_products_and_degrees_are_those_of_the_matrix(monkeypatch, tile_numbers):
    monkeypatch.setattr(tiled, "TILE_NUMBERS", tile_numbers)
    random = np.random.default_rng(0)
    X, vectors = random.normal(size=(43, 4)), random.normal(size=(43, 3))
    A = np.exp(-0.3 * ((X[:, None] - X) ** 2).sum(-1))
    for graph in (DenseGraph(rbf_affinity(X, 0.3)), TiledGraph(X, 0.3)):
        np.testing.assert_allclose(graph.matmat(vectors), A @ vectors, atol=1e-12)
        np.testing.assert_allclose(graph.degrees, A.sum(axis=1), rtol=1e-13)
        assert (graph.n_nodes, graph.entry_error) == (43, 0)
    part = TiledGraph(X, 0.3).matmat(vectors, rows=slice(5, 20))
    np.testing.assert_allclose(part, A[5:20] @ vectors, atol=1e-12)


@pytest.mark.parametrize("apart", [1e3, 1e6, 1e8])
def test_entries_are_accurate_in_groups_far_apart(apart):
    """|p|^2 exceeds 10^15, so expanded squares of distances would have no correct digit."""
    X = np.random.default_rng(0).integers(-8, 9, size=(30, 2)) / 4
    X = np.concatenate([X, X + np.array([apart, 0])])
    exact = np.exp(-0.5 * ((X[:, None] - X) ** 2).sum(-1))
    np.testing.assert_allclose(rbf_affinity(X, 0.5), exact, atol=1e-7)
    np.testing.assert_allclose(TiledGraph(X, 0.5).matmat(np.eye(60)), exact, atol=1e-7)


def test_tiles_keep_the_dtype_and_are_accurate_far_from_the_origin():
    X = np.random.default_rng(0).normal(size=(20, 2))
    graph = TiledGraph((X + 100).astype(np.float32), 0.5)
    product = graph.matmat(np.eye(20, dtype=np.float32))
    assert product.dtype == np.float32
    np.testing.assert_allclose(product, rbf_affinity(X, 0.5), atol=1e-4)


def test_the_representation_suits_the_points():
    pytest.importorskip("finufft", reason="finufft is not installed: pip install finufft")
    random = np.random.default_rng(0)
    few, many = random.normal(size=(3600, 2)), random.normal(size=(8100, 4))
    assert gaussian_graph(few[:9], 1.0).representation == "dense"
    assert gaussian_graph(few, 1.0).representation == "fourier"
    assert gaussian_graph(few * [1, 100], 1.0).representation == "dense"  # in 99,000 modes
    assert gaussian_graph(many[:, :2], 1.0).representation == "fourier"
    assert gaussian_graph(many, 1.0).representation == "tiled"
    repeated = gaussian_graph(np.zeros((8100, 2)), 1.0)
    assert repeated.representation == "dense"  # over one place
    assert repeated.degrees[0] == 8100


def test_asymmetry_and_signs_by_rounding_are_removed():
    A = np.array([[1.0, 0.5, -1e-16], [0.5 + 1e-15, 1.0, 0.0], [0.0, 0.0, 1.0]])
    graph = DenseGraph(A, "precomputed")
    np.testing.assert_array_equal(graph.affinity, graph.affinity.T)
    assert graph.affinity.min() == 0
    assert graph.representation == "precomputed"
    assert DenseGraph(np.eye(2, dtype=int)).affinity.dtype == np.float64


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.ones((2, 3)), r"shape \(2, 3\); expected a square"),
        (np.ones((0, 0)), r"shape \(0, 0\)"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), r"nan at \(0, 1\)"),
        (np.array([[1.0, np.inf], [np.inf, 1.0]]), r"inf at \(0, 1\)"),
        (np.array([[1.0, -0.5], [-0.5, 1.0]]), r"-0.5 at \(0, 1\).*not be negative"),
        (np.array([[1.0, 0.5], [0.25, 1.0]]), r"\(0, 1\) is 0.5 and \(1, 0\) is 0.25"),
    ],
)
def test_bad_affinity_is_named(matrix, words):
    with pytest.raises(InputError, match=words):
        DenseGraph(matrix)


def test_without_a_compiler_the_kernel_runs_as_it_is(monkeypatch):
    """On a GPU the kernel is compiled, which fails without Triton or a C compiler."""

    def compile_(function, **options):
        def failing(*arguments):
            raise torch._dynamo.exc.BackendCompilerFailed(None, RuntimeError("no cc"), None)

        return failing

    monkeypatch.setattr(torch, "compile", compile_)
    kernel = tiled._compiled(torch.matmul)
    with pytest.warns(RuntimeWarning, match="without it"):
        assert kernel(torch.ones(2, 3), torch.ones(3, 1)).tolist() == [[3], [3]]
    assert kernel(torch.ones(2, 3), torch.ones(3, 1)).tolist() == [[3], [3]]  # and warns once
