"""Draw docs/images/gradient-flow.png: ``python docs/images/gradient_flow.py [chromium]``.

Measures the linear networks of ``gradient-flow`` (course preset, seed 0) and lets a headless
Chromium turn the figure into a picture.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eigenlab import plots
from eigenlab.experiments import load_experiment
from eigenlab.experiments.gradient_flow import figures, measure

PICTURE = Path(__file__).with_name("gradient-flow.png")
WIDTH, HEIGHT = 1240, 500


def draw() -> go.Figure:
    """The gradients with their closed form, and the eigenvalues that explain them."""
    config = load_experiment("gradient-flow").config.from_preset("course")
    record = measure.growth(config)
    left, right = figures.growth.draw(record, n_steps=60), figures.spectra(record)
    chart = make_subplots(
        cols=2,
        column_widths=[0.6, 0.4],
        horizontal_spacing=0.09,
        subplot_titles=(
            "gradient of the last loss: traced (lines), closed form (circles)",
            "eigenvalues of W<sub>h</sub> and the unit circle",
        ),
    )
    for column, part in ((1, left), (2, right)):
        for trace in part.data:
            trace.showlegend = False
            chart.add_trace(trace, row=1, col=column)
    for place, network in enumerate(record.networks[shown] for shown in record.shown):
        ratios = network.gradient_ratios
        chart.add_annotation(
            x=len(ratios) - 60,
            y=math.log10(ratios[-60]),
            text=f"ρ = {network.radius:g}",
            xanchor="right",
            showarrow=False,
            font={"color": plots.COLORS[place], "size": 15},
        )
    length = config.growth_length
    chart.update_xaxes(
        col=1, title_text=figures.STEP_AXIS, range=[length - 68, length + 2], tickvals=[
            length - 50, length - 40, length - 30, length - 20, length - 10, length],
        ticktext=["T − 50", "T − 40", "T − 30", "T − 20", "T − 10", "T"],
    )  # fmt: skip
    chart.update_yaxes(col=1, title_text=left.layout.yaxis.title.text, type="log", nticks=9)
    chart.update_xaxes(col=2, title_text="real part", range=[-1.65, 1.65])
    chart.update_yaxes(
        col=2, title_text="imaginary part", range=[-1.65, 1.65], scaleanchor="x2", scaleratio=1
    )
    return chart.update_layout(
        template=plots.LIGHT, width=WIDTH, height=HEIGHT, paper_bgcolor="white", margin_t=48
    )


def photograph(chart: go.Figure, browser: str) -> None:
    """Store the figure as PNG."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "figure.html"
        body = chart.to_html(full_html=False, config={"displayModeBar": False})
        page.write_text(f'<meta charset="utf-8"><body style="margin:0">{body}', encoding="utf-8")
        subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--hide-scrollbars", f"--user-data-dir={folder}/u",
             "--virtual-time-budget=8000", f"--window-size={WIDTH},{HEIGHT}",
             f"--screenshot={PICTURE}", page.as_uri()],
            check=True,
            capture_output=True,
        )  # fmt: skip


if __name__ == "__main__":
    photograph(draw(), sys.argv[1] if len(sys.argv) > 1 else "chromium")
