"""``eigenlab cluster``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from eigenlab.cli.options import Json, Whole


def cluster_table(
    file: Annotated[
        Path,
        Parameter(
            help="Table: delimited text, .xlsx or Parquet, also compressed; - is standard input.",
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    out: Annotated[
        Path, Parameter(help="Output file, the rows with their cluster labels; overwritten.")
    ],
    k: Annotated[str, Parameter(help="Number of clusters, or auto.")] = "auto",
    columns: Annotated[
        str | None,
        Parameter(
            help="Columns to use, such as 1,3 or x,y [default: those of numbers, without row "
            "numbers, identifiers and labels]."
        ),
    ] = None,
    header: Annotated[
        bool | None, Parameter(help="Whether the first row is a header [default: detected].")
    ] = None,
    delimiter: Annotated[
        str | None,
        Parameter(
            help="Character between cells, tab, or blank for runs of them [default: detected]."
        ),
    ] = None,
    decimal: Annotated[
        Literal[".", ","] | None, Parameter(help="Decimal mark [default: detected].")
    ] = None,
    encoding: Annotated[
        str | None, Parameter(help="Encoding, such as cp1251 [default: detected].")
    ] = None,
    comment: Annotated[
        str | None,
        Parameter(help="Character that begins a comment line, or none [default: detected]."),
    ] = None,
    sheet: Annotated[
        str | None, Parameter(help="Sheet of an .xlsx file [default: the only one].")
    ] = None,
    missing: Annotated[
        Literal["error", "drop"],
        Parameter(help="Refuse missing values, or write their rows without a label."),
    ] = "error",
    standardize: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Scale columns to unit variance.")
    ] = False,
    affinity: Annotated[
        Literal["rbf", "nearest_neighbors"],
        Parameter(help="Edges between all pairs of points, or between nearest neighbours only."),
    ] = "rbf",
    gamma: Annotated[
        str,
        Parameter(
            help="Inverse squared width of the Gaussian: a number, scale (1 / total variance), "
            "local (a width for each point) or auto: chosen together with --k auto, else scale."
        ),
    ] = "auto",
    n_neighbors: Annotated[
        Whole, Parameter(help="Neighbours of each point, itself included.")
    ] = 10,
    min_cluster_size: Annotated[
        int, Parameter(help="Smaller groups of points are treated as outliers.")
    ] = 2,
    normalization: Annotated[
        Literal["stochastic", "symmetric", "rows"],
        Parameter(help="Normalisation of the affinity matrix."),
    ] = "stochastic",
    seed: Annotated[Whole, Parameter(help="Random seed.")] = 0,
    figure: Annotated[
        Path | None, Parameter(help="HTML file for a scatter plot; overwritten.")
    ] = None,
    json: Json = False,
) -> None:
    """Cluster the rows of a table and add their labels as a last column.

    The method is spectral clustering, which finds clusters of any shape. How
    FILE is written is detected and reported; where two readings are equally
    likely, an error names the option that decides. The output has the same
    rows, unchanged, and a column "cluster" of labels from 0; a name that ends
    in .gz, .bz2, .xz or .zst compresses it. Columns are not scaled
    unless --standardize is given. The figure shows the columns, or the spectral
    embedding if there are more than three, and a random sample of more than
    20000 points.
    """
    from eigenlab.cli import cluster as command

    options = command.Options(
        k=k,
        affinity=affinity,
        gamma=gamma,
        n_neighbors=n_neighbors,
        min_cluster_size=min_cluster_size,
        normalization=normalization,
        columns=columns,
        header=header,
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        comment=comment,
        sheet=sheet,
        missing=missing,
        standardize=standardize,
        seed=seed,
    )
    command.cluster(file, options, out=out, figure=figure, json=json)
