"""The figures, tables and metrics of ``surnames``."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.surnames.claims import COURSE_ACCURACY, mean, values
from eigenlab.experiments.surnames.records import (
    BEST,
    MAJORITY,
    NGRAMS,
    PROTOCOLS,
    RNN,
    AccuracyRecord,
    AuditRecord,
    DataRecord,
)
from eigenlab.lab import Rows, figure, metrics, table
from eigenlab.statistics import wilson_interval

ACCURACY_AXIS = "accuracy on test names (share)"
POPULATIONS = {
    "uniform": "All languages equally common",
    "zipf": "Few languages dominate",
}


@figure("Models on both splits", "Mean over seeds; bars reach from the lowest to the highest seed.")
def models(record: AccuracyRecord) -> go.Figure:
    chart = plots.new_chart("model", ACCURACY_AXIS)
    names = _models(record)
    for protocol in PROTOCOLS:
        runs = [values(record, model, protocol) for model in names]
        plots.points(
            chart,
            names,
            [fmean(run) for run in runs],
            f"{protocol} split",
            low=[min(run) for run in runs],
            high=[max(run) for run in runs],
            size=11,
        )
    plots.reference(chart, y=COURSE_ACCURACY, text="required by the course")
    return chart


def _models(record: AccuracyRecord) -> list[str]:
    there = {row.model for row in record.rows}
    return [model for model in (MAJORITY, NGRAMS, RNN, BEST) if model in there]


@figure(
    "Learning curve of the tanh RNN",
    "Accuracy on the test names after each epoch; the weights of the last one are used.",
)
def learning(record: AuditRecord) -> go.Figure:
    chart = plots.new_chart("epoch", ACCURACY_AXIS)
    for protocol in PROTOCOLS:
        curve = record.protocols[protocol].learning_curve
        plots.line(chart, list(range(1, len(curve) + 1)), curve, f"{protocol} split")
    plots.reference(chart, y=COURSE_ACCURACY, text="required by the course")
    return chart


@figure(
    "Recall by language",
    "Share of each language's test names that are classified correctly, with 95 % intervals; the "
    "language with most training lines is on the left.",
)
def recall(record: AuditRecord) -> go.Figure:
    chart = plots.new_chart("language (training lines)", "recall on test names (share)", height=480)
    counts = record.protocols["leak-free"].training
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    shown = [f"{label} ({counts[label]})" for label in labels]
    for protocol in PROTOCOLS:
        recalls = record.protocols[protocol].overall.recall
        rows = [recalls[label] for label in labels]
        plots.points(
            chart,
            shown,
            [row.recall for row in rows],
            f"{protocol} split",
            low=[row.interval[0] if row.count else None for row in rows],
            high=[row.interval[1] if row.count else None for row in rows],
        )
    chart.update_yaxes(range=[-0.02, 1.04])
    chart.update_xaxes(tickangle=-60)
    return chart


@figure(
    "Confusion matrix",
    "Leak-free split, tanh RNN; each row sums to 100 %. Blank cells are below half a percent.",
)
def confusion(record: AuditRecord) -> go.Figure:
    overall = record.protocols["leak-free"].overall
    shares = [[100 * cell / max(sum(row), 1) for cell in row] for row in overall.confusion]
    shown = [[round(share) or None for share in row] for row in shares]
    chart = plots.heatmap(
        shown,
        x=overall.labels,
        y=overall.labels,
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


@figure(
    "Reliability diagram",
    "Leak-free split, 15 equal-width bins, 95 % intervals. Points below the diagonal mean "
    "overconfidence.",
)
def reliability(record: AuditRecord) -> go.Figure:
    chart = plots.new_chart("confidence (highest probability)", "accuracy in the bin (share)")
    audited = record.protocols["leak-free"]
    for label, diagram in (
        ("before", audited.uncalibrated.reliability),
        ("after", audited.overall.reliability),
    ):
        plots.points(
            chart,
            diagram.confidence,
            diagram.accuracy,
            f"{label} temperature scaling (calibration error {diagram.calibration_error:.1%})",
            low=[low for low, _ in diagram.interval],
            high=[high for _, high in diagram.interval],
        )
    plots.line(chart, [0, 1], [0, 1], "perfect", markers=False, dash="dot", index=6)
    chart.update_xaxes(range=[0, 1.02])
    chart.update_yaxes(range=[0, 1.02])
    return chart


@figure(
    "Accuracy-coverage curve",
    "Accuracy where only the most confident share of the names is answered.",
)
def coverage(record: AuditRecord) -> go.Figure:
    chart = plots.new_chart(
        "coverage (share of names answered)", "accuracy on those answered (share)"
    )
    for protocol in PROTOCOLS:
        curve = record.protocols[protocol].overall.coverage
        plots.line(chart, curve.coverage, curve.accuracy, f"{protocol} split", markers=False)
    return chart


@figure(
    "The same names in another population",
    "Leak-free test names weighted to other base rates. Predictions as trained are biased towards "
    "the base rates of training. With the base rates given as priors more predictions are "
    "correct, but counts of the most probable language then overestimate the most common "
    "languages.",
)
def base_rates(record: AuditRecord) -> go.Figure:
    audited = record.protocols["leak-free"]
    shift = audited.populations[audited.furthest]
    title = POPULATIONS.get(audited.furthest, audited.furthest)
    chart = plots.new_chart("language", "share of names (%)", title=title, height=480)
    order = sorted(range(len(shift.labels)), key=lambda i: -shift.trained[i])
    labels = [shift.labels[i] for i in order]
    for name, shares in (
        ("true", shift.true),
        ("in the training names", shift.trained),
        ("predicted as trained", shift.uncorrected.predicted),
        ("predicted with base rates corrected", shift.corrected.predicted),
    ):
        plots.points(chart, labels, [100 * shares[i] for i in order], name)
    chart.update_xaxes(tickangle=-60)
    return chart


@table("Models")
def model_table(record: AccuracyRecord) -> Rows:
    rows = []
    for protocol in PROTOCOLS:
        for model in _models(record):
            cells = [
                spread(values(record, model, protocol, field)) for field in ("accuracy", "macro_f1")
            ]
            cells += [
                f"{mean(record, model, protocol, field):.3f}"
                for field in ("nll", "calibration_error")
            ]
            seconds = f"{mean(record, model, protocol, 'training_seconds'):.1f}"
            rows.append([protocol, model, *cells, seconds])
    return (
        "split",
        "model",
        "accuracy (%)",
        "macro-F1 (%)",
        "NLL (nats)",
        "calibration error",
        "time (s)",
    ), rows


def spread(shares: Sequence[float]) -> str:
    """Mean and, from two seeds on, standard deviation in percent.

    >>> spread([0.80, 0.82]), spread([0.8])
    ('81.0 ± 1.4', '80.0')
    """
    center = f"{100 * fmean(shares):.1f}"
    return f"{center} ± {100 * stdev(shares):.1f}" if len(shares) > 1 else center


@table("The names")
def names(record: DataRecord) -> Rows:
    rows: list[list[Any]] = [
        ["dataset", record.data],
        ["lines", record.lines],
        ["distinct names", record.distinct_names],
        ["languages", len(record.languages)],
        ["share of the most frequent language", f"{record.majority:.1%}"],
    ]
    for protocol in PROTOCOLS:
        seen, test = record.test_lines_seen_in_training[protocol], record.test_lines[protocol]
        ceiling = record.ambiguity_ceiling[protocol]
        rows += [
            [f"{protocol}: test lines with a name from training", f"{seen} of {test}"],
            [f"{protocol}: highest accuracy that ambiguous names allow", f"{ceiling:.1%}"],
        ]
    return ("quantity", "value"), rows


@table("Most frequent errors, leak-free split")
def errors(record: AuditRecord) -> Rows:
    rows = record.protocols["leak-free"].confusions
    return ("true", "predicted", "names", "share of the true language"), [
        [row.true, row.predicted, row.count, f"{row.share:.0%}"] for row in rows
    ]


@metrics
def accuracies(record: AccuracyRecord) -> dict[str, float]:
    return {f"{protocol} accuracy": mean(record, RNN, protocol) for protocol in PROTOCOLS}


@table("Information and privacy, leak-free split")
def privacy(record: AuditRecord) -> Rows:
    audited = record.protocols["leak-free"]
    found = audited.membership
    return ("quantity", "estimate", "95 % interval"), [
        [label, f"{estimate:.3f}", f"{low:.3f} to {high:.3f}"]
        for label, (estimate, low, high) in (
            ("information of a new name on its language (bits)", audited.information),
            ("trained against unseen names: area under the ROC curve", found.auc),
            ("held-out against unseen names: area under the ROC curve", found.baseline),
        )
    ]


@table("Taken for another language, leak-free split")
def taken(record: AuditRecord) -> Rows:
    audited = record.protocols["leak-free"]
    labels, counts = audited.overall.labels, audited.distinct
    rows = []
    for place, label in enumerate(labels):
        others = [row for k, row in enumerate(counts) if k != place]
        false, names = sum(row[place] for row in others), sum(sum(row) for row in others)
        low, high = wilson_interval(false, names).bounds
        rates = [
            (row[place] / sum(row), labels[k])
            for k, row in enumerate(counts)
            if k != place and any(row)
        ]
        most = max(rates)
        rows.append(
            [
                label,
                f"{false} of {names}",
                f"{low:.1%} to {high:.1%}",
                f"{most[1]} ({most[0]:.0%})" if most[0] else "none",
            ]
        )
    return ("predicted", "names of others", "95 % interval", "most often"), rows
