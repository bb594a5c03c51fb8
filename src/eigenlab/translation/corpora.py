"""Sentence pairs: from a file of your own, and the real corpora of the catalogue."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from eigenlab.data import find
from eigenlab.errors import DataError, InputError, nearest
from eigenlab.reporter import SILENT, Reporter
from eigenlab.translation.tokens import normalize


class SentencePair(NamedTuple):
    """A sentence and its translation.

    Args:
        source: the sentence that is read.
        target: its translation, which is to be written.
    """

    source: str
    target: str


def as_pairs(pairs: Iterable[Any]) -> list[SentencePair]:
    """Return pairs as a list of :class:`SentencePair`, or say which one is not a pair of strings.

    Args:
        pairs: any (source, target) pairs of strings: tuples, lists, rows of an array or of a data
            frame of two columns, or objects with the attributes ``source`` and ``target``.

    Raises:
        InputError: ``pairs`` is a string or not iterable, or an item is not a pair of strings with
            a word or another visible character on both sides; the message counts from 0.

    >>> as_pairs([("Veo un perro.", "I see a dog.")])
    [SentencePair(source='Veo un perro.', target='I see a dog.')]
    """
    if isinstance(pairs, str | bytes) or not isinstance(pairs, Iterable):
        raise InputError(
            f"pairs is a {type(pairs).__name__}; give (source, target) pairs, or read a file with "
            "read_pairs(path)"
        )
    if hasattr(pairs, "to_numpy"):  # iterating over a data frame gives its columns
        pairs = pairs.to_numpy()
    return [_as_pair(pair, f"pairs[{place}]") for place, pair in enumerate(pairs)]


def _as_pair(pair: Any, place: str) -> SentencePair:
    if hasattr(pair, "source") and hasattr(pair, "target"):
        pair = (pair.source, pair.target)
    if isinstance(pair, str) or not hasattr(pair, "__len__") or len(pair) != 2:
        raise InputError(f"{place} is {pair!r}, expected a (source, target) pair of strings")
    source, target = pair
    for name, side in (("source", source), ("target", target)):
        if not isinstance(side, str):
            raise InputError(f"{place}: the {name} is {side!r}, expected a string")
        if not any(map(str.isalnum, side)) and not normalize(side):
            raise InputError(f"{place}: the {name} is empty; leave the pair out, or fill it in")
    return SentencePair(str(source), str(target))


def read_pairs(path: Path | str, *, columns: tuple[int, int] | None = None) -> list[SentencePair]:
    """Read sentence pairs from a UTF-8 text file, a pair per line, ``source<TAB>target``.

    Line ends may be those of Windows; a byte order mark is skipped, and so are blank lines.
    Duplicate pairs are kept: :func:`split_pairs` puts them into the same part. Quotation marks are
    text.

    Args:
        path: path of the file.
        columns: which columns, from 0, hold source and target; lines may then have further columns,
            such as the attribution in the files of manythings.org, whose source for English to
            Spanish is ``(0, 1)`` and for Spanish to English ``(1, 0)``. Default: ``None``, exactly
            two columns, source first.

    Returns:
        The pairs in the order of the lines, sentences without surrounding white space.

    Raises:
        InputError: the file cannot be read, holds no pair, or a line is not UTF-8, has another
            number of columns or an empty side; the message gives the number of the line, from 1.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "pairs.tsv"
    ...     _ = file.write_bytes("Veo un perro.\\tI see a dog.\\r\\n".encode())
    ...     read_pairs(file)
    [SentencePair(source='Veo un perro.', target='I see a dog.')]
    """
    path = Path(path)
    if columns is not None and (len(columns) != 2 or columns[0] == columns[1] or min(columns) < 0):
        raise InputError(f"columns={columns} must be two different numbers from 0, such as (1, 0)")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; give a file of pairs") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path} is UTF-16; save the file as UTF-8")
    pairs = _parse_lines(content.removeprefix(b"\xef\xbb\xbf"), path, columns)
    if not pairs:
        raise InputError(f"{path} holds no sentence pair; expected lines source<TAB>target")
    return pairs


def _parse_lines(content: bytes, path: Path, columns: tuple[int, int] | None) -> list[SentencePair]:
    pairs = []
    line_end = b"\r" if b"\n" not in content else b"\n"  # old Macs ended lines with \r
    for number, line in enumerate(content.split(line_end), start=1):
        place = f"{path}, line {number}"
        try:
            text = line.decode("utf-8").strip("\r")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{place}, is not UTF-8 (byte 0x{line[error.start]:02x} at position "
                f"{error.start + 1}); save the file as UTF-8"
            ) from None
        if not text.strip():
            continue
        fields = text.split("\t")
        if columns is None and len(fields) != 2:
            hint = (
                "; to choose two of the columns, pass columns= (--columns)"
                if len(fields) > 2
                else ""
            )
            raise InputError(
                f"{place}, has {len(fields) - 1} tabs, expected one, source<TAB>target{hint}: "
                f"{text[:60]!r}"
            )
        first, second = columns or (0, 1)
        if max(first, second) >= len(fields):
            raise InputError(
                f"{place}, has {len(fields)} columns, no column {max(first, second) + 1}"
            )
        pairs.append(_as_pair((fields[first].strip(), fields[second].strip()), place))
    return pairs


def load_spa_eng(
    root: Path | str | None = None, *, reporter: Reporter = SILENT
) -> list[SentencePair]:
    """Load 118,964 Spanish-English pairs from Tatoeba, Spanish as the source.

    Many sentences occur several times, with other translations: split them with
    :func:`split_pairs`. Short sentences come first.

    Args:
        root: folder that contains ``spa-eng/spa-eng.zip``, a zip archive with ``spa-eng/spa.txt``.
            Default: ``None``, see :func:`~eigenlab.data.find`.
        reporter: receives progress of a download and may cancel it. Default: silent.

    Raises:
        DataError: the archive is missing or unusable.
    """
    file = find("spa-eng", root, reporter=reporter) / "spa-eng.zip"
    try:
        with zipfile.ZipFile(file) as archive:
            content = archive.read("spa-eng/spa.txt")
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{file} is not a zip archive with spa-eng/spa.txt: {error}") from None
    try:
        return _parse_lines(content, file / "spa-eng/spa.txt", columns=(1, 0))
    except InputError as error:
        raise DataError(str(error)) from None


Multi30kPart = Literal["train", "val", "test_2016_flickr", "test_2017_flickr"]
_PARTS = ("train", "val", "test_2016_flickr", "test_2017_flickr")
_LANGUAGES = ("en", "de", "fr")


def load_multi30k(
    part: Multi30kPart = "train",
    source: Literal["en", "de", "fr"] = "de",
    target: Literal["en", "de", "fr"] = "en",
    root: Path | str | None = None,
    *,
    reporter: Reporter = SILENT,
) -> list[SentencePair]:
    """Load a part of Multi30k, image captions in several languages, in its standard split.

    Source: Elliott, Frank, Sima'an and Specia (2016), "Multi30K: Multilingual English-German Image
    Descriptions".

    Args:
        part: ``"train"`` (29,000 pairs), ``"val"`` (1,014), ``"test_2016_flickr"`` or
            ``"test_2017_flickr"`` (1,000 each). Default: ``'train'``.
        source: language of the source: ``"en"``, ``"de"`` or ``"fr"``. Default: ``'de'``.
        target: language of the target, another one. Default: ``'en'``.
        root: folder that contains ``multi30k/<part>.<language>.gz``.
            Default: ``None``, see :func:`~eigenlab.data.find`.
        reporter: receives progress of a download and may cancel it. Default: silent.

    Raises:
        InputError: part or language is unknown, or source and target are the same.
        DataError: a file is missing or unusable, or the two have different numbers of lines.
    """
    if part not in _PARTS:
        raise InputError(
            f"part '{part}' is unknown{nearest(str(part), _PARTS)}; choose {', '.join(_PARTS)}"
        )
    for name, language in (("source", source), ("target", target)):
        if language not in _LANGUAGES:
            raise InputError(f"{name}='{language}' is unknown; choose {', '.join(_LANGUAGES)}")
    if source == target:
        raise InputError(f"source and target are both '{source}'; choose two languages")
    folder = find("multi30k", root, reporter=reporter)
    sides = [_gzip_lines(folder / f"{part}.{language}.gz") for language in (source, target)]
    if len(sides[0]) != len(sides[1]):
        raise DataError(
            f"{folder}/{part}: {len(sides[0])} lines in {source}, {len(sides[1])} in {target}; "
            "fetch the dataset again"
        )
    return [SentencePair(*pair) for pair in zip(*sides, strict=True)]


def _gzip_lines(file: Path) -> list[str]:
    try:
        text = gzip.decompress(file.read_bytes()).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{file} is not readable as gzip with UTF-8 lines: {error}") from None
    lines = [line.strip() for line in text.removesuffix("\n").split("\n")]
    if "" in lines:
        raise DataError(f"{file}, line {lines.index('') + 1}, is empty; fetch the file again")
    return lines
