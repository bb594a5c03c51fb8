"""``eigenlab translate train``: fit a translator to sentence pairs and save it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eigenlab.cli.model_files import (
    MODEL_SUFFIX,
    check_new,
    checkpoint_of,
    how_to_restart,
    remove_checkpoint,
    stopped,
)
from eigenlab.cli.status import SUCCESS
from eigenlab.cli.terminal import (
    TerminalReporter,
    cancel_on_interrupt,
    is_main_process,
    notices,
    output,
)
from eigenlab.errors import Cancelled, InputError

if TYPE_CHECKING:
    from eigenlab.translation import Translator

PHRASEBOOK_PAIRS = 20_000


def train(
    pairs: Path | None,
    model: Path | None,
    *,
    data: str | None,
    columns: str | None,
    epochs: int,
    parameters: Mapping[str, Any],
) -> int:
    """Fit a translator, save it and return the exit status.

    Args:
        pairs: file of sentence pairs; with ``data``, or if it is named as a model and alone, the
            model.
        model: file to write. Default of None: that of the pairs, with .safetensors.
        data: dataset. Default of None: the file, or the phrasebook without one.
        columns: the columns of the file, from 1, such as ``"2,1"``.
        epochs: passes over the pairs.
        parameters: of :class:`~eigenlab.translation.Translator`.
    """
    if epochs < 1:
        raise InputError(f"epochs={epochs}: give at least 1")
    pairs, model = _pairs_and_model(pairs, model, data)
    if columns is not None and pairs is None:
        raise InputError(f"--columns {columns} chooses columns of a file; give PAIRS, not --data")
    if pairs is not None and not pairs.is_file():
        raise InputError(f"{pairs} does not exist or is not a file; give a file of sentence pairs")
    check_new(model)
    from eigenlab.training import distributed
    from eigenlab.translation import Translator

    translator = Translator(n_epochs=epochs, **parameters)
    checkpoint = checkpoint_of(model)
    with (
        distributed.start(),
        _EpochReporter("translate", notices(), epochs) as reporter,
        cancel_on_interrupt(reporter.cancel),
    ):
        read = _read(pairs, data, columns, reporter)
        reporter.stage(f"train on {pairs or data or 'phrasebook'}")
        try:
            translator.fit(read, reporter=reporter, checkpoint=checkpoint)
        except (Cancelled, KeyboardInterrupt):
            return stopped(checkpoint)
        except InputError as error:
            raise how_to_restart(error, checkpoint) from None
        if is_main_process():
            translator.save(model)
            remove_checkpoint(checkpoint)
    if is_main_process():
        _print_quality(translator)
    output().print(f"Model: {model}", markup=False, soft_wrap=True)
    return SUCCESS


def _print_quality(translator: Translator) -> None:
    if translator.held_out_:
        found = translator.quality(translator.held_out_)
        output().print(
            f"BLEU {found.bleu:.1f}, chrF {found.chrf:.1f}, exact {found.exact_match:.1%} on "
            f"{len(translator.held_out_)} held-out pairs, by which the epoch was chosen "
            f"({found.signature})",
            markup=False,
            soft_wrap=True,
        )
    else:
        output().print("No pair was held out, so there is none to measure BLEU on.")


def _pairs_and_model(
    pairs: Path | None, model: Path | None, data: str | None
) -> tuple[Path | None, Path]:
    if pairs is None:
        raise InputError("name the file of the model: eigenlab translate train [PAIRS] MODEL")
    if data is not None and model is not None:
        raise InputError(f"train on one of {pairs} and --data {data}, not on both")
    if model is not None:
        return pairs, model
    if data is not None or pairs.suffix == MODEL_SUFFIX:
        return None, pairs
    if not pairs.name:
        raise InputError(f"{pairs} is a folder; give a file of sentence pairs")
    return pairs, pairs.with_suffix(MODEL_SUFFIX)


def _read(
    pairs: Path | None, data: str | None, columns: str | None, reporter: TerminalReporter
) -> Sequence[Any]:
    from eigenlab import translation

    if pairs is not None:
        read = translation.read_pairs(pairs, columns=_columns(columns))
        # A header would be learned as a translation, and nothing in it tells that it is one.
        reporter.message(f"the first pair is {read[0].source!r} -> {read[0].target!r}")
        return read
    if data == "spa-eng":
        return translation.load_spa_eng(reporter=reporter)
    if data == "multi30k":
        return translation.load_multi30k(reporter=reporter)
    return translation.phrasebook(PHRASEBOOK_PAIRS)


def _columns(asked: str | None) -> tuple[int, int] | None:
    """Columns from 0, of text such as ``2,1``, which counts from 1."""
    if asked is None:
        return None
    found = re.fullmatch(r"\s*([1-9]\d*)\s*,\s*([1-9]\d*)\s*", asked)
    if found is None or found[1] == found[2]:
        raise InputError(f"columns='{asked}' must be two different numbers from 1, such as 2,1")
    return int(found[1]) - 1, int(found[2]) - 1


class _EpochReporter(TerminalReporter):
    """Also prints a line with the quality after each epoch."""

    def __init__(self, title: str, console: Any, n_epochs: int) -> None:
        super().__init__(title, console)
        self.n_epochs, self._steps = n_epochs, 0

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Move the bar."""
        self._steps = total
        super().progress(done, total, message)

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Print BLEU."""
        if "bleu" in values:
            epoch = round(step * self.n_epochs / self._steps) if self._steps else "?"
            self.message(
                f"epoch {epoch} of {self.n_epochs}: BLEU {values['bleu']:.1f}, exact "
                f"{values['exact_match']:.1%} of the held-out pairs"
            )
