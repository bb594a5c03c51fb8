"""``eigenlab cluster``: cluster the rows of a table and add a column of labels."""

from __future__ import annotations

import math
import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eigenlab.cli.cluster_figure import MAX_AXES, MAX_POINTS, draw, page
from eigenlab.cli.terminal import (
    TerminalReporter,
    cancel_on_interrupt,
    is_main_process,
    notices,
    output,
    print_json,
)
from eigenlab.data import Table, read_table
from eigenlab.data.tables.cells import Decimal
from eigenlab.data.tables.source import STDIN
from eigenlab.data.tables.writing import check_output, compressed
from eigenlab.errors import InputError
from eigenlab.files import write_atomic
from eigenlab.graphs import (
    DisconnectedGraphWarning,
    FewerClustersWarning,
    SpectralClustering,
    UnclearClustersWarning,
    UnscaledColumnsWarning,
)
from eigenlab.graphs.graph import Normalization
from eigenlab.graphs.scales import unscaled_columns
from eigenlab.spectrum import EigenpairsWarning

COLUMN = "cluster"
CERTIFICATES = {
    "components": "the clusters, which are whole connected components: no link is cut",
    "vectors": "the vectors, the leading ones; not whether k-means found their best clusters",
    "none": "nothing: see the note",
}
OPTIONS = {
    "n_clusters": "--k",
    "gamma": "--gamma",
    "affinity": "--affinity",
    "n_neighbors": "--n-neighbors",
    "min_cluster_size": "--min-cluster-size",
    "normalization": "--normalization",
}
"""Options of the command for parameters of the estimator, in messages."""
REPORTED = (
    DisconnectedGraphWarning,
    FewerClustersWarning,
    UnclearClustersWarning,
    EigenpairsWarning,
)


@dataclass(frozen=True)
class Options:
    """Options of the command, as typed."""

    k: str
    affinity: str = "rbf"
    gamma: str = "auto"
    n_neighbors: int = 10
    min_cluster_size: int = 2
    normalization: Normalization = "stochastic"
    columns: str | None = None
    header: bool | None = None
    delimiter: str | None = None
    decimal: Decimal | None = None
    encoding: str | None = None
    comment: str | None = None
    sheet: str | None = None
    missing: Literal["drop", "error"] = "error"
    standardize: bool = False
    seed: int = 0


def cluster(file: Path, options: Options, *, out: Path, figure: Path | None, json: bool) -> None:
    """Cluster the rows of ``file`` and write them with their labels to ``out``."""
    n_clusters, gamma = _n_clusters(options.k), _gamma(options)
    _check_paths(file, out, figure)
    table = _read(file, options)
    columns = _columns(table, options)
    X = table.numbers(columns, missing="nan" if options.missing == "drop" else "error")
    kept = ~np.isnan(X).any(axis=1)
    _check_sizes(table, int(kept.sum()), n_clusters, options)
    names = [table.column_name(column) for column in columns]
    X, notes = _centered(X[kept], names, options.standardize)
    notes += table.sentinels(columns)
    if not kept.all():
        dropped = int((~kept).sum())
        notes.append(
            f"{_count(dropped, 'row')} with missing values {'is' if dropped == 1 else 'are'} not "
            f"clustered and written without a label"
        )
    model = SpectralClustering(
        n_clusters,
        affinity=options.affinity,
        gamma=gamma,
        n_neighbors=options.n_neighbors,
        min_cluster_size=options.min_cluster_size,
        normalization=options.normalization,
        random_state=options.seed,
    )
    with (
        TerminalReporter(COLUMN, notices()) as reporter,
        cancel_on_interrupt(reporter.cancel),
        _warnings_as_notes(notes),
        _errors_in_options(),
    ):
        started = time.perf_counter()
        model.fit(X, reporter=reporter)
        seconds = time.perf_counter() - started
        reporter.raise_if_cancelled()
    labels = np.full(table.n_rows, None, dtype=object)
    labels[kept] = model.labels_.tolist()
    content = table.with_column(_unused_name(table), labels.tolist())
    drawn = None if figure is None else _page(table, columns, kept, model, options.seed)
    if is_main_process():
        write_atomic(out, compressed(out, content))
        if figure is not None and drawn is not None:
            write_atomic(figure, drawn)
    for note in notes:
        notices().print(f"note: {note}", markup=False, soft_wrap=True)
    found = _summary(table, columns, model) | {
        "rows": int(kept.sum()),
        "seconds": seconds,
        "out": str(out),
        "figure": figure and str(figure),
        "notes": notes,
    }
    if json:
        print_json(found)
    else:
        _show(found)


def _n_clusters(text: str) -> Any:
    if text == "auto":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--k {text}: expected auto or a whole number from 1")
    return int(text)


