"""The commands: each parses its arguments, calls one function and returns its exit status.

Nothing heavy is imported here at module level; a command imports what it needs when it runs.
"""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter

import eigenlab
from eigenlab.cli.options import Json, Whole
from eigenlab.cli.plain import use_plain_characters
from eigenlab.cli.status import INTERRUPTED, SUCCESS, USAGE_ERROR
from eigenlab.errors import Cancelled, EigenlabError, InputError

HELP = (
    "Train it, look at its spectrum, check the claim: a laboratory for deep-learning fundamentals."
)
#: Errors of the file system that a user can do something about.
USER_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}

Folder = Annotated[
    Path, Parameter(help="A run folder, or the folder of an `eigenlab reproduce` report.")
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    0: success, every outcome as documented. 1: an outcome departs from the documentation, or
    ``verify`` or ``doctor`` found a problem. 2: a mistake in the input, reported in one line
    on standard error. 130: stopped by Ctrl-C.

    Args:
        arguments: words after ``eigenlab``; default: those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    use_plain_characters()
    try:
        status = build(words)(words)
    except CycloptsError as error:
        error.verbose = False
        return _report_error(str(error))
    except (Cancelled, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except EigenlabError as error:
        return _report_error(str(error))
    except BrokenPipeError:
        # The reader of a pipe (head, less) has closed it; write nothing more, also at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SUCCESS
    except OSError as error:
        if error.errno in USER_ERRORS:
            return _report_error(f"{error.filename or 'file system'}: {error.strerror}")
        raise
    return status if isinstance(status, int) else SUCCESS


def _report_error(message: str) -> int:
    line = " ".join(message.split())
    if os.environ.get("RANK", "0") == "0":
        print(f"eigenlab: {line}", file=sys.stderr)
    return USAGE_ERROR


def build(words: Sequence[str] = ()) -> App:
    """Return the application; ``words`` determine which experiment's options are built."""
    app = App(
        name="eigenlab",
        help=HELP,
        version=eigenlab.__version__,
        help_format="plaintext",
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    app.command(_list, name="list")
    app.command(_show, name="show")
    app.command(_run_app(words))
    app.command(_reproduce, name="reproduce")
    app.command(_verify, name="verify")
    app.command(_report, name="report")
    app.command(_data_app())
    app.command(_names_app())
    app.command(_translate_app(words))
    app.command(_cluster, name="cluster")
    app.command(_doctor, name="doctor")
    app.command(_bench, name="bench")
    app.register_install_completion_command()
    return app


def _list(*, json: Json = False) -> None:
    """List the experiments, the questions that they answer and how long they take."""
    from eigenlab.cli import listing

    listing.print_experiments(json=json)


def _show(
    question: Annotated[str, Parameter(help="A question such as 1e, or an experiment.")],
    /,
    *,
    report: Annotated[
        Path, Parameter(help="A run or a report whose outcomes are shown, if it exists.")
    ] = Path("report"),
    json: Json = False,
) -> None:
    """Show a question: its claims with their outcomes, and the locations of its equations."""
    from eigenlab.cli import listing

    listing.print_question(question, report=report, json=json)


def _run_app(words: Sequence[str]) -> App:
    """``eigenlab run``: one command per experiment; the one asked for has its fields as options."""
    app = App(
        name="run", help="Run one experiment; `eigenlab run EXPERIMENT --help` lists its fields."
    )
    if not words or words[0] != "run":
        return app
    from eigenlab.experiments import load_experiment, outlines

    asked = words[1] if len(words) > 1 else "--help"
    if asked in ("--help", "-h"):
        for name, outline in outlines().items():
            app.command(lambda: None, name=name, help=outline.title)
        return app
    if asked.startswith("-"):
        raise InputError(f"name the experiment before {asked}: eigenlab run EXPERIMENT {asked} ...")
    from eigenlab.cli.fields import command_for
    from eigenlab.cli.run import run_experiment

    app.command(command_for(load_experiment(asked), run_experiment), name=asked)
    return app


def _reproduce(
    *,
    preset: Annotated[str, Parameter(help="smoke (seconds), course (minutes) or full.")] = "course",
    only: Annotated[
        str | None, Parameter(help="Questions or experiments, such as 1,2 or 1e or surnames.")
    ] = None,
    seed: Annotated[
        Whole | None,
        Parameter(help="Random seed of every experiment [default: that of the preset]."),
    ] = None,
    out: Annotated[Path, Parameter(help="Folder for the report and the runs.")] = Path("report"),
    resume: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Continue the runs in --out.")
    ] = False,
    jobs: Annotated[
        Whole | None,
        Parameter(help="Number of experiments to run in parallel [default: one per core]."),
    ] = None,
    csv: Annotated[
        Path | None, Parameter(help="CSV file for every check of every claim; overwritten.")
    ] = None,
    json: Json = False,
) -> int:
    """Run the experiments of the course and write one offline report."""
    from eigenlab.cli.reproduce import Request, reproduce

    if jobs is not None and jobs < 1:
        raise InputError(f"--jobs {jobs}: give at least 1")
    return reproduce(
        Request(
            preset=preset,
            only=only,
            seed=seed,
            out=out,
            resume=resume,
            n_jobs=jobs,
            csv=csv,
            json=json,
        )
    )


def _verify(folder: Folder, /, *, json: Json = False) -> int:
    """Judge the claims of a run or a reproduction again, from the stored records."""
    from eigenlab.cli import show
    from eigenlab.cli.terminal import output, print_json
    from eigenlab.report import verify

    found = verify(folder)
    if json:
        print_json(
            {
                "agrees": found.agrees,
                "claims": [
                    {
                        "experiment": claim.experiment,
                        "id": claim.judged.id,
                        "stored": claim.stored and claim.stored.outcome.value,
                        "judged": claim.judged.outcome.value,
                        "documented": claim.documented.value,
                        "difference": claim.difference,
                    }
                    for claim in found.claims
                ],
            }
        )
    else:
        show.verification(output(), found)
    return 0 if found.agrees else 1


def _report(folder: Folder, /) -> None:
    """Write the report of a run or a reproduction again, from the stored records."""
    from eigenlab.cli.terminal import output
    from eigenlab.files import write_atomic
    from eigenlab.report import collect, read_notes, render

    page = folder / "index.html"
    write_atomic(page, render(collect(folder), read_notes(folder)))
    output().print(f"Report: {page}", markup=False, soft_wrap=True)


def _data_app() -> App:
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


def _names_app() -> App:
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


def _translate_app(words: Sequence[str]) -> App:
    """``eigenlab translate``: a model and sentences, or ``train``."""
    app = App(name="translate", help="Translate sentences with a model; `train` fits one.")
    app.command(_translate_train, name="train")
    # What follows -- is text even if it looks like an option.
    text = frozenset(words[words.index("--") + 1 :]) if "--" in words else frozenset()

    @functools.wraps(_translate)
    def command(*arguments: Any, **options: Any) -> None:
        _translate(*arguments, **options, text=text)

    app.default(command)
    return app


def _translate_train(
    pairs: Annotated[
        Path | None,
        Parameter(
            help="UTF-8 text with a sentence, a tab and its translation on each line; with --data, "
            "or if only a name with .safetensors is given, this is MODEL."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        Parameter(help="File to save the model in [default: that of PAIRS, with .safetensors]."),
    ] = None,
    /,
    *,
    data: Annotated[
        Literal["phrasebook", "spa-eng", "multi30k"] | None,
        Parameter(
            help="Train on a dataset: phrasebook (Spanish to English, generated), spa-eng (Spanish "
            "to English, Tatoeba) or multi30k (German to English) [default: PAIRS, or phrasebook]."
        ),
    ] = None,
    columns: Annotated[
        str | None,
        Parameter(help="Columns of source and target, such as 2,1 [default: the only two]."),
    ] = None,
    epochs: Annotated[Whole, Parameter(help="Passes over the pairs.")] = 10,
    hidden_size: Annotated[Whole, Parameter(help="Units of each layer.")] = 256,
    cell: Annotated[Literal["rnn", "lstm", "gru"], Parameter(help="Recurrent layers.")] = "gru",
    attention: Annotated[
        bool, Parameter(help="Whether the decoder attends to the words of the source.")
    ] = True,
    lowercase: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Ignore case.")
    ] = False,
    min_count: Annotated[Whole, Parameter(help="How often a word must occur to be known.")] = 1,
    subwords: Annotated[
        Whole | None,
        Parameter(help="Split words into this many different parts; needs sentencepiece."),
    ] = None,
    held_out: Annotated[
        float, Parameter(help="Share of the pairs by whose BLEU the best epoch is chosen.")
    ] = 0.05,
    learning_rate: Annotated[float, Parameter(help="The highest learning rate.")] = 0.002,
    precision: Annotated[
        Literal["float32", "bfloat16", "auto"],
        Parameter(help="Of matrix products; auto is bfloat16 where the hardware multiplies it."),
    ] = "auto",
    seed: Annotated[Whole, Parameter(help="Random seed of weights, batches and split.")] = 0,
    device: Annotated[str, Parameter(help="cpu, cuda or auto.")] = "cpu",
) -> int:
    """Fit a translator to sentence pairs and save it.

    Ctrl-C leaves a checkpoint beside MODEL; the same command then continues.
    """
    from eigenlab.cli import translation_training

    return translation_training.train(
        pairs,
        model,
        data=data,
        columns=columns,
        epochs=epochs,
        parameters={
            "hidden_size": hidden_size,
            "cell": cell,
            "attention": attention,
            "lowercase": lowercase,
            "min_count": min_count,
            "subwords": subwords,
            "validation_fraction": held_out,
            "learning_rate": learning_rate,
            "precision": precision,
            "random_state": seed,
            "device": device,
        },
    )


def _translate(
    model: Annotated[str, Parameter(help="File that `eigenlab translate train` saved.")],
    /,
    *sentences: Annotated[
        str,
        Parameter(
            help="Sentences; -, or none, reads them from standard input, one a line.",
            allow_leading_hyphen=True,
        ),
    ],
    file: Annotated[Path | None, Parameter(help="File with a sentence on each line.")] = None,
    beam: Annotated[
        Whole | None,
        Parameter(help="Beam size, 1 for greedy decoding [default: 5, or that of --n-best]."),
    ] = None,
    n_best: Annotated[
        Whole | None,
        Parameter(
            help="Print this many translations of each sentence: sentence number, rank, score "
            "(log-probability) and translation, with tabs between them."
        ),
    ] = None,
    max_length: Annotated[
        Whole | None, Parameter(help="Most tokens of a translation [default: the model's, 100].")
    ] = None,
    attention: Annotated[
        bool,
        Parameter(
            negative=(),
            show_default=False,
            help="Also print which source words each word of the translation attends to.",
        ),
    ] = False,
    json: Annotated[
        bool,
        Parameter(
            negative=(), show_default=False, help="Print a JSON object on a line for each sentence."
        ),
    ] = False,
    text: Annotated[frozenset[str], Parameter(parse=False)] = frozenset(),
) -> None:
    """Translate sentences: a line of output for each sentence or line of input, in order.

    Unknown words and translations that were cut are named on standard error.
    """
    from eigenlab.cli import translation

    translation.translate(
        model,
        sentences,
        text=text,
        file=file,
        beam=beam,
        n_best=n_best,
        max_length=max_length,
        attention=attention,
        json=json,
    )


def _cluster(
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
    from eigenlab.cli.cluster import Options, cluster

    options = Options(
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
    cluster(file, options, out=out, figure=figure, json=json)


def _doctor(*, json: Json = False) -> int:
    """Check this installation and suggest a solution for each problem."""
    from eigenlab.cli import doctor

    return doctor.report(json=json)


def _bench(*names: Annotated[str, Parameter(help="Benchmarks to run; none lists them.")]) -> int:
    """Run benchmarks of a source checkout; without a name, list them."""
    from eigenlab.cli import bench

    return bench.run(names)
