"""Promises about advice: what a message tells its reader to change, the reader has.

A library passes on the messages of its inner functions, whose parameters its user never sees (for
instance https://github.com/scikit-learn/scikit-learn/issues/12365). Each situation here makes the
estimator warn or refuse; every parameter that the message names must be one of the estimator's, and
for the command line every name must be an option.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from eigenlab.errors import InputError
from eigenlab.graphs import (
    DisconnectedGraphWarning,
    FewerClustersWarning,
    SpectralClustering,
    UnclearClustersWarning,
    UnscaledColumnsWarning,
)
from eigenlab.spectrum import EigenpairsWarning

RANDOM = np.random.default_rng(0)
ONE = RANDOM.normal(size=(150, 2))
FAR = np.concatenate([ONE[:40] + np.array([shift, 0]) for shift in (0, 200, 400)])
ALIKE = np.linspace(0, 1e-9, 40)[:, None]
BLOCKS = np.kron(np.eye(3), np.ones((9, 9)))
Situation = tuple[type[Warning] | type[Exception], dict[str, Any], Any]


def few_products(monkeypatch):
    """Make the solver give up, as with a spectrum without a gap."""
    monkeypatch.setattr("eigenlab.spectrum.eigenpairs.MIN_PRODUCTS", 4)
    monkeypatch.setattr("eigenlab.spectrum.eigenpairs.PRODUCTS_PER_VECTOR", 0)


SITUATIONS: dict[str, Situation] = {
    "no gap": (EigenpairsWarning, {"n_clusters": 3, "eigen_tol": 1e-13}, np.tile(ONE, (3, 1))),
    "no gap among modes": (
        EigenpairsWarning,
        {"n_clusters": 3, "eigen_tol": 1e-13, "representation": "fourier"},
        RANDOM.normal(size=(400, 2)),
    ),
    "no gap among neighbours": (
        EigenpairsWarning,
        {"n_clusters": 3, "eigen_tol": 1e-13, "affinity": "nearest_neighbors"},
        RANDOM.normal(size=(400, 2)),
    ),
    "components": (DisconnectedGraphWarning, {"n_clusters": 2, "gamma": 1.0}, FAR),
    "components of neighbours": (
        DisconnectedGraphWarning,
        {"n_clusters": 2, "affinity": "nearest_neighbors"},
        FAR,
    ),
    "components, precomputed": (
        DisconnectedGraphWarning,
        {"n_clusters": 2, "affinity": "precomputed"},
        BLOCKS,
    ),
    "components, callable": (
        DisconnectedGraphWarning,
        {"n_clusters": 2, "affinity": lambda x, y: float(abs(x - y).sum() < 50)},
        FAR,
    ),
    "alike": (FewerClustersWarning, {"n_clusters": 5, "gamma": 1.0}, ALIKE),
    "alike, precomputed": (
        FewerClustersWarning,
        {"n_clusters": 3, "affinity": "precomputed"},
        np.multiply.outer(np.arange(1.0, 40), np.arange(1.0, 40)),
    ),
    "few places": (FewerClustersWarning, {"n_clusters": 5}, np.repeat(ONE[:3], 20, axis=0)),
    "unclear": (UnclearClustersWarning, {"n_clusters": "auto"}, ONE),
    "unclear, precomputed": (
        UnclearClustersWarning,
        {"n_clusters": "auto", "affinity": "precomputed"},
        np.exp(-((ONE[:, None] - ONE) ** 2).sum(axis=2)),
    ),
    "unscaled": (UnscaledColumnsWarning, {"n_clusters": 2}, ONE * [1, 1000]),
    "too many pairs": (InputError, {"gamma": "local"}, np.zeros((16_001, 1))),
    "five dimensions": (InputError, {"representation": "fourier"}, RANDOM.normal(size=(40, 5))),
    "vectors and clusters": (
        InputError,
        {"n_clusters": 3, "n_components": 4, "assign_labels": "discretize"},
        ONE,
    ),
    "automatic vectors": (
        InputError,
        {"n_clusters": "auto", "n_components": 3, "assign_labels": "cluster_qr"},
        FAR,
    ),
    "distances": (InputError, {"affinity": "precomputed"}, -BLOCKS),
    "directed": (InputError, {"affinity": "precomputed"}, np.triu(np.ones((9, 9)))),
    "directed, sparse": (
        InputError,
        {"affinity": "precomputed"},
        sparse.csr_array(np.triu(np.ones((9, 9)))),
    ),
    "far": (InputError, {}, np.array([[0.0], [1e200], [2e200]])),
    "wide": (InputError, {"gamma": 1e300}, ONE * 1e5),
    "unknown kernel": (InputError, {"affinity": "gauss"}, ONE),
    "local kernel": (InputError, {"affinity": "cosine", "gamma": "local"}, ONE),
    "few points": (InputError, {"n_clusters": 9}, ONE[:4]),
}


def advised(message: str) -> set[str]:
    """What a message names as a parameter: ``name=``, or a word with an underscore."""
    words = set(re.findall(r"(\w+)=", message)) | set(re.findall(r"\b[a-z]+_\w+\b", message))
    return words | ({"gamma"} & set(re.findall(r"\w+", message)))


def message_of(situation: str, monkeypatch) -> str:
    category, arguments, X = SITUATIONS[situation]
    if category is EigenpairsWarning:
        few_products(monkeypatch)
    model = SpectralClustering(**({"n_clusters": 2, "random_state": 0} | arguments))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if issubclass(category, Warning):
            model.fit(X)
        else:
            with pytest.raises(category) as raised:
                model.fit(X)
            return str(raised.value)
    found = [str(item.message) for item in caught if item.category is category]
    assert found, [str(item.message) for item in caught]
    return found[0]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_estimator_has_every_parameter_that_its_messages_name(situation, monkeypatch):
    own = set(inspect.signature(SpectralClustering).parameters)
    message = message_of(situation, monkeypatch)
    values = {"nearest_neighbors", "cluster_qr", "precomputed_nearest_neighbors", "n_samples"}
    kernels = {"polynomial", "additive_chi2"} if situation == "unknown kernel" else set()
    assert advised(message) <= own | values | kernels, message


@pytest.mark.parametrize("situation", SITUATIONS)
def test_advice_has_an_effect(situation, monkeypatch):
    """A Gaussian's gamma does nothing for affinities that are given."""
    message, affinity = message_of(situation, monkeypatch), SITUATIONS[situation][1].get("affinity")
    if affinity == "precomputed" or callable(affinity):
        assert not {"n_neighbors", "representation"} & advised(message), message
        assert "gamma" not in message or "or affinity" in message, message


