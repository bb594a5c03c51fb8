"""Gradient descent of a linear autoencoder through its saddles, live (question 3b)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import plotly.graph_objects as go
import torch
from torch import Tensor

from eigenlab import plots
from eigenlab.errors import InputError
from eigenlab.experiments.pca_optimality.config import PCAOptimalityConfig
from eigenlab.lab import Config
from eigenlab.linear import (
    CriticalPoint,
    Trajectory,
    covariance_loss,
    critical_points,
    descend,
    gaussian_factors,
    samples_with_spectrum,
    scatter_eigenpairs,
)
from eigenlab.report import command_for
from eigenlab.spectrum import principal_angles
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, View, knob, option
from eigenlab.training import generator

#: Recorded updates, at most, and cells along a side of the landscape.
RECORDED, CELLS = 120, 41
#: Distance of W2 W1 from a saddle's projection within which descent is said to pass it.
PASSES = 0.3
FOUND = 0.01  # radians
UPDATE_AXIS, SHARE_AXIS = "update", "loss / total variance"


class PCASettings(Config):
    """A small problem, a start and a learning rate."""

    dimension: int = knob(4, "Features d.", low=2, high=8, step=1, label="features d")
    hidden_units: int = knob(2, "Hidden units k.", low=1, high=4, step=1, label="hidden units k")
    decay: float = knob(
        0.5,
        "Each principal axis has this share of the variance of the one before.",
        low=0.1,
        high=1.0,
        step=0.05,
        label="variance ratio",
    )
    start: float = knob(
        1e-4,
        "Standard deviation of the initial weights; from small ones descent passes every saddle.",
        low=1e-8,
        high=1,
        step=0.1,
        log=True,
        label="size of the start",
    )
    learning_rate: float = knob(
        0.05,
        "Learning rate, in units of 1 / (largest variance).",
        low=0.005,
        high=1,
        step=0.02,
        log=True,
        label="learning rate",
    )
    steps: int = knob(400, "Updates.", low=10, high=2000, step=10)
    at_saddle: bool = option(
        False, "Start next to the saddle that keeps the last axes instead of zero."
    )
    seed: int = knob(0, "Random seed of the axes and the start.", low=0, high=99, step=1)


@dataclass(frozen=True)
class Descent:
    """The problem and the way down.

    Args:
        S: (d, d) X X^T / n.
        values: its eigenvalues, descending.
        axes: (d, d) its eigenvectors, in columns.
        points: the stationary points of a problem with one sample's scale.
        run: the recorded weights.
        shares: loss over the total variance, at each recorded update.
        distances: Frobenius distance of W2 W1 from each point's projection, (points, updates).
    """

    S: Tensor
    values: Tensor
    axes: Tensor
    points: list[CriticalPoint]
    run: Trajectory
    shares: Tensor
    distances: Tensor

    @property
    def total(self) -> float:
        """Sum of the variances."""
        return float(self.values.sum())


def draw(settings: PCASettings) -> View:
    """Descend, and draw where."""
    descent = _descend(settings)
    angles = _angles(settings, descent)
    numbers = _numbers(descent, angles)
    return View(
        sentence=_sentence(settings, descent, numbers),
        panels=tuple(_panels(settings, descent, angles)),
        numbers=numbers,
        goals=_goals(settings, numbers),
        python=_python(settings),
        command=_command(settings),
    )


def _spectrum(settings: PCASettings) -> Tensor:
    places = torch.arange(settings.dimension, dtype=torch.float64)
    return settings.decay**places


def _descend(settings: PCASettings) -> Descent:
    d, k = settings.dimension, settings.hidden_units
    if k > d:
        raise InputError(f"hidden_units={k} is more than the {d} features; lower it")
    spectrum = _spectrum(settings)
    X = samples_with_spectrum(spectrum, 5 * d, generator=generator(settings.seed, "pca", "data"))
    X = X / X.shape[1] ** 0.5  # so that X X^T has the variances as eigenvalues
    S = X @ X.T
    values, axes = scatter_eigenpairs(X, mean=False)
    W1, W2 = gaussian_factors(
        k, d, std=settings.start, generator=generator(settings.seed, "pca", "start")
    )
    if settings.at_saddle:
        last = axes[:, d - k :]
        W1, W2 = W1 + last.T, W2 + last
    stride = math.ceil(settings.steps / RECORDED)
    record_at = list(range(0, settings.steps + 1, stride))
    run = descend(
        W1,
        W2,
        S,
        learning_rate=settings.learning_rate,
        steps=settings.steps,
        record_at=record_at,
    )
    points = critical_points(X, k)
    projections = torch.stack([point.W2 @ point.W1 for point in points])
    distances = (run.W2 @ run.W1 - projections[:, None]).square().sum((-2, -1)).sqrt()
    shares = covariance_loss(run.W1, run.W2, S) / values.sum()
    return Descent(S, values, axes, points, run, shares, distances)


def _angles(settings: PCASettings, descent: Descent) -> Tensor:
    """(updates, k) principal angles between the decoder's columns and the leading axes."""
    top = descent.axes[:, : settings.hidden_units]
    return torch.stack([torch.as_tensor(principal_angles(W2, top)) for W2 in descent.run.W2])


