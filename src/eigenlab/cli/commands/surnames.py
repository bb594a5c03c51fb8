"""``eigenlab names``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eigenlab.cli.options import Json, Whole
from eigenlab.errors import InputError


def names_app() -> App:
    """``eigenlab names``: its commands."""
    app = App(name="names", help="Predict the language of origin of surnames.")
    app.command(_names_train, name="train")
    app.command(_names_predict, name="predict")
    return app


def _names_train(
    file: Annotated[
        Path | None,
        Parameter(
            help="A table (.csv, .tsv, .txt, or any file with --model) with a name and its "
            "language in each row; otherwise the file to save the model in."
        ),
    ] = None,
    /,
    *,
    model: Annotated[
        Path | None,
        Parameter(help="File to save the model in [default: the table's, with .safetensors]."),
    ] = None,
    data: Annotated[
        str | None, Parameter(help="Dataset of surnames [default: the table, or names-mini].")
    ] = None,
    header: Annotated[
        bool | None,
        Parameter(help="Whether the table's first row is a header [default: detected]."),
    ] = None,
    columns: Annotated[
        str | None,
        Parameter(help="Columns of names and languages, such as surname,country or 2,1."),
    ] = None,
    epochs: Annotated[Whole, Parameter(help="Passes over the names.")] = 20,
    seed: Annotated[Whole, Parameter(help="Random seed of weights, batches and dropout.")] = 0,
) -> None:
    """Fit a classifier to a dataset or to your own table and save it (a minute for names-mini)."""
    from eigenlab.cli import surnames

    surnames.train(
        file, model=model, data=data, header=header, columns=columns, epochs=epochs, seed=seed
    )


def _names_predict(
    *names: Annotated[
        str,
        Parameter(help="Surnames; - reads them from standard input.", allow_leading_hyphen=True),
    ],
    model: Annotated[Path, Parameter(help="File that `eigenlab names train` saved.")],
    file: Annotated[Path | None, Parameter(help="File with a surname in each line.")] = None,
    top: Annotated[Whole, Parameter(help="Languages to show for each name.")] = 3,
    strict: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="Exit with 2 if a name cannot be read."),
    ] = False,
    json: Json = False,
) -> int:
    """Print the most probable languages of surnames; not a statement about a person."""
    from eigenlab.cli import surnames

    for name in names:  # only a single hyphen is let through on purpose
        if name.startswith("-") and name != "-":
            raise InputError(f'Unknown option: "{name}".')
    return surnames.predict(names, file=file, model=model, top=top, strict=strict, json=json)