def test_every_warning_of_the_estimator_is_tried():
    documented = inspect.getdoc(SpectralClustering).partition("Warns:")[2].partition(">>>")[0]
    named = set(re.findall(r"(\w+Warning):", documented))
    tried = {category.__name__ for category, _, _ in SITUATIONS.values()}
    assert named <= tried


# The functions of the packages: a message may name the parameters of its own function, or of one
# that it tells the reader to call.
FREE = ["eigenlab.graphs", "eigenlab.spectrum", "eigenlab.linear"]


def advice_in(function: Callable[..., Any]) -> set[str]:
    """Parameters named as ``name=`` in the literals of a function's messages."""
    tree = ast.parse(inspect.getsource(function))
    found: set[str] = set()
    for node in ast.walk(tree):
        name = getattr(getattr(node, "func", None), "id", getattr(node, "attr", ""))
        if isinstance(node, ast.Call) and name in {"InputError", "warn"}:
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found |= set(re.findall(r"\b([a-z]\w*)=", part.value))
    return found


@pytest.mark.parametrize("package", FREE)
def test_public_functions_name_their_own_parameters(package):
    module = importlib.import_module(package)
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.isfunction(thing):
            own = set(inspect.signature(thing).parameters)
            callable_names = {"method", "connectivity", "n_neighbors"}  # of functions named there
            assert advice_in(thing) <= own | callable_names, name


def test_the_command_names_its_own_options(tmp_path, monkeypatch, capsys):
    from eigenlab.cli.cluster import OPTIONS, Options, cluster

    monkeypatch.chdir(tmp_path)
    few_products(monkeypatch)
    table = tmp_path / "in.csv"
    rows = "\n".join(f"{x},{y}" for x, y in RANDOM.normal(size=(400, 2)))
    table.write_text("x,y\n" + rows)
    for options in (
        Options("3"),
        Options("auto"),
        Options("5", affinity="nearest_neighbors", n_neighbors=2),
    ):
        cluster(table, options, out=Path("out.csv"), figure=None, json=True)
        notes = " ".join(json.loads(capsys.readouterr().out)["notes"])
        assert notes
        assert not re.search(rf"(?<!-)\b({'|'.join(OPTIONS)}|eigen_tol|n_components)\b", notes)
