"""The scripts with which a page shows figures: plotly.js, and how this project lays them out."""

from __future__ import annotations

from importlib import resources


def plotly_script() -> str:
    """Return plotly.js, as the installed plotly has it."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def figure_script() -> str:
    """Return the script that fits a figure's layout to a page (``EigenlabFigure.layout``)."""
    path = resources.files("eigenlab.plots") / "assets" / "figure.js"
    return path.read_text(encoding="utf-8")
