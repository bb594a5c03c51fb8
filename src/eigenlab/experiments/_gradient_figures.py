"""The figures of ``gradient-flow``, pure functions of its records."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go

from eigenlab.lab import theme
from eigenlab.lab.claim import Record

STEP_AXIS = "time step t"
STATE, GRADIENT = "|h<sub>t</sub>|", "|∂L/∂h<sub>t</sub>|"


def draw_norms(record: Record) -> go.Figure:
    """|h_t| and |dL/dh_t| of the chosen network and of its linear counterpart."""
    chart = theme.figure(STEP_AXIS, "Euclidean norm (mean over the batch)", log_y=True, height=480)
    for place, (name, network) in enumerate(record["networks"].items()):
        steps = list(range(1, len(network["hidden_norms"]) + 1))
        label = "linear" if name == "identity" else name
        for shift, key, words in (
            (0, "hidden", "|h<sub>t</sub>|"),
            (1, "gradient", "|∂L/∂h<sub>t</sub>|"),
        ):
            theme.line(
                chart,
                steps,
                network[f"{key}_norms"],
                f"{words}, {label}",
                index=2 * place + shift,
                markers=False,
            )
        if network["closed_form_norms"] is not None:
            add_closed_form(chart, steps, network["closed_form_norms"], index=2 * place + 1)
    return chart


def add_closed_form(
    chart: go.Figure, steps: list[int], norms: list[float], *, index: int, legend: bool = True
) -> None:
    """Overlay open circles at a dozen steps of the closed form."""
    stride = max(1, len(steps) // 12)
    theme.points(
        chart,
        steps[::-stride],
        norms[::-stride],
        "closed form |2(ŷ − y) W<sub>f</sub> W<sub>h</sub><sup>T−t</sup>|",
        index=index,
    )
    chart.data[-1].update(marker={"symbol": "circle-open", "line": {"width": 2}}, showlegend=legend)


def draw_bound(record: Record) -> go.Figure:
    """The gradient under the product of the norms of the Jacobians."""
    name, case = next(iter(record["bounds"].items()))
    steps = list(range(1, len(case["gradient_norms"]) + 1))
    chart = theme.figure(STEP_AXIS, "Euclidean norm (mean over the batch)", log_y=True)
    theme.line(chart, steps, case["gradient_norms"], f"{GRADIENT}, {name}", markers=False)
    theme.line(chart, steps, case["bound"], "bound ∏‖diag(σ′) W<sub>h</sub>‖", markers=False)
    return chart


def draw_eigenvalues(record: Record) -> go.Figure:
    """Eigenvalues of W_h with the unit circle."""
    network = next(iter(record["networks"].values()))
    chart = complex_plane()
    label = f"eigenvalues, spectral radius {network['spectral_radius']:.2f}"
    add_eigenvalues(chart, network["eigenvalues"], label)
    return chart


def complex_plane() -> go.Figure:
    """An empty complex plane with the unit circle."""
    chart = theme.figure("real part", "imaginary part", height=520)
    angles = [2 * math.pi * k / 180 for k in range(181)]
    chart.add_scatter(
        x=[math.cos(a) for a in angles],
        y=[math.sin(a) for a in angles],
        mode="lines",
        name="unit circle",
        line={"color": theme.GREY, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    chart.update_yaxes(scaleanchor="x", scaleratio=1)
    return chart


def add_eigenvalues(chart: go.Figure, eigenvalues: Any, name: str, index: int = 0) -> None:
    """Mark each eigenvalue, given as [real, imaginary]."""
    real, imaginary = zip(*eigenvalues, strict=True)
    theme.points(chart, real, imaginary, name, index=index, size=7)


def draw_pairs(record: Record) -> go.Figure:
    """|dL_k/dh_t| for every loss step k and state step t."""
    pairs = record["pairs"]
    return theme.heatmap(
        pairs["norms"],
        x=pairs["steps"],
        y=pairs["steps"],
        x_title="state at step t",
        y_title="loss at step k",
        value_title="|∂L<sub>k</sub>/∂h<sub>t</sub>|",
        log=True,
        numbers=False,
        height=520,
    )


def draw_terms(record: Record) -> go.Figure:
    """How much each step contributes to the gradient of each parameter."""
    network = next(iter(record["networks"].values()))
    chart = theme.figure(STEP_AXIS, "Frobenius norm of the step's term", log_y=True)
    labels = {"W_h": "∂L/∂W<sub>h</sub>", "W_x": "∂L/∂W<sub>x</sub>", "b": "∂L/∂b"}
    for name, norms in network["term_norms"].items():
        theme.line(chart, list(range(1, len(norms) + 1)), norms, labels[name], markers=False)
    return chart


def draw_growth(record: Record, shown: int = 100) -> go.Figure:
    """|dL/dh_t| over |dL/dh_T| at the last ``shown`` steps, with the closed form."""
    chart = theme.figure(STEP_AXIS, f"{GRADIENT} / |∂L/∂h<sub>T</sub>|", log_y=True, height=480)
    for place, network in enumerate(examples(record)):
        length = len(network["gradient_norms"])
        steps = list(range(max(1, length - shown + 1), length + 1))
        last = network["gradient_norms"][-1]
        relative, expected = (
            [norm / last for norm in network[key][-shown:]]
            for key in ("gradient_norms", "closed_form_norms")
        )
        name = f"spectral radius {network['radius']:g}"
        theme.line(chart, steps, relative, name, index=place, markers=False)
        add_closed_form(chart, steps, expected, index=place, legend=place == 0)
    return chart


def examples(record: Record) -> list[Any]:
    """One network per spectral radius: that of the first seed."""
    return [n for n in record["networks"] if n["seed"] == record["seeds"][0]]


def draw_spectra(record: Record) -> go.Figure:
    """Eigenvalues of the example networks."""
    chart = complex_plane()
    for place, network in enumerate(examples(record)):
        add_eigenvalues(
            chart, network["eigenvalues"], f"spectral radius {network['radius']:g}", place
        )
    return chart


def draw_rates(record: Record) -> go.Figure:
    """How far the measured growth rate is from ln(spectral radius), and what theory allows."""
    distances = record["distances"]
    chart = theme.figure(
        "distance n = T − t (steps)",
        "|growth rate − ln ρ| (nats per step)",
        log_x=True,
        log_y=True,
        height=480,
    )
    for place, network in enumerate(examples(record)):
        theme.line(
            chart,
            distances,
            [abs(rate - math.log(network["radius"])) for rate in network["rates"]],
            f"spectral radius {network['radius']:g}",
            index=place,
            markers=False,
        )
    widest = max(max(-n["log_low"], n["log_high"]) for n in examples(record))
    theme.line(
        chart, distances, [widest / d for d in distances], "proven bound ∝ 1/n", index=6,
        markers=False,
    )  # fmt: skip
    return chart
