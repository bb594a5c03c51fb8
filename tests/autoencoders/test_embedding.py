import json
import pickle

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from eigenlab.autoencoders import AutoencoderEmbedding, Warp
from eigenlab.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3)) @ RNG.normal(size=(3, 8)) * 40 + 7  # a plane of three dimensions


@parametrize_with_checks([AutoencoderEmbedding(2, n_epochs=1, random_state=0)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_three_components_reconstruct_three_dimensional_data():
    model = AutoencoderEmbedding(
        3, "vanilla", n_epochs=150, batch_size=20, learning_rate=3e-3, random_state=0
    )
    back = model.inverse_transform(model.fit_transform(X))
    assert np.square(back - X).mean() < 1e-3 * X.var()
    assert model.loss_curve_[-1] < 1e-3 * model.loss_curve_[0]


def test_partial_fit_learns_from_a_stream():
    model = AutoencoderEmbedding(3, "vanilla", batch_size=20, learning_rate=3e-3, random_state=0)
    for _ in range(100):
        for part in np.array_split(X, 3):
            model.partial_fit(part)
    back = model.inverse_transform(model.transform(X))
    assert np.square(back - X).mean() < 1e-3 * X.var()


@pytest.mark.parametrize("kind", ["vanilla", "denoising", "masked"])
def test_a_saved_embedding_is_the_same(tmp_path, kind):
    model = AutoencoderEmbedding(2, kind, hidden_sizes=(5,), n_epochs=2, random_state=1).fit(X)
    model.save(tmp_path / "model.safetensors")
    again = AutoencoderEmbedding.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    assert again.get_params() == model.get_params() | {"hidden_sizes": [5]}
    again.partial_fit(X)
    assert not np.array_equal(again.transform(X), model.transform(X))


def test_results_depend_on_the_random_state():
    def embedded(seed):
        return AutoencoderEmbedding(2, n_epochs=1, random_state=seed).fit_transform(X)

    np.testing.assert_array_equal(embedded(3), embedded(3))
    assert not np.array_equal(embedded(3), embedded(4))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"n_components": 0}, "n_components=0"),
        ({"n_epochs": 1.5}, "n_epochs=1.5"),
        ({"kind": "sparse"}, "kind='sparse'"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"learning_rate": "a"}, "learning_rate='a'"),
        ({"hidden_sizes": (0,)}, "positive integers"),
        ({"hidden_sizes": 64}, "hidden_sizes=64"),
        ({"hidden_sizes": "64"}, "hidden_sizes='64'"),
        ({"mask_prob": 2, "kind": "masked"}, "mask_prob=2"),
    ],
)
def test_invalid_arguments_are_refused(settings, match):
    with pytest.raises(InputError, match=match):
        clone(AutoencoderEmbedding(n_epochs=1)).set_params(**settings).fit(X)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(InputError, match="text is not a complete safetensors file"):
        AutoencoderEmbedding.load(tmp_path / "text")
    model = AutoencoderEmbedding(2, n_epochs=1).fit(X)
    with pytest.raises(InputError, match="X has 8 columns"):
        model.inverse_transform(X)


def test_constant_samples_and_wide_embeddings_are_defined():
    z = AutoencoderEmbedding(12, n_epochs=1, random_state=0).fit_transform(np.ones((5, 3)))
    assert z.shape == (5, 12)
    assert np.isfinite(z).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_constant_features_with_a_rounded_mean_are_constant(dtype):
    model = AutoencoderEmbedding(2, n_epochs=1, random_state=0).fit(np.full((90, 6), 0.1, dtype))
    assert model.scale_ == 1
    assert np.abs(model.transform(np.full((1, 6), 0.2, dtype))).max() < 10


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_very_large_and_small_units_change_nothing(unit):
    def embedded(x):
        return AutoencoderEmbedding(2, n_epochs=1, random_state=0).fit_transform(x)

    np.testing.assert_allclose(embedded(X * unit), embedded(X), rtol=1e-4, atol=1e-6)


def test_settings_changed_between_partial_fits_are_checked():
    model = AutoencoderEmbedding(2).partial_fit(X)
    with pytest.raises(InputError, match="batch_size=0"):
        model.set_params(batch_size=0).partial_fit(X)


def test_a_file_holds_the_settings_of_the_fit(tmp_path):
    seed = np.int64(3)
    model = AutoencoderEmbedding(
        np.int64(2), noise_std=np.float32(0.25), random_state=seed, n_epochs=1
    )
    z = model.fit(X).set_params(n_components=3, hidden_sizes=(5,)).transform(X)
    assert model.inverse_transform(z).shape == X.shape
    model.save(tmp_path / "model")
    again = AutoencoderEmbedding.load(tmp_path / "model")
    np.testing.assert_array_equal(again.transform(X), z)
    assert (again.n_components, again.random_state, again.noise_std) == (2, 3, 0.25)


def test_a_file_that_was_altered_is_refused(tmp_path):
    AutoencoderEmbedding(2, n_epochs=1).fit(X).save(tmp_path / "model")
    with safe_open(str(tmp_path / "model"), "pt") as stored:
        header, names = stored.metadata(), list(stored.keys())
        tensors = {name: stored.get_tensor(name) for name in names}
    for change in ({"state": "{}"}, {"state": "no JSON"}):
        save_file(tensors, tmp_path / "altered", header | change)
        with pytest.raises(InputError, match="altered was altered"):
            AutoencoderEmbedding.load(tmp_path / "altered")
    del tensors["mean"]
    save_file(tensors, tmp_path / "less", header)
    with pytest.raises(InputError, match="less was altered"):
        AutoencoderEmbedding.load(tmp_path / "less")


