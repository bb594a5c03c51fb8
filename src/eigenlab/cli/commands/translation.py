"""``eigenlab translate``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from eigenlab.cli.options import Whole


def translate_app(words: Sequence[str]) -> App:
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
        Parameter(help="Beam size, 1 for greedy decoding [default: 5]."),
    ] = None,
    n_best: Annotated[
        Whole | None,
        Parameter(
            help="Print this many translations of each sentence, at most as many as the beam: "
            "sentence number, rank, score (log-probability) and translation, with tabs between."
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
