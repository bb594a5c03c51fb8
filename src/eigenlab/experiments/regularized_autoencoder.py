"""Questions 8a and 8b: what L2 regularisation adds to a linear autoencoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import plotly.graph_objects as go

from eigenlab.experiments import _regularized_measurements as measurements
from eigenlab.experiments._intervals import least, worst
from eigenlab.lab import (
    Check,
    Claim,
    Config,
    Experiment,
    Figure,
    Stage,
    Table,
    above,
    at_least,
    at_most,
    close,
    setting,
    theme,
)
from eigenlab.lab.claim import Record

#: Rounding of some thousand operations in float64, relative.
MACHINE = 1e-10
#: The course asks for a relative error below this.
RELATIVE = 1e-3
#: Two directions are different when the sine of their angle is above this; rounding gives 1e-14.
DIFFERENT = 0.01


class RegularizedAutoencoderConfig(Config):
    """Which images, how many hidden units, and how long each kind of training takes."""

    data: Literal["digits", "mnist"] = setting(
        "digits", "Images: digits ships with scikit-learn, mnist is downloaded or in EIGENLAB_DATA."
    )
    n_components: int = setting(6, "Hidden units k at the minima.", unit="units", ge=2, le=32)
    n_seeds: int = setting(3, "Random starts for each lambda.", ge=2, le=20)
    steps: int = setting(8000, "Steps of full gradient descent.", unit="steps", ge=500, le=100_000)
    sgd_components: int = setting(3, "Hidden units when training by samples.", ge=1, le=16)
    sgd_epochs: int = setting(100, "Passes over the samples.", unit="epochs", ge=5, le=1000)
    sgd_learning_rate: float = setting(
        0.005, "Largest step, in units of 1 / (total variance).", gt=0, le=1
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_components": 4, "n_seeds": 2, "steps": 4000},
        "course": {},
        "full": {"data": "mnist", "sgd_epochs": 200},
    }


def judge_ways(record: Record) -> list[Check]:
    """Squared error, weight decay and SGD; and nothing else."""
    ways = record["ways"]
    exact = [row for row in ways if row["mismatch"] <= MACHINE]
    names = [(row["loss"], row["regularizer"], row["optimizer"]) for row in exact]
    expected = ("squared error", "weight decay", "SGD")
    others = [row["mismatch"] for row in ways if row not in exact]
    return [
        close("ways that step along the gradient", len(exact), 1, tolerance=0),
        close("that one is squared error, decay, SGD", float(names == [expected]), 1, tolerance=0),
        above("smallest mismatch of the others", least(others), DIFFERENT),
    ]


def judge_rest(record: Record) -> list[Check]:
    """What each optimiser does at the minimum, with squared error and weight decay."""
    rows = {
        row["optimizer"]: row["push"]
        for row in record["ways"]
        if (row["loss"], row["regularizer"]) == ("squared error", "weight decay")
    }
    return [
        at_most("SGD: mean update over its parts", rows["SGD"], MACHINE),
        above("Adam", rows["Adam"], DIFFERENT),
        above("AdamW", rows["AdamW"], DIFFERENT),
    ]


def judge_decay(record: Record) -> list[Check]:
    """Which decay is exact with one sample at a time."""
    (exact, *wrong), mean = record["decays"][:4], record["decays"][4:]
    checks = [
        at_most(f"mismatch: {exact['way']}", exact["mismatch"], MACHINE),
        close(
            "length of its mean step over that of descent", exact["length"], 1, tolerance=MACHINE
        ),
        at_most(f"mismatch: {mean[0]['way']}", mean[0]["mismatch"], MACHINE),
    ]
    return checks + [
        above(f"mismatch: {row['way']}", row["mismatch"], DIFFERENT) for row in (*wrong, mean[1])
    ]


def judge_full_batch(record: Record) -> list[Check]:
    """With all samples at once Adam finds the minimum too; AdamW has another."""
    excess = {row["optimizer"]: row["excess"] for row in record["full_batch"]}
    return [
        at_most("SGD: objective above its minimum, relative", excess["SGD"], 1e-6),
        at_most("Adam", excess["Adam"], 1e-6),
        above("AdamW", excess["AdamW"], 1e-3),
    ]


def judge_symmetry(record: Record) -> list[Check]:
    """W1 beside the transpose of W2, over all starts."""
    return [
        at_most(f"largest |W1 - W2ᵀ|, λ = {row['lam']:.3g}", row["asymmetry"], 1e-6)
        for row in record["rows"]
    ]


def judge_values(record: Record) -> list[Check]:
    """Relative errors; where the prediction is zero, the value itself."""
    return [
        at_most(f"{name}, λ = {row['lam']:.3g}", _error(row[name], row["predicted"]), RELATIVE)
        for row in record["rows"]
        for name in ("encoder", "decoder")
    ]


def _error(starts: Sequence[Sequence[float]], predicted: Sequence[float]) -> float:
    return worst(
        abs(value - wanted) / (wanted if wanted > 0 else 1)
        for values in starts
        for value, wanted in zip(values, predicted, strict=True)
    )


def judge_samples(record: Record) -> list[Check]:
    """Singular values after training sample by sample."""
    error = _error([record["history"][-1]], record["predicted"])
    return [at_most("relative error of the singular values", error, RELATIVE)]


def judge_orthonormal(record: Record) -> list[Check]:
    """||W2ᵀ W2 - I|| against lam / sigma_k^2, and its slope."""
    rows = [row for row in record["rows"] if row["active"] == len(record["variances"])]
    last = record["variances"][-1]
    ratios = [value * last / row["lam"] for row in rows for value in row["deviation"]]
    ends = rows[0], rows[-1]
    slope = math.log(ends[1]["deviation"][0] / ends[0]["deviation"][0]) / math.log(
        ends[1]["lam"] / ends[0]["lam"]
    )
    return [
        close("smallest deviation / (λ / σ_k²)", least(ratios), 1, tolerance=RELATIVE),
        close("largest deviation / (λ / σ_k²)", worst(ratios), 1, tolerance=RELATIVE),
        close("slope in double logarithms", slope, 1, tolerance=RELATIVE),
    ]


def judge_identified(record: Record) -> list[Check]:
    """What starts agree on and what they do not; columns in one dimension can only agree."""
    rows = record["rows"]
    return [
        at_least(
            "columns of W2 between starts up to order and sign, smallest over λ",
            least(row["column_angle"] for row in rows if row["active"] > 1),
            0.05,
            unit="rad",
        ),
        at_most("column space against PCA", worst(r["span_angle"] for r in rows), 1e-4, unit="rad"),
        at_most("W2 W2ᵀ between starts", worst(r["product_difference"] for r in rows), 1e-4),
        at_most(
            "left singular vectors against principal axes",
            worst(r["axis_angle"] for r in rows),
            1e-3,
            unit="rad",
        ),
    ]


def draw_ways(record: Record) -> go.Figure:
    """Mismatch of every way, one marker per optimiser."""
    chart = theme.figure(
        "loss and regulariser", "sine of the angle to the gradient", log_y=True, height=520
    )
    for optimizer in ("SGD", "Adam", "AdamW"):
        chosen = [row for row in record["ways"] if row["optimizer"] == optimizer]
        theme.points(
            chart,
            [f"{row['loss']}, {row['regularizer']}" for row in chosen],
            [max(row["mismatch"], 1e-16) for row in chosen],
            optimizer,
            size=10,
        )
    chart.update_yaxes(range=[-16.5, 0.5])
    chart.update_xaxes(tickangle=-45)
    return chart


def draw_history(record: Record) -> go.Figure:
    """Singular values of W2 epoch by epoch with the predicted ones."""
    chart = theme.figure(
        "epochs (passes, sample by sample)", "singular value of W<sub>2</sub>", log_x=True
    )
    epochs = list(range(1, len(record["history"])))
    for place, wanted in enumerate(record["predicted"]):
        values = [row[place] for row in record["history"][1:]]
        theme.line(chart, epochs, values, f"i = {place + 1}", markers=False)
        theme.reference(chart, y=wanted)
    return chart


def draw_values(record: Record) -> go.Figure:
    """Measured points on the predicted curves over lambda."""
    chart = theme.figure(
        "λ (units of a variance)", "singular value of W<sub>2</sub>", log_x=True, height=480
    )
    low, high = record["rows"][0]["lam"] / 1.5, record["rows"][-1]["lam"] * 1.5
    grid = [low * (high / low) ** (i / 200) for i in range(201)]
    for place, variance in enumerate(record["variances"]):
        curve = [math.sqrt(max(0, 1 - lam / variance)) for lam in grid]
        theme.line(chart, grid, curve, f"i = {place + 1}, predicted", index=place, markers=False)
    for place in range(len(record["variances"])):
        theme.points(
            chart,
            [row["lam"] for row in record["rows"] for _ in row["decoder"]],
            [values[place] for row in record["rows"] for values in row["decoder"]],
            "measured",
            index=place,
            size=8,
        )
        chart.data[-1].showlegend = False
    return chart


def draw_orthonormal(record: Record) -> go.Figure:
    """Deviation from orthonormal columns over lambda with the line of slope one."""
    chart = theme.figure(
        "λ (units of a variance)", "‖W<sub>2</sub>ᵀ W<sub>2</sub> − I‖ (largest singular value)",
        log_x=True, log_y=True,
    )  # fmt: skip
    lams = [row["lam"] for row in record["rows"]]
    last = record["variances"][-1]
    corners = sorted([*lams, last])
    bound = [min(1.0, lam / last) for lam in corners]
    theme.line(chart, corners, bound, "predicted, min(1, λ / σ<sub>k</sub>²)", markers=False)
    theme.points(chart, lams, [worst(row["deviation"]) for row in record["rows"]], "measured")
    return chart


def draw_cost(record: Record) -> go.Figure:
    """sigma^2 + 1/sigma^2, the smallest norm of two factors of a projection."""
    chart = theme.figure(
        "singular value σ of W<sub>2</sub>", "smallest ‖w₁‖² + ‖w₂‖² with w₁ w₂ = 1"
    )
    grid = [0.4 * (2.5 / 0.4) ** (i / 100) for i in range(101)]
    theme.line(chart, grid, [s**2 + s**-2 for s in grid], "σ² + 1/σ²", markers=False)
    theme.reference(chart, x=1.0, text=" σ = 1")
    for row in (record["rows"][0], record["rows"][3]):
        values = [value for start in row["decoder"] for value in start]
        name = f"measured σ, λ = {row['lam']:.2g}"
        theme.points(chart, values, [s**2 + s**-2 for s in values], name)
    return chart


def table_ways(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Every way, the exact one first."""
    rows = sorted(record["ways"], key=lambda row: row["mismatch"])
    names = ("loss", "regularizer", "optimizer", "mismatch", "push")
    return names, [[row[name] for name in names] for row in rows]


