"""Run an example of the gallery: its code, what it prints and the figures that it shows."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import tempfile
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import plotly.graph_objects as go
import plotly.io

from eigenlab.plots import HEIGHT

FOLDER = Path(__file__).resolve().parents[1] / "examples"
#: The order of the gallery.
NAMES = (
    "trace_lstm",
    "recurrent_spectrum",
    "delayed_copy",
    "two_rings",
    "cluster_csv",
    "kernel_eigenpairs",
    "pca_autoencoder",
    "shrinkage",
    "few_labels",
    "surnames",
    "translate",
    "check_claims",
)

#: A figure, which ``figures.js`` draws.
FIGURE = (
    '<div class="{kind}" style="min-height: {height}px"></div>'
    '<script type="application/json">{data}</script>'
)


class Example(NamedTuple):
    """A script of the gallery.

    Args:
        name: of its file, without ``.py``.
        title: first line of its docstring.
        text: the rest of its docstring, in Markdown.
        code: what follows its docstring.
    """

    name: str
    title: str
    text: str
    code: str


def read(name: str) -> Example:
    """Read the example ``name``."""
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    docstring = ast.parse(source).body[0]
    title, _, text = ast.literal_eval(docstring.value).partition("\n")  # type: ignore[attr-defined]
    code = "\n".join(source.splitlines()[docstring.end_lineno :])
    return Example(name, title.rstrip("."), text.strip(), code.strip() + "\n")


def run(name: str) -> tuple[str, list[go.Figure]]:
    """Run the example ``name`` in an empty folder.

    Returns:
        What it printed, and the figures whose ``show`` it called.
    """
    code = compile(read(name).code, f"{name}.py", "exec")
    printed, shown = io.StringIO(), []
    start = Path.cwd()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(printed),
        mock.patch.object(go.Figure, "show", lambda figure: shown.append(figure)),  # noqa: PLW0108
    ):
        os.chdir(folder)
        try:
            exec(code, {"__name__": "__main__"})
        finally:
            os.chdir(start)
    return printed.getvalue(), shown


def figure_html(figure: go.Figure | str, kind: str = "plot") -> str:
    """Return the HTML of a figure, which may be given as JSON.

    Args:
        figure: the figure.
        kind: classes for the style sheet; ``figures.js`` draws a ``preview`` small. Default:
            ``"plot"``.
    """
    data = figure if isinstance(figure, str) else plotly.io.to_json(figure)
    height = plotly.io.from_json(data, skip_invalid=True).layout.height or HEIGHT
    return FIGURE.format(kind=kind, height=height, data=data.replace("</", "<\\/"))
