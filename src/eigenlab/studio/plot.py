"""A figure on a page, whose numbers are replaced in place when settings move."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from eigenlab.plots import DARK, LIGHT

Figure = dict[str, Any]


class Plot(ui.element, component="assets/plot.js"):
    """A plotly figure drawn by the browser.

    Args:
        figure: ``data`` and ``layout`` as JSON.
        label: what it shows, for screen readers.
        link: plots of a page with the same one show the value under the pointer together.
            Default: ``""``, none.
    """

    def __init__(self, figure: Figure, label: str, link: str = "") -> None:
        super().__init__()
        self._props["link"] = link
        self.figure = figure
        self._props["figure"] = figure
        self._props["label"] = label
        self._props["themes"] = {"light": LIGHT, "dark": DARK}

    def show(self, figure: Figure) -> None:
        """Show other numbers; only what differs is sent.

        Args:
            figure: the new figure.
        """
        changes = difference(self.figure, figure)
        self.figure = figure
        with self._props.suspend_updates():  # for a browser that connects anew
            self._props["figure"] = figure
        if changes is None:
            self.run_method("replace", figure)
        elif any(changes[0]) or changes[1]:
            self.run_method("update", *changes)

    def relabel(self, label: str) -> None:
        """Say otherwise what is shown.

        Args:
            label: for screen readers.
        """
        if label != self._props["label"]:
            with self._props.suspend_updates():  # an update would send the whole figure
                self._props["label"] = label
            self.run_method("relabel", label)

    def save(self, format: str, name: str) -> None:
        """Make the browser save the picture.

        Args:
            format: ``"png"`` or ``"svg"``.
            name: of the file, without its ending.
        """
        self.run_method("save", format, name)


def difference(old: Figure, new: Figure) -> tuple[list[Figure], Figure | None] | None:
    """What of each trace and of the layout differs; None if the figures are of another kind.

    Args:
        old: the figure shown.
        new: the figure to show.

    >>> old = {"data": [{"type": "scatter", "x": [1], "y": [2]}], "layout": {}}
    >>> difference(old, {"data": [{"type": "scatter", "x": [1], "y": [3]}], "layout": {}})
    ([{'y': [3]}], None)
    """
    kinds = [
        [(trace.get("type"), trace.keys()) for trace in figure["data"]] for figure in (old, new)
    ]
    if kinds[0] != kinds[1] or old["layout"].keys() != new["layout"].keys():
        return None
    changes = [
        _changed(before, after) for before, after in zip(old["data"], new["data"], strict=True)
    ]
    return changes, _changed(old["layout"], new["layout"]) or None


def _changed(before: Figure, after: Figure) -> Figure:
    return {key: value for key, value in after.items() if before[key] != value}
