"""The singular values of a regularised linear autoencoder, live (question 8b)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from eigenlab import plots
from eigenlab.errors import InputError
from eigenlab.lab import Config
from eigenlab.linear import (
    RegularizedLinearAutoencoder,
    descend,
    gaussian_factors,
    samples_with_spectrum,
    scatter_eigenpairs,
    shrinkage,
)
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, View, knob, option
from eigenlab.training import generator

LOW, HIGH = 0.001, 4.0
CLOSE = 1e-3
LAM_AXIS = "λ (units of a variance)"


class RegularizedAutoencoderSettings(Config):
    """Samples, a penalty, and how the minimum is found."""

    lam: float = knob(
        0.1,
        "Weight of the squared norms of both matrices.",
        low=LOW,
        high=HIGH,
        step=0.02,
        log=True,
        label="λ",
    )
    method: Literal["gradient descent", "one at a time", "closed form"] = option(
        "gradient descent",
        "All samples at once, stochastic descent on one sample at a time, or the formula.",
    )
    steps: int = knob(
        1000,
        "Updates of gradient descent; passes over the samples are fixed otherwise.",
        low=10,
        high=3000,
        step=10,
        when=("method", "gradient descent"),
    )
    dimension: int = knob(6, "Features d.", low=2, high=8, step=1, label="features d")
    hidden_units: int = knob(3, "Hidden units k.", low=1, high=4, step=1, label="hidden units k")
    decay: float = knob(
        0.5,
        "Each principal axis has this share of the variance of the one before; the first has 1.",
        low=0.1,
        high=1.0,
        step=0.05,
        label="variance ratio",
    )
    seed: int = knob(0, "Random seed of the axes and the start.", low=0, high=99, step=1)


@dataclass(frozen=True)
class Solution:
    """The weights found and those predicted.

    Args:
        variances: (k,) of the first principal axes.
        predicted: (k,) singular values.
        W1: encoder, (k, d).
        W2: decoder, (d, k).
    """

    variances: Tensor
    predicted: Tensor
    W1: Tensor
    W2: Tensor


def draw(settings: RegularizedAutoencoderSettings) -> View:
    """Find the minimum, and compare it with the prediction."""
    found = _solve(settings)
    numbers = _numbers(settings, found)
    return View(
        sentence=_sentence(settings, numbers),
        panels=tuple(_panels(settings, found)),
        numbers=numbers,
        goals=_goals(settings, numbers),
        python=_python(settings),
    )


def _solve(settings: RegularizedAutoencoderSettings) -> Solution:
    d, k, lam = settings.dimension, settings.hidden_units, settings.lam
    if k > d:
        raise InputError(f"hidden_units={k} is more than the {d} features; lower it")
    spectrum = settings.decay ** torch.arange(d, dtype=torch.float64)
    X = samples_with_spectrum(spectrum, 5 * d, generator=generator(settings.seed, "8b", "data"))
    variances = scatter_eigenpairs(X, mean=True)[0][:k]
    if settings.method == "gradient descent":
        W1, W2 = gaussian_factors(
            k, d, std=0.5 * d**-0.5, generator=generator(settings.seed, "8b", "start")
        )
        rate = 0.15 / max(1.0, lam)
        run = descend(
            W1, W2, X @ X.T / X.shape[1], lam=lam, learning_rate=rate, steps=settings.steps
        )
        W1, W2 = run.W1[-1], run.W2[-1]
    else:
        solver: Literal["closed-form", "sgd"] = (
            "closed-form" if settings.method == "closed form" else "sgd"
        )
        model = RegularizedLinearAutoencoder(
            k, lam, solver=solver, center=False, random_state=settings.seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zero weights are what the page shows
            model.fit(X.T.numpy())
        W1, W2 = torch.as_tensor(model.W1_), torch.as_tensor(model.W2_)
    return Solution(variances, shrinkage(variances, lam), W1, W2)


def _numbers(settings: RegularizedAutoencoderSettings, found: Solution) -> dict[str, float]:
    k = settings.hidden_units
    overlaps = found.W2.T @ found.W2 - torch.eye(k, dtype=torch.float64)
    return {
        "largest_error": (torch.linalg.svdvals(found.W2) - found.predicted).abs().max().item(),
        "asymmetry": (found.W1 - found.W2.T).abs().max().item(),
        "deviation": torch.linalg.matrix_norm(overlaps, 2).item(),
        "active": float((found.variances > settings.lam).sum()),
    }


def _sentence(settings: RegularizedAutoencoderSettings, numbers: dict[str, float]) -> str:
    active, k = int(numbers["active"]), settings.hidden_units
    on = (
        "no axis has more variance, so both matrices shrink to zero"
        if not active
        else f"{active} of {k} axes {'have' if active != 1 else 'has'} more variance and "
        f"{'stay' if active != 1 else 'stays'} on, shortened to sqrt(1 - λ/σ²)"
    )
    agree = "on the prediction" if numbers["largest_error"] < CLOSE else "not there yet"
    return (
        f"λ = {settings.lam:.3g}: {on}. The singular values of W2 differ from the prediction by at "
        f"most {numbers['largest_error']:.1g} ({agree}), W1 from W2ᵀ by {numbers['asymmetry']:.1g}"
        f", and W2ᵀW2 from the identity by {numbers['deviation']:.2g}."
    )


def _goals(settings: RegularizedAutoencoderSettings, numbers: dict[str, float]) -> tuple[Goal, ...]:
    trained = settings.method != "closed form"
    return (
        Goal(
            "By training, make the columns of W2 orthonormal to 0.05, and W1 equal to W2ᵀ to "
            "0.001.",
            trained and numbers["deviation"] <= 0.05 and numbers["asymmetry"] <= CLOSE,
            f"now {numbers['deviation']:.2g} and {numbers['asymmetry']:.1g} by {settings.method}",
        ),
        Goal(
            "Choose λ so that exactly one of three or more axes stays on.",
            settings.hidden_units >= 3 and numbers["active"] == 1,
            f"now {numbers['active']:.0f} of {settings.hidden_units}",
        ),
    )


def _panels(settings: RegularizedAutoencoderSettings, found: Solution) -> list[Panel]:
    return [
        Panel(
            "values",
            "Singular values against λ",
            "Curves: sqrt(max(0, 1 - λ/σᵢ²)). Points: those of W2 at the chosen λ. An axis with "
            "less variance than λ is switched off.",
            _values(settings, found),
        ),
        Panel(
            "columns",
            "Are the columns orthonormal?",
            "W2ᵀW2, the inner products of the columns of W2: the identity where they are. By the "
            "formula it is diagonal; training finds it up to a rotation.",
            _columns(found),
        ),
        Panel(
            "transpose",
            "W1 against W2ᵀ",
            "Each entry of the encoder against that of the decoder; on the line they are equal.",
            _transpose(found),
        ),
    ]


def _values(settings: RegularizedAutoencoderSettings, found: Solution) -> go.Figure:
    chart = plots.new_chart(LAM_AXIS, "singular value", log_x=True, height=460)
    lams = np.geomspace(LOW, HIGH, 161).tolist()
    curves = torch.stack([shrinkage(found.variances, lam) for lam in lams])
    for place in range(settings.hidden_units):
        name = f"i = {place + 1}, predicted"
        plots.line(chart, lams, curves[:, place].tolist(), name, index=place, markers=False)
    measured = torch.linalg.svdvals(found.W2).tolist()
    plots.points(chart, [settings.lam] * len(measured), measured, "measured, W2", index=5, size=10)
    plots.reference(chart, x=settings.lam, text=f" λ = {settings.lam:.3g}")
    chart.update_xaxes(dtick=1)  # a tick per decade: more of them overlap on a phone
    chart.update_yaxes(range=[-0.05, 1.1])
    return chart


def _columns(found: Solution) -> go.Figure:
    products = found.W2.T @ found.W2
    order = list(range(1, len(products) + 1))
    chart = plots.heatmap(
        products.tolist(),
        x=order,
        y=order,
        x_title="column of W2",
        y_title="column of W2",
        value_title="inner product",
        center=0,
    )
    chart.update_traces(zmin=-1, zmax=1)
    chart.update_xaxes(dtick=1)
    chart.update_yaxes(dtick=1)
    return chart


def _transpose(found: Solution) -> go.Figure:
    chart = plots.new_chart("entry of W2ᵀ", "entry of W1")
    plots.line(chart, [-1, 1], [-1, 1], "equal", index=6, markers=False, dash="dot")
    plots.points(
        chart, found.W2.T.flatten().tolist(), found.W1.flatten().tolist(), "entries", index=0
    )
    chart.update_xaxes(range=[-1.1, 1.1])
    chart.update_yaxes(range=[-1.1, 1.1])
    return chart


def _python(settings: RegularizedAutoencoderSettings) -> str:
    d, k, lam = settings.dimension, settings.hidden_units, settings.lam
    if settings.method == "gradient descent":
        names = "descend, gaussian_factors, "
        find = (
            "W1, W2 = gaussian_factors(\n"
            f"    {k}, {d}, std=0.5 * {d}**-0.5,\n"
            f'    generator=generator({settings.seed}, "8b", "start"),\n'
            ")\n"
            "run = descend(\n"
            f"    W1, W2, X @ X.T / {5 * d}, lam={lam},\n"
            f"    learning_rate=0.15 / max(1.0, {lam}), steps={settings.steps},\n)\n"
            "W1, W2 = run.W1[-1], run.W2[-1]\n"
        )
    else:
        names = "RegularizedLinearAutoencoder, "
        solver = "closed-form" if settings.method == "closed form" else "sgd"
        find = (
            "model = RegularizedLinearAutoencoder(\n"
            f'    {k}, {lam}, solver="{solver}", center=False, random_state={settings.seed}\n'
            ").fit(X.T.numpy())\n"
            "W1, W2 = torch.as_tensor(model.W1_), torch.as_tensor(model.W2_)\n"
        )
    return (
        "import torch\n"
        "from eigenlab.linear import (\n"
        f"    {names}\n    predicted_singular_values, samples_with_spectrum,\n"
        "    scatter_eigenpairs,\n)\n"
        "from eigenlab.training import generator\n\n"
        f"spectrum = {settings.decay} ** torch.arange({d}, dtype=torch.float64)\n"
        "X = samples_with_spectrum(\n"
        f'    spectrum, {5 * d}, generator=generator({settings.seed}, "8b", "data")\n)\n'
        f"{find}"
        f"predicted = predicted_singular_values(X, {k}, {lam})\n"
        "largest_error = float((torch.linalg.svdvals(W2) - predicted).abs().max())\n"
        "asymmetry = float((W1 - W2.T).abs().max())\n"
        f"overlaps = W2.T @ W2 - torch.eye({k}, dtype=torch.float64)\n"
        "deviation = float(torch.linalg.matrix_norm(overlaps, 2))\n"
        "variances = scatter_eigenpairs(X, mean=True)[0]\n"
        f"active = int((variances[:{k}] > {lam}).sum())\n"
    )


DEMO = Demo(
    name="regularized-autoencoder",
    title="A penalty shortens the singular values",
    questions=("8b",),
    summary="Move λ, and watch the axes of a linear autoencoder shrink and switch off.",
    settings=RegularizedAutoencoderSettings,
    draw=draw,
    grid={
        "lam": (0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 4.0),
        "method": ("gradient descent", "closed form"),
    },
    examples=(
        Example(
            "1. A small penalty",
            {},
            "All three singular values are a little below 1, the more so the less variance their "
            "axis has. The encoder has become the transpose of the decoder.",
        ),
        Example(
            "2. An axis switches off",
            {"lam": 0.35},
            "λ exceeds the variance of the third axis, 0.25: its singular value is zero.",
        ),
        Example(
            "3. Hardly any penalty",
            {"lam": 0.002},
            "The columns would become orthonormal, but the penalty acts slowly: W1 is not yet W2ᵀ. "
            "Give it more updates.",
        ),
        Example(
            "4. One sample at a time",
            {"method": "one at a time"},
            "Stochastic gradient descent with weight decay 2λ ends near the same values.",
        ),
        Example(
            "5. The formula",
            {"method": "closed form"},
            "Without a rotation the columns are the shortened principal axes: W2ᵀW2 is diagonal.",
        ),
    ),
)
