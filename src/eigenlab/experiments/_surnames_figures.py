"""Pictures and tables of the surname classifier, each from one record."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import plotly.graph_objects as go

from eigenlab.experiments._surnames_judges import COURSE_BAR, PROTOCOLS, furthest, values
from eigenlab.experiments._surnames_measurements import BEST, MAJORITY, NGRAMS, RNN
from eigenlab.lab import theme
from eigenlab.lab.claim import Record

Rows = tuple[Sequence[str], Sequence[Sequence[Any]]]


def draw_comparison(record: Record) -> go.Figure:
    """Accuracy of every model on both protocols, a bar from lowest to highest seed."""
    chart = theme.figure("model", "accuracy on test names (share)")
    models = _models(record)
    for protocol in PROTOCOLS:
        runs = [values(record, model, protocol) for model in models]
        theme.points(
            chart,
            models,
            [fmean(run) for run in runs],
            f"{protocol} split",
            low=[min(run) for run in runs],
            high=[max(run) for run in runs],
            size=11,
        )
    theme.reference(chart, y=COURSE_BAR, text="the course's bar")
    return chart


def draw_confusion(record: Record) -> go.Figure:
    """Share of each true language's names that each answer got."""
    overall = record["protocols"]["leak-free"]["overall"]
    labels, confusion = overall["labels"], overall["confusion"]
    shares = [[100 * cell / max(sum(row), 1) for cell in row] for row in confusion]
    shown = [[round(share) or None for share in row] for row in shares]
    chart = theme.heatmap(
        shown,
        x=labels,
        y=labels,
        x_title="predicted language",
        y_title="true language",
        value_title="share of the true language (%)",
        height=620,
    )
    chart.update_xaxes(tickangle=-60, type="category", tickmode="linear")
    chart.update_yaxes(type="category", tickmode="linear")
    chart.data[0].update(
        text=[["" if share is None else str(share) for share in row] for row in shown],
        texttemplate="%{text}",
    )
    return chart


def draw_recall(record: Record) -> go.Figure:
    """Recall per language with 95 % intervals, most training names first."""
    chart = theme.figure("language (training lines)", "recall on test names (share)", height=480)
    counts = record["protocols"]["leak-free"]["training"]
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    shown = [f"{label} ({counts[label]})" for label in labels]
    for protocol in PROTOCOLS:
        table = record["protocols"][protocol]["overall"]["recall"]
        rows = [table[label] for label in labels]
        theme.points(
            chart,
            shown,
            [row["recall"] for row in rows],
            f"{protocol} split",
            low=[row["interval"][0] if row["count"] else None for row in rows],
            high=[row["interval"][1] if row["count"] else None for row in rows],
        )
    chart.update_yaxes(range=[-0.02, 1.04])
    chart.update_xaxes(tickangle=-60)
    return chart


def draw_reliability(record: Record) -> go.Figure:
    """Accuracy against confidence before and after temperature scaling, leak-free split."""
    chart = theme.figure("confidence (highest probability)", "accuracy in the bin (share)")
    calibration = record["protocols"]["leak-free"]["calibration"]
    for label in ("before", "after"):
        diagram = calibration[label]["reliability"]
        theme.points(
            chart,
            diagram["confidence"],
            diagram["accuracy"],
            f"{label} temperature scaling (calibration error "
            f"{calibration[label]['calibration_error']:.1%})",
            low=[interval[0] for interval in diagram["interval"]],
            high=[interval[1] for interval in diagram["interval"]],
        )
    theme.line(chart, [0, 1], [0, 1], "perfect", markers=False, dash="dot", index=6)
    chart.update_xaxes(range=[0, 1.02])
    chart.update_yaxes(range=[0, 1.02])
    return chart


def draw_coverage(record: Record) -> go.Figure:
    """Accuracy on the surest share of the names."""
    chart = theme.figure("coverage (share of names answered)", "accuracy on those answered (share)")
    for protocol in PROTOCOLS:
        curve = record["protocols"][protocol]["overall"]["coverage"]
        theme.line(chart, curve["coverage"], curve["accuracy"], f"{protocol} split", markers=False)
    return chart


