"""The figures, tables and metrics of ``teacher-forcing``."""

from __future__ import annotations

from statistics import fmean

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.teacher_forcing.claims import gaps, runs
from eigenlab.experiments.teacher_forcing.config import TeacherForcingConfig
from eigenlab.experiments.teacher_forcing.records import (
    OWN,
    SCHEDULED,
    TEACHER,
    Curves,
    InputsRecord,
    TrainedRecord,
)
from eigenlab.lab import Rows, figure, metrics, table

KINDS = (TEACHER, SCHEDULED, OWN)


@table("What the decoder is fed, step by step")
def fed(record: InputsRecord) -> Rows:
    size = len(record.forced)
    rows = [
        ["target", *record.target, "<eos>"],
        ["fed in training (7b)", *record.forced],
        ["it emitted", *record.emitted, "<eos>"],
        ["fed when it had emitted this (7c)", *record.free],
    ]
    return ("", *(f"step {step}" for step in range(1, size + 1))), rows


def _position_caption(config: TeacherForcingConfig) -> str:
    return (
        f"Held-out sentences of up to {config.max_tokens} tokens, decoders trained by teacher "
        "forcing, mean and range of the seeds. At the first step both ways are fed <sos>. From "
        "there on an error changes all later inputs of the free-running decoder."
    )


@figure("Accuracy by position", _position_caption)
def position(record: TrainedRecord) -> go.Figure:
    return _two_ways(
        [run.by_position for run in runs(record, TEACHER)], "position in the target", (0.0, 1.0)
    )


@figure(
    "Accuracy after the first error",
    "The tokens behind the first wrong word of each sentence, by their distance from it; "
    "decoders trained by teacher forcing, mean and range of the seeds. Fed the target, a decoder "
    "continues as if nothing had happened; fed its own word, it continues another sentence.",
)
def distance(record: TrainedRecord) -> go.Figure:
    return _two_ways(
        [run.by_distance for run in runs(record, TEACHER)],
        "tokens after the first error",
        (0.0, 1.0),
    )


def _two_ways(found: list[Curves], x_title: str, limits: tuple[float, float]) -> go.Figure:
    chart = plots.new_chart(x_title, "share of correct tokens")
    length = min(len(curves.tokens) for curves in found)
    x = list(range(1, length + 1))
    for name, field in (("fed the target", "forced"), ("fed its own words", "free")):
        columns = list(
            zip(*(getattr(curves, f"{field}_accuracy")[:length] for curves in found), strict=True)
        )
        plots.mean_and_range(
            chart,
            x,
            [fmean(c) for c in columns],
            list(map(min, columns)),
            list(map(max, columns)),
            name,
        )
    chart.update_xaxes(dtick=1)
    chart.update_yaxes(range=limits)
    return chart


@figure(
    "The gap under three trainings",
    "Mean -log p of the right tokens of held-out sentences, one point per seed. A decoder that has "
    "seen its own words in training is less surprised behind them; fed the target, it loses a "
    "little.",
)
def three(record: TrainedRecord) -> go.Figure:
    chart = plots.new_chart("fed in training", "-log p of the right token (nats)")
    for name, field in (("fed the target", "forced"), ("fed its own words", "free")):
        found = [(fed, run) for fed in KINDS for run in runs(record, fed)]
        plots.points(
            chart,
            [fed for fed, _ in found],
            [getattr(run.everywhere, f"{field}_loss")[0] for _, run in found],
            name,
        )
    chart.update_yaxes(rangemode="tozero")
    return chart


@figure(
    "Loss by position",
    "Mean over tokens and seeds. Solid: fed the target; dashed: fed its own words.",
)
def loss(record: TrainedRecord) -> go.Figure:
    chart = plots.new_chart("position in the target", "-log p of the right token (nats)")
    for index, fed in enumerate(KINDS):
        found = [run.by_position for run in runs(record, fed)]
        length = min(len(curves.tokens) for curves in found)
        x = list(range(1, length + 1))
        for name, field, dash in (("target", "forced", None), ("own words", "free", "dash")):
            columns = zip(
                *(getattr(curves, f"{field}_loss")[:length] for curves in found), strict=True
            )
            plots.line(
                chart,
                x,
                [fmean(column) for column in columns],
                f"{fed}; fed {name}",
                index=index,
                dash=dash,
            )
    chart.update_xaxes(dtick=1)
    return chart


@table("An error and what follows it")
def example(record: TrainedRecord) -> Rows:
    shown = next((run.example for run in record.runs if run.example is not None), None)
    if shown is None:
        return ("",), []
    size = len(shown.forced_inputs)
    rows = [
        ["target", *shown.target, "<eos>"],
        ["fed the target", *shown.forced_inputs],
        ["predicts", *shown.forced_predictions],
        ["fed its own words", *shown.free_inputs],
        ["emits", *shown.emitted],
    ]
    return (shown.source, *(f"{step}" for step in range(1, size + 1))), rows


@table("Three trainings, means over the seeds, held-out sentences")
def trainings(record: TrainedRecord) -> Rows:
    rows = []
    for fed in KINDS:
        found = runs(record, fed)
        rows.append(
            [
                fed,
                len(found),
                fmean(run.exact_match for run in found),
                fmean(run.bleu for run in found),
                fmean(run.forced_bleu for run in found),
                fmean(run.everywhere.forced_accuracy[0] for run in found),
                fmean(run.everywhere.free_accuracy[0] for run in found),
                fmean(run.after.forced_accuracy[0] for run in found),
                fmean(run.after.free_accuracy[0] for run in found),
                fmean(run.everywhere.forced_loss[0] for run in found),
                fmean(run.everywhere.free_loss[0] for run in found),
            ]
        )
    return (
        "fed in training",
        "seeds",
        "perfect sentences",
        "BLEU",
        "BLEU, forced",
        "tokens right, forced",
        "tokens right, free",
        "after the first error, forced",
        "after the first error, free",
        "-log p, forced (nats)",
        "-log p, free (nats)",
    ), rows


@metrics
def exposure_gaps(record: TrainedRecord) -> dict[str, float]:
    return {f"exposure gap, {fed}": fmean(gaps(record, fed)) for fed in KINDS}
