"""The figures, tables and metrics of ``translation``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eigenlab import plots
from eigenlab.experiments.translation.claims import exact_difference
from eigenlab.experiments.translation.config import TranslationConfig
from eigenlab.experiments.translation.records import (
    ATTENTION,
    LAST_STATE,
    CorpusRecord,
    Scores,
    StatePath,
    TranslationRecord,
    TranslatorRecord,
)
from eigenlab.lab import Rows, figure, metrics, table

EXACT_AXIS = "exact match (share of held-out sentences)"


@figure("Training", "Cross-entropy of the next word under teacher forcing, on each batch.")
def learning(record: TranslationRecord) -> go.Figure:
    chart = plots.new_chart("update", "training loss (nats per token)", log_y=True)
    for name, model in record.models.items():
        plots.line(chart, model.steps, model.losses, name, markers=False)
    return chart


def _groups_caption(config: TranslationConfig) -> str:
    return (
        f"Share of held-out sentences of at most {config.max_tokens} tokens that are translated "
        "exactly, with 95 % intervals."
    )


@figure("By length", _groups_caption)
def by_length(record: TranslationRecord) -> go.Figure:
    return _grouped(record, lambda model: model.by_length, "tokens of the source")


@figure("By word order", _groups_caption)
def by_order(record: TranslationRecord) -> go.Figure:
    return _grouped(record, lambda model: model.by_order, "word order and number of tokens")


def _grouped(
    record: TranslationRecord,
    groups: Callable[[TranslatorRecord], Mapping[str, Scores]],
    title: str,
) -> go.Figure:
    chart = plots.new_chart(title, EXACT_AXIS)
    for name, model in record.models.items():
        scores = groups(model)
        plots.points(
            chart,
            [f"{g} ({found.count})".replace(", ", "<br>") for g, found in scores.items()],
            [found.exact_match for found in scores.values()],
            name,
            low=[found.interval[0] for found in scores.values()],
            high=[found.interval[1] for found in scores.values()],
            size=11,
        )
    chart.update_xaxes(type="category")
    chart.update_yaxes(range=[-0.02, 1.04])
    return chart


@figure(
    "Attention",
    "Weights of the source tokens while each target token is written, for held-out sentences "
    "whose words change their order. Rows sum to 1.",
)
def attention(record: TranslationRecord) -> go.Figure:
    found = record.models[ATTENTION].alignment
    maps = [] if found is None else list(found.maps)
    columns = min(2, max(1, len(maps)))
    rows = max(1, math.ceil(len(maps) / 2))
    chart = make_subplots(rows=rows, cols=columns, vertical_spacing=0.22, horizontal_spacing=0.16)
    chart.update_layout(template=plots.NEUTRAL, height=380 * rows)
    for place, shown in enumerate(maps):
        at = {"row": place // 2 + 1, "col": place % 2 + 1}
        chart.add_trace(
            go.Heatmap(
                z=[list(row) for row in shown.weights],
                coloraxis="coloraxis",
                hovertemplate="%{z:.2f}<extra></extra>",
            ),
            **at,
        )
        # Tokens label the places, since a token may occur twice in a sentence.
        chart.update_xaxes(
            **_ticks(shown.source), tickangle=-40, showgrid=False, title="source token", **at
        )
        chart.update_yaxes(
            **_ticks(shown.target),
            autorange="reversed",
            showgrid=False,
            title="target token",
            **at,
        )
    chart.update_layout(
        coloraxis={
            "colorscale": plots.SEQUENTIAL,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": {"text": "weight", "side": "right"}},
        }
    )
    return chart


def _ticks(tokens: Sequence[str]) -> dict[str, Any]:
    shown = [token.replace("<", "&lt;").replace(">", "&gt;") for token in tokens]
    return {"tickmode": "array", "tickvals": list(range(len(tokens))), "ticktext": shown}


@figure(
    "Path of the hidden state, from the last state alone",
    "States of encoder and decoder through two held-out sentences, in the plane of the first two "
    "principal components of the states of many. The decoder starts where the encoder ends; each "
    "of its states is labelled by the word that is written from it.",
)
def path(record: TranslationRecord) -> go.Figure:
    return _paths(record.models[LAST_STATE])


@figure(
    "Path of the hidden state, with attention",
    "As above, for the model with attention.",
)
def path_with_attention(record: TranslationRecord) -> go.Figure:
    return _paths(record.models[ATTENTION])


def _paths(model: TranslatorRecord) -> go.Figure:
    shares = [f"{share:.0%}" for share in model.explained]
    chart = plots.new_chart(
        f"first principal component ({shares[0]} of the variance)",
        f"second principal component ({shares[1]})",
        height=560,
    )
    for number, shown in enumerate(model.paths[:2], 1):
        _path(chart, shown, number)
    return chart


def _path(chart: go.Figure, shown: StatePath, number: int) -> None:
    for part, states, labels in (
        ("encoder", shown.encoder, shown.encoder_labels),
        ("decoder", shown.decoder, shown.decoder_labels),
    ):
        x, y = zip(*states, strict=True)
        plots.line(chart, x, y, f"{part}, sentence {number}", markers=True)
        ticks = _ticks(labels)["ticktext"]
        chart.data[-1].update(mode="lines+markers+text", text=ticks, textposition="top center")


@figure(
    "Eigenvalues of the recurrent weights",
    "Of W_hn, through which a GRU makes the candidate of its new state, before and after training "
    "from the last state alone.",
)
def spectra(record: TranslationRecord) -> go.Figure:
    chart = plots.complex_plane()
    index = 0
    for part, stages in record.models[LAST_STATE].eigenvalues.items():
        for stage, values in stages.items():
            plots.add_eigenvalues(chart, values, f"{part}, {stage}", index=index)
            index += 1
    return chart


def _gradient_caption(config: TranslationConfig) -> str:
    return (
        "Norm of the gradient of -log p of the last target word with respect to each state of the "
        "encoder, for one held-out sentence. Without attention it arrives at the last state only "
        "and goes back step by step."
    )


@figure("Gradient of the last word in the source", _gradient_caption)
def gradient(record: TranslationRecord) -> go.Figure:
    first = record.models[LAST_STATE].gradients
    chart = plots.new_chart(
        "source token", "|∂(-log p)/∂h<sub>t</sub>|", log_y=True, title=f"{first.target}"
    )
    for name, model in record.models.items():
        norms = model.gradients.norms
        plots.line(chart, list(range(len(norms))), norms, f"{name}: {model.gradients.word}")
    chart.update_xaxes(**_ticks(first.source))
    return chart


@table("Sentence pairs")
def pairs(record: CorpusRecord) -> Rows:
    return ("quantity", "value"), [
        ["training pairs", record.train],
        ["held-out pairs", record.test],
        ["Spanish tokens", record.source_tokens],
        ["English tokens", record.target_tokens],
        ["held-out pairs with an unknown word", record.with_unknown],
        ["held-out pairs that share a sentence with training", record.leaked],
        ["the same with a random split", record.leaked_at_random],
    ]


@table("Quality on the held-out pairs")
def quality(record: TranslationRecord) -> Rows:
    rows = []
    for name, model in record.models.items():
        for decoding, found in (("greedy", model.greedy), ("beam search", model.beam)):
            low, high = found.interval
            rows.append(
                [
                    name,
                    decoding,
                    f"{found.exact_match:.1%} ({low:.1%} to {high:.1%})",
                    f"{found.bleu:.1f}",
                    model.signature,
                    f"{model.training_seconds:.0f}",
                ]
            )
    return ("model", "decoding", "exact match", "BLEU", "signature", "training (s)"), rows


@table("BLEU by word order")
def bleu_by_order(record: TranslationRecord) -> Rows:
    names = list(record.models)
    groups = record.models[names[0]].by_order
    rows = [
        [group, found.count, *(f"{record.models[n].by_order[group].bleu:.1f}" for n in names)]
        for group, found in groups.items()
    ]
    return ("word order", "sentences", *names), rows


@table("Examples")
def examples(record: TranslationRecord) -> Rows:
    rows = [
        [
            name,
            "right" if item.translation == item.reference else "wrong",
            item.source,
            item.translation,
            item.reference,
        ]
        for name, model in record.models.items()
        for item in model.examples
    ]
    return ("model", "", "source", "translation", "reference"), rows


@table("Nearest words by the cosine of their embeddings")
def neighbours(record: TranslationRecord) -> Rows:
    rows = [
        [
            name,
            item.weights,
            item.word,
            ", ".join(
                f"{word} ({cosine:.2f})"
                for word, cosine in zip(item.nearest, item.cosines, strict=True)
            ),
            f"{item.initial:.2f}",
        ]
        for name, model in record.models.items()
        for item in model.neighbours
    ]
    columns = ("model", "weights", "word", "nearest words (cosine)", "nearest before training")
    return columns, rows


@table("Inside the models")
def inside(record: TranslationRecord) -> Rows:
    names = list(record.models)
    models = [record.models[name] for name in names]
    rows: list[list[str]] = []
    for part in models[0].eigenvalues:
        for stage in ("initial", "trained"):
            radii = [max(math.hypot(*v) for v in m.eigenvalues[part][stage]) for m in models]
            label = f"spectral radius of W_hn, {part}, {stage}"
            rows.append([label, *(f"{radius:.2f}" for radius in radii)])
    shares = [m.gradients for m in models]
    rows += [
        [
            "share of the last word's gradient at the words it translates",
            *(f"{g.aligned:.0%}" for g in shares),
        ],
        ["the same if it were the same everywhere", *(f"{g.uniform:.0%}" for g in shares)],
    ]
    for label, field in (
        ("target words whose heaviest source word is aligned", "attention"),
        ("the same with uniform weights", "uniform"),
        ("the same on the diagonal", "diagonal"),
    ):
        found = [m.alignment for m in models]
        rows.append([label, *("" if a is None else f"{getattr(a, field):.0%}" for a in found)])
    return ("quantity", *names), rows


@metrics
def numbers(record: TranslationRecord) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, model in record.models.items():
        found[f"exact match, {name}"] = model.greedy.exact_match
        found[f"BLEU, {name}"] = model.greedy.bleu
    found["exact match with attention minus last state"] = exact_difference(record).estimate
    return found