def draw_learning(record: Record) -> go.Figure:
    """Test accuracy after each epoch."""
    chart = theme.figure("epoch", "accuracy on test names (share)")
    for protocol in PROTOCOLS:
        curve = record["protocols"][protocol]["learning_curve"]
        epochs = list(range(1, len(curve["accuracy"]) + 1))
        theme.line(chart, epochs, curve["accuracy"], f"{protocol} split")
    theme.reference(chart, y=COURSE_BAR, text="the course's bar")
    return chart


def draw_shift(record: Record) -> go.Figure:
    """Shares of the answers in another population, as trained and with its base rates."""
    name, shift = furthest(record)
    chart = theme.figure("language", "share of names (%)", title=name.capitalize(), height=480)
    order = sorted(range(len(shift["labels"])), key=lambda i: -shift["trained"][i])
    labels = [shift["labels"][i] for i in order]
    for title, shares in (
        ("true", shift["true"]),
        ("in the training names", shift["trained"]),
        ("answered as trained", shift["uncorrected"]["predicted"]),
        ("answered with base rates corrected", shift["corrected"]["predicted"]),
    ):
        theme.points(chart, labels, [100 * shares[i] for i in order], title)
    chart.update_xaxes(tickangle=-60)
    return chart


def table_models(record: Record) -> Rows:
    """Mean and standard deviation over seeds of every model."""
    rows = []
    for protocol in PROTOCOLS:
        for model in _models(record):
            cells = [_spread(values(record, model, protocol, key)) for key in ("accuracy",)]
            cells += [_spread(values(record, model, protocol, "macro_f1"))]
            numbers = [
                f"{fmean(values(record, model, protocol, key)):.3f}"
                for key in ("nll", "calibration_error")
            ]
            seconds = f"{fmean(values(record, model, protocol, 'training_seconds')):.1f}"
            rows.append([protocol, model, *cells, *numbers, seconds])
    return (
        "split",
        "model",
        "accuracy (%)",
        "macro-F1 (%)",
        "NLL (nats)",
        "calibration error",
        "time (s)",
    ), rows


def table_errors(record: Record) -> Rows:
    """The most frequent errors on the leak-free split."""
    rows = record["protocols"]["leak-free"]["confusions"]
    return ("true", "taken for", "names", "share of the true language"), [
        [row["true"], row["predicted"], row["count"], f"{row['share']:.0%}"] for row in rows
    ]


def table_data(record: Record) -> Rows:
    """What the lines are like."""
    rows: list[list[Any]] = [
        ["dataset", record["data"]],
        ["lines", record["lines"]],
        ["distinct names", record["distinct_names"]],
        ["languages", len(record["languages"])],
        ["share of the largest language", f"{record['majority']:.1%}"],
    ]
    for protocol in PROTOCOLS:
        seen, test = (
            record[key][protocol] for key in ("test_lines_seen_in_training", "test_lines")
        )
        ceiling = record["ambiguity_ceiling"][protocol]
        rows += [
            [f"{protocol}: test lines with a name from training", f"{seen} of {test}"],
            [f"{protocol}: highest accuracy that ambiguous names allow", f"{ceiling:.1%}"],
        ]
    return ("quantity", "value"), rows


def _models(record: Record) -> list[str]:
    there = {row["model"] for row in record["rows"]}
    return [model for model in (MAJORITY, NGRAMS, RNN, BEST) if model in there]


def _spread(shares: Sequence[float]) -> str:
    """Mean and, from two seeds on, standard deviation in percent.

    >>> _spread([0.80, 0.82]), _spread([0.8])
    ('81.0 ± 1.4', '80.0')
    """
    mean = f"{100 * fmean(shares):.1f}"
    return f"{mean} ± {100 * stdev(shares):.1f}" if len(shares) > 1 else mean