def _gamma(options: Options) -> Any:
    text = options.gamma
    if text == "auto":  # chosen with the number of clusters, else from the spread of the data
        return "auto" if options.k == "auto" else "scale"
    if text in ("scale", "local"):
        return text
    try:
        gamma = float(text)
    except ValueError:
        gamma = math.nan
    if not 0 < gamma < math.inf:
        raise InputError(f"--gamma {text}: expected a positive number, auto, scale or local")
    if options.affinity == "nearest_neighbors":
        raise InputError(
            f"--gamma {text}: the edges of --affinity nearest_neighbors have no Gaussian weights; "
            "give --gamma local, or omit it"
        )
    return gamma


def _check_paths(file: Path, out: Path, figure: Path | None) -> None:
    """Refuse paths that cannot be written, before anything is computed."""
    paths = {"FILE": file, "--out": out} | ({} if figure is None else {"--figure": figure})
    seen: dict[Path, str] = {}
    for option, path in paths.items():
        if option == "FILE" and str(path) == STDIN:
            continue
        if path.resolve() in seen:
            raise InputError(
                f"{option} {path} is the same file as {seen[path.resolve()]}; choose another one"
            )
        seen[path.resolve()] = option
        if option == "FILE":
            continue
        if path.exists() and not path.is_file():
            raise InputError(f"{option} {path} is a folder, pipe or device; expected a file")
        existing = next(folder for folder in path.absolute().parents if folder.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise InputError(f"{option} {path}: cannot write to {existing}; choose another folder")
    check_output(out)
    if figure is not None and figure.suffix.lower() not in ("", ".html", ".htm"):
        raise InputError(
            f"--figure {figure}: a figure is written as HTML; choose {figure.with_suffix('.html')} "
            "and save a picture with the camera button of the page"
        )


def _read(file: Path, options: Options) -> Table:
    return read_table(
        file,
        header=options.header,
        delimiter={"tab": "\t", "\\t": "\t", "blank": " "}.get(
            options.delimiter or "", options.delimiter
        ),
        decimal=options.decimal,
        encoding=options.encoding,
        comment=options.comment,
        sheet=options.sheet,
    )


def _columns(table: Table, options: Options) -> list[int]:
    """The columns to cluster by; labels of an earlier run are not clustered by accident."""
    if options.columns is None and table.names is not None and COLUMN in table.names:
        raise InputError(
            f"{table.name} already has a column {COLUMN!r}, perhaps from an earlier run; "
            "choose the columns to cluster by with --columns"
        )
    return table.select(options.columns)


def _check_sizes(table: Table, n: int, n_clusters: Any, options: Options) -> None:
    complete = " without missing values" if n < table.n_rows else ""
    if n < 2:
        raise InputError(f"{table.name} has {_count(n, 'row')}{complete}; expected at least 2")
    if n_clusters != "auto" and n_clusters > n:
        raise InputError(f"--k {n_clusters} exceeds the {n} rows{complete} of {table.name}")
    if options.n_neighbors < 2:
        raise InputError(
            f"--n-neighbors {options.n_neighbors}: expected at least 2, itself included"
        )
    if options.min_cluster_size < 1:
        raise InputError(f"--min-cluster-size {options.min_cluster_size}: expected at least 1")
    if not 0 <= options.seed < 2**32:
        raise InputError(f"--seed {options.seed}: expected 0 to {2**32 - 1}")


def _centered(X: Any, names: Sequence[str], standardize: bool) -> tuple[Any, list[str]]:
    """Centred columns, which have the same distances, and notes on columns of unequal spread."""
    from sklearn.preprocessing import StandardScaler

    with np.errstate(over="ignore", invalid="ignore"):
        spread = X.std(axis=0)
    if not np.isfinite(spread).all():
        large = names[int(np.flatnonzero(~np.isfinite(spread))[0])]
        raise InputError(f"column {large} has numbers too large for their variance; rescale it")
    unscaled = None if standardize else unscaled_columns(X, names)
    notes = [f"{unscaled}; unless they share a unit, add --standardize"] if unscaled else []
    return StandardScaler(with_std=standardize).fit_transform(X), notes


@contextmanager
def _warnings_as_notes(notes: list[str]) -> Iterator[None]:
    """Collect the estimator's warnings as one-line notes; re-issue all others."""
    with warnings.catch_warnings(record=True) as caught:
        for category in REPORTED:
            warnings.simplefilter("always", category)
        warnings.simplefilter("ignore", UnscaledColumnsWarning)  # told with the names and option
        yield
    for warning in caught:
        text = " ".join(str(warning.message).split())
        if issubclass(warning.category, EigenpairsWarning):
            text = _without_solver(text)
        text = _in_options(text)
        if not issubclass(warning.category, REPORTED):
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
        elif text not in notes:
            notes.append(text)


def _in_options(text: str) -> str:
    """A message of the estimator with the options of the command for its parameters."""
    names = "|".join(OPTIONS)
    return re.sub(
        rf"(?<!-)\b({names})\b(=)?",
        lambda found: OPTIONS[found[1]] + (" " if found[2] else ""),
        text,
    )


def _without_solver(text: str) -> str:
    """The message of an EigenpairsWarning with advice that the command has options for."""
    return f"{text.rpartition('; ')[0]}; try another n_clusters or gamma"


@contextmanager
def _errors_in_options() -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(_in_options(str(error))) from error


def _unused_name(table: Table) -> str:
    taken = set(table.names or ())
    return next(
        name
        for number in range(1, len(taken) + 2)
        if (name := COLUMN if number == 1 else f"{COLUMN}_{number}") not in taken
    )


def _sizes(model: SpectralClustering) -> dict[str, int]:
    clusters, sizes = np.unique(model.labels_, return_counts=True)
    return {str(cluster): int(size) for cluster, size in zip(clusters, sizes, strict=True)}


def _summary(table: Table, columns: Sequence[int], model: SpectralClustering) -> dict[str, Any]:
    """Content of ``--json``, from the public attributes of the estimator."""
    names = table.names or [str(column + 1) for column in range(table.n_columns)]
    used = model.n_clusters_
    selection = getattr(model, "selection_", None)
    return {
        "file": table.name,
        "understood": table.understood(columns),
        "columns": [names[column] for column in columns],
        "n_clusters": used,
        "chosen": None
        if selection is None
        else {"scores": selection.scores, "clear": selection.clear},
        "sizes": _sizes(model),
        "skipped_vectors": model.n_skipped_vectors_,
        "representation": model.representation_,
        "gamma": getattr(model, "gamma_", None),
        "components": model.n_connected_components_,
        "recall": getattr(model, "recall_", None),
        "singular_values": model.singular_values_[:used].tolist(),
        "gap": model.eigengap_,
        "residual": float(model.residuals_.max()),
        "certified": model.certified_,
        "certificate": model.certificate_,
    }


def _show(found: Mapping[str, Any]) -> None:
    sizes = _abbreviated([f"{cluster}: {size}" for cluster, size in found["sizes"].items()], ", ")
    chosen = found["chosen"]
    why = (
        f", chosen (score {max(chosen['scores'].values(), default=0):.2f})"
        if chosen
        else ", as requested"
    )
    graph = found["representation"] + (f", gamma {found['gamma']:.6g}" if found["gamma"] else "")
    if found["components"] > 1:
        graph += f", {found['components']} connected components"
    if found["recall"] is not None:
        graph += f", recall {found['recall']:.3f}"
    values = _abbreviated([f"{value:.6g}" for value in found["singular_values"]], " ")
    gap = "unknown" if math.isnan(found["gap"]) else f"{found['gap']:.3g}"
    lines = {
        "read": found["understood"],
        "points": f"{found['rows']} rows, {_count(len(found['columns']), 'column')} "
        f"({', '.join(found['columns'])})",
        "graph": graph,
        "clusters": f"{len(found['sizes'])}{why}",
        "sizes": sizes,
        "singular values": f"{values}, eigengap {gap}" + _skipped(found["skipped_vectors"]),
        "residual": f"{found['residual']:.2g}",
        "verified": CERTIFICATES[found["certificate"]],
        "seconds": f"{found['seconds']:.2f}",
        "written": ", ".join(filter(None, (found["out"], found["figure"]))),
    }
    width = max(map(len, lines))
    for name, line in lines.items():
        output().print(f"{name:<{width}}  {line}", markup=False, soft_wrap=True)


def _abbreviated(items: Sequence[str], separator: str, most: int = 24) -> str:
    """The items, or the first of them and the number of the others."""
    more = f"{separator}... ({len(items) - most} more)" if len(items) > most else ""
    return separator.join(items[:most]) + more


def _skipped(count: int) -> str:
    if not count:
        return ""
    return f"; {_count(count, 'vector')} of outliers skipped"


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _page(
    table: Table, columns: Sequence[int], kept: Any, model: SpectralClustering, seed: int
) -> str:
    record = figure_record(table, columns, kept, model, seed)
    return page(draw(record), record["title"])


def figure_record(
    table: Table, columns: Sequence[int], kept: Any, model: SpectralClustering, seed: int
) -> dict[str, Any]:
    """What the figure shows: the columns if there are at most three, else the embedding."""
    numbers = np.flatnonzero(kept) + 1
    n = len(numbers)
    rows = np.arange(n)
    if n > MAX_POINTS:
        rows = np.sort(np.random.default_rng(seed).choice(n, MAX_POINTS, replace=False))
    if len(columns) <= MAX_AXES:
        axes = [table.names[c] if table.names else f"column {c + 1}" for c in columns]
        values: Any = table.numbers(columns, missing="nan")[kept][rows]
        remarks = []
    else:
        values = model.embedding_[rows, :MAX_AXES]
        axes = [f"vector {place + 1}" for place in range(values.shape[1])]
        remarks = [f"spectral embedding of the {len(columns)} columns"]
    if n > MAX_POINTS:
        remarks.append(f"a random sample of {MAX_POINTS} of {n} points")
    return {
        "title": f"{Path(table.name).name}: {len(_sizes(model))} clusters of {n} rows",
        "remarks": remarks,
        "axes": axes,
        "points": [[float(f"{value:.6g}") for value in row] for row in values.tolist()],
        "rows": numbers[rows].tolist(),
        "labels": model.labels_[rows].tolist(),
        "sizes": _sizes(model),
    }
