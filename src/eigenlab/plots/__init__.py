"""Figures in a common style: charts, heat maps and complex planes on plotly.

>>> from eigenlab import plots
>>> chart = plots.new_chart("time step t", "loss (nats)")
>>> plots.line(chart, [1, 2, 3], [3.0, 2.0, 1.5], "training")
"""

from eigenlab.plots.charts import (
    Values,
    band,
    drawable,
    line,
    mean_and_range,
    new_chart,
    points,
    reference,
)
from eigenlab.plots.heatmaps import heatmap
from eigenlab.plots.spectra import add_eigenvalues, complex_plane
from eigenlab.plots.theme import (
    COLORS,
    DARK,
    DIVERGING,
    GREY,
    HEIGHT,
    LIGHT,
    NEUTRAL,
    SEQUENTIAL,
    Style,
    fade,
    style,
)

__all__ = [
    "COLORS",
    "DARK",
    "DIVERGING",
    "GREY",
    "HEIGHT",
    "LIGHT",
    "NEUTRAL",
    "SEQUENTIAL",
    "Style",
    "Values",
    "add_eigenvalues",
    "band",
    "complex_plane",
    "drawable",
    "fade",
    "heatmap",
    "line",
    "mean_and_range",
    "new_chart",
    "points",
    "reference",
    "style",
]