def table_decays(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Weight decays for one sample at a time."""
    names = ("way", "mismatch", "length")
    return names, [[row[name] for name in names] for row in record["decays"]]


KUNIN = "Kunin, Bloom, Goeva and Seed 2019, arXiv:1901.08168"

EXPERIMENT = Experiment(
    name="regularized-autoencoder",
    title="What L2 regularisation adds to PCA",
    source=("8a", "8b"),
    summary=(
        "The objective is L = (1/n) ||X - W2 W1 X||² + λ ||W1||² + λ ||W2||². Which combination of "
        "loss, regulariser and optimiser minimises just this is found by comparing the updates "
        "they make with its gradient. At the minimum W1 is the transpose of W2, and both have "
        "singular values known in advance, sqrt(max(0, 1 - λ/σᵢ²)); as λ falls the columns of W2 "
        "become orthonormal. They stay free to rotate, but their singular vectors do not."
    ),
    config=RegularizedAutoencoderConfig,
    stages=(
        Stage("objective", measurements.measure_objective),
        Stage("minima", measurements.measure_minima),
        Stage("training", measurements.measure_training),
    ),
    claims=(
        Claim(
            id="8a.exact-step",
            statement="Of three losses, four regularisers and three optimisers, only squared "
            "error with weight decay and SGD steps along the gradient of L.",
            source="question 8a",
            record="objective",
            judge=judge_ways,
            explanation="The mean of the updates over equal batches is compared with -gradient at "
            "several weights at once. Adam divides each entry by its own size; dropout of hidden "
            "units penalises the mean square of each times the squared norm of its column of W2, "
            "another penalty than L's; norms change the network and penalise nothing; L1 and "
            "cross-entropy have other gradients.",
        ),
        Claim(
            id="8a.rest",
            statement="At the minimum of L the mean update of SGD is zero, and that of Adam and "
            "AdamW is not.",
            source="question 8a",
            record="objective",
            judge=judge_rest,
            explanation="The gradients of single batches cancel there; divided by their own sizes, "
            "as in Adam, they do not. Measured with fresh optimisers on batches of eight.",
        ),
        Claim(
            id="8a.decay",
            statement="One sample at a time, with the squared error summed over features, weight "
            "decay 2λ is exact.",
            source="question 8a",
            record="objective",
            judge=judge_decay,
            explanation="torch.optim.SGD adds decay times W to each gradient, and that of "
            "λ ||W||² is 2λ W, in every step and for every sample, since L has a mean over "
            "samples. If the error is averaged over the d features, as nn.MSELoss does, the whole "
            "of L is divided by d, so the decay is 2λ/d, and the learning rate d times as large.",
        ),
        Claim(
            id="8a.full-batch",
            statement="With all samples in every batch Adam with L2 in the gradient ends at the "
            "same minimum, and AdamW, whose decay bypasses the scaling, does not.",
            source="question 8a; Loshchilov and Hutter 2019, arXiv:1711.05101",
            record="objective",
            judge=judge_full_batch,
            explanation="Adam's update is zero where the full gradient is, so it has the same "
            "stationary points even though it takes another way. AdamW balances a scaled gradient "
            "with an unscaled decay: another objective.",
        ),
        Claim(
            id="8b.symmetry",
            statement="At the minimum W1 is the transpose of W2.",
            source="question 8b; " + KUNIN,
            record="minima",
            judge=judge_symmetry,
            explanation="Where both gradients vanish, λ W1 W1ᵀ = λ W2ᵀ W2: the penalty is lowest "
            "when the two factors share the work equally.",
        ),
        Claim(
            id="8b.singular-values",
            statement="At the minimum W1 and W2 have the singular values sqrt(max(0, 1 - λ/σᵢ²)).",
            source="question 8b; " + KUNIN,
            record="minima",
            judge=judge_values,
            explanation="Along one principal axis the objective is σ²(1 - p²)² + 2λp². Its minimum "
            "is at p² = 1 - λ/σ², and at zero when the axis has less variance than λ.",
        ),
        Claim(
            id="8b.one-sample",
            statement="Trained one sample at a time with weight decay 2λ, the singular values "
            "reach the prediction to 0.1 %.",
            source="question 8b",
            record="training",
            judge=judge_samples,
            explanation="With a learning rate that falls to zero; at a constant one they keep "
            "fluctuating around values that are off by a part proportional to it.",
        ),
        Claim(
            id="8b.orthonormal",
            statement="The distance of W2ᵀ W2 from the identity is λ/σ_k², linear in λ up to σ_k².",
            source="question 8b",
            record="minima",
            judge=judge_orthonormal,
            explanation="W2ᵀ W2 has the eigenvalues 1 - λ/σᵢ², and the last is farthest from 1. "
            "Read backwards: as λ falls to zero the columns become orthonormal.",
        ),
        Claim(
            id="8b.identified",
            statement="The columns of W2 are not identified, only their space is; yet for λ > 0 "
            "the left singular vectors of W2 are the principal axes.",
            source="question 8b; " + KUNIN,
            record="minima",
            judge=judge_identified,
            explanation="L does not change under W2 O, Oᵀ W1 with orthogonal O, so each start ends "
            "with other columns. W2 W2ᵀ does not contain O: starts agree on it, and its "
            "eigenvectors are the axes wherever the variances above λ differ. Without "
            "regularisation O may be any invertible matrix, and the space alone remains.",
        ),
    ),
    figures=(
        Figure(
            "ways",
            "Which training follows the gradient of L",
            "Sine of the angle between the mean update and -gradient. One point is at rounding "
            "error; a value of 1 is a right angle or more.",
            "objective",
            draw_ways,
        ),
        Figure(
            "history",
            "Singular values during training",
            "One sample at a time, with weight decay 2λ. Dotted: the predicted values.",
            "training",
            draw_history,
        ),
        Figure(
            "values",
            "Measured against predicted singular values",
            "Curves: sqrt(max(0, 1 - λ/σᵢ²)). Points: gradient descent from several starts. Where "
            "λ exceeds the variance of an axis, that axis is given up.",
            "minima",
            draw_values,
        ),
        Figure(
            "orthonormal",
            "Columns become orthonormal as λ falls",
            "Spectral norm of W2ᵀ W2 - I; the line is λ/σ_k², and 1 once a unit is off.",
            "minima",
            draw_orthonormal,
        ),
        Figure(
            "cost",
            "Why the singular values tend to one",
            "If W2 W1 is a projection, a singular value σ of W2 comes with 1/σ in W1, and their "
            "squared norms add to σ² + 1/σ², which is smallest at σ = 1. So the slightest penalty "
            "chooses orthonormal columns; a larger one shortens them. Points are measured σ, "
            "put on the curve: their own w₁ w₂ is σ², below 1.",
            "minima",
            draw_cost,
        ),
    ),
    tables=(
        Table("ways", "Every way of training", "objective", table_ways),
        Table("decays", "Which weight decay is exact", "objective", table_decays),
    ),
    metrics=lambda records: {
        "largest_error": worst(
            _error(row["decoder"], row["predicted"]) for row in records["minima"]["rows"]
        ),
        "sgd_error": _error([records["training"]["history"][-1]], records["training"]["predicted"]),
    },
)
