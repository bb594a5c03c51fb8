import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from eigenlab.autoencoders import AutoencoderEmbedding
from eigenlab.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3)) @ RNG.normal(size=(3, 8)) * 40 + 7  # a plane of three dimensions


@parametrize_with_checks([AutoencoderEmbedding(2, epochs=1, random_state=0)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_three_components_hold_what_has_three_dimensions():
    model = AutoencoderEmbedding(
        3, "vanilla", epochs=150, batch_size=20, learning_rate=3e-3, random_state=0
    )
    back = model.inverse_transform(model.fit_transform(X))
    assert np.square(back - X).mean() < 1e-3 * X.var()
    assert model.loss_curve_[-1] < 1e-3 * model.loss_curve_[0]


def test_a_stream_is_learned_part_by_part():
    model = AutoencoderEmbedding(3, "vanilla", batch_size=20, learning_rate=3e-3, random_state=0)
    for _ in range(100):
        for part in np.array_split(X, 3):
            model.partial_fit(part)
    back = model.inverse_transform(model.transform(X))
    assert np.square(back - X).mean() < 1e-3 * X.var()


@pytest.mark.parametrize("kind", ["vanilla", "denoising", "masked"])
def test_a_saved_embedding_is_the_same(tmp_path, kind):
    model = AutoencoderEmbedding(2, kind, hidden_sizes=(5,), epochs=2, random_state=1).fit(X)
    model.save(tmp_path / "model.safetensors")
    again = AutoencoderEmbedding.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    assert again.get_params() == model.get_params() | {"hidden_sizes": [5]}
    again.partial_fit(X)
    assert not np.array_equal(again.transform(X), model.transform(X))


def test_the_random_state_decides():
    def embedded(seed):
        return AutoencoderEmbedding(2, epochs=1, random_state=seed).fit_transform(X)

    np.testing.assert_array_equal(embedded(3), embedded(3))
    assert not np.array_equal(embedded(3), embedded(4))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"n_components": 0}, "n_components=0"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"kind": "sparse"}, "kind='sparse'"),
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"hidden_sizes": (0,)}, "positive integers"),
        ({"hidden_sizes": 64}, "hidden_sizes=64"),
        ({"hidden_sizes": "64"}, "hidden_sizes='64'"),
        ({"mask_prob": 2, "kind": "masked"}, "mask_prob=2"),
    ],
)
def test_mistakes_are_named(settings, match):
    with pytest.raises(InputError, match=match):
        clone(AutoencoderEmbedding(epochs=1)).set_params(**settings).fit(X)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(InputError, match="text cannot be read as safetensors"):
        AutoencoderEmbedding.load(tmp_path / "text")
    model = AutoencoderEmbedding(2, epochs=1).fit(X)
    with pytest.raises(InputError, match="X has 8 columns"):
        model.inverse_transform(X)


def test_constant_samples_and_wide_embeddings_are_defined():
    z = AutoencoderEmbedding(12, epochs=1, random_state=0).fit_transform(np.ones((5, 3)))
    assert z.shape == (5, 12)
    assert np.isfinite(z).all()
