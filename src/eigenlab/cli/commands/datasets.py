"""``eigenlab data``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from eigenlab.cli.options import Json


def data_app() -> App:
    """``eigenlab data``: its commands."""
    app = App(name="data", help="List, fetch, verify and locate the datasets.")
    app.command(_data_list, name="list")
    app.command(_data_fetch, name="fetch")
    app.command(_data_verify, name="verify")
    app.command(_data_path, name="path")
    return app


def _data_list(*, json: Json = False) -> None:
    """List every dataset: description, licence, size and location."""
    from eigenlab.cli import datasets

    datasets.show_all(json=json)


def _data_fetch(
    *names: Annotated[str, Parameter(help="Datasets to download; default: all.")],
) -> None:
    """Download datasets into the cache and check them."""
    from eigenlab.cli import datasets

    datasets.fetch_all(names)


def _data_verify(*names: Annotated[str, Parameter(help="Datasets to check; default: all.")]) -> int:
    """Check every file of the datasets against its checksum."""
    from eigenlab.cli import datasets

    return datasets.verify_all(names)


def _data_path(name: Annotated[str, Parameter(help="Name of a dataset.")], /) -> None:
    """Print the folder that a dataset is read from."""
    from eigenlab.cli import datasets

    datasets.print_path(name)
