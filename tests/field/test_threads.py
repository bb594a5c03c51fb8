"""One fitted or loaded estimator, used by many threads: the answers of one thread, nothing changed.

A web server loads a model once and answers from a pool of threads, and other tools then answer
differently (https://github.com/fastai/fastai/issues/2228). Forward passes of torch may run side by
side, but ``Module.train()``, ``eval()`` and ``torch.func.functional_call`` change the module while
they run, so a method that only answers must use none of them. The right answers are those of a
twin, fitted the same way and asked from one thread.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from torch import nn

import eigenlab
from eigenlab.autoencoders import AutoencoderEmbedding, LinearProbe
from eigenlab.graphs import SpectralClustering
from eigenlab.linear import LinearAutoencoder, RegularizedLinearAutoencoder
from eigenlab.names import CharacterNGramClassifier, NameClassifier
from eigenlab.translation import Translator
from eigenlab.vision import ImageClassifier, shapes32

THREADS, ROUNDS = 8, 4
#: A class with one of these, public in its package, is an estimator.
ANSWERS = {"predict", "predict_proba", "transform", "score", "logits"}
#: Methods that fit, configure or write files, and not those that answer.
OTHERS = (
    "fit",
    "partial_fit",
    "set_",
    "get_params",
    "get_metadata",
    "get_feature",
    "check_parameters",
    "save",
    "load",
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 9)) * np.arange(1, 10)
CODES = RNG.normal(size=(40, 3))
POINTS = np.repeat(np.eye(3) * 20, 40, axis=0) + RNG.normal(size=(120, 3))
ENDINGS = ("ov", "anov", "in", "i", "ini", "o")
NAMES = [a + b for a in ("Ross", "Petr", "Orl", "Verd", "Sok", "Gall") for b in ENDINGS]
LANGUAGES = ["Russian" if name.endswith(("ov", "in")) else "Italian" for name in NAMES]
NEW = ["Smirnov", "Monti", "O’Shea", "Kuznetsov", "Li", "Paolini"] * 20

PAIRS = [(f"Veo un {word}.", f"I see a {word}.") for word in ("perro", "gato", "pez", "libro")]

#: Method -> its arguments.
Calls = dict[str, tuple[Any, ...]]
RECIPES: dict[str, Callable[[Any], tuple[Any, Calls]]] = {}


def recipe(label: str) -> Callable[[Any], Any]:
    def register(build: Any) -> Any:
        RECIPES[label] = build
        return build

    return register


def _names(model: Any) -> tuple[Any, Calls]:
    calls: Calls = {"predict": (NEW,), "predict_proba": (NEW,), "score": (NAMES, LANGUAGES)}
    return model, calls | ({"top_k": (NEW,)} if hasattr(model, "top_k") else {})


def _classifier() -> NameClassifier:
    model = NameClassifier(rnn_size=16, n_epochs=2, batch_size=8, random_state=0, dropout=0.5)
    return model.fit(NAMES, LANGUAGES)


def _images() -> ImageClassifier:
    data = shapes32(60, seed=0)
    model = ImageClassifier(width=4, n_epochs=1, tta="translate", random_state=0)
    return model.fit(data.images, data.labels)


def _image_calls(model: ImageClassifier) -> tuple[Any, Calls]:
    data = shapes32(40, seed=1)
    asked = (data.images.numpy(),)
    calls: Calls = {"predict": asked, "predict_proba": asked}
    return model, calls | {"score": (*asked, data.labels.numpy())}


@recipe("ImageClassifier")
def _fitted_images(_: Any) -> tuple[Any, Calls]:
    return _image_calls(_images())


@recipe("ImageClassifier, loaded")
def _loaded_images(folder: Any) -> tuple[Any, Calls]:
    _images().save(folder / "images.safetensors")
    return _image_calls(ImageClassifier.load(folder / "images.safetensors"))


@recipe("NameClassifier")
def _fitted_names(_: Any) -> tuple[Any, Calls]:
    return _names(_classifier())


@recipe("NameClassifier, loaded")
def _loaded_names(folder: Any) -> tuple[Any, Calls]:
    _classifier().save(folder / "names")
    return _names(NameClassifier.load(folder / "names"))


@recipe("CharacterNGramClassifier")
def _ngrams(_: Any) -> tuple[Any, Calls]:
    return _names(CharacterNGramClassifier().fit(NAMES, LANGUAGES))


def _embedding(**settings: Any) -> AutoencoderEmbedding:
    return AutoencoderEmbedding(3, n_epochs=2, random_state=0, **settings)


@recipe("AutoencoderEmbedding")
def _embedded(_: Any) -> tuple[Any, Calls]:
    calls: Calls = {"transform": (X,), "inverse_transform": (CODES,)}
    return _embedding(hidden_sizes=(16,)).fit(X), calls


@recipe("AutoencoderEmbedding, loaded")
def _loaded_embedding(folder: Any) -> tuple[Any, Calls]:
    _embedding().fit(X).save(folder / "embedding")
    return AutoencoderEmbedding.load(folder / "embedding"), _embedded(None)[1]


@recipe("AutoencoderEmbedding, convolutional")
def _convolutional(_: Any) -> tuple[Any, Calls]:
    return _embedding(kind="convolutional", channels=(4, 8)).fit(X), _embedded(None)[1]


LINEAR_CALLS: Calls = {
    "transform": (X,),
    "inverse_transform": (CODES,),
    "reconstruction_loss": (X,),
    "score": (X,),
    "score_samples": (X,),
    "get_covariance": (),
}


@recipe("LinearAutoencoder")
def _linear(_: Any) -> tuple[Any, Calls]:
    return LinearAutoencoder(3).fit(X), LINEAR_CALLS


@recipe("LinearAutoencoder, streamed")
def _streamed(_: Any) -> tuple[Any, Calls]:
    model = LinearAutoencoder(3, solver="trained", random_state=0)
    return model.partial_fit(X[:60]).partial_fit(X[60:]), LINEAR_CALLS


@recipe("RegularizedLinearAutoencoder")
def _regularized(_: Any) -> tuple[Any, Calls]:
    calls = {name: LINEAR_CALLS[name] for name in ("transform", "inverse_transform")}
    return RegularizedLinearAutoencoder(3).fit(X), calls


@recipe("SpectralClustering")
def _clustered(_: Any) -> tuple[Any, Calls]:
    return SpectralClustering(3, random_state=0).fit(POINTS), {"predict": (POINTS + 0.1,)}


@recipe("SpectralClustering, neighbours")
def _neighbours(_: Any) -> tuple[Any, Calls]:
    model = SpectralClustering(3, affinity="nearest_neighbors", random_state=0)
    with np.errstate(all="ignore"):
        return model.fit(POINTS), {"predict": (POINTS + 0.1,)}


@recipe("LinearProbe")
def _probe(_: Any) -> tuple[Any, Calls]:
    features, labels = torch.tensor(CODES), torch.arange(40) % 2
    weight = torch.tensor([[1.0, -2.0, 0.5], [0.3, 1.0, -1.0]], dtype=torch.float64)
    calls: Calls = {"logits": (features,), "accuracy": (features, labels)}
    return LinearProbe(weight, weight[:, 0]), calls


@recipe("Translator")
def _translator(_: Any) -> tuple[Any, Calls]:
    model = Translator(8, n_epochs=2, attention=False, validation_fraction=0, random_state=0)
    sentences = [source for source, _ in PAIRS]
    calls: Calls = {
        "translate": (sentences,),
        "candidates": (sentences,),
        "unknown": (sentences,),
        "score": (PAIRS,),
        "quality": (PAIRS,),
    }
    return model.set_params(max_length=6).fit(PAIRS), calls


def public_estimators() -> set[str]:
    """Classes that answer, from the ``__all__`` of every package; modules of torch are none."""
    found = set()
    for package in pkgutil.iter_modules(eigenlab.__path__):
        if not package.ispkg or package.name in ("cli", "experiments"):
            continue
        module = importlib.import_module(f"eigenlab.{package.name}")
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if not inspect.isclass(thing) or issubclass(thing, nn.Module):
                continue
            if issubclass(thing, BaseEstimator) or ANSWERS & set(dir(thing)):
                found.add(name)
    return found


def test_no_estimator_is_forgotten():
    assert {label.partition(",")[0] for label in RECIPES} == public_estimators()


def answering_methods(model: Any) -> set[str]:
    return {
        name
        for name in dir(type(model))
        if not name.startswith(("_", *OTHERS)) and inspect.isfunction(getattr(type(model), name))
    }


@pytest.mark.parametrize("label", RECIPES)
def test_every_answering_method_is_tried(label, tmp_path):
    model, calls = RECIPES[label](tmp_path)
    assert set(calls) == answering_methods(model)


@pytest.fixture
def often_switching():
    """Threads take turns a thousand times more often than usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("often_switching")
