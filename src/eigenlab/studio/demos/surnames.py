"""The language of origin of a typed name, letter by letter (questions 2, 2a)."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from eigenlab import plots
from eigenlab.data import path
from eigenlab.errors import InputError
from eigenlab.experiments.surnames.training import TANH_RNN, Part, lines, take
from eigenlab.files import dump_json, load_json, write_atomic
from eigenlab.lab import Config
from eigenlab.names import (
    INTENDED_USE,
    NameClassifier,
    course_split,
    evaluate,
    is_readable,
    shift_priors,
    spelling,
)
from eigenlab.names.encoding import unreadable
from eigenlab.reporter import Reporter
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, Preparation, View, knob, option
from eigenlab.studio.demos.shown_metrics import ShownMetrics

Floats = NDArray[np.float64]

LONGEST = 200
NONE = "none"
#: Of the embedded list and of the course's.
LANGUAGES = (
    "Arabic",
    "Chinese",
    "Czech",
    "Dutch",
    "English",
    "French",
    "German",
    "Greek",
    "Irish",
    "Italian",
    "Japanese",
    "Korean",
    "Polish",
    "Portuguese",
    "Russian",
    "Scottish",
    "Spanish",
    "Vietnamese",
)
#: Letters up to which each has a mark of its own on the axis.
LABELLED = 24
TOP = 5
LETTERS = "letters read"
PROBABILITY = "probability"
TRAINED_ON = ("data", "cell", "ngrams", "rnn_size", "epochs", "seed")
#: The goal of the threshold: accuracy on the answered test names, and their share.
RIGHT, ANSWERED = 0.9, 0.4
#: Fall of the probability when the letter that decides is left out.
DECISIVE = 0.8


class SurnamesSettings(Config):
    """A name, a classifier, and how its probabilities are used."""

    name: str = option(
        "Dostoevsky", "A surname in Latin letters; accents are understood.", max_length=LONGEST
    )
    abstain_below: float = knob(
        0.3,
        "The answer is “undecided” where the highest probability is below this.",
        low=0,
        high=0.99,
        step=0.01,
        label="threshold",
    )
    balance: float = knob(
        0.0,
        "Base rates of the population: 0, those of the training names; 1, all languages equally "
        "common; between them, the training shares to the power 1 - balance.",
        low=0,
        high=1,
        step=0.05,
        label="balance of the languages",
    )
    favoured: Literal[NONE, *LANGUAGES] = option(  # type: ignore[valid-type]
        NONE, "A language that is more common in the population.", label="more common language"
    )
    times: float = knob(
        10,
        "How many times as common that language is.",
        low=1,
        high=100,
        step=0.1,
        label="how many times",
        log=True,
    )
    cell: Literal["rnn", "lstm"] = option("rnn", "A plain recurrent layer (tanh), or an LSTM.")
    ngrams: bool = option(
        False,
        "Whether groups of two to four letters are embedded, too, and names are also read "
        "backwards, as in the library's default classifier.",
        label="letter groups, both directions",
    )
    rnn_size: int = knob(
        128, "Hidden units, and width of the embedding.", low=8, high=128, step=8, label="units"
    )
    epochs: int = knob(15, "Passes over the training names.", low=1, high=30, step=1)
    data: Literal["names-mini", "names"] = option(
        "names-mini",
        "The embedded list, or the course's list of 18 languages where it is on this machine.",
        label="list of names",
    )
    seed: int = knob(0, "Random seed of the split and of the training.", low=0, high=99, step=1)


class _Trained(NamedTuple):
    classifier: NameClassifier
    #: Probabilities of the test names, (n, n_classes), and their languages.
    probabilities: Floats
    languages: list[str]
    training: dict[str, int]


class _Reading(NamedTuple):
    """What the classifier answers for one name."""

    letters: str
    #: After each letter, (letters, n_classes).
    evolution: Floats
    answer: Floats
    #: The same with the base rates of the training.
    trained: Floats
    #: Fall of the answer's probability when each letter is left out.
    saliency: Floats

    @property
    def top(self) -> int:
        return int(self.answer.argmax())


def prepare(settings: SurnamesSettings, folder: Path, reporter: Reporter) -> None:
    """Train the classifier on the course's split and store it with its answers to the test names.

    Args:
        settings: those of the training.
        folder: receives ``classifier.safetensors``, ``test.json`` and ``test.npz``.
        reporter: receives the loss, and after each epoch the accuracy on the test names.
    """
    train, test = _parts(settings)
    classifier = NameClassifier(**_parameters(settings))
    reporter.stage(f"{len(train[0]):,} training names")
    shown = {"loss": "training loss (nats)", "validation_accuracy": "accuracy on test names"}
    classifier.fit(*train, validation=test, reporter=ShownMetrics(reporter, shown))
    classifier.save(folder / "classifier.safetensors")
    readable = is_readable(test[0])
    probabilities = classifier.predict_proba(test[0])[readable]
    with (folder / "test.npz").open("wb") as file:
        np.savez(file, probabilities=probabilities)
    languages = [language for language, kept in zip(test[1], readable, strict=True) if kept]
    described = {"languages": languages, "training": dict(Counter(train[1]))}
    write_atomic(folder / "test.json", dump_json(described))


def _parts(settings: SurnamesSettings) -> tuple[Part, Part]:
    if path(settings.data) is None:  # a page downloads nothing
        raise InputError(
            f"data={settings.data!r} is not on this machine; run `eigenlab data fetch "
            f"{settings.data}`, or take names-mini"
        )
    everything = lines(settings.data)
    split = course_split(everything[0], seed=settings.seed)
    return take(everything, split.train.tolist()), take(everything, split.test.tolist())


def _parameters(settings: SurnamesSettings) -> dict[str, Any]:
    """Arguments of the classifier: the network of question 2, or the best one of the library."""
    return {
        **({} if settings.ngrams else TANH_RNN),
        "model_type": settings.cell,
        "rnn_size": settings.rnn_size,
        "n_epochs": settings.epochs,
        "batch_size": 64,
        "unreadable": "ignore",
        "random_state": settings.seed,
    }


def draw(settings: SurnamesSettings, folder: Path) -> View:
    """Read the name and draw what the classifier makes of it.

    Args:
        settings: the name, and how it is answered.
        folder: where :func:`prepare` has stored the classifier.

    Raises:
        InputError: the name has no letter that can be read.
    """
    _check_name(settings.name)
    model = _trained(folder)
    population = _population(model, settings)
    measured = _evaluated(folder, tuple(population))
    reading = _read(model, settings.name, population)
    answered = _answered(model, population, settings.abstain_below)
    numbers = {
        "probability": float(reading.answer[reading.top]),
        "accuracy": measured["accuracy"],
        "answered": float(answered[0]),
        "accuracy_answered": float(answered[1]),
    }
    return View(
        sentence=_sentence(settings, model, reading),
        panels=_panels(settings, model, reading, measured, numbers),
        numbers=numbers,
        goals=_goals(reading, numbers),
        python=_python(settings),
    )


def _check_name(name: str) -> None:
    if not name.strip():
        raise InputError("name is empty; type a surname, such as Rossi")
    if not is_readable([name])[0]:
        shown = name if len(name) <= 20 else f"{name[:20]}…"
        raise InputError(
            f"name {shown!r} has no letter that the classifier can read, so it does not answer; "
            "it knows the Latin letters, with or without accents: type the name in these"
        )


@functools.lru_cache(maxsize=8)
def _trained(folder: Path) -> _Trained:
    described = load_json((folder / "test.json").read_text("utf-8"))
    with np.load(folder / "test.npz", allow_pickle=False) as stored:
        probabilities = stored["probabilities"]
    classifier = NameClassifier.load(folder / "classifier.safetensors")
    return _Trained(classifier, probabilities, described["languages"], described["training"])


@functools.lru_cache(maxsize=64)
def _evaluated(folder: Path, population: tuple[float, ...]) -> dict[str, Any]:
    """The audit of the test names with these base rates."""
    model = _trained(folder)
    probabilities = _shifted(model, model.probabilities, np.array(population))
    return evaluate(probabilities, model.classifier.classes_.tolist(), model.languages)


def _population(model: _Trained, settings: SurnamesSettings) -> Floats:
    """Weights of the languages in the population that is asked about."""
    classes = model.classifier.classes_.tolist()
    if settings.favoured not in (NONE, *classes):
        raise InputError(
            f"favoured={settings.favoured!r} is not in this list of names; choose one of "
            f"{', '.join(classes)}"
        )
    weights: Floats = model.classifier.class_prior_ ** (1 - settings.balance)
    if settings.favoured != NONE:
        weights[classes.index(settings.favoured)] *= settings.times
    return weights


def _shifted(model: _Trained, probabilities: Floats, population: Floats) -> Floats:
    return shift_priors(probabilities, model.classifier.class_prior_, population)


def _read(model: _Trained, name: str, population: Floats) -> _Reading:
    letters = spelling(name)
    prefixes = [letters[: k + 1] for k in range(len(letters))]
    without = [letters[:k] + letters[k + 1 :] for k in range(len(letters))]
    found = model.classifier.predict_proba([letters, *prefixes, *without])
    shifted = _shifted(model, found, population)
    answer = shifted[0]
    top = int(answer.argmax())
    return _Reading(
        letters=letters,
        evolution=shifted[1 : 1 + len(letters)],
        answer=answer,
        trained=found[0],
        saliency=answer[top] - shifted[1 + len(letters) :, top],
    )


def _answered(model: _Trained, population: Floats, threshold: float) -> tuple[float, float]:
    """Share of the test names that are answered, and the accuracy on these (NaN without any)."""
    probabilities = _shifted(model, model.probabilities, population)
    classes = model.classifier.classes_
    right = classes[probabilities.argmax(axis=1)] == np.array(model.languages)
    answered = probabilities.max(axis=1) >= threshold
    return answered.mean(), right[answered].mean() if answered.any() else np.nan


def _sentence(settings: SurnamesSettings, model: _Trained, reading: _Reading) -> str:
    classes = model.classifier.classes_
    order = reading.answer.argsort()[::-1]
    first, second = (str(classes[place]) for place in order[:2])
    highest = reading.answer[order[0]]
    if highest < settings.abstain_below:
        text = (
            f"Undecided: the most probable language, {first}, has {highest:.0%}, below the "
            f"threshold of {settings.abstain_below:.0%}."
        )
    else:
        text = (
            f"{first}, with {highest:.0%}; next is {second}, with {reading.answer[order[1]]:.0%}."
        )
    before = str(classes[reading.trained.argmax()])
    if before != first:
        text += f" With the base rates of the training names it would be {before}."
    since = _settled(reading)
    if since == len(reading.letters):
        text += f" It is first only after the last letter, {reading.letters[-1]!r}."
    else:
        text += f" It is first from “{reading.letters[:since].title()}” on."
    if lost := unreadable(settings.name):
        text += f" Not read, since not in its alphabet: {lost[:20]}."
    return text


def _settled(reading: _Reading) -> int:
    """Number of letters from which on the final answer leads."""
    leads = [int(row.argmax()) == reading.top for row in np.nan_to_num(reading.evolution, nan=-1)]
    return max((k for k, lead in enumerate(leads) if not lead), default=-1) + 2


def _goals(reading: _Reading, numbers: dict[str, float]) -> tuple[Goal, ...]:
    largest = np.nanmax([*reading.saliency, 0.0])
    accuracy, answered = numbers["accuracy_answered"], numbers["answered"]
    return (
        Goal(
            f"Find a name in which one letter decides: without it, the probability of the answer "
            f"falls by more than {DECISIVE:.0%}.",
            bool(largest > DECISIVE),
            f"now by {largest:.0%} at most",
        ),
        Goal(
            f"Choose the threshold so that at least {RIGHT:.0%} of what is answered is right, and "
            f"at least {ANSWERED:.0%} of the test names are answered.",
            bool(accuracy >= RIGHT and answered >= ANSWERED),
            f"now {accuracy:.0%} right, {answered:.0%} answered"
            if answered
            else "now none is answered",
        ),
    )


def _panels(
    settings: SurnamesSettings,
    model: _Trained,
    reading: _Reading,
    measured: dict[str, Any],
    numbers: dict[str, float],
) -> tuple[Panel, ...]:
    return (
        Panel(
            "evolution",
            "Letter by letter",
            "Column k is what the classifier would answer if the name ended after its k-th letter.",
            _evolution(model, reading),
        ),
        Panel(
            "top",
            f"The {TOP} most probable languages",
            "Filled: with the chosen base rates. Open: with those of the training names.",
            _top(settings, model, reading),
        ),
        Panel(
            "saliency",
            "What each letter contributes",
            "Fall of the probability of the answer when this letter alone is left out; below zero, "
            "the letter counts against the answer.",
            _saliency(reading),
        ),
        Panel(
            "audit",
            "Who is recognised, and who is not",
            "Share of each language's test names that are answered correctly, without abstention, "
            "with 95 % intervals; the language with most training names is on the left. Dotted: "
            "the share of all test names.",
            _recall(model, measured),
        ),
        Panel(
            "coverage",
            "What abstention buys",
            "Accuracy on the test names where only the most confident share of them is answered.",
            _coverage(measured, numbers),
        ),
    )


def _letter_axis(chart: go.Figure, letters: str) -> None:
    """The letters themselves below the columns, of a long name some of them."""
    stride = -(-len(letters) // LABELLED)
    places = list(range(1, len(letters) + 1, stride))
    chart.update_xaxes(
        tickvals=places,
        ticktext=[letters[k - 1].replace(" ", "␣") for k in places],
        range=[0.5, len(letters) + 0.5],
    )


def _evolution(model: _Trained, reading: _Reading) -> go.Figure:
    classes = model.classifier.classes_.tolist()
    chart = plots.heatmap(
        reading.evolution.T.tolist(),
        x=range(1, len(reading.letters) + 1),
        y=classes,
        x_title=LETTERS,
        y_title="language",
        value_title=PROBABILITY,
        numbers=False,
        height=480,
    )
    chart.update_traces(zmin=0, zmax=1)
    chart.update_yaxes(type="category", tickmode="linear", title_text="")
    _letter_axis(chart, reading.letters)
    return chart


def _top(settings: SurnamesSettings, model: _Trained, reading: _Reading) -> go.Figure:
    order = reading.answer.argsort()[::-1][:TOP]
    chart = plots.new_chart("language", PROBABILITY)
    names = model.classifier.classes_[order].tolist()
    look = plots.style(0)
    chart.add_bar(
        x=names,
        y=reading.answer[order].tolist(),
        name="chosen base rates",
        marker={"color": look.color},
        width=0.55,
    )
    plots.points(
        chart, names, reading.trained[order].tolist(), "base rates of the training", index=1
    )
    chart.data[-1].marker.update(symbol="circle-open", size=12, line={"width": 2})
    plots.reference(chart, y=settings.abstain_below, text="undecided below")
    # The highest bars are on the left.
    chart.update_annotations(x=0.99, xanchor="right")
    chart.update_yaxes(range=[0, 1.02])
    return chart


def _saliency(reading: _Reading) -> go.Figure:
    chart = plots.new_chart("letter that is left out", "fall of the probability", height=340)
    chart.add_bar(
        x=list(range(1, len(reading.letters) + 1)),
        y=plots.drawable(reading.saliency.tolist()),
        name="fall",
        marker={"color": plots.style(0).color},
        customdata=list(reading.letters),
        hovertemplate="%{customdata}: %{y:.3f}<extra></extra>",
        showlegend=False,
    )
    _letter_axis(chart, reading.letters)
    # What no letter changes must not fill the picture.
    low, high = np.nanmin([*reading.saliency, -0.05]), np.nanmax([*reading.saliency, 0.05])
    chart.update_yaxes(range=[1.1 * low, 1.1 * high])
    return chart


def _recall(model: _Trained, measured: dict[str, Any]) -> go.Figure:
    chart = plots.new_chart("language (training names)", "recall on test names (share)", height=480)
    counts, recalls = model.training, measured["recall"]
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    rows = [recalls.get(label, {"count": 0, "recall": None}) for label in labels]
    plots.points(
        chart,
        [f"{label} ({counts[label]})" for label in labels],
        [row["recall"] if row["count"] else None for row in rows],
        "recall",
        low=[row["interval"][0] if row["count"] else None for row in rows],
        high=[row["interval"][1] if row["count"] else None for row in rows],
    )
    plots.reference(chart, y=measured["accuracy"])
    chart.update_yaxes(range=[-0.02, 1.04])
    chart.update_xaxes(tickangle=-60)
    return chart


def _coverage(measured: dict[str, Any], numbers: dict[str, float]) -> go.Figure:
    chart = plots.new_chart(
        "share of the test names that are answered", "accuracy on those answered"
    )
    curve = measured["coverage"]
    plots.line(chart, curve["coverage"], curve["accuracy"], "all thresholds", markers=False)
    plots.points(
        chart,
        [numbers["answered"]],
        [numbers["accuracy_answered"]],
        "the chosen threshold",
        index=1,
        size=14,
    )
    chart.update_xaxes(range=[0, 1.03])
    chart.update_yaxes(range=[0, 1.03])
    return chart


def _python(settings: SurnamesSettings) -> str:
    arguments = "".join(f"    {name}={value!r},\n" for name, value in _parameters(settings).items())
    favoured = ""
    if settings.favoured != NONE:
        favoured = f"new[classifier.classes_ == {settings.favoured!r}] *= {settings.times!r}\n"
    return (
        "from eigenlab.data import load_names\n"
        "from eigenlab.names import NameClassifier, course_split, evaluate, shift_priors\n\n"
        f"names, languages = zip(*load_names({settings.data!r}))\n"
        f"split = course_split(names, seed={settings.seed})\n"
        "x_train, x_test = ([names[i] for i in part] for part in split)\n"
        "y_train, y_test = ([languages[i] for i in part] for part in split)\n"
        f"classifier = NameClassifier(\n{arguments})\n"
        "classifier.fit(x_train, y_train)\n"
        "old = classifier.class_prior_\n"
        f"new = old ** (1 - {settings.balance!r})\n"
        f"{favoured}\n"
        f"p = shift_priors(classifier.predict_proba([{settings.name!r}]), old, new)[0]\n"
        "answer = classifier.classes_[p.argmax()]\n"
        "probability = float(p.max())\n\n"
        "p_test = shift_priors(classifier.predict_proba(x_test), old, new)\n"
        'accuracy = evaluate(p_test, classifier.classes_, y_test)["accuracy"]\n'
        f"is_answered = p_test.max(axis=1) >= {settings.abstain_below!r}\n"
        "is_right = classifier.classes_[p_test.argmax(axis=1)] == y_test\n"
        "answered = float(is_answered.mean())\n"
        "accuracy_answered = float(is_right[is_answered].mean())\n"
    )


DEMO = Demo(
    name="surnames",
    title="Where does a surname come from?",
    questions=("2", "2a"),
    summary="Type a name and watch a recurrent network make up its mind, letter by letter; then "
    "see for which languages it is wrong.",
    settings=SurnamesSettings,
    draw=draw,
    preparation=Preparation("Train the classifier", TRAINED_ON, minutes=0.15, make=prepare),
    notice=INTENDED_USE,
    examples=(
        Example(
            "1. An ending",
            {"name": "Kowalczyk"},
            "Look at how the columns change as letters come, and in the last bars which letters "
            "the answer rests on.",
        ),
        Example(
            "2. A change of mind",
            {"name": "Santoshi"},
            "After “Santos” the network thinks of other languages than after the last letters: it "
            "reads from left to right, and each letter revises the answer.",
        ),
        Example(
            "3. Undecided",
            {"name": "Dostoevsky", "abstain_below": 0.6},
            "A name that everybody knows, and the network does not. Below the threshold it gives "
            "no answer; the last picture shows what that buys, and how many names it costs.",
        ),
        Example(
            "4. Another population",
            {"name": "Dostoevsky", "favoured": "Russian", "times": 20},
            "The same network and the same name, where Russian names are twenty times as common: "
            "the answer depends on who is asked about, and so do the errors in the audit.",
        ),
        Example(
            "5. Wrong for a reason",
            {"name": "Ivanova"},
            "None of the Russian names in the list ends in -a, as those of women do, so this one "
            "is not recognised. "
            "The audit counts languages only: of such groups it says nothing.",
        ),
    ),
)
