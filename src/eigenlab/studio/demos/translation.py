"""Translation, word by word (questions 7, 7a, 7b, 7c)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import plotly.graph_objects as go
import torch

from eigenlab import plots
from eigenlab.errors import InputError
from eigenlab.lab import Config
from eigenlab.reporter import Reporter
from eigenlab.studio.demos.beam_tree import beam_tree
from eigenlab.studio.demos.demo import (
    Demo,
    Example,
    Goal,
    Panel,
    Preparation,
    View,
    knob,
    option,
    power,
)
from eigenlab.translation import (
    SPECIAL_TOKENS,
    Translation,
    Translator,
    beam_search,
    exposure,
    free_running_inputs,
    pad_sentences,
    phrasebook,
    teacher_forcing_inputs,
    tokenize,
    word_gradients,
)
from eigenlab.translation.beam import beam_steps

PAIRS = 30_000
HELD_OUT = 400
TARGET, SAMPLED = "I see a dog", "I saw a dog"
SHOWN = 3  # candidates at each step
LONGEST = 30  # tokens of a sentence
MODELS: dict[str, dict[str, Any]] = {
    "attention": {},
    "last state": {"attention": False, "bidirectional": False},
    "stacked": {"attention": False, "bidirectional": False, "design": "stacked"},
}
RANKS = ("most probable", "second", "third")


class TranslationSettings(Config):
    """A sentence, the model that translates it, and the exercise of questions 7b and 7c."""

    sentence: str = option(
        "Veo un perro negro.", "A Spanish sentence of the phrasebook's kind.", max_length=300
    )
    model: Literal["attention", "last state", "stacked"] = option(
        "attention",
        "The decoder attends to all states of the encoder, starts from its last state only, or is "
        "stacked on it step by step (question 7a).",
    )
    beam: int = knob(
        4, "Beginnings of sentences that the search keeps at each step.", low=1, high=8, step=1
    )
    reference: str = option(
        "I see a black dog.", "The right translation, to compare with.", max_length=300
    )
    exercise: Literal["7b", "7c"] = option(
        "7b",
        f"7b: the target is '{TARGET}'; what is the decoder fed in training? 7c: it has emitted "
        f"'{SAMPLED}'; what was it fed?",
    )
    fed: str = option(
        "", "Your answer: five tokens, separated by blanks; <sos> begins a sentence.", max_length=99
    )


def make(settings: TranslationSettings, folder: Path, reporter: Reporter) -> None:
    """Train the translator on sentences of the phrasebook."""
    pairs = phrasebook(PAIRS, seed=settings.seed)
    translator = Translator(
        128,
        n_epochs=9,
        batch_size=64,
        learning_rate=4e-3,
        dropout=0.1,
        label_smoothing=0.0,
        random_state=settings.seed,
        **MODELS[settings.model],
    )
    translator.fit(pairs[HELD_OUT:], reporter=reporter)
    translator.save(folder / "translator.safetensors")


@lru_cache(maxsize=3)
def _loaded(folder: Path) -> Translator:
    """Translating never changes a translator, so that one serves all drawings."""
    return Translator.load(folder / "translator.safetensors")


def draw(settings: TranslationSettings, folder: Path) -> View:
    """Translate the sentence and show how."""
    translator = _loaded(folder)
    for name, text in (("sentence", settings.sentence), ("reference", settings.reference)):
        count = len(tokenize(text))
        if not 1 <= count <= LONGEST:
            raise InputError(f"{name} has {count} words, expected 1 to {LONGEST}")
    source = pad_sentences([translator.source_vocabulary_.encode(settings.sentence)])
    search: dict[str, Any] = {
        "beam_size": settings.beam,
        "n_best": min(SHOWN, settings.beam),
        "max_length": translator.max_length,
    }
    (found,) = beam_search(translator.model_, *source, **search)
    steps = beam_steps(translator.model_, *source, **search)
    best = found[0]
    written = translator.target_vocabulary_.decode(best.tokens)
    ways = _exposed(translator, settings)
    numbers = {
        "log_probability": best.log_probability,
        "loss_forced": float(ways["fed the right words"].sum()),
        "loss_free": float(ways["fed its own words"].sum()),
    }
    return View(
        sentence=_sentence(translator, settings, written, best),
        panels=(
            _attention(translator, settings, best),
            _steps(translator, settings, best),
            _beam(translator, found),
            _exposure(translator, settings, ways),
            beam_tree(steps, best, partial(_words, translator.target_vocabulary_)),
        ),
        numbers=numbers,
        goals=(_exercise(settings),),
        python=_python(settings, folder),
    )


def _sentence(
    translator: Translator, settings: TranslationSettings, written: str, best: Translation
) -> str:
    (unknown,) = translator.unknown([settings.sentence])
    parts = [f"It writes: {written or 'nothing'}"]
    probability = power(float(torch.tensor(best.log_probability).exp()))
    parts.append(f"The model gives this sentence the probability {probability}.")
    if not best.is_complete:
        parts.append("It was cut before its end.")
    if unknown:
        parts.append(f"It has never seen {', '.join(unknown)}, and reads <unk> instead.")
    if written.strip().lower() == settings.reference.strip().lower():
        parts.append("That is the reference.")
    return " ".join(parts)


def _attention(translator: Translator, settings: TranslationSettings, best: Translation) -> Panel:
    """Attention weights; without attention, where the gradient of each word goes."""
    source = translator.source_vocabulary_.encode(settings.sentence)
    words = [*_words(translator.source_vocabulary_, source), "<eos>"]
    target = [*_words(translator.target_vocabulary_, best.tokens), "<eos>"]
    if best.attention is not None:
        rows = best.attention.T.tolist()
        caption = "How much each target word (column) attends to each source word (row)."
        value = "attention weight"
    else:
        columns = [
            word_gradients(translator.model_, source, best.tokens, word=place)["encoder"]
            for place in range(len(best.tokens) + 1)
        ]
        rows = torch.stack([column / column.sum() for column in columns], dim=1).tolist()
        caption = (
            "This model has no attention. Shown is where the gradient of each target word "
            "(column) goes among the source words (rows), as shares."
        )
        value = "share of the gradient"
    height = max(len(rows), 1)
    chart = plots.heatmap(
        [row[: len(target)] for row in rows],
        x=list(range(1, len(rows[0]) + 1)),
        y=list(range(1, height + 1)),
        x_title="target word",
        y_title="source word",
        value_title=value,
        numbers=False,
    )
    _label(chart, "xaxis", target[: len(rows[0])])
    _label(chart, "yaxis", words[:height])
    return Panel("attention", "Where it looks", caption, chart)


def _words(vocabulary: Any, indices: Sequence[int]) -> list[str]:
    """Each token as it is written."""
    return [
        SPECIAL_TOKENS[index] if index < len(SPECIAL_TOKENS) else vocabulary.decode([index])
        for index in indices
    ]


def _label(chart: go.Figure, axis: str, words: list[str]) -> None:
    ticks = {"tickvals": list(range(1, len(words) + 1)), "ticktext": words}
    chart.update_layout({axis: ticks})


def _steps(translator: Translator, settings: TranslationSettings, best: Translation) -> Panel:
    """The most probable words at each step of the translation."""
    vocabulary = translator.target_vocabulary_
    source, lengths = pad_sentences([translator.source_vocabulary_.encode(settings.sentence)])
    inputs = free_running_inputs(torch.tensor([best.tokens]))
    with torch.no_grad():
        logits = translator.model_(source, lengths, inputs)[0]
    top = logits.softmax(dim=-1).topk(SHOWN, dim=-1)
    steps = list(range(1, len(logits) + 1))
    chart = plots.new_chart("step of the decoder, and the word it is fed", "probability")
    for rank, name in enumerate(RANKS):
        texts = _words(vocabulary, top.indices[:, rank].tolist())
        values = top.values[:, rank].tolist()
        plots.points(chart, steps, values, name, index=rank, text=texts)
    fed = ["<sos>", *_words(vocabulary, best.tokens)]
    _label(chart, "xaxis", fed[: len(steps)])
    chart.update_yaxes(range=[-0.05, 1.05])
    return Panel(
        "steps",
        "What it considers at each step",
        "The three most probable next words; the pointer shows them. Each step is fed the word "
        "that was written before (question 7c).",
        chart,
    )


def _beam(translator: Translator, found: list[Translation]) -> Panel:
    chart = plots.new_chart("nats", "rank", height=300)
    texts = [translator.target_vocabulary_.decode(item.tokens) or "(empty)" for item in found]
    texts += [""] * (SHOWN - len(texts))
    scores: list[float | None] = [item.log_probability for item in found]
    scores += [None] * (SHOWN - len(scores))
    plots.points(chart, scores, [1.0, 2.0, 3.0], "sentences of the search", text=texts)
    ranks = [f"{rank}. {text}" for rank, text in enumerate(texts, start=1)]
    chart.update_layout(
        yaxis={"autorange": "reversed", "tickvals": [1, 2, 3], "ticktext": ranks, "title": ""}
    )
    return Panel(
        "beam",
        "The best sentences of the search",
        "Logarithm of the probability of each. A wider beam finds more probable sentences, up to "
        "the most probable one; these are not always better translations.",
        chart,
    )


def _exposed(translator: Translator, settings: TranslationSettings) -> dict[str, torch.Tensor]:
    """Loss of each word of the reference under teacher forcing and free-running."""
    source = pad_sentences([translator.source_vocabulary_.encode(settings.sentence)])
    target, _ = pad_sentences([translator.target_vocabulary_.encode(settings.reference)])
    ways = exposure(translator.model_, *source, target)
    real = ways.real[0]
    return {
        "fed the right words": ways.forced.loss[0][real],
        "fed its own words": ways.free.loss[0][real],
    }


def _exposure(
    translator: Translator, settings: TranslationSettings, ways: dict[str, torch.Tensor]
) -> Panel:
    chart = plots.new_chart("word of the reference", "loss (nats)")
    vocabulary = translator.target_vocabulary_
    words = _words(vocabulary, vocabulary.encode(settings.reference))
    for name, losses in ways.items():
        plots.line(chart, list(range(1, len(losses) + 1)), losses.tolist(), name, markers=True)
    _label(chart, "xaxis", [*words, "<eos>"][: len(next(iter(ways.values())))])
    return Panel(
        "exposure",
        "Teacher forcing and free running",
        "The loss of each word of the reference, the decoder being fed the right words before it, "
        "or its own. After its first error the two differ.",
        chart,
    )


def _exercise(settings: TranslationSettings) -> Goal:
    """Question 7b or 7c, judged by the functions that training and generation call."""
    if settings.exercise == "7b":
        task = f"7b. In training, the target is '{TARGET}'. Which five tokens is the decoder fed?"
        expected = teacher_forcing_inputs(TARGET.split())
    else:
        task = f"7c. The decoder has emitted '{SAMPLED}'. Which five tokens was it fed?"
        expected = free_running_inputs(SAMPLED.split())
    given = settings.fed.split()
    return Goal(f"{task} Fill in 'fed'.", given == expected, _hint(given, expected))


def _hint(given: list[str], expected: list[str]) -> str:
    if not given:
        return "no answer yet"
    if given == expected:
        return "right"
    if given == expected[1:] or given == [*expected[1:], "<eos>"]:
        return "these are the words that it writes: the inputs are shifted by one step"
    if len(given) != len(expected):
        return f"{len(given)} tokens, expected {len(expected)}"
    wrong = next(k for k, pair in enumerate(zip(given, expected, strict=True)) if len({*pair}) > 1)
    return f"token {wrong + 1}, '{given[wrong]}', is not what it is fed"


def _python(settings: TranslationSettings, folder: Path) -> str:
    return (
        "from eigenlab.translation import Translator, beam_search, exposure, pad_sentences\n\n"
        f"translator = Translator.load({str(folder / 'translator.safetensors')!r})\n"
        f"sentence, reference = {settings.sentence!r}, {settings.reference!r}\n"
        "source = pad_sentences([translator.source_vocabulary_.encode(sentence)])\n"
        "(found,) = beam_search(\n"
        f"    translator.model_, *source, beam_size={settings.beam}, "
        f"n_best={min(SHOWN, settings.beam)},\n"
        "    max_length=translator.max_length,\n)\n"
        "log_probability = found[0].log_probability\n"
        "target, _ = pad_sentences([translator.target_vocabulary_.encode(reference)])\n"
        "ways = exposure(translator.model_, *source, target)\n"
        "loss_forced = float(ways.forced.loss[ways.real].sum())\n"
        "loss_free = float(ways.free.loss[ways.real].sum())\n"
    )


DEMO = Demo(
    name="translation",
    title="Translation, word by word",
    questions=("7", "7a", "7b", "7c"),
    summary=(
        "An encoder reads a Spanish sentence, a decoder writes the English one. See what the "
        "decoder is fed, what it considers, where it looks, and what happens if it is stacked on "
        "the encoder instead."
    ),
    settings=TranslationSettings,
    draw=draw,
    preparation=Preparation("Train the translator", ("model", "seed"), 3, make),
    examples=(
        Example(
            "1. Another order",
            {"sentence": "Veo un perro negro.", "reference": "I see a black dog."},
            "The adjective follows the noun in Spanish. Look where each English word looks.",
        ),
        Example(
            "2. Fed the wrong word",
            {"sentence": "Veo un perro negro.", "reference": "We saw a black dog."},
            "The reference begins with another word than the model's. Fed with its own word, it "
            "goes on otherwise than when it is fed the right one.",
        ),
        Example(
            "3. Without attention",
            {"model": "last state"},
            "All that the decoder knows is the encoder's last state.",
        ),
        Example(
            "4. The stacked design",
            {"model": "stacked"},
            "It has to write the second word before it has read the third: it must guess 'black', "
            "which stands at the end in Spanish (question 7a).",
        ),
    ),
)