@pytest.mark.parametrize(
    ("settings", "state", "changed", "match"),
    [
        ({"batch_size": -1}, {}, {}, "batch_size=-1"),
        ({"n_components": 2.5}, {}, {}, r"n_components=2\.5"),
        ({}, {"scale": 0}, {}, r"scale=0\.0"),
        ({}, {}, {"mean": torch.zeros(8, 1)}, r"mean has shape \(8, 1\)"),
        ({}, {}, {"encoder.0.bias": torch.full((2,), torch.nan)}, r"encoder\.0\.bias holds NaN"),
    ],
)
def test_altered_numbers_are_refused(tmp_path, settings, state, changed, match):
    AutoencoderEmbedding(2, n_epochs=1).fit(X).save(tmp_path / "model")
    with safe_open(str(tmp_path / "model"), "pt") as stored:
        header = stored.metadata()
        tensors = {name: stored.get_tensor(name) for name in list(stored.keys())}
    kept = json.loads(header["state"])
    kept = {**kept, **state, "settings": {**kept["settings"], **settings}}
    header["state"] = json.dumps(kept)
    save_file({**tensors, **changed}, tmp_path / "altered", header)
    with pytest.raises(InputError, match=f"altered was altered: .*{match}"):
        AutoencoderEmbedding.load(tmp_path / "altered")


def test_noise_and_masks_are_used_in_training():
    curves = [
        AutoencoderEmbedding(2, random_state=0, n_epochs=1, **settings).fit(X).loss_curve_[0]
        for settings in (
            {"kind": "vanilla"},
            {"noise_std": 0.1},
            {"noise_std": 1.0},
            {"kind": "masked", "mask_prob": 0.1},
            {"kind": "masked", "mask_prob": 0.9},
        )
    ]
    assert len(set(curves)) == 5


DIGITS = load_digits().data
IMAGES = {"warped": {}, "convolutional": {"channels": (4, 8)}}


def images(kind, **settings):
    settings = {"n_epochs": 2, "random_state": 0} | IMAGES[kind] | settings
    return AutoencoderEmbedding(6, kind, **settings)


@pytest.mark.parametrize("kind", IMAGES)
def test_an_embedding_of_images_is_saved_copied_and_repeated(tmp_path, kind):
    model = images(kind, hidden_sizes=(12,)).fit(DIGITS)
    z = model.transform(DIGITS)
    assert model.inverse_transform(z).shape == DIGITS.shape
    np.testing.assert_array_equal(z, images(kind, hidden_sizes=(12,)).fit_transform(DIGITS))
    np.testing.assert_array_equal(z, pickle.loads(pickle.dumps(model)).transform(DIGITS))
    model.save(tmp_path / "model")
    again = AutoencoderEmbedding.load(tmp_path / "model")
    np.testing.assert_array_equal(again.transform(DIGITS), z)
    assert again.get_params() == model.get_params() | {"hidden_sizes": [12]}
    assert again.partial_fit(DIGITS).loss_curve_[:2] == model.loss_curve_
    np.testing.assert_allclose(
        np.concatenate([model.transform(row[None]) for row in DIGITS[:5]]), z[:5], rtol=1e-9
    )
    assert model.transform(DIGITS.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("kind", IMAGES)
def test_the_shape_of_images_is_given_or_inferred(kind):
    given = images(kind, image_shape=(8, 8), n_epochs=1).fit(DIGITS)
    inferred = images(kind, n_epochs=1).fit(DIGITS)
    np.testing.assert_array_equal(given.transform(DIGITS), inferred.transform(DIGITS))
    wide = DIGITS[:, :40]
    assert images(kind, image_shape=[5, 8], n_epochs=1).fit_transform(wide).shape == (1797, 6)
    with pytest.raises(InputError, match="40 features, which are not those of square images"):
        images(kind).fit(wide)
    for shape in [(8, 4), (40,), (5, 8, 1), (-5, -8), (5.0, 8)]:
        with pytest.raises(InputError, match=r"image_shape=.* height \* width = 40"):
            images(kind, image_shape=shape).fit(wide)


def test_the_encoder_is_given_warped_images_with_background_zero():
    """The corruption of centred and scaled samples is that of the images, centred and scaled."""
    model = images("warped", n_epochs=1).fit(DIGITS)
    scaled = torch.tensor((DIGITS - model.mean_) / model.scale_)
    seen = model.model_.corrupt(scaled, torch.Generator().manual_seed(0))
    expected = Warp((8, 8))(torch.tensor(DIGITS), torch.Generator().manual_seed(0))
    found = seen.numpy() * model.scale_ + model.mean_
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    assert (seen - scaled).abs().max() > 1


def test_a_tall_batch_is_encoded_in_parts(monkeypatch):
    model = images("convolutional", n_epochs=1).fit(DIGITS)
    z = model.transform(DIGITS)
    monkeypatch.setattr("eigenlab.autoencoders.embedding.ROWS", 100)
    np.testing.assert_allclose(model.transform(DIGITS), z, rtol=1e-12)


def test_an_unknown_kind_has_a_suggestion():
    with pytest.raises(InputError, match=r"kind='warp' is unknown.*'warped'"):
        AutoencoderEmbedding(kind="warp").fit(X)
