"""Promises about where points come from: frames, read-only and memory-mapped arrays.

Every form of the same numbers gives the same labels and components, without a warning (pytest turns
warnings into errors) and without being changed.
"""

import numpy as np
import pytest

from eigenlab.graphs import SpectralClustering
from eigenlab.linear import LinearAutoencoder

POINTS = np.random.default_rng(0).normal(size=(60, 3)) + np.repeat([[0.0], [9], [18]], 20, axis=0)
NAMES = ["a", "b", "c"]


def pandas(tmp_path):
    return pytest.importorskip("pandas").DataFrame(POINTS, columns=NAMES)


def pandas_of_arrow(tmp_path):
    frame = pandas(tmp_path)
    pytest.importorskip("pyarrow")
    return frame.convert_dtypes(dtype_backend="pyarrow")


def polars(tmp_path):
    return pytest.importorskip("polars").DataFrame(POINTS, schema=NAMES)


def read_only(tmp_path):
    X = POINTS.copy()
    X.flags.writeable = False
    return X


def memory_mapped(tmp_path):
    np.save(tmp_path / "X.npy", POINTS)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def column_major(tmp_path):
    return np.asfortranarray(read_only(tmp_path))


FORMS = [pandas, pandas_of_arrow, polars, read_only, memory_mapped, column_major]
each_form = pytest.mark.parametrize("form", FORMS)


@each_form
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"gamma": "local"},
        {"representation": "tiled"},
        {"representation": "fourier", "gamma": 0.02},
        {"affinity": "nearest_neighbors"},
        {"affinity": "laplacian", "gamma": 1.0},
        {"n_clusters": "auto"},
    ],
)
def test_clusters(form, arguments, tmp_path):
    X = form(tmp_path)
    model = SpectralClustering(**({"n_clusters": 3, "random_state": 0} | arguments))
    expected = model.fit(POINTS).labels_
    found = model.fit(X)
    np.testing.assert_array_equal(found.labels_, expected)
    np.testing.assert_array_equal(found.predict(X), expected)
    if hasattr(X, "columns"):
        assert list(found.feature_names_in_) == NAMES


@pytest.mark.parametrize("form", [read_only, memory_mapped])
def test_precomputed_affinities(form, tmp_path, monkeypatch):
    A = np.exp(-((POINTS[:, None] - POINTS) ** 2).sum(axis=2))
    monkeypatch.setitem(globals(), "POINTS", A)
    X = form(tmp_path)
    model = SpectralClustering(3, affinity="precomputed", random_state=0).fit(X)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    np.testing.assert_array_equal(X, A)


@each_form
@pytest.mark.parametrize("solver", ["svd", "gram", "randomized", "trained"])
def test_autoencoders(form, solver, tmp_path):
    X = form(tmp_path)
    model = LinearAutoencoder(2, solver=solver, random_state=0)
    expected = model.fit(POINTS).components_
    found = model.fit(X)
    np.testing.assert_allclose(found.components_, expected, atol=1e-9)
    assert found.transform(X).shape == (60, 2)
    assert found.reconstruction_loss(X) == pytest.approx(
        model.fit(POINTS).reconstruction_loss(POINTS)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("relative", [1e-12, 1e-9])
def test_affinities_symmetric_up_to_rounding_are_made_symmetric(dtype, relative):
    """A correlation matrix computed in blocks differs from its transpose in the last digits."""
    A = np.exp(-((POINTS[:, None] - POINTS) ** 2).sum(axis=2) / 9)
    noise = 1 + relative * np.random.default_rng(1).uniform(-1, 1, size=A.shape)
    model = SpectralClustering(3, affinity="precomputed", random_state=0)
    found = model.fit((A * noise).astype(dtype))
    assert (found.affinity_matrix_ == found.affinity_matrix_.T).all()
    np.testing.assert_array_equal(found.labels_, model.fit(A).labels_)


@pytest.mark.parametrize("sparse_form", [False, True])
def test_the_message_about_asymmetry_shows_that_the_entries_differ(sparse_form):
    from scipy.sparse import csr_array

    A = np.ones((4, 4))
    A[1, 2] += 1e-7
    with pytest.raises(
        ValueError, match=r"\(1, 2\) is 1\.0000001 and \(2, 1\) is 1\.0: they differ"
    ):
        SpectralClustering(2, affinity="precomputed").fit(csr_array(A) if sparse_form else A)
