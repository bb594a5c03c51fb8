"""``eigenlab translate``: translate sentences, or the lines of a file or a pipe as they arrive."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from rich.cells import cell_len

from eigenlab.cli.terminal import is_main_process, notices
from eigenlab.errors import InputError
from eigenlab.files import dump_json

if TYPE_CHECKING:
    from eigenlab.translation import Translation, Translator

#: Marks of tokens on where spaces were, of words and of subwords.
MARKS = "\uffed\u2581"
#: Beam size unless another is asked for; the best translation may depend on it.
BEAM = 5
#: Notes of one kind that are printed; further ones are counted.
MOST_NOTES = 20


@dataclass(frozen=True)
class _Request:
    """How sentences are translated and printed."""

    translator: Translator
    beam: int
    n_best: int | None
    attention: bool
    json: bool


def translate(
    model: str,
    sentences: Sequence[str],
    *,
    text: frozenset[str],
    file: Path | None,
    beam: int | None,
    n_best: int | None,
    max_length: int | None,
    attention: bool,
    json: bool,
) -> None:
    """Print the translations of sentences, of the lines of a file or of standard input.

    Args:
        model: file of the model.
        sentences: the sentences; ``-`` alone, or none, stands for standard input.
        text: sentences that are no options even if they look like it.
        file: file with a sentence on each line.
        beam: beam size. Default of None: 5.
        n_best: translations of each sentence, in a table, as many as the beam at most. Default of
            None: the best, on a line.
        max_length: most tokens of a translation. Default of None: that of the model.
        attention: whether to print the attention.
        json: whether to print JSON.
    """
    _check_words(model, sentences, text)
    for name, value in (("beam", beam), ("n-best", n_best), ("max-length", max_length)):
        if value is not None and value < 1:
            raise InputError(f"{name}={value}: give at least 1")
    beam = beam or BEAM
    if n_best is not None and n_best > beam:
        raise InputError(
            f"--n-best {n_best} needs --beam {n_best} or more, not {beam}; a wider beam may find "
            "another best translation"
        )
    from_stream = file is not None or not sentences or list(sentences) == ["-"]
    if file is not None and sentences:
        raise InputError(f"give sentences or --file {file}, not both")
    if file is None and not sentences and sys.stdin.isatty():
        raise InputError(
            "no sentence was given: eigenlab translate MODEL SENTENCE ...; --file FILE or - reads "
            "them, one a line"
        )
    from eigenlab.translation import Translator

    translator = Translator.load(model)
    if max_length is not None:
        translator.set_params(max_length=max_length)
    if attention and not translator.attention:
        raise InputError(f"{model} was trained without attention; there is none to print")
    request = _Request(translator, beam, n_best, attention, json)
    with contextlib.ExitStack() as stack:
        batches: Iterable[list[str]] = [list(sentences)]
        if from_stream:
            batches = _lines(*stack.enter_context(_stream(file)))
        _print_all(request, batches, "line" if from_stream else "sentence")


def _check_words(model: str, sentences: Sequence[str], text: frozenset[str]) -> None:
    if model == "train":
        raise InputError(
            "train is a command: write it first, eigenlab translate train ...; a model of that "
            "name is ./train"
        )
    if model.startswith("-"):
        raise InputError(f"name the model before {model}: eigenlab translate MODEL ...")
    for sentence in sentences:
        if re.fullmatch(r"--?[A-Za-z][\w-]*(=.*)?", sentence) and sentence not in text:
            raise InputError(
                f'Unknown option: "{sentence}". A sentence that begins with a hyphen follows --'
            )


@contextlib.contextmanager
def _stream(file: Path | None) -> Iterator[tuple[BinaryIO, str]]:
    """The bytes of a file or of standard input, and what to call it."""
    if file is None or str(file) == "-":
        yield getattr(sys.stdin, "buffer", None) or _encoded(sys.stdin), "standard input"
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from None
    with stream:
        yield stream, str(file)


def _encoded(stream: Any) -> BinaryIO:
    """A stream of text, which replaces standard input in notebooks, as bytes."""
    return io.BytesIO(stream.read().encode())


def _lines(stream: BinaryIO, name: str) -> Iterator[list[str]]:
    """The complete lines that have arrived, as soon as there is one."""
    pending, number = b"", 1
    read = getattr(stream, "read1", stream.read)
    while chunk := read(1 << 16):
        if number == 1 and not pending and chunk.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError(f"{name} is UTF-16; convert it to UTF-8")
        *lines, pending = (pending + chunk).split(b"\n")
        if lines:
            yield from _decoded(lines, number, name)
        number += len(lines)
    if pending:
        yield from _decoded([pending], number, name)


def _decoded(lines: Sequence[bytes], number: int, name: str) -> Iterator[list[str]]:
    """The lines as text in one list; those before an unreadable line come before its error."""
    texts: list[str] = []
    for place, line in enumerate(lines, start=number):
        mistake = None
        try:
            text = line.removesuffix(b"\r").decode("utf-8-sig" if place == 1 else "utf-8")
            if "\r" in text:
                mistake = "holds a carriage return; end lines with a line feed"
            if "\0" in text:
                mistake = "holds a NUL, as UTF-16 text does; convert the text to UTF-8"
            texts.append(text)
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            mistake = f"is not UTF-8 (byte 0x{byte:02x}); convert the text to UTF-8"
        if mistake is not None:
            if texts[: place - number]:
                yield texts[: place - number]
            raise InputError(f"{name}, line {place}, {mistake}")
    yield texts


class _Notes:
    """Notes on standard error; of many, the first ones and the number of the others."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, text: str) -> None:
        self.count += 1
        if self.count <= MOST_NOTES:
            notices().print(text, markup=False, soft_wrap=True)

    def close(self) -> None:
        if self.count > MOST_NOTES:
            more = self.count - MOST_NOTES
            notices().print(f"and {more} more such notes; --json has all", soft_wrap=True)


