"""What a worker process does for a page; imports no user interface."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import eigenlab
from eigenlab.data.locations import cache_folder
from eigenlab.data.tables import read_table
from eigenlab.errors import EigenlabError, InputError
from eigenlab.lab import Config
from eigenlab.reporter import Reporter
from eigenlab.studio.demos import Demo, Goal, View, load_demo, matters


@dataclass(frozen=True)
class DrawnPanel:
    """A panel whose figure is plotly's JSON.

    Args:
        name: identifier within the demo.
        title: a few words.
        caption: one or two sentences.
        figure: ``data`` and ``layout``, arrays in plotly's binary form.
        link: what its x axis shares with other pictures. Default: ``""``, nothing.
    """

    name: str
    title: str
    caption: str
    figure: dict[str, Any]
    link: str = ""


@dataclass(frozen=True)
class Drawn:
    """A :class:`View` ready for the browser.

    Args:
        view: the view; its panels are moved to ``panels``.
        panels: the drawn panels.
    """

    view: View
    panels: tuple[DrawnPanel, ...]

    @property
    def sentence(self) -> str:
        """What is happening."""
        return self.view.sentence

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The challenges."""
        return self.view.goals


def draw(name: str, settings: Config) -> Drawn:
    """Draw a demo.

    Args:
        name: of the demo.
        settings: of the demo's own class.

    Raises:
        NotPrepared: something must be trained first (see :func:`prepare`).
        InputError: the settings cannot be drawn.
    """
    demo = load_demo(name)
    if demo.preparation is None:
        view = demo.draw(settings)
    else:
        if demo.preparation.check is not None:
            demo.preparation.check(settings)
        folder = prepared_folder(demo, settings)
        if not folder.is_dir():
            raise NotPrepared(demo.preparation.label)
        view = demo.draw(settings, folder)
    panels = tuple(
        DrawnPanel(panel.name, panel.title, panel.caption, figure_json(panel.figure), panel.link)
        for panel in view.panels
    )
    return Drawn(replace(view, panels=()), panels)


class NotPrepared(EigenlabError):
    """What the demo needs has not been trained for these settings."""


def prepared_folder(demo: Demo, settings: Config) -> Path:
    """Where the preparation of these settings is kept.

    Args:
        demo: with a preparation.
        settings: of the demo's own class.
    """
    assert demo.preparation is not None
    names = [name for name in demo.preparation.settings if matters(settings, name)]
    values = {name: getattr(settings, name) for name in names}
    text = json.dumps([eigenlab.__version__, values], sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    return cache_folder() / "studio" / demo.name / key


def prepare(name: str, settings: Config, *, reporter: Reporter) -> None:
    """Train what a demo needs; its folder appears when all of it is written.

    Args:
        name: of the demo.
        settings: of the demo's own class.
        reporter: receives progress and metrics.
    """
    demo = load_demo(name)
    assert demo.preparation is not None
    folder = prepared_folder(demo, settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A killed job leaves its half-written folder; the next one begins afresh.
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    with _one_thread():
        demo.preparation.make(settings, partial, reporter)
    if folder.is_dir():
        shutil.rmtree(partial)
    else:
        partial.rename(folder)


@contextmanager
def _one_thread() -> Iterator[None]:
    """The networks of demos are so small that a second thread costs more than it saves.

    On a machine that is busy with other work it costs many times as much.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def figure_json(figure: Any) -> dict[str, Any]:
    """``data`` and ``layout`` without the template, which the page chooses.

    Args:
        figure: a plotly figure.
    """
    drawn: dict[str, Any] = figure.to_dict()
    drawn["layout"].pop("template", None)
    return {"data": drawn["data"], "layout": drawn["layout"]}


def read_upload(name: str, content: bytes) -> str:
    """The numbers of an uploaded table as CSV, with the names of their columns.

    Args:
        name: of the file; only its ending counts.
        content: of the file.

    Raises:
        InputError: it is no table.
    """
    ending = "".join(c for c in Path(name).suffix.lower() if c.isalnum() or c == ".")[:9]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{ending or '.csv'}"
        path.write_bytes(content)
        try:
            table = read_table(path)
            used = table.used_columns
            numbers = table.numbers(used, missing="nan")
        except InputError as error:
            raise InputError(str(error).replace(f"{path}", "the file")) from None
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if table.names:
        writer.writerow([table.names[column] for column in used])
    writer.writerows(["" if math.isnan(x) else f"{x:.9g}" for x in row] for row in numbers.tolist())
    return stream.getvalue()
