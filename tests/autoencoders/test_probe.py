import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from eigenlab.autoencoders import (
    LinearFeatures,
    convex_probe,
    knn_accuracy,
    linear_probe,
    linear_probes,
    signed_parts,
)
from eigenlab.errors import InputError
from eigenlab.training import generator

RNG = generator(0, "test")
X = torch.randn(90, 6, generator=RNG, dtype=torch.float64)
Y = (X @ torch.randn(6, 3, generator=RNG, dtype=torch.float64)).argmax(1)


def test_adam_probes_equal_a_plain_torch_loop():
    probe = linear_probe(X, Y, method="adam", n_epochs=4, batch_size=32, seed=3)
    rng = generator(3, "probe weights")
    layer = nn.Linear(6, 3)
    bound = 1 / math.sqrt(6)
    with torch.no_grad():
        layer.weight.copy_(torch.empty(6, 3).uniform_(-bound, bound, generator=rng).T)
        layer.bias.copy_(torch.empty(1, 3).uniform_(-bound, bound, generator=rng)[0])
    layer.double()
    optimizer = torch.optim.Adam(layer.parameters(), 1e-3)
    order = torch.randperm(90, generator=generator(3, "probe order"))
    for _ in range(4):
        for batch in order.split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(layer(X[batch]), Y[batch]).backward()
            optimizer.step()
    torch.testing.assert_close(probe.weight, layer.weight.detach(), atol=1e-12, rtol=0)
    torch.testing.assert_close(probe.bias, layer.bias.detach(), atol=1e-12, rtol=0)


def test_many_probes_get_the_result_of_each_alone():
    blocks = [X, X[:, :2], X.square(), X[:, 2:4]]
    for block, probe in zip(blocks, linear_probes(blocks, Y, n_epochs=3, seed=1), strict=True):
        alone = linear_probe(block, Y, method="adam", n_epochs=3, seed=1)
        torch.testing.assert_close(probe.weight, alone.weight, atol=1e-12, rtol=0)
        torch.testing.assert_close(probe.bias, alone.bias, atol=1e-12, rtol=0)


def test_linear_features_give_the_probes_of_stored_features():
    encoders = [
        LinearFeatures(
            X,
            torch.randn(k, 6, generator=RNG, dtype=torch.float64),
            torch.randn(k, generator=RNG, dtype=torch.float64),
        )
        for k in (4, 9, 4)
    ]
    probes = linear_probes(encoders, Y, n_epochs=3, batch_size=32)
    plain = linear_probes([encoder.values() for encoder in encoders], Y, n_epochs=3, batch_size=32)
    for a, b in zip(probes, plain, strict=True):
        torch.testing.assert_close(a.weight, b.weight, atol=1e-12, rtol=0)


@pytest.mark.parametrize("columns", [slice(None), slice(0, 2)])
def test_the_convex_probe_equals_scikit_learn(columns):
    """Same objective on the scaled features; compared through the probabilities."""
    x = X[:, columns] * 3 + 5
    probe = convex_probe(x, Y, Cs=[2.0]).probe
    scaled = (x - x.mean(0)) / (x - x.mean(0)).square().sum(1).mean().sqrt()
    model = LogisticRegression(C=2.0, tol=1e-8, max_iter=5000).fit(scaled.numpy(), Y.numpy())
    expected = model.predict_proba(scaled.numpy())
    np.testing.assert_allclose(probe.logits(x).softmax(1).numpy(), expected, atol=1e-6)


def test_the_convex_probe_is_exact_for_more_features_than_samples():
    wide = torch.randn(30, 200, generator=RNG, dtype=torch.float64)
    probe = convex_probe(wide, Y[:30], Cs=[1.0]).probe
    scaled = (wide - wide.mean(0)) / (wide - wide.mean(0)).square().sum(1).mean().sqrt()
    model = LogisticRegression(C=1.0, tol=1e-8, max_iter=5000).fit(scaled.numpy(), Y[:30].numpy())
    fresh = torch.randn(50, 200, generator=RNG, dtype=torch.float64)
    moved = (fresh - wide.mean(0)) / (wide - wide.mean(0)).square().sum(1).mean().sqrt()
    expected = model.predict_proba(moved.numpy())
    np.testing.assert_allclose(probe.logits(fresh).softmax(1).numpy(), expected, atol=1e-6)


def test_a_class_without_labels_is_never_predicted():
    probe = convex_probe(X, (Y > 0).long() * 2, n_classes=4).probe
    logits = probe.logits(X)
    assert logits.shape == (90, 4)
    assert set(logits.argmax(1).tolist()) == {0, 2}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("C", [0.3, 1000.0])