def _print_all(request: _Request, batches: Iterable[list[str]], unit: str) -> None:
    unknown_words, cut = _Notes(), _Notes()
    vocabulary = request.translator.source_vocabulary_
    number = 0
    try:
        for batch in batches:
            lists = request.translator.candidates(
                batch, beam_size=request.beam, n_best=request.n_best or 1
            )
            for sentence, unknown, found in zip(
                batch, request.translator.unknown(batch), lists, strict=True
            ):
                number += 1
                _print_one(request, number, sentence, unknown, found)
                if unknown:
                    known = len(unknown) < len(vocabulary.tokenize(sentence))
                    unknown_words.add(
                        f"{unit} {number}: unknown words: {', '.join(dict.fromkeys(unknown))}"
                        + ("" if known else "; no other word, so the translation is a guess")
                    )
                if found and found[0].is_cut:
                    length = request.translator.max_length
                    cut.add(
                        f"{unit} {number}: the translation was cut at max_length={length} tokens; "
                        "give a larger --max-length if it should be longer"
                    )
            sys.stdout.flush()
    finally:
        unknown_words.close()
        cut.close()


def _print_one(
    request: _Request, number: int, sentence: str, unknown: list[str], found: list[Translation]
) -> None:
    decode = request.translator.target_vocabulary_.decode
    texts = [decode(each.tokens) for each in found]
    if request.json:
        _print(dump_json(_described(request, sentence, unknown, found, texts), indent=None))
        return
    if request.n_best is None:
        _print(texts[0] if texts else "")
    elif not found:
        _print(f"{number}\t1\t0.0000\t")
    else:
        for rank, (each, text) in enumerate(zip(found, texts, strict=True), start=1):
            _print(f"{number}\t{rank}\t{each.score:.4f}\t{text}")
    if request.attention and found:
        _print(_attention_table(request.translator, sentence, found[0]))


def _described(
    request: _Request,
    sentence: str,
    unknown: list[str],
    found: list[Translation],
    texts: list[str],
) -> dict[str, Any]:
    """What is printed of a sentence as JSON."""
    described: dict[str, Any] = {
        "source": sentence,
        "translation": texts[0] if texts else "",
        "score": found[0].score if found else 0.0,
        "is_complete": not found or not found[0].is_cut,
        "unknown": unknown,
    }
    if request.n_best is not None:
        described["n_best"] = [
            {"translation": text, "score": each.score, "is_complete": each.is_complete}
            for each, text in zip(found, texts, strict=True)
        ]
    if request.attention and found:
        source, target, weights = _attention(request.translator, sentence, found[0])
        described["attention"] = {"source": source, "target": target, "weights": weights}
    return described


def _attention(
    translator: Translator, sentence: str, found: Translation
) -> tuple[list[str], list[str], list[list[float]]]:
    """Source tokens, target tokens, and a row of weights for each target token."""
    source = [*translator.source_vocabulary_.tokenize(sentence), "<eos>"]
    target = [translator.target_vocabulary_.tokens[index] for index in found.tokens]
    source, target = ([token.strip(MARKS) or token for token in side] for side in (source, target))
    weights = [] if found.attention is None else found.attention.tolist()
    return source, target, weights


def _attention_table(translator: Translator, sentence: str, found: Translation) -> str:
    """The weights in percent: a row for each source token, a column for each target token."""
    source, target, weights = _attention(translator, sentence, found)
    from eigenlab.translation import EOS, UNK

    indices = [*translator.source_vocabulary_.encode(sentence), EOS]
    rows = [["", *target]]
    for place, token in enumerate(source):
        known = indices[place] != UNK
        rows.append(
            [
                token if known else f"{token} (unknown)",
                *(f"{100 * row[place]:.0f}" for row in weights),
            ]
        )
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *others in rows:
        cells = [
            " " * (width - cell_len(cell)) + cell
            for cell, width in zip(others, widths[1:], strict=True)
        ]
        lines.append("  ".join([first + " " * (widths[0] - cell_len(first)), *cells]).rstrip())
    return "\n".join(lines)


def _print(text: str) -> None:
    if is_main_process():
        print(text)  # as it is: a console of rich would turn tabs into spaces