def _numbers(descent: Descent, angles: Tensor) -> dict[str, float]:
    least = descent.points[0].loss / descent.total
    return {
        "loss": float(descent.shares[-1]),
        "least_loss": least,
        "largest_angle": float(angles[-1].max()),
        "saddles_passed": float(len(_passed(descent))),
    }


def _passed(descent: Descent) -> list[tuple[int, CriticalPoint]]:
    """Place of the nearest recorded update and saddle, in the order in which they are passed."""
    found = [
        (int(row.argmin()), point)
        for row, point in zip(descent.distances, descent.points, strict=True)
        if point.kind == "saddle" and float(row.min()) < PASSES
    ]
    return sorted(found, key=lambda pair: (pair[0], -pair[1].loss))


def _subset(point: CriticalPoint) -> str:
    axes = ", ".join(str(axis + 1) for axis in point.subset)
    return "no axis" if not axes else f"ax{'i' if len(point.subset) == 1 else 'e'}s {axes}"


def _sentence(settings: PCASettings, descent: Descent, numbers: dict[str, float]) -> str:
    passed = [
        f"{_subset(point)} ({point.index} direction{'s' * (point.index != 1)} of descent)"
        for _, point in _passed(descent)
    ]
    way = (
        f"Descent passes the saddle{'s' * (len(passed) > 1)} that "
        f"keep{'s' * (len(passed) == 1)} {'; then '.join(passed)}."
        if passed
        else "Descent passes no saddle."
    )
    least, loss = numbers["least_loss"], numbers["loss"]
    at_saddle = [
        point
        for row, point in zip(descent.distances, descent.points, strict=True)
        if point.kind == "saddle" and float(row[-1]) < PASSES / 10
    ]
    if settings.decay == 1:
        return (
            f"All variances are equal, so every subspace of {settings.hidden_units} dimensions is "
            f"principal, and angles to single axes mean nothing. After {settings.steps} updates "
            f"the loss is {loss:.3f} of the variance, the least is {least:.3f}."
        )
    end = (
        "It is at the minimum, the principal subspace"
        if numbers["largest_angle"] < FOUND and loss - least < 0.01
        else f"It is still at the saddle that keeps {_subset(at_saddle[0])}"
        if at_saddle
        else "It is still on its way"
    )
    return (
        f"{way} After {settings.steps} updates the loss is {loss:.3f} of the variance, the least "
        f"is {least:.3f}, and the largest angle to the principal subspace is "
        f"{math.degrees(numbers['largest_angle']):.1f}°. {end}."
    )


def _goals(settings: PCASettings, numbers: dict[str, float]) -> tuple[Goal, ...]:
    angle = numbers["largest_angle"]
    return (
        Goal(
            "Reach the principal subspace (largest angle below 0.01 rad) in at most 60 updates, "
            "from a start of size 0.01 or less.",
            angle < FOUND and settings.steps <= 60 and settings.start <= 0.01,
            f"now {angle:.2g} rad in {settings.steps} updates",
        ),
        Goal(
            "Pass four or more saddles on the way to the minimum.",
            numbers["saddles_passed"] >= 4 and angle < FOUND,
            f"now {numbers['saddles_passed']:.0f} saddles, angle {angle:.2g} rad",
        ),
    )


def _panels(settings: PCASettings, descent: Descent, angles: Tensor) -> list[Panel]:
    return [
        Panel(
            "landscape",
            "Landscape",
            "Loss where W2 W1 keeps a share of the first axis (across) and of the second (up) and "
            "nothing of the others; with one unit, where W2 = W1ᵀ has these weights along them. "
            "Crosses: stationary points. The line is descent, seen from above.",
            _landscape(settings, descent),
        ),
        Panel(
            "loss",
            "Loss",
            "Dotted: the losses of the saddles, and of the minimum. Near a saddle the gradient "
            "almost vanishes, and the loss stays.",
            _losses(descent),
        ),
        Panel(
            "angles",
            "Principal angles",
            "Between the columns of the decoder and the principal subspace, on a logarithmic axis.",
            _angle_chart(descent, angles),
        ),
        Panel(
            "distances",
            "Which saddle?",
            "Distance of W2 W1 from the projection of each stationary point that is passed or ends "
            "the way: near zero it is there.",
            _distances(settings, descent),
        ),
    ]


