"""The picture of a check: what a student's code gives beside the right values."""

from __future__ import annotations

import itertools

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eigenlab import plots
from eigenlab.grading.comparison import Picture

#: Curves, entries and rows that are drawn at most.
CURVES, ENTRIES, ROWS = 4, 200, 60
#: Steps up to which each has a tick.
FEW = 20


def comparison_figure(picture: Picture) -> tuple[go.Figure, str]:
    """A figure of both values, and the sentence that says what it shows.

    Values with an axis of steps are curves over it; matrices are two heat maps; anything else is
    drawn entry by entry.

    Args:
        picture: the values.

    >>> values = np.zeros((2, 3, 1))
    >>> drawn = Picture("all_h", values, values, ("sequence", "step", "unit"))
    >>> comparison_figure(drawn)[1]
    'all_h: yours (markers) and right (lines), at each step.'
    """
    if "step" in picture.axes:
        return _over_steps(picture)
    rows, columns = picture.expected.shape if picture.expected.ndim == 2 else (0, 0)
    if 1 < rows <= ROWS and 1 < columns <= ROWS:
        return _matrices(picture)
    return _entries(picture)


def _over_steps(picture: Picture) -> tuple[go.Figure, str]:
    place = picture.axes.index("step")
    given, right = (np.moveaxis(v, place, -1) for v in (picture.given, picture.expected))
    others = [name for name in picture.axes if name != "step"]
    steps = list(range(1, right.shape[-1] + 1))
    chart = plots.new_chart("step", "value")
    if len(steps) <= FEW:
        chart.update_xaxes(dtick=1)
    every = list(itertools.product(*map(range, right.shape[:-1])))
    # Units of one sequence, then those of the next; an axis of length 1 needs no word.
    for index, entry in enumerate(every[:CURVES]):
        name = ", ".join(
            f"{word} {number + 1}"
            for word, number, size in zip(others, entry, right.shape[:-1], strict=True)
            if size > 1
        )
        plots.line(
            chart,
            steps,
            right[entry].tolist(),
            f"right, {name}".rstrip(", "),
            index=index,
            markers=False,
        )
        plots.points(
            chart, steps, given[entry].tolist(), f"yours, {name}".rstrip(", "), index=index
        )
    more = f" {CURVES} of {len(every)} curves." if len(every) > CURVES else ""
    return chart, f"{picture.label}: yours (markers) and right (lines), at each step.{more}"


def _matrices(picture: Picture) -> tuple[go.Figure, str]:
    row, column = picture.axes or ("row", "column")
    chart = make_subplots(1, 2, subplot_titles=("yours", "right"), horizontal_spacing=0.1)
    chart.update_layout(template={}, height=plots.HEIGHT)
    finite = picture.expected[np.isfinite(picture.expected)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    for place, values in enumerate((picture.given, picture.expected), 1):
        chart.add_trace(
            go.Heatmap(
                z=values,
                zmin=low,
                zmax=high,
                colorscale=plots.SEQUENTIAL,
                showscale=place == 2,
                colorbar={"title": {"text": "value", "side": "right"}},
                hovertemplate=f"{row} %{{y}}, {column} %{{x}}<br>%{{z:.4g}}<extra></extra>",
            ),
            row=1,
            col=place,
        )
    chart.update_xaxes(title_text=column, showgrid=False)
    chart.update_yaxes(title_text=row, showgrid=False, autorange="reversed")
    return chart, f"{picture.label}: yours and right, with the same colours."


def _entries(picture: Picture) -> tuple[go.Figure, str]:
    given, right = picture.given.ravel(), picture.expected.ravel()
    numbers = list(range(1, min(len(right), ENTRIES) + 1))
    chart = plots.new_chart("entry, in reading order", "value")
    plots.points(chart, numbers, right[:ENTRIES].tolist(), "right", index=0, size=11)
    plots.points(chart, numbers, given[:ENTRIES].tolist(), "yours", index=1, size=6)
    more = f" The first {ENTRIES} of {len(right)}." if len(right) > ENTRIES else ""
    return chart, f"{picture.label}: yours and right, entry by entry.{more}"
