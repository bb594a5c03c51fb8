"""``eigenlab names``: train a surname classifier and use it. The intended use is always shown."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from eigenlab.cli.terminal import TerminalReporter, cancel_on_interrupt, notices, output, print_json
from eigenlab.errors import InputError


def train(model: Path, *, data: str, epochs: int, seed: int) -> None:
    """Fit a classifier to a dataset of surnames and save it."""
    from eigenlab.data import load_names
    from eigenlab.names import INTENDED_USE, NameClassifier

    if epochs < 1:
        raise InputError(f"epochs={epochs}: give at least 1")
    if model.exists():
        raise InputError(f"{model} exists already; choose another file, or remove it first")
    with TerminalReporter("names", notices()) as reporter, cancel_on_interrupt(reporter.cancel):
        names, languages = zip(*load_names(data, reporter=reporter), strict=True)
        reporter.stage(f"train on {len(names)} names")
        # Warn of unreadable letters in a name to predict, not in the training list.
        classifier = NameClassifier(n_epochs=epochs, random_state=seed, unreadable="ignore")
        classifier.fit(names, languages, reporter=reporter)
    classifier.set_params(unreadable="warn").save(model)
    output().print(f"Model: {model}", markup=False, soft_wrap=True)
    output().print(INTENDED_USE, markup=False)


def predict(names: Sequence[str], *, model: Path, top: int, json: bool) -> None:
    """Print the most probable languages of each name."""
    from eigenlab.names import INTENDED_USE, NameClassifier

    if top < 1:
        raise InputError(f"top={top}: give at least 1")
    classifier = NameClassifier.load(model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        guesses = classifier.top_k(list(names), top)
    for warning in caught:
        notices().print(str(warning.message), markup=False, soft_wrap=True)
    if json:
        print_json(
            {
                "intended_use": INTENDED_USE,
                "names": [
                    {"name": name, "languages": dict(row)}
                    for name, row in zip(names, guesses, strict=True)
                ],
            }
        )
        return
    table = Table(
        "Name", "Language of origin, and its probability", show_edge=False, pad_edge=False
    )
    for name, row in zip(names, guesses, strict=True):
        table.add_row(escape(name), ", ".join(f"{language} {p:.0%}" for language, p in row))
    output().print(table)
    output().print(INTENDED_USE, markup=False)
