"""``eigenlab names``: train a surname classifier and use it. The intended use is always shown."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from eigenlab.cli.name_table import read_lines, read_table
from eigenlab.cli.status import SUCCESS, USAGE_ERROR
from eigenlab.cli.terminal import TerminalReporter, cancel_on_interrupt, notices, output, print_json
from eigenlab.errors import InputError

#: Suffixes of tables; a file of another name is the model to write.
TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".tab"}
#: What is printed in place of an answer.
UNREADABLE = "not readable: no letter of the Latin alphabet"


def train(
    file: Path | None,
    *,
    model: Path | None,
    data: str | None,
    header: bool | None,
    columns: str | None,
    epochs: int,
    seed: int,
) -> None:
    """Fit a classifier to a dataset or a user's table and save it.

    Args:
        file: the table if ``model`` is given or its name ends as that of a table does; otherwise
            the model.
        model: file to write. Default of None: the name of the table with .safetensors.
        data: dataset of surnames. Default of None: the table, or names-mini.
        header, columns: see :func:`~eigenlab.cli.name_table.read_table`.
        epochs: passes over the names.
        seed: random seed.
    """
    from eigenlab.names import INTENDED_USE, NameClassifier

    if epochs < 1:
        raise InputError(f"epochs={epochs}: give at least 1")
    table, model = _table_and_model(file, model)
    if table is not None and data is not None:
        raise InputError(f"train on one of {table} and --data {data}, not on both")
    if model.exists():
        hint = "" if table else "; is it a table to train on? then add --model FILE"
        raise InputError(f"{model} exists already; choose another file, or remove it first{hint}")
    with TerminalReporter("names", notices()) as reporter, cancel_on_interrupt(reporter.cancel):
        if table is None:
            from eigenlab.data import load_names

            pairs = load_names(data or "names-mini", reporter=reporter)
            names, languages = [name for name, _ in pairs], [language for _, language in pairs]
        else:
            names, languages, understood = read_table(table, header=header, columns=columns)
            notices().print(understood, markup=False, soft_wrap=True)
        reporter.stage(f"train on {len(names)} names")
        # A dataset's unread letters are known; those of a user's own table are news.
        classifier = NameClassifier(
            n_epochs=epochs, random_state=seed, unreadable="ignore" if table is None else "warn"
        )
        with _warnings_as_notices():
            classifier.fit(names, languages, reporter=reporter)
    classifier.set_params(unreadable="warn").save(model)
    output().print(f"Model: {model}", markup=False, soft_wrap=True)
    output().print(INTENDED_USE, markup=False)


def _table_and_model(file: Path | None, model: Path | None) -> tuple[Path | None, Path]:
    if model is not None:
        return file, model
    if file is None:
        raise InputError("name the file of the model: eigenlab names train MODEL")
    if file.suffix.lower() in TABLE_SUFFIXES:
        return file, file.with_suffix(".safetensors")
    return None, file


def predict(
    names: Sequence[str], *, file: Path | None, model: Path, top: int, strict: bool, json: bool
) -> int:
    """Print the most probable languages of each name and return the exit status.

    A name that cannot be read says so in its place; with ``strict`` the status is then that of a
    mistake in the input.
    """
    from eigenlab.names import INTENDED_USE, NameClassifier, is_readable
    from eigenlab.names.encoding import unreadable

    if top < 1:
        raise InputError(f"top={top}: give at least 1")
    if list(names) == ["-"] and file is None:
        names, file = (), Path("-")
    if bool(names) == (file is not None):
        raise InputError(
            "give names or a file of them, not both: eigenlab names predict NAME ... --model FILE"
            if names
            else "no name was given: eigenlab names predict NAME ... --model FILE; --file FILE or "
            "- reads them, one a line"
        )
    classifier = NameClassifier.load(model)
    words = list(names) if file is None else read_lines(file)
    if not words:
        raise InputError(f"{file} holds no line; give a name a line")
    with _warnings_as_notices():
        guesses = classifier.top_k(words, top)
    readable = is_readable(words)
    if json:
        print_json(
            {
                "intended_use": INTENDED_USE,
                "names": [
                    {"name": name, "languages": dict(row)}
                    | ({} if known else {"unreadable": UNREADABLE})
                    | ({"left_out": unreadable(name)} if known and unreadable(name) else {})
                    for name, row, known in zip(words, guesses, readable, strict=True)
                ],
            }
        )
    else:
        table = Table(
            "Name", "Language of origin, and its probability", show_edge=False, pad_edge=False
        )
        for name, row, known in zip(words, guesses, readable, strict=True):
            answer = ", ".join(f"{language} {p:.0%}" for language, p in row)
            table.add_row(escape(name), answer if known else UNREADABLE)
        output().print(table)
        output().print(INTENDED_USE, markup=False)
    return USAGE_ERROR if strict and not readable.all() else SUCCESS


@contextlib.contextmanager
def _warnings_as_notices() -> Iterator[None]:
    """Print warnings as notices, one line each."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        notices().print(str(warning.message), markup=False, soft_wrap=True)