@pytest.mark.parametrize("n_features", [6, 2])  # the solver is chosen by the samples per feature
def test_the_gradient_of_the_stated_objective_is_zero(classes, C, n_features):
    """C sum_i cross_entropy_i + ||W||^2 / 2, W the weights of the scaled features."""
    x = X[:, :n_features] * 3 + 5
    y = Y % classes
    y[:9] = (y[:9] + 1) % classes  # not separable
    probe = convex_probe(x, y, Cs=[C]).probe
    scale = (x - x.mean(0)).square().sum(1).mean().sqrt()
    weight = (probe.weight * scale).requires_grad_()
    scaled = x / scale
    fit = nn.functional.cross_entropy(scaled @ weight.T + probe.bias, y, reduction="sum")
    (C * fit + weight.square().sum() / 2).backward()
    assert weight.grad.abs().max() < 1e-5 * C


def test_the_penalty_is_chosen_by_cross_validation():
    """A penalty so strong that the rarer class is never guessed loses; one candidate is taken."""
    y = (X[:, 0] > 0).long()
    assert convex_probe(X, y, Cs=[0.5]).C == 0.5
    assert convex_probe(X, y, Cs=[1e-6, 100.0]).C == 100.0


def test_nearest_neighbours():
    assert knn_accuracy(X, Y, X, Y, n_neighbors=1) == 1.0
    majority = (Y.bincount().argmax() == Y).double().mean().item()
    assert knn_accuracy(X, Y, X, Y, n_neighbors=500) == pytest.approx(majority)


def test_with_signed_parts_a_linear_probe_can_use_the_absolute_value():
    parts = signed_parts(X)
    assert parts.shape == (len(X), 2 * X.shape[1])
    assert parts.min() == 0
    k = X.shape[1]
    assert torch.equal(parts[:, :k] - parts[:, k:], X)
    line = torch.linspace(-1, 1, 101)[:, None]
    far = (line[:, 0].abs() > 0.5).long()
    assert convex_probe(line, far).probe.accuracy(line, far) < 0.8
    assert convex_probe(signed_parts(line), far).probe.accuracy(signed_parts(line), far) > 0.95


@pytest.mark.parametrize(
    ("features", "labels", "match"),
    [
        (X, Y[:5], r"\(90, 6\), labels \(5,\)"),
        (X * torch.inf, Y, "NaN or infinity"),
        (X, torch.zeros(90, dtype=torch.long), "labels hold 1 class"),
        (X, X[:, 0], "must be integers"),
        (X, -Y, "must be integers from 0"),
        (torch.ones(90, 6), Y, "constant"),
        (X[:, :0], Y, r"features have shape \(90, 0\)"),
        (X.numpy(), Y, r"features is a ndarray.*torch\.as_tensor\(features\)"),
        (X, Y.tolist(), "labels is a list"),
    ],
)
def test_invalid_arguments_are_refused(features, labels, match):
    with pytest.raises(InputError, match=match):
        linear_probe(features, labels)


def test_settings_are_checked():
    with pytest.raises(InputError, match="method='svm'"):
        linear_probe(X, Y, method="svm")
    with pytest.raises(InputError, match="n_classes=2 but a label is 2"):
        linear_probe(X, Y, n_classes=2)
    with pytest.raises(InputError, match=r"n_classes=4\.0 must be a whole number"):
        linear_probe(X, Y, n_classes=4.0)
    with pytest.raises(InputError, match="n_epochs=0"):
        linear_probe(X, Y, method="adam", n_epochs=0)
    with pytest.raises(InputError, match=r"batch_size=1\.5 must be a whole number"):
        linear_probe(X, Y, method="adam", batch_size=1.5)
    with pytest.raises(InputError, match="features is empty"):
        linear_probes([], Y)
    with pytest.raises(InputError, match="Cs is empty"):
        convex_probe(X, Y, Cs=[])
    with pytest.raises(InputError, match=r"features are torch\.uint8; give floating-point"):
        linear_probe(X.to(torch.uint8), Y)
    with pytest.raises(InputError, match="n_neighbors=0"):
        knn_accuracy(X, Y, X, Y, n_neighbors=0)


@pytest.mark.parametrize("method", ["adam", "convex"])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_labels_of_any_integer_dtype_are_the_same(method, dtype):
    as_read = linear_probe(X, Y.to(dtype), method=method, n_epochs=2)
    assert torch.equal(as_read.weight, linear_probe(X, Y, method=method, n_epochs=2).weight)
    assert as_read.accuracy(X, Y.to(dtype)) == as_read.accuracy(X, Y)
    assert knn_accuracy(X.clone().requires_grad_(), Y.to(dtype), X, Y, n_neighbors=1) == 1.0


def test_constant_features_with_a_rounded_mean_are_constant():
    with pytest.raises(InputError, match="constant"):
        convex_probe(torch.full((90, 6), 0.1), Y)


def test_linear_features_are_checked():
    good = LinearFeatures(X, torch.ones(2, 6).double(), torch.zeros(2).double())
    for bad, words in [
        (good._replace(weight=good.weight * torch.nan), "NaN or infinite weights"),
        (good._replace(weight=torch.ones(2, 5).double()), r"weight \(2, 5\)"),
        (good._replace(bias=torch.zeros(2)), "one dtype"),
    ]:
        with pytest.raises(InputError, match=words):
            linear_probes([bad], Y)
