"""Question 3b: a linear autoencoder is principal component analysis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal

import plotly.graph_objects as go

from eigenlab.experiments import _pca_measurements as measurements
from eigenlab.experiments._intervals import worst
from eigenlab.lab import (
    Check,
    Claim,
    Config,
    Experiment,
    Figure,
    Stage,
    Table,
    at_most,
    close,
    setting,
    theme,
)
from eigenlab.lab.claim import Record

#: Rounding of some hundred operations in float64, relative to the largest entry.
MACHINE = 1e-12
#: Central differences with a step of 1e-4 on a quartic: truncation 1e-8, rounding 1e-11.
DIFFERENCES = 1e-6


class PCAOptimalityConfig(Config):
    """Which images are decomposed, how far, and how long descent may take."""

    data: Literal["digits", "mnist"] = setting(
        "digits", "Images: digits ships with scikit-learn, mnist is downloaded or in EIGENLAB_DATA."
    )
    n_components: int = setting(8, "Hidden units of the autoencoder.", unit="units", ge=1, le=32)
    n_seeds: int = setting(5, "Random networks and starts.", ge=1, le=50)
    steps: int = setting(15000, "Steps of gradient descent.", unit="steps", ge=100, le=100_000)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_seeds": 2, "n_components": 4, "steps": 2500},
        "course": {},
        "full": {"data": "mnist", "n_components": 16, "steps": 8000},
    }


def judge_gradients(record: Record) -> list[Check]:
    """Both references, per weight matrix."""
    return [
        at_most(
            f"dL/d{weight} against {words}",
            worst(row[key] for row in record["rows"] if row["weight"] == weight),
            bound,
        )
        for weight in ("W1", "W2")
        for key, words, bound in (
            ("autograd", "automatic differentiation", MACHINE),
            ("differences", "central differences", DIFFERENCES),
        )
    ]


def judge_stationary(record: Record) -> list[Check]:
    """The gradient at every subset, and at the components of the images."""
    points, images = record["points"], record["images"]
    return [
        at_most("gradient, any subset", worst(p["gradient"] for p in points), MACHINE),
        at_most(
            "loss less the discarded eigenvalues",
            worst(abs(p["loss"] - p["loss_by_formula"]) / points[-1]["loss"] for p in points),
            MACHINE,
        ),
        at_most("gradient, components of the images", images["gradient"], MACHINE),
    ]


def judge_saddles(record: Record) -> list[Check]:
    """Counted against computed Hessian; one minimum."""
    points = record["points"]
    kinds = [tuple(p["subset"]) for p in points if p["hessian_index"] == 0]
    best = tuple(range(measurements.SMALL_WIDTH))
    return [
        close("points", len(points), 1 + 5 + 10, tolerance=0),
        close("points without a direction of descent", len(kinds), 1, tolerance=0),
        close("that one keeps the top axes", float(kinds == [best]), 1, tolerance=0),
        *(
            close(
                f"points whose {words} is not as counted",
                sum(p[key] != p[f"hessian_{key}"] for p in points),
                0,
                tolerance=0,
            )
            for key, words in (("index", "number of descents"), ("nullity", "flat directions"))
        ),
    ]


def judge_subspace(record: Record) -> list[Check]:
    """The last step of every start."""
    return [
        at_most(
            "largest principal angle", worst(row[-1] for row in record["angles"]), 1e-3, unit="rad"
        ),
        at_most(
            "loss above the discarded eigenvalues, relative",
            worst(abs(row[-1]) for row in record["excess"]),
            1e-4,
        ),
    ]


def judge_pca(record: Record) -> list[Check]:
    """The estimator beside scikit-learn's."""
    images = record["images"]
    return [
        at_most("principal angle to PCA", images["angle_to_pca"], 1e-6, unit="rad"),
        at_most("explained variance ratio", images["ratio_difference"], MACHINE),
    ]


def judge_staircase(record: Record) -> list[Check]:
    """Every saddle on the way is approached, in order."""
    visits = record["visits"]
    order = [visit["step"] for visit in visits]
    checks = [
        at_most(f"distance to the projection on {v['rank']} axes", v["distance"], 0.05)
        for v in visits
    ]
    checks += [
        close(f"loss there, {v['rank']} axes", v["loss"], v["plateau"], tolerance=0.01)
        for v in visits
    ]
    return [*checks, close("visits out of order", _disorder(order), 0, tolerance=0)]