def _path(descent: Descent) -> Tensor:
    """(updates, 2): the share of the first two axes, or a single unit's weights along them."""
    axes, run = descent.axes[:, :2], descent.run
    if run.W1.shape[1] == 1:
        return (((run.W1 + run.W2.mT) / 2) @ axes)[:, 0]
    return torch.einsum("di,rde,ei->ri", axes, run.W2 @ run.W1, axes)


def _landscape(settings: PCASettings, descent: Descent) -> go.Figure:
    path, single = _path(descent), settings.hidden_units == 1
    high = max(1.4, min(2.5, path.abs().max().item() + 0.2))
    side = torch.linspace(-high if single else -0.4, high, CELLS, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(side, side, indexing="xy"), dim=-1)
    axes = descent.axes[:, :2]
    if single:  # W2 = a u1 + b u2 = W1^T
        W2 = grid @ axes.T
        levels = covariance_loss(W2[..., None, :], W2[..., None], descent.S)
        corners = [(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)]
    else:  # W2 = (u1, u2) diag(a, b) and W1 = (u1, u2)^T
        levels = covariance_loss(axes.T, axes * grid[..., None, :], descent.S)
        corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
    what = "weight along axis" if single else "share kept of axis"
    chart = plots.new_chart(f"{what} 1", f"{what} 2", height=480)
    chart.add_trace(
        go.Contour(
            x=side.numpy(),
            y=side.numpy(),
            z=(levels / descent.total).numpy(),
            zmin=0,
            zmax=1.5,
            colorscale=plots.SEQUENTIAL,
            contours={"coloring": "heatmap", "start": 0, "end": 1.5, "size": 0.05},
            opacity=0.75,
            line={"width": 0.5},
            colorbar={"title": {"text": SHARE_AXIS, "side": "right"}, "thickness": 14},
            hovertemplate="loss %{z:.3g}<extra></extra>",
            name="loss",
            showlegend=False,
        )
    )
    across, up = zip(*corners, strict=True)
    plots.points(chart, across, up, "stationary points", index=4, size=11)
    plots.line(chart, path[:, 0].tolist(), path[:, 1].tolist(), "descent", index=1, markers=True)
    chart.data[-1].update(line={"dash": "solid"}, marker={"size": 4, "symbol": "circle"})
    plots.points(
        chart, path[-1:, 0].tolist(), path[-1:, 1].tolist(), "last update", index=3, size=14
    )
    chart.update_xaxes(range=[float(side[0]), high])
    chart.update_yaxes(range=[float(side[0]), high])
    return chart


def _losses(descent: Descent) -> go.Figure:
    chart = plots.new_chart(UPDATE_AXIS, SHARE_AXIS)
    steps = descent.run.steps
    levels: list[float] = sorted({round(p.loss / descent.total, 9) for p in descent.points})
    ends: list[float | None] = [steps[0], steps[-1], None]
    plots.line(
        chart,
        ends * len(levels),
        [value for level in levels for value in (level, level, None)],
        "stationary points",
        index=6,
        markers=False,
        dash="dot",
        width=1.2,
    )
    plots.line(chart, steps, descent.shares.tolist(), "descent", index=0, markers=False)
    passed = _passed(descent)
    plots.points(
        chart,
        [steps[place] for place, _ in passed],
        [descent.shares[place].item() for place, _ in passed],
        "nearest to a saddle",
        index=1,
        text=[_subset(point) for _, point in passed],
    )
    chart.update_yaxes(rangemode="tozero")
    return chart


def _angle_chart(descent: Descent, angles: Tensor) -> go.Figure:
    chart = plots.new_chart(UPDATE_AXIS, "principal angle (rad)", log_y=True)
    for place in range(angles.shape[1] - 1, -1, -1):
        ordered = angles.sort(dim=1, descending=True).values
        label = ("largest", "second", "third", "fourth")[place]
        values = ordered[:, place].tolist()
        plots.line(chart, descent.run.steps, values, label, index=place, markers=False)
    return chart


