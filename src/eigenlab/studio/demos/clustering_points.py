"""The points of the clustering demo: shapes, a reader's own points, tables and formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs import (
    nested_arcs,
    round_blobs,
    stretched_blobs,
    two_circles,
    two_moons,
    unbalanced_blobs,
)
from eigenlab.studio.demos.formula import evaluate
from eigenlab.studio.demos.own_table import LARGEST, as_text, read_columns

Floats = NDArray[np.float64]
MOST = 2000
SHAPES = {
    "rings": two_circles,
    "moons": two_moons,
    "arcs": nested_arcs,
    "round blobs": round_blobs,
    "stretched blobs": stretched_blobs,
    "unbalanced blobs": unbalanced_blobs,
}


@dataclass(frozen=True)
class Points:
    """What is clustered.

    Args:
        X: (n, d) points.
        truth: (n,) clusters that they were drawn from, or None where there are none.
        axes: names of the first two coordinates.
        note: what was left out, or ``""``.
    """

    X: Floats
    truth: NDArray[np.int64] | None
    axes: tuple[str, str] = ("x", "y")
    note: str = ""


def parse_points(text: str) -> Floats:
    """Points typed as "x y" pairs separated by semicolons or line ends.

    Args:
        text: the pairs; a comma may stand between x and y.

    Returns:
        (n, 2) points.

    Raises:
        InputError: something is no pair of finite numbers, or there are more than 2,000.

    >>> parse_points("0 1; 2, 3.5").tolist()
    [[0.0, 1.0], [2.0, 3.5]]
    """
    rows = [row.strip() for row in text.replace("\n", ";").split(";") if row.strip()]
    if len(rows) > MOST:
        raise InputError(f"points holds {len(rows)} points, expected at most {MOST}")
    found = []
    for row in rows:
        words = row.replace(",", " ").split()
        try:
            pair = [float(word) for word in words]
        except ValueError:
            pair = []
        if len(pair) != 2 or not all(abs(value) <= LARGEST for value in pair):
            raise InputError(
                f"points: {row[:40]!r} is no pair of finite numbers; expected points such as "
                "0 1; 2 3.5"
            )
        found.append(pair)
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def table_points(content: str, columns: str) -> Points:
    """The rows of a table, without those in which a value is missing.

    Args:
        content: the text of the table, CSV or a relative.
        columns: names or numbers from 1, separated by commas; ``""`` chooses the columns of
            numbers.

    Raises:
        InputError: there is no table, it cannot be read, or a cell of a column is no number.
    """
    values, names = read_columns(content, columns, setting="columns")
    complete = ~np.isnan(values).any(axis=1)
    notes = []
    if not complete.all():
        notes.append(f"{int((~complete).sum())} rows with missing values are left out")
    X = values[complete]
    if len(X) > MOST:
        notes.append(f"of {len(X)} rows {MOST} are drawn, evenly spaced")
        X = X[np.linspace(0, len(X) - 1, MOST).round().astype(int)]
    axes = (names[0], names[1] if len(names) > 1 else "")
    return Points(X, None, (as_text(axes[0]), as_text(axes[1])), "; ".join(notes))


def formula_points(x: str, y: str, n: int, noise: float, seed: int) -> Points:
    """Points on a curve, (x(t), y(t)) with t evenly spaced from 0 to 1.

    Args:
        x: expression of t and of noise, normal numbers drawn for each expression.
        y: the same.
        n: number of points.
        noise: standard deviation of the noise.
        seed: random seed of the noise.

    Raises:
        InputError: an expression cannot be evaluated.
    """
    random, t = np.random.default_rng(seed), np.linspace(0, 1, n)
    columns = []
    for name, text in (("x", x), ("y", y)):
        variables = {"t": t, "noise": noise * random.normal(size=n)}
        columns.append(evaluate(text, variables, name=name))
    X = np.stack(columns, axis=1)
    if (np.abs(X) > LARGEST).any():
        raise InputError(f"a formula gives a number beyond {LARGEST:g}; make it smaller")
    return Points(X, None)