@pytest.mark.filterwarnings("ignore::eigenlab.translation.IncompleteTranslationWarning")
# scikit-learn replaces the process-wide list of warning filters in every call, and says this where
# another thread finds that list empty meanwhile. The answers are not affected.
@pytest.mark.filterwarnings("ignore:`sklearn.utils.parallel.delayed` should be used:UserWarning")
@pytest.mark.parametrize("label", RECIPES)
def test_many_threads_get_the_answers_of_one(label, tmp_path):
    twin, calls = RECIPES[label](tmp_path)
    expected = {name: getattr(twin, name)(*arguments) for name, arguments in calls.items()}
    model, _ = RECIPES[label](tmp_path)  # its first call is made by all threads at once
    before = state(model)
    start = threading.Barrier(THREADS)

    def ask(_: int) -> list[tuple[str, Any]]:
        start.wait()
        return [
            (name, getattr(model, name)(*arguments))
            for _ in range(ROUNDS)
            for name, arguments in calls.items()
        ]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for found in pool.map(ask, range(THREADS)) for answer in found]
    assert len(answers) == THREADS * ROUNDS * len(calls)
    for name, found in answers:
        assert_same(found, expected[name], name)
    assert_unchanged(state(model), before)


@pytest.mark.filterwarnings("ignore::eigenlab.translation.IncompleteTranslationWarning")
@pytest.mark.parametrize("label", RECIPES)
def test_an_answer_changes_nothing(label, tmp_path):
    model, calls = RECIPES[label](tmp_path)
    before = state(model)
    for name, arguments in calls.items():
        getattr(model, name)(*arguments)
        assert_unchanged(state(model), before)


