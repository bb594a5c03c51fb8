"""Colours, dashes, markers and templates: the common style of all figures.

Curves differ in colour *and* dash *and* marker, so that they can be distinguished without colour
and in greyscale print. Figures carry the template :data:`NEUTRAL`, whose greys
are readable on white and on black; a page that knows its background swaps in :data:`LIGHT` or
:data:`DARK` (``Plotly.relayout(div, {template: ...})``), because no colour of text, axis or grid
is written into the figure itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

#: Okabe and Ito's palette (https://jfly.uni-koeln.de/color/) without its yellow, which is hard to
#: see on white; its black is replaced by a grey, which is visible on black, too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#808080")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "8px 2px 2px 2px 2px 2px")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")

#: Brightness increases along the scale: readable in greyscale and by colour-blind readers.
SEQUENTIAL = "Viridis"
#: Brown - white - teal, symmetric in brightness; give it a centre (``zmid``).
DIVERGING = "BrBG"
#: Text and rules that are readable on white and on black.
GREY = "#7f7f7f"

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 420  # px


def template(*, text: str, grid: str, rule: str, hover: str) -> dict[str, Any]:
    """Return a plotly template, a plain dict, for one background.

    Args:
        text: colour of words and numbers.
        grid: colour of grid lines.
        rule: colour of axes and zero lines.
        hover: background of hover labels.
    """
    axis = {
        "automargin": True,
        "color": text,
        "gridcolor": grid,
        "linecolor": rule,
        "showline": True,
        "ticks": "outside",
        # To hide labels that leave the picture, plotly measures each one, for milliseconds an axis.
        "ticklabeloverflow": "allow",
        "tickcolor": rule,
        "title": {"standoff": 8},
        "zeroline": False,
        "exponentformat": "power",
    }
    return {
        "layout": {
            "colorway": list(COLORS),
            "font": {"family": FONT, "size": 14, "color": text},
            "hoverlabel": {"font": {"family": FONT}, "bgcolor": hover},
            "hovermode": "closest",
            # Below the plot, where it pushes the axes up instead of hiding behind a title.
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 0,
                "yanchor": "bottom",
                "yref": "container",
            },
            "margin": {"l": 72, "r": 24, "t": 40, "b": 56},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "title": {"font": {"size": 16}, "x": 0, "xref": "paper", "y": 0.97, "yanchor": "top"},
            "xaxis": axis,
            "yaxis": axis,
        },
        "data": {"heatmap": [{"colorbar": {"outlinewidth": 0, "thickness": 14}}]},
    }


NEUTRAL = template(
    text=GREY, grid="rgba(127,127,127,0.22)", rule="rgba(127,127,127,0.7)", hover="#ffffff"
)
LIGHT = template(text="#24292f", grid="#e4e7ea", rule="#8c959f", hover="#ffffff")
DARK = template(text="#d8dee4", grid="#30363d", rule="#6e7681", hover="#161b22")


class Style(NamedTuple):
    """How one curve looks.

    Args:
        color: ``#rrggbb``.
        dash: plotly's name of the dash.
        symbol: plotly's name of the marker.
    """

    color: str
    dash: str
    symbol: str


def style(index: int) -> Style:
    """Return the style of the ``index``-th curve (from 0); 49 of them differ.

    Within one round of seven, colour, dash and marker all differ. The next round pairs each colour
    with another dash and marker.

    >>> style(0)
    Style(color='#0072B2', dash='solid', symbol='circle')
    >>> style(7)
    Style(color='#0072B2', dash='dash', symbol='square')
    """
    shift, place = divmod(index, len(COLORS))
    return Style(
        COLORS[place],
        DASHES[(place + shift) % len(DASHES)],
        SYMBOLS[(place + shift) % len(SYMBOLS)],
    )


def fade(color: str, opacity: float) -> str:
    """Return a colour with some opacity.

    Args:
        color: ``#rrggbb``.
        opacity: from 0, invisible, to 1.

    >>> fade("#0072B2", 0.2)
    'rgba(0,114,178,0.2)'
    """
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
