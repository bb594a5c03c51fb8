"""Promises about where points come from: frames, read-only and memory-mapped arrays.

Every form of the same numbers gives the same labels and components, without a warning (pytest turns
warnings into errors) and without being changed.
"""

import numpy as np
import pytest
from sklearn.utils import estimator_checks

from eigenlab.autoencoders import AutoencoderEmbedding
from eigenlab.graphs import SpectralClustering
from eigenlab.linear import LinearAutoencoder, RegularizedLinearAutoencoder
from eigenlab.spectrum import eigenvalues, singular_values, top_eigenpairs

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


# scikit-learn's own checks of frames; they skip themselves where pandas or polars is missing.
FRAME_CHECKS = [
    "check_dataframe_column_names_consistency",
    "check_n_features_in_after_fitting",
    "check_readonly_memmap_input",
]
OUTPUT_CHECKS = [
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_output_transform_pandas",
    "check_global_set_output_transform_polars",
]
TRANSFORMERS = [
    LinearAutoencoder(1),
    LinearAutoencoder(1, solver="trained"),
    LinearAutoencoder(1, solver="randomized"),
    RegularizedLinearAutoencoder(1),
    AutoencoderEmbedding(1, n_epochs=1, hidden_sizes=(4,)),
]


@pytest.mark.parametrize("estimator", [SpectralClustering(2, n_init=1), *TRANSFORMERS], ids=str)
@pytest.mark.parametrize("name", FRAME_CHECKS)
def test_frames_are_taken_as_scikit_learn_checks(name, estimator):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


# The checks mix frames and arrays.
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names")
@pytest.mark.parametrize("estimator", TRANSFORMERS, ids=str)
@pytest.mark.parametrize("name", OUTPUT_CHECKS)
def test_frames_are_returned_as_scikit_learn_checks(name, estimator):
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


@each_form
def test_regularized_and_deep_autoencoders(form, tmp_path):
    X = form(tmp_path)
    for model in (RegularizedLinearAutoencoder(2), AutoencoderEmbedding(2, n_epochs=2)):
        if "random_state" in model.get_params():
            model.set_params(random_state=0)
        expected = model.fit(POINTS).transform(POINTS)
        np.testing.assert_allclose(model.fit(X).transform(X), expected, atol=1e-6)


@pytest.mark.parametrize("form", [read_only, memory_mapped, column_major])
def test_spectra_of_arrays_that_torch_has_no_memory_for(form, tmp_path, monkeypatch):
    A = np.diag([3.0, 2.0, 1.0])
    monkeypatch.setitem(globals(), "POINTS", A)
    for given in (form(tmp_path), A[::-1, ::-1][::-1, ::-1], A.astype(">f8")):
        assert eigenvalues(given).real.tolist() == [3, 2, 1]
        assert singular_values(given).tolist() == [3, 2, 1]
        assert top_eigenpairs(given, 1).eigenvalues[0] == pytest.approx(3)