def _disorder(steps: Sequence[int]) -> int:
    return sum(a >= b for a, b in pairwise(steps))


def draw_points(record: Record) -> go.Figure:
    """Loss against number of descents, one marker style per number of axes kept."""
    chart = theme.figure("directions of descent", "loss / ||X||² (share of the variance)")
    total = record["points"][-1]["loss"]
    for rank in range(measurements.SMALL_WIDTH, -1, -1):
        chosen = [p for p in record["points"] if len(p["subset"]) == rank]
        theme.points(
            chart,
            [p["hessian_index"] for p in chosen],
            [p["loss"] / total for p in chosen],
            f"{rank} axes kept" if rank != 1 else "1 axis kept",
            text=[f"axes {[i + 1 for i in p['subset']]}" for p in chosen],
            size=11,
        )
    chart.update_xaxes(dtick=1)
    return chart


def draw_paths(record: Record) -> go.Figure:
    """Loss along the path of planes, one piece per swap."""
    chart = theme.figure("angle along the path (degrees)", "loss / ||X||² (share of the variance)")
    for place, piece in enumerate(record["paths"]):
        steps = len(piece["losses"]) - 1
        names = [" and ".join(str(i + 1) for i in piece[end]) for end in ("start", "end")]
        theme.line(
            chart,
            [90 * (place + i / steps) for i in range(steps + 1)],
            piece["losses"],
            f"axes {names[0]} → {names[1]}",
            markers=False,
        )
        theme.reference(chart, x=90 * (place + 1))
    chart.update_xaxes(dtick=90)
    return chart


def draw_training(record: Record) -> go.Figure:
    """Principal angle and excess loss, one line per start."""
    chart = theme.figure("step of gradient descent", "largest principal angle (rad)", log_y=True)
    for place, row in enumerate(record["angles"]):
        theme.line(chart, record["steps"], row, f"start {place + 1}", index=place, markers=False)
    chart.update_yaxes(dtick=1)
    chart.update_xaxes(exponentformat="none")
    return chart


def draw_staircase(record: Record) -> go.Figure:
    """Loss over steps with the losses of the saddles."""
    chart = theme.figure("step of gradient descent", "loss / ||X||² (share of the variance)")
    theme.line(chart, record["steps"], record["losses"], "loss", markers=False)
    visits = record["visits"]
    theme.points(
        chart,
        [v["step"] for v in visits],
        [v["loss"] for v in visits],
        "nearest to the saddle of 0, 1, ... axes",
    )
    for visit in visits:
        theme.reference(chart, y=visit["plateau"])
    chart.update_yaxes(rangemode="tozero")
    return chart


def draw_slope(record: Record) -> go.Figure:
    """Norm of the gradient over steps: small at every saddle."""
    chart = theme.figure("step of gradient descent", "norm of the gradient / ||X||²", log_y=True)
    theme.line(chart, record["steps"], record["gradient"], "gradient", markers=False)
    return chart


