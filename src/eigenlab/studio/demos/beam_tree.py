"""The beam search of a sentence as a tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.studio.demos.demo import Panel
from eigenlab.translation import EOS, Translation
from eigenlab.translation.beam import Hypothesis

HEIGHT = 620
#: Steps that are shown at first; the others come by panning.
SHOWN = 12
#: The traces, with the index of their style, and the width of their lines.
DROPPED, KEPT, CHOSEN = "dropped", "kept", "the sentence that is written"
STYLES = {DROPPED: (6, 0.6), KEPT: (0, 1.5), CHOSEN: (1, 4.0)}

Node = tuple[int, int]


def beam_tree(
    steps: Sequence[Sequence[Hypothesis]],
    best: Translation,
    words: Callable[[Sequence[int]], list[str]],
) -> Panel:
    """Draw what the search considers at each step, linked to what it continues.

    Args:
        steps: as of :func:`~eigenlab.translation.beam.beam_steps`.
        best: the sentence that is written.
        words: tokens -> how each of them is written.
    """
    chosen = (*best.tokens, EOS) if best.is_complete else tuple(best.tokens)
    places: dict[tuple[int, ...], Node] = {(): (0, 1)}
    groups: dict[str, list[Hypothesis]] = {name: [] for name in STYLES}
    for step, hypotheses in enumerate(steps, start=1):
        for rank, hypothesis in enumerate(hypotheses, start=1):
            tokens = hypothesis.tokens
            places[tokens] = (step, rank)
            on_the_way = chosen[: len(tokens)] == tokens
            name = CHOSEN if on_the_way else KEPT if hypothesis.is_kept else DROPPED
            groups[name].append(hypothesis)
    chart = plots.new_chart("step", "rank at this step", height=HEIGHT)
    for name, group in groups.items():
        _edges(chart, name, [(places[h.tokens[:-1]], places[h.tokens]) for h in group])
    for name, group in groups.items():
        _nodes(chart, name, group, places, words)
    ranks = max(len(step) for step in steps)
    chart.update_xaxes(range=[-0.5, min(len(steps), SHOWN) + 0.6], dtick=1)
    chart.update_yaxes(range=[ranks + 0.6, 0.05], dtick=1)
    return Panel(
        "tree",
        "The search as a tree",
        "At each step the most probable beginnings, best first, with the logarithms of their "
        "probabilities (nats). Those that end in <eos> are sentences; of the others the search "
        "keeps as many as 'beam' says, and continues only these.",
        chart,
    )


def _edges(chart: go.Figure, name: str, edges: list[tuple[Node, Node]]) -> None:
    index, width = STYLES[name]
    ends = [(*edge, (None, None)) for edge in edges]
    x = [node[0] for edge in ends for node in edge]
    y = [node[1] for edge in ends for node in edge]
    plots.line(
        chart,
        x,
        y,
        f"{name}: links",
        index=index,
        markers=False,
        dash="solid",
        width=width,
        legend=False,
    )


def _nodes(
    chart: go.Figure,
    name: str,
    group: list[Hypothesis],
    places: dict[tuple[int, ...], Node],
    words: Callable[[Sequence[int]], list[str]],
) -> None:
    x, y = zip(*(places[h.tokens] for h in group), strict=True) if group else ((), ())
    texts = [f"{' '.join(words(h.tokens))} ({h.log_probability:.3f} nats, {name})" for h in group]
    plots.points(chart, x, y, name, index=STYLES[name][0], text=texts)
    labels = [f"{words(h.tokens[-1:])[0]}<br>{h.log_probability:.1f}" for h in group]
    shown = name != DROPPED
    chart.data[-1].update(
        mode="markers+text" if shown else "markers",
        text=labels,
        textposition="top center",
        textfont={"size": 11},
        marker={"size": 9 if shown else 5},
        hoverinfo="text",
    )
