"""The figures, tables and metrics of ``stacking-design``."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.stacking_design.reading import ALL, CLASSES, READ, STATUSES, UNREAD
from eigenlab.experiments.stacking_design.records import (
    LimitsRecord,
    TrainingRecord,
    UntrainedNetwork,
    VisibilityRecord,
)
from eigenlab.lab import Rows, figure, metrics, table
from eigenlab.statistics import wilson_interval

DESIGNS = "sequential", "stacked"
#: Distances at which fewer test words stand are not drawn.
FEWEST = 30


@figure(
    "What a step of the stacked decoder depends on",
    "Norm of the derivative of the logits of step t by the embedding of source token s, in a "
    "network with random weights. Blank: exactly zero. Steps after the end of the source read its "
    "last encoder state again.",
)
def stacked(record: VisibilityRecord) -> go.Figure:
    return _jacobian(record.networks, "stacked")


@figure(
    "What a step of the sequential decoder depends on",
    "The same of the sequential design: every step depends on every source token.",
)
def sequential(record: VisibilityRecord) -> go.Figure:
    return _jacobian(record.networks, "sequential")


def _jacobian(networks: Sequence[UntrainedNetwork], design: str) -> go.Figure:
    norms = next(n.gradients for n in networks if n.design == design)
    chart = plots.heatmap(
        norms,
        x=list(range(1, len(norms[0]) + 1)),
        y=list(range(1, len(norms) + 1)),
        x_title="source token s",
        y_title="decoder step t",
        value_title="|∂ logits<sub>t</sub> / ∂e<sub>s</sub>|",
        log=True,
    )
    chart.update_xaxes(dtick=1)
    chart.update_yaxes(dtick=1)
    return chart


@figure(
    "Accuracy by how much later the counterpart is read",
    "Share of test words that are right under teacher forcing, by the number of places from the "
    "step that writes a word to its last counterpart in the source, with 95 % intervals (Wilson, "
    "words as if independent). Right of 0 the stacked decoder has not read it; dotted, the most "
    "that any stacked decoder could have right. Several seeds are counted together.",
)
def by_distance(record: TrainingRecord) -> go.Figure:
    chart = plots.new_chart(
        "tokens still to be read when the word is written", "share of words right", height=480
    )
    limits = record.limits
    kept = [k for k, item in enumerate(limits.by_distance) if item.n >= FEWEST]
    places = [limits.distances[k] for k in kept]
    for index, design in enumerate(DESIGNS):
        models = [model for model in record.models if model.design == design]
        found = [
            wilson_interval(
                sum(model.by_distance[k] for model in models),
                limits.by_distance[k].n * len(models),
            )
            for k in kept
        ]
        plots.line(chart, places, [item.estimate for item in found], design, index=index)
        low, high = [item.low for item in found], [item.high for item in found]
        plots.band(chart, places, low, high, f"interval, {design}", index=index, legend=False)
    most = [limits.by_distance[k].share for k in kept]
    plots.line(chart, places, most, "limit of any stacked decoder", index=2, dash="dot")
    plots.reference(chart, x=0.5, text="not yet read")
    chart.update_yaxes(range=[0, 1.03])
    return chart


@figure(
    "Sentences translated exactly",
    "Share of the test sentences of each class that are right in every word, with 95 % intervals "
    "(Wilson), and the most that any stacked decoder could have right. Several seeds are counted "
    "together.",
)
def by_class(record: TrainingRecord) -> go.Figure:
    chart = plots.new_chart(
        "length of the English sentence, order of its words",
        "share translated exactly",
        height=480,
    )
    names = [name for name in CLASSES if record.limits.sentences[name].n]
    labels = [name.removeprefix("English ").replace(", ", ",<br>") for name in names]
    for index, design in enumerate(DESIGNS):
        models = [model for model in record.models if model.design == design]
        found = [
            wilson_interval(
                sum(model.sentences[name] for model in models),
                record.limits.sentences[name].n * len(models),
            )
            for name in names
        ]
        low, high = [item.low for item in found], [item.high for item in found]
        shares = [item.estimate for item in found]
        plots.points(chart, labels, shares, design, low=low, high=high, index=index)
    most = [record.limits.sentences[name].share for name in names]
    plots.points(chart, labels, most, "limit of any stacked decoder", index=2)
    chart.update_xaxes(tickangle=0)
    chart.update_yaxes(range=[-0.03, 1.03])
    return chart


@figure("Training", "Training loss of both designs, logged every few updates.")
def losses(record: TrainingRecord) -> go.Figure:
    chart = plots.new_chart("update", "training loss (nats per word)", log_y=True)
    for index, design in enumerate(DESIGNS):
        models = [model for model in record.models if model.design == design]
        for place, model in enumerate(models):
            plots.line(
                chart,
                model.steps,
                model.losses,
                design,
                index=index,
                markers=False,
                legend=place == 0,
            )
    return chart


@table("What can be right at all: test words and sentences")
def most(record: LimitsRecord) -> Rows:
    counts = {f"words, {kind}": count for kind, count in record.words.items()}
    counts |= {f"sentences, {name}": count for name, count in record.sentences.items()}
    return ("of", "number", "stacked: at most", "source known: at most"), [
        [name, c.n, c.share, c.sequential / c.n if c.n else float("nan")]
        for name, c in counts.items()
    ]


@table("The trained models")
def models(record: TrainingRecord) -> Rows:
    limits = record.limits
    columns = (*(f"words, {kind}" for kind in STATUSES), "sentences exact")
    rows = []
    for model in record.models:
        shares = [_share(model.words[kind], limits.words[kind].n) for kind in STATUSES]
        exact = _share(model.sentences[ALL], limits.n_pairs)
        rows.append([model.design, model.seed, model.hidden_size, model.n_parameters])
        rows[-1] += [*shares, exact]
    return ("design", "seed", "hidden units", "parameters", *columns), rows


@table("Right beside what can be right: mean shares over the seeds")
def right(record: TrainingRecord) -> Rows:
    limits = {f"words, {kind}": limit for kind, limit in record.limits.words.items()}
    limits |= {f"sentences, {name}": limit for name, limit in record.limits.sentences.items()}
    rows = []
    for label, limit in limits.items():
        counted, _, kind = label.partition(", ")
        shares = [
            _share(sum(getattr(m, counted)[kind] for m in own), limit.n * len(own))
            for own in ([m for m in record.models if m.design == design] for design in DESIGNS)
        ]
        rows.append([label, limit.n, limit.share, *shares])
    return ("of", "number", "stacked: at most", *DESIGNS), rows


@table("Sequential minus stacked, share of words right, with the ends of the 95 % interval")
def differences(record: TrainingRecord) -> Rows:
    rows = [[c.seed, kind, *c.words[kind]] for c in record.comparisons for kind in STATUSES]
    return ("seed", "words", "difference", "low", "high"), rows


@metrics
def shares(record: TrainingRecord) -> dict[str, float]:
    found = {}
    for design in DESIGNS:
        own = [model for model in record.models if model.design == design]
        for kind in (READ, UNREAD):
            total = record.limits.words[kind].n * len(own)
            found[f"words {kind}, {design}"] = _share(sum(m.words[kind] for m in own), total)
        total = record.limits.n_pairs * len(own)
        found[f"sentences exact, {design}"] = _share(sum(m.sentences[ALL] for m in own), total)
    return found


def _share(count: int, total: int) -> float:
    return count / total if total else float("nan")
