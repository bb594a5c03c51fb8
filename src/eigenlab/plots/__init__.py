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
from eigenlab.plots.gradients import (
    GRADIENT,
    NORM_AXIS,
    STATE,
    STEP_AXIS,
    add_closed_form,
    add_norms,
    norms_chart,
    pairwise_heatmap,
    training_heatmap,
)
from eigenlab.plots.heatmaps import heatmap
from eigenlab.plots.page_assets import figure_script, plotly_script
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
    "GRADIENT",
    "GREY",
    "HEIGHT",
    "LIGHT",
    "NEUTRAL",
    "NORM_AXIS",
    "SEQUENTIAL",
    "STATE",
    "STEP_AXIS",
    "Style",
    "Values",
    "add_closed_form",
    "add_eigenvalues",
    "add_norms",
    "band",
    "complex_plane",
    "drawable",
    "fade",
    "figure_script",
    "heatmap",
    "line",
    "mean_and_range",
    "new_chart",
    "norms_chart",
    "pairwise_heatmap",
    "plotly_script",
    "points",
    "reference",
    "style",
    "training_heatmap",
]