def _distances(settings: PCASettings, descent: Descent) -> go.Figure:
    chart = plots.new_chart(UPDATE_AXIS, "distance ‖W<sub>2</sub>W<sub>1</sub> − P‖")
    k = settings.hidden_units
    nearest = descent.distances.min(dim=1).values.argsort()[: k + 2]
    order: list[int] = nearest.sort().values.tolist()
    for index, place in enumerate(order):
        point = descent.points[place]
        name = f"{_subset(point)}, {point.kind}"
        values = descent.distances[place].tolist()
        plots.line(chart, descent.run.steps, values, name, index=index, markers=False)
    return chart


def _command(settings: PCASettings) -> str:
    if settings.at_saddle or settings.hidden_units > settings.dimension:
        return ""
    config = PCAOptimalityConfig(
        staircase_spectrum=tuple(_spectrum(settings).tolist()),
        staircase_components=settings.hidden_units,
        staircase_start=settings.start,
        staircase_steps=settings.steps,
        seed=settings.seed,
    )
    return command_for("pca-optimality", config)


def _python(settings: PCASettings) -> str:
    d, k = settings.dimension, settings.hidden_units
    stride = math.ceil(settings.steps / RECORDED)
    moved = f"last = axes[:, {d - k} :]\nW1, W2 = W1 + last.T, W2 + last\n"
    return (
        "import torch\n"
        "from eigenlab.linear import (\n"
        "    covariance_loss,\n    critical_points,\n    descend,\n    gaussian_factors,\n"
        "    samples_with_spectrum,\n    scatter_eigenpairs,\n)\n"
        "from eigenlab.spectrum import principal_angles\n"
        "from eigenlab.training import generator\n\n"
        f"spectrum = {settings.decay} ** torch.arange({d}, dtype=torch.float64)\n"
        "X = samples_with_spectrum(\n"
        f'    spectrum, {5 * d}, generator=generator({settings.seed}, "pca", "data")\n'
        f") / {5 * d} ** 0.5\n"
        "S = X @ X.T\n"
        "values, axes = scatter_eigenpairs(X, mean=False)\n"
        "W1, W2 = gaussian_factors(\n"
        f"    {k}, {d}, std={settings.start},\n"
        f'    generator=generator({settings.seed}, "pca", "start"),\n'
        ")\n"
        f"{moved if settings.at_saddle else ''}"
        "run = descend(\n"
        f"    W1, W2, S, learning_rate={settings.learning_rate}, steps={settings.steps},\n"
        f"    record_at=list(range(0, {settings.steps + 1}, {stride})),\n"
        ")\n"
        "total = values.sum()\n"
        "loss = float(covariance_loss(run.W1[-1], run.W2[-1], S) / total)\n"
        f"points = critical_points(X, {k})\n"
        "least_loss = float(points[0].loss / total)\n"
        f"largest_angle = float(principal_angles(run.W2[-1], axes[:, :{k}]).max())\n"
        "products = run.W2 @ run.W1\n"
        "saddles_passed = sum(\n"
        f"    bool(((products - p.W2 @ p.W1).square().sum((-2, -1)).sqrt() < {PASSES}).any())\n"
        '    for p in points\n    if p.kind == "saddle"\n)\n'
    )


DEMO = Demo(
    name="pca",
    title="Gradient descent through saddles",
    questions=("3b",),
    summary="A linear autoencoder learns one principal axis after another, from saddle to saddle.",
    settings=PCASettings,
    draw=draw,
    grid={
        "start": (1e-8, 1e-6, 1e-4, 1e-2, 0.3),
        "decay": (0.3, 0.5, 0.7, 0.9),
        "at_saddle": (False, True),
    },
    examples=(
        Example(
            "1. A staircase",
            {},
            "The loss stays, falls, stays and falls: at each drop one more principal axis is "
            "learned. Every plateau is a saddle.",
        ),
        Example(
            "2. A larger start",
            {"start": 0.3},
            "Far from zero there is no plateau: all axes are learned at once.",
        ),
        Example(
            "3. Beside the wrong axes",
            {"at_saddle": True, "start": 1e-6, "steps": 1500, "learning_rate": 0.1},
            "The gradient almost vanishes at the saddle that keeps the last axes, and yet descent "
            "leaves it: only the principal subspace is a minimum.",
        ),
        Example(
            "4. One unit",
            {"hidden_units": 1, "start": 0.01},
            "In the landscape: down from the hill in the middle, along the valley of the wrong "
            "axis or past it, to one of the two minima.",
        ),
        Example(
            "5. Four axes",
            {"dimension": 8, "hidden_units": 4, "start": 1e-6, "steps": 2000},
            "Four steps of the staircase, each about twice as long as the one before: the gradient "
            "along an axis is proportional to its variance.",
        ),
    ),
)
