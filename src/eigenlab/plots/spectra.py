"""Eigenvalues in the complex plane."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from eigenlab.plots.charts import new_chart, points
from eigenlab.plots.theme import GREY


def complex_plane() -> go.Figure:
    """Return an empty complex plane with the unit circle."""
    chart = new_chart("real part", "imaginary part", height=520)
    angles = [2 * math.pi * k / 180 for k in range(181)]
    chart.add_scatter(
        x=[math.cos(a) for a in angles],
        y=[math.sin(a) for a in angles],
        mode="lines",
        name="unit circle",
        line={"color": GREY, "width": 1.5, "dash": "dot"},
        hoverinfo="skip",
    )
    chart.update_yaxes(scaleanchor="x", scaleratio=1)
    return chart


def add_eigenvalues(
    chart: go.Figure, eigenvalues: Sequence[Sequence[float]], name: str, *, index: int = 0
) -> None:
    """Mark each eigenvalue.

    Args:
        chart: a :func:`complex_plane`.
        eigenvalues: [real, imaginary] of each.
        name: for the legend.
        index: place of the style among those of the curves. Default: ``0``.
    """
    real, imaginary = zip(*eigenvalues, strict=True)
    points(chart, real, imaginary, name, index=index, size=7)