def table_points(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Every stationary point."""
    total = record["points"][-1]["loss"]
    rows = [
        [
            ", ".join(str(i + 1) for i in p["subset"]) or "none",
            p["loss"] / total,
            p["index"],
            p["hessian_index"],
            p["hessian_nullity"],
            "minimum" if p["hessian_index"] == 0 else "saddle",
        ]
        for p in record["points"]
    ]
    columns = ("axes kept", "loss share", "descents counted", "descents of the Hessian", "flat", "")
    return (*columns[:5], "kind"), rows


EXPERIMENT = Experiment(
    name="pca-optimality",
    title="A linear autoencoder is PCA",
    source=("3b",),
    summary=(
        "Without a nonlinearity an autoencoder minimises ||X - W2 W1 X||². Its gradients are "
        "derived by hand and checked; every choice of eigenvectors of X Xᵀ makes both vanish, but "
        "only the leading ones are a minimum, and all others are saddles with a number of "
        "directions of descent that can be counted. So training ends at the principal "
        "components, and on its way it may wait at one saddle after another."
    ),
    config=PCAOptimalityConfig,
    stages=(
        Stage("gradients", measurements.measure_gradients),
        Stage("points", measurements.measure_points),
        Stage("training", measurements.measure_training),
        Stage("staircase", measurements.measure_staircase),
    ),
    claims=(
        Claim(
            id="3b.gradients",
            statement="dL/dW1 = 2 W2ᵀ (W2 W1 - I) X Xᵀ and dL/dW2 = 2 (W2 W1 - I) X Xᵀ W1ᵀ.",
            source="question 3b",
            record="gradients",
            judge=judge_gradients,
            explanation="Compared in double precision with automatic differentiation and with "
            "central differences, relative to the largest entry.",
        ),
        Claim(
            id="3b.stationary",
            statement="With W2 = W1ᵀ = any eigenvectors of X Xᵀ both gradients are zero, and the "
            "loss is the sum of the other eigenvalues.",
            source="Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2",
            record="points",
            judge=judge_stationary,
            explanation="Then W2 W1 projects on eigenvectors, and what is left over, "
            "(W2 W1 - I) X Xᵀ, is orthogonal to all of them.",
        ),
        Claim(
            id="3b.saddles",
            statement="Only the leading eigenvectors are a minimum; every other subset is a saddle "
            "with as many directions of descent as it has pairs of a kept and a better axis "
            "left out, and more where a unit is off.",
            source="Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2",
            record="points",
            judge=judge_saddles,
            explanation="Turning a kept axis towards a better one lowers the loss to second order. "
            "The count is compared with the eigenvalues of the Hessian in all weights; its flat "
            "directions come from W2 C, C⁻¹ W1, which has the same loss for every invertible C.",
        ),
        Claim(
            id="3b.subspace",
            statement="Gradient descent from a random start ends in the principal subspace.",
            source="question 3b",
            record="training",
            judge=judge_subspace,
            explanation="There is no local minimum to be caught in, and a random start is not on "
            "the path into a saddle. How fast depends on the gap between the last kept and the "
            "first discarded eigenvalue. The loss is the last to settle: the encoder's weights "
            "along an axis fade at a rate proportional to its eigenvalue.",
        ),
        Claim(
            id="3b.pca",
            statement="The closed form agrees with scikit-learn's PCA on the images.",
            source="question 3b",
            record="points",
            judge=judge_pca,
        ),
        Claim(
            id="3b.staircase",
            statement="Started almost at zero, descent passes close to the saddles of the first 0, "
            "1, 2, ... principal axes, in this order, before it reaches the minimum.",
            source="Saxe, McClelland and Ganguli 2014, arXiv:1312.6120",
            record="staircase",
            judge=judge_staircase,
            explanation="Small weights grow along each axis at a rate proportional to its "
            "eigenvalue, so the largest is found first, and the loss waits where it is until the "
            "next has grown. Eigenvalues here halve from one to the next.",
        ),
    ),
    figures=(
        Figure(
            "points",
            "Every stationary point",
            "Loss and number of negative eigenvalues of the Hessian at each choice of axes; five "
            "axes, two hidden units. Only one point has no way down.",
            "points",
            draw_points,
        ),
        Figure(
            "paths",
            "From saddle to saddle, downhill",
            "Loss while the kept plane turns from the worst pair of axes to the best, one axis at "
            "a time. Each dotted line is a stationary point: flat there, and lower beyond.",
            "points",
            draw_paths,
        ),
        Figure(
            "training",
            "Training finds the principal subspace",
            "Largest principal angle between the decoder's columns and the principal subspace. "
            "First it shrinks at a rate set by the gap in the spectrum; then slowly: the encoder's "
            "weights on axes of little variance fade at the rate of that variance, and the decoder "
            "leans after them.",
            "training",
            draw_training,
        ),
        Figure(
            "staircase",
            "A staircase of saddles",
            "Loss from a start of size 1e-8. Dotted: the losses of the saddles that keep the first "
            "0, 1, 2, ... axes. Each stair is one more axis.",
            "staircase",
            draw_staircase,
        ),
        Figure(
            "slope",
            "The gradient almost vanishes at every stair",
            "Norm of the gradient on the same way: a dip at each saddle, and a straight fall into "
            "the minimum.",
            "staircase",
            draw_slope,
        ),
    ),
    tables=(Table("points", "Stationary points, best first", "points", table_points),),
    metrics=lambda records: {
        "explained_variance": records["points"]["images"]["explained"],
        "largest_angle": worst(row[-1] for row in records["training"]["angles"]),
    },
)
