"""Parts of the GPU benchmark: training loop, autoencoders, names, graphs, spectra, functions."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

import _gpu_recurrent  # noqa: F401  (registers its parts first)
import _gpu_translation  # noqa: F401
import _gpu_vision  # noqa: F401
from _gpu import TOLERANCES, Row, Setting, check, counted_synchronisations, part, timed
from _gpu_recurrent import moved
from eigenlab import linear
from eigenlab.autoencoders import (
    Autoencoder,
    ConvolutionalAutoencoder,
    LinearFeatures,
    Member,
    Warp,
    convex_probe,
    fit,
    linear_probes,
    subspace_data,
    train_ensemble,
)
from eigenlab.errors import Cancelled
from eigenlab.experiments.gradient_statistics import measure as gradient_statistics
from eigenlab.experiments.gradient_statistics.config import GradientStatisticsConfig
from eigenlab.experiments.stacked_rnn import measure as stacked_rnn
from eigenlab.experiments.stacked_rnn.config import StackedRNNConfig
from eigenlab.graphs import SpectralClustering, rbf_affinity
from eigenlab.graphs.normalize import leading_eigenvector, symmetric_normalize, without_loops
from eigenlab.graphs.tiled import TiledGraph
from eigenlab.names import NameClassifier
from eigenlab.reporter import SILENT, Reporter
from eigenlab.spectrum import principal_angles, singular_values, top_eigenpairs
from eigenlab.training import generator, minibatches, train

CPU = torch.device("cpu")
TRAINED = 1e-8
"""Tolerance in float64 after a training: rounding leaves 1e-14, float32 on the way 6e-8."""


class CancelAfter(Reporter):
    """Asks to stop once so many updates are done."""

    def __init__(self, step: int) -> None:
        self._step, self._stop = step, False

    def progress(self, done: int, total: int, message: str = "") -> None:
        self._stop = done >= self._step

    @property
    def cancelled(self) -> bool:
        return self._stop


@part
def training_loop(setting: Setting) -> Iterator[Row]:
    """Losses and weights, a resumed training, synchronisations, and the time of an update."""
    samples, inputs, width, steps = setting.size((4096, 64, 256, 200), (40, 3, 5, 12))
    x, y = torch.randn(samples, inputs), torch.randn(samples, 1)
    model = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, 1))
    every = max(1, steps // 4)

    def objective(model: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        return nn.functional.mse_loss(model(batch[0]), batch[1])

    def trained(model: nn.Module, device: torch.device, dtype: torch.dtype, **options: Any) -> Any:
        mine = moved(model, device).to(dtype)
        data = x.to(device, dtype), y.to(device, dtype)
        history = train(
            mine,
            objective,
            minibatches(*data, batch_size=samples // 8, seed=0),
            optimizer=torch.optim.Adam(mine.parameters(), lr=1e-3),
            steps=steps,
            clip_norm=1.0,
            log_every=every,
            **options,
        )
        return [[loss for _, loss in history.losses], list(mine.parameters())]

    def metrics(model: nn.Module) -> dict[str, float]:
        where = next(model.parameters())
        return {"error": objective(model, (x.to(where), y.to(where))).item()}

    best = {"evaluate": metrics, "monitor": "error", "evaluate_every": every}
    results = [trained(model, where, torch.float64, **best) for where in (setting.device, CPU)]
    yield check(f"{steps} updates, best weights kept", *results, TRAINED)

    dropping = nn.Sequential(model[0], nn.Dropout(0.3), *model[1:])
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(1)
        whole = trained(dropping, setting.device, torch.float64)
        torch.manual_seed(1)
        options: dict[str, Any] = {"checkpoint": Path(folder) / "training"}
        try:
            trained(dropping, setting.device, torch.float64, reporter=CancelAfter(every), **options)
            raise AssertionError("the training was not cancelled")
        except Cancelled:
            resumed = trained(dropping, setting.device, torch.float64, **options)
    yield check("resumed, with dropout", resumed, whole, TRAINED)

    with counted_synchronisations(setting) as count:
        trained(model, setting.device, torch.float32)
    found = count()
    if found is not None:
        # One a logged loss and norm, one an epoch for the order, a few for data and the model.
        allowed = 2 * (steps // every + 1) + steps // 8 + 20
        yield Row(
            f"synchronisations in {steps} updates",
            "ok" if found <= allowed else "wrong",
            note=f"{found} (at most {allowed})",
        )

    def plain() -> None:
        mine = moved(model, setting.device)
        a, b = x.to(setting.device), y.to(setting.device)
        optimizer = torch.optim.Adam(mine.parameters(), lr=1e-3)
        for step in range(steps):
            if step % 8 == 0:
                order = torch.randperm(samples, device=setting.device).chunk(8)
            chosen = order[step % 8]
            optimizer.zero_grad()
            nn.functional.mse_loss(mine(a[chosen]), b[chosen]).backward()
            nn.utils.clip_grad_norm_(mine.parameters(), 1.0)
            optimizer.step()

    ways = {"plain loop": plain, "eigenlab": lambda: trained(model, setting.device, torch.float32)}
    yield timed(f"{steps} updates", setting, ways)


@part
def autoencoders(setting: Setting) -> Iterator[Row]:
    """One autoencoder, ensembles and probes, beside plain loops."""
    samples, features, width, epochs = setting.size((14_000, 100, 20, 3), (60, 6, 3, 2))
    device = setting.device
    data = subspace_data(samples * 10 // 7, features, max(1, features // 5))
    many, labels = data.train
    x, labels = many[:2000], labels[:2000]

    def single(where: torch.device) -> list[Any]:
        model = Autoencoder(features, [width], generator=generator(0), dtype=torch.float64)
        model = model.to(where)
        losses = fit(model, x.to(where, torch.float64), n_epochs=epochs)
        return [losses, list(model.parameters())]

    yield check("fit, one autoencoder", single(device), single(CPU), TRAINED)
    vanilla = [Member("vanilla", (size,), seed) for size in (width, 2 * width) for seed in (0, 1)]

    def ensemble(where: torch.device) -> list[Any]:
        models = train_ensemble(x.to(where, torch.float64), vanilla, n_epochs=epochs)
        return [list(model.parameters()) for model in models]

    yield check("train_ensemble", ensemble(device), ensemble(CPU), TRAINED)

    def probes(where: torch.device) -> list[Any]:
        rows, y = x.to(where, torch.float64), labels.to(where)
        linear_features = LinearFeatures(rows, rows[:width], rows[:width, 0])
        adam = linear_probes([rows, linear_features], y, n_epochs=epochs)
        convex = convex_probe(rows[:500], y[:500]).probe
        accuracy = [p.accuracy(r, y) for p, r in zip((adam[0], convex), (rows, rows), strict=True)]
        return [accuracy, *([p.weight, p.bias] for p in (*adam, convex))]

    yield check("linear_probes and convex_probe", probes(device), probes(CPU), TRAINED)

    # Corruption is drawn on the device, so only the level of the loss can be compared.
    def corrupted(where: torch.device) -> list[Any]:
        found = []
        for kind in ("denoising", "masked"):
            model = Member(kind, (width,)).build(features).to(where)
            found.append(fit(model, x.to(where), n_epochs=epochs)[-1])
        side = setting.size(10, 4)
        warp = Warp((side, side))
        model = ConvolutionalAutoencoder(
            (side, side), (8,), channels=(4,), corruption=warp, generator=generator(0)
        ).to(where)
        images = torch.rand(len(x), side**2, generator=generator(0)).to(where)
        return [*found, fit(model, images, n_epochs=1)[-1]]

    tolerance = setting.size(0.05, 1.0)
    yield check("corrupted losses, other draws", corrupted(device), corrupted(CPU), tolerance)

    members = [Member(kind, (size,), seed) for kind in ("vanilla", "denoising", "masked")
               for size in setting.size((5, 20, 100, 500), (2, 3))
               for seed in setting.size((0, 1, 2), (0,))]  # fmt: skip
    here = many.to(device)

    def plain() -> None:
        for member in members[::3]:  # a third of them, since they take long
            model = member.build(features).to(device)
            optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
            g = generator(member.seed, device=device)
            for batch in here[torch.randperm(len(here), device=device)].split(64):
                optimizer.zero_grad()
                model.loss(batch, model(model.corrupt(batch, g))).backward()
                optimizer.step()

    ways = {
        "a third, plain loop": plain,
        "eigenlab, all": lambda: train_ensemble(here, members, n_epochs=1),
    }
    yield timed(f"{len(members)} autoencoders, one epoch", setting, ways, seconds=10)


@part
def tiled_graph(setting: Setting) -> Iterator[Row]:
    """Labels and products of the tiled graph, and the time of a product."""
    n = setting.size(4000, 120)
    X, _ = make_blobs(n, 5, centers=3, cluster_std=1.0, random_state=0)
    device = str(setting.device)

    def labels(device: str) -> Any:
        model = SpectralClustering(
            3, gamma=0.5, representation="tiled", device=device, random_state=0
        )
        return model.fit_predict(X)

    agreement = adjusted_rand_score(labels("cpu"), labels(device))
    # Every point but at most one, which may lie on a border.
    yield check(f"labels of {n} points, adjusted Rand", [agreement], [1.0], 1e-3)
    V = np.random.default_rng(0).normal(size=(n, 4))
    products = [TiledGraph(X, 0.5, device=where).matmat(V) for where in (device, "cpu")]
    yield check("a product, by inner products", *products, TOLERANCES[torch.float64])
    far = X + np.where(np.arange(n) % 2, 1e5, 0.0)[:, None]
    products = [TiledGraph(far, 0.5, device=where).matmat(V) for where in (device, "cpu")]
    yield check("a product, by differences", *products, TOLERANCES[torch.float64])

    n = setting.size(50_000, 120)
    X, _ = make_blobs(n, 5, centers=3, random_state=0)
    V = np.random.default_rng(0).normal(size=(n, 4))
    points, vectors = (torch.from_numpy(a).to(setting.device) for a in (X, V))
    graph = TiledGraph(X, 0.5, device=device)

    def plain() -> Tensor:
        rows = [
            torch.exp(-0.5 * torch.cdist(tile, points).square()) @ vectors
            for tile in points.split(2**26 // n + 1)
        ]
        return torch.cat(rows)

    yield check("a product beside cdist", graph.matmat(V), plain(), 1e-6)  # cdist rounds more
    ways = {"plain cdist, exp, matmul": plain, "eigenlab": lambda: graph.matmat(V)}
    yield timed(f"a product, {n} points", setting, ways, seconds=6)


@part
def eigenpairs(setting: Setting) -> Iterator[Row]:
    """Leading eigenpairs of dense and sparse tensors on the device."""
    n = setting.size(3000, 400)
    Q, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64))
    values = torch.cat([torch.tensor([5.0, 4.0, 3.0]), torch.linspace(-1, 1, n - 3)]).double()
    A = (Q * values) @ Q.T
    A = (A + A.T) / 2
    there = A.to(setting.device)
    pairs = top_eigenpairs(there, 3)
    yield check("dense, float64", pairs.eigenvalues, [5.0, 4.0, 3.0], 1e-8)
    single = top_eigenpairs(there.float(), 3, tol=1e-4)
    yield check("dense, float32", single.eigenvalues, [5.0, 4.0, 3.0], TOLERANCES[torch.float32])
    half = top_eigenpairs(torch.diag(values).bfloat16().to(setting.device), 3, tol=1e-2)
    yield check("diagonal, bfloat16", half.eigenvalues, [5.0, 4.0, 3.0], 1e-2)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
        sparse = torch.diag(values).to_sparse_csr().to(setting.device)
        found = top_eigenpairs(sparse, 3)
    yield check("sparse CSR", found.eigenvalues, [5.0, 4.0, 3.0], 1e-8)
    ways = {
        "torch.linalg.eigh": lambda: torch.linalg.eigh(there),
        "torch.lobpcg": lambda: torch.lobpcg(there, 3),
        "eigenlab": lambda: top_eigenpairs(there, 3),
    }
    yield timed(f"three pairs of {n} x {n}", setting, ways)


@part
def functions_of_tensors(setting: Setting) -> Iterator[Row]:
    """Functions that return tensors where they are given tensors, with their gradients."""
    n = setting.size(500, 30)
    X = torch.randn(n, 4, dtype=torch.float64)
    W1, W2 = torch.randn(2, 4, dtype=torch.float64), torch.randn(4, 2, dtype=torch.float64)

    def affinities(where: torch.device) -> list[Any]:
        points = X.to(where).requires_grad_()
        A = rbf_affinity(points, 0.5)
        M = symmetric_normalize(without_loops(A))
        (gradient,) = torch.autograd.grad(M.square().sum(), points)
        return [A, M, gradient, leading_eigenvector(A)]

    def linear_autoencoder(where: torch.device) -> list[Any]:
        a, b, x = W1.to(where), W2.to(where), X.T.to(where)
        S = x @ x.T / n
        variances, _ = linear.scatter_eigenpairs(x, mean=True)
        return [
            linear.loss(a, b, x),
            linear.gradients(a, b, x),
            linear.regularized_loss(a, b, x, 0.1),
            linear.regularized_gradients(a, b, x, 0.1),
            linear.covariance_loss(a, b, S, 0.1),
            linear.covariance_gradients(a, b, S),
            linear.shrinkage(variances, 0.1),
            linear.predicted_singular_values(x, 2, 0.1),
            [p.W1 @ p.W1.T for p in linear.critical_points(x, 2)[:1]],
            linear.descend(a, b, S, lam=0.1, learning_rate=1e-3, steps=5).W1,
        ]

    def spectra(where: torch.device) -> list[Any]:
        U, V = X[:, :2].to(where), X[:, 2:].to(where)
        return [principal_angles(U, V), singular_values(U)]

    for name, function in (
        ("affinities", affinities),
        ("linear autoencoder", linear_autoencoder),
        ("angles and singular values", spectra),
    ):
        yield check(name, function(setting.device), function(CPU), TOLERANCES[torch.float64])


@part
def experiments(setting: Setting) -> Iterator[Row]:
    """The trainings of the experiments that take --device: means of ln loss, as other draws change
    a loss by a factor of several."""
    sizes = {"training_steps": setting.size(300, 10), "n_seeds": 3, "learning_rate": 1e-2}

    def on(config: Any, device: str) -> Any:
        return config.model_copy(update={"device": device})  # also cuda:1

    def stacked(device: str) -> list[float]:
        config = on(StackedRNNConfig(batch_size=256, **sizes), device)
        runs = stacked_rnn._train_all(config, "RNN, two layers", [0, 1, 2], SILENT).runs
        return [sum(math.log(run.final_loss) for run in runs) / len(runs)]

    def long_range(device: str) -> list[float]:
        config = on(GradientStatisticsConfig(**sizes), device)
        runs = gradient_statistics._train_all(
            config, "delayed copy", 3, "every", [0, 1, 2], SILENT
        ).runs
        return [sum(math.log(run.error) for run in runs) / len(runs)]

    for name, function in (("stacked RNN", stacked), ("long-range task", long_range)):
        yield check(name, function(str(setting.device)), function("cpu"), 0.3)


def made_up_names(count: int) -> tuple[list[str], list[str]]:
    """Names of three invented languages that differ in their syllables."""
    rng = np.random.default_rng(0)
    syllables = {"A": ("ov", "ski", "pet", "iv"), "B": ("li", "ni", "ro", "co"),
                 "C": ("son", "ber", "ste", "ck")}  # fmt: skip
    languages = rng.choice(list(syllables), count)
    names = ["".join(rng.choice(syllables[lang], rng.integers(2, 5))) for lang in languages]
    return [name.capitalize() for name in names], languages.tolist()


@part
def names(setting: Setting) -> Iterator[Row]:
    """The classifier of names, without dropout the same as on the CPU, and its time of training."""
    count, size, epochs = setting.size((1000, 64, 3), (40, 8, 2))
    X, y = made_up_names(count)

    def fitted(device: str, **options: Any) -> NameClassifier:
        model = NameClassifier(
            rnn_size=size, n_epochs=epochs, random_state=0, device=device, **options
        )
        return model.fit(X, y)

    still = {"dropout": 0.0, "ngram_dropout": 0.0, "calibration_fraction": 0.0}
    models = [fitted(device, **still) for device in (str(setting.device), "cpu")]
    # Trained in float32 with Adam, where rounding grows over the updates.
    yield check("probabilities", *(model.predict_proba(X[:100]) for model in models), 1e-2)
    before = [torch.get_rng_state()]
    if setting.on_cuda:
        before.append(torch.cuda.get_rng_state(setting.device))
    with counted_synchronisations(setting) as synchronised:
        model = fitted(str(setting.device))
    after = [torch.get_rng_state()]
    if setting.on_cuda:
        after.append(torch.cuda.get_rng_state(setting.device))
    note = f"{synchronised()} synchronisations in a training" if setting.on_cuda else ""
    yield check("random state after a training", after, before, 0.0, note)
    yield check("a saved model", _reloaded(model).predict_proba(X[:50]),
                model.predict_proba(X[:50]), TOLERANCES[torch.float32])  # fmt: skip
    ways = {"on the CPU": lambda: fitted("cpu"), "here": lambda: fitted(str(setting.device))}
    yield timed(f"{count} names, {epochs} epochs", setting, ways, seconds=10)


def _reloaded(model: NameClassifier) -> NameClassifier:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names.safetensors"
        model.save(path)
        return NameClassifier.load(path)