@pytest.mark.usefixtures("often_switching")
@pytest.mark.filterwarnings("ignore::eigenlab.translation.IncompleteTranslationWarning")
@pytest.mark.parametrize("label", RECIPES)
def test_a_change_during_an_answer_is_not_seen(label, tmp_path):
    """What another thread reads while one answers: modes and weights of torch's modules."""
    model, calls = RECIPES[label](tmp_path)
    modules = modules_of(model)
    before, seen, done = snapshot(modules), [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(snapshot(modules) == before)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        for _ in range(3):
            for name, arguments in calls.items():
                getattr(model, name)(*arguments)
        done.set()
        watching.result()
    assert all(seen)


def modules_of(model: Any) -> list[nn.Module]:
    return [
        part
        for value in getattr(model, "__dict__", {}).values()
        if isinstance(value, nn.Module)
        for part in value.modules()
    ]


def snapshot(modules: list[nn.Module]) -> list[tuple[bool, list[int]]]:
    return [
        (part.training, [id(weight) for weight in part._parameters.values()]) for part in modules
    ]


def state(model: Any) -> dict[str, Any]:
    """Parameters, public attributes, and every mode and weight of a module inside."""
    found = dict(model.get_params()) if isinstance(model, BaseEstimator) else {}
    for name in dir(model):
        if name.startswith("_") or callable(getattr(model, name, None)):
            continue
        value = getattr(model, name)
        found[name] = value.copy() if isinstance(value, np.ndarray) else value
    for place, part in enumerate(modules_of(model)):
        found[f"module {place}"] = part.training
        for name, weight in part.state_dict().items():
            found[f"module {place}, {name}"] = weight.clone()
    return found


def assert_unchanged(now: dict[str, Any], before: dict[str, Any]) -> None:
    assert set(now) == set(before)
    for name, value in before.items():
        if isinstance(value, np.ndarray | torch.Tensor):
            assert now[name].dtype == value.dtype, name
            np.testing.assert_array_equal(now[name], value, err_msg=name)
        elif isinstance(value, int | float | str | bool | tuple | None):
            assert now[name] == value, name
        else:
            assert now[name] is value or repr(now[name]) == repr(value), name


def assert_same(found: Any, expected: Any, name: str) -> None:
    if name == "candidates":
        tokens, scores = zip(*[(t.tokens, t.score) for row in expected for t in row], strict=True)
        assert tuple(t.tokens for row in found for t in row) == tokens
        found, expected = [t.score for row in found for t in row], scores
    elif name in ("translate", "quality"):
        assert found == expected
        return
    elif isinstance(expected, list):  # pairs of a language and a probability
        assert [[pair[0] for pair in row] for row in found] == [
            [pair[0] for pair in row] for row in expected
        ]
        found = [pair[1] for row in found for pair in row]
        expected = [pair[1] for row in expected for pair in row]
    if np.asarray(expected).dtype.kind == "f":
        # A product's rounding may depend on the number of threads that are free.
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7, err_msg=name)
    else:
        np.testing.assert_array_equal(found, expected, err_msg=name)
