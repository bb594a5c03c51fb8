"""The files in which CIFAR-10 is distributed."""

from __future__ import annotations

import hashlib
import importlib
import io
import pickle
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from eigenlab.errors import DataError, InputError
from eigenlab.reporter import Reporter

SIZE = 32
PIXELS = 3 * SIZE * SIZE
RECORD = 1 + PIXELS
"""Bytes of a label and an image of the binary version."""

EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV")
"""Pillow's modes of at most 8 bits a colour, which it converts to RGB without loss of range."""

Part = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Images (n, 32, 32, 3) and labels (n,)."""


@dataclass(frozen=True)
class Source:
    """Files of one split, and how to read one of them.

    Args:
        files: in the order of the images.
        read_file: reads the images of the split from one of them.
    """

    files: tuple[Path, ...]
    read_file: Callable[[Path], Part]

    def __str__(self) -> str:
        names = self.files[0].name + (f" ... {self.files[-1].name}" if len(self.files) > 1 else "")
        return f"{self.files[0].parent / names}"

    def fingerprint(self) -> str:
        """SHA-256 over the content of the files."""
        digest = hashlib.sha256()
        for file in self.files:
            with _opened(file) as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()

    def read(self, reporter: Reporter) -> tuple[Tensor, Tensor]:
        """Images uint8 (N, 32, 32, 3) and labels int64 (N,)."""
        parts = []
        for place, file in enumerate(self.files):
            reporter.progress(place, len(self.files), file.name)
            reporter.raise_if_cancelled()
            parts.append(self.read_file(file))
        images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return torch.from_numpy(images), torch.from_numpy(labels)


def find_source(folder: Path, split: str) -> Source:
    """The files of a split in ``folder``, in the first layout that is there.

    Raises:
        DataError: there is none, or a file is missing.
    """
    shards = sorted(folder.glob(f"{split}-*.parquet"))
    if shards:
        _check_shards(shards)
        return Source(tuple(shards), _read_parquet)
    names = [f"data_batch_{k}" for k in range(1, 6)] if split == "train" else ["test_batch"]
    for place in (folder, folder / "cifar-10-batches-bin", folder / "cifar-10-batches-py"):
        for suffix, read in ((".bin", _read_binary), ("", _read_pickle)):
            files = [place / f"{name}{suffix}" for name in names]
            if any(file.is_file() for file in files):
                _check_present(files)
                return Source(tuple(files), read)
    for kind, suffix, parse in (("binary", ".bin", _parse_binary), ("python", "", _parse_pickle)):
        archive = folder / f"cifar-10-{kind}.tar.gz"
        if archive.is_file():
            members = [f"{name}{suffix}" for name in names]
            return Source((archive,), partial(_read_archive, members=members, parse=parse))
    raise DataError(
        f"{folder} holds no {split} images of CIFAR-10; expected {split}-00000-of-*.parquet, "
        f"{names[0]}.bin, {names[0]}, cifar-10-binary.tar.gz or cifar-10-python.tar.gz"
    )


def _check_shards(shards: list[Path]) -> None:
    """Refuse a set of shards ``split-k-of-n.parquet`` that is not complete."""
    matches = [re.fullmatch(r"(.*)-(\d+)-of-(\d+)\.parquet", shard.name) for shard in shards]
    found = [match for match in matches if match is not None]
    if not found:
        return
    count, digits = int(found[0][3]), len(found[0][3])
    names = [f"{found[0][1]}-{k:0{digits}d}-of-{found[0][3]}.parquet" for k in range(count)]
    _check_present([shards[0].parent / name for name in names])
    foreign = sorted({shard.name for shard in shards} - set(names))
    if foreign:
        raise DataError(f"{shards[0].parent} holds shards of two sets, such as {foreign[0]}")


def _check_present(files: list[Path]) -> None:
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise DataError(
            f"{files[0].parent} lacks {', '.join(missing)}, while other files of the same split "
            "are there; add what is missing"
        )


def _opened(file: Path) -> Any:
    try:
        return file.open("rb")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error


def _read_parquet(file: Path) -> Part:
    parquet, arrow = needed_module("pyarrow.parquet", file), needed_module("pyarrow", file)
    try:
        table = parquet.read_table(file)
        columns = table.select(["img", "label"]).combine_chunks()
        pngs = columns["img"].combine_chunks().field("bytes").to_pylist()
        labels = columns["label"]
        kind, nulls = labels.type, labels.null_count
        if arrow.types.is_integer(kind) and not nulls:
            labels = labels.cast(arrow.int64()).to_numpy()
    except (OSError, ValueError, KeyError, AttributeError, arrow.ArrowException) as error:
        raise DataError(
            f"{file} is damaged, or no Parquet file with the columns img.bytes and label "
            f"({error}); fetch it again"
        ) from None
    if not arrow.types.is_integer(kind) or nulls:
        missing = f" with {nulls} nulls" if nulls else ""
        raise DataError(
            f"{file}: the column label has the type {kind}{missing}, expected integers from 0 to 9 "
            "without nulls"
        )
    images = np.empty((len(pngs), SIZE, SIZE, 3), dtype=np.uint8)
    for row, png in enumerate(pngs):
        images[row] = _decode(png, f"{file}, row {row}")
    return images, labels


def _decode(png: bytes | None, place: str) -> npt.NDArray[np.uint8]:
    image = needed_module("PIL.Image", place)
    try:
        with image.open(io.BytesIO(png or b"")) as opened:
            if opened.mode not in EIGHT_BIT_MODES:
                raise DataError(
                    f"{place}: the image has pixels of Pillow's mode {opened.mode!r}, expected 8 "
                    "bits for each colour"
                )
            pixels = np.asarray(opened.convert("RGB"))
    except (OSError, SyntaxError, ValueError, zlib.error) as error:
        raise DataError(f"{place}: the image cannot be decoded ({error})") from None
    if pixels.shape != (SIZE, SIZE, 3):
        raise DataError(
            f"{place}: the image has {pixels.shape[1]} x {pixels.shape[0]} pixels, expected "
            f"{SIZE} x {SIZE}"
        )
    return pixels


def needed_module(module: str, place: Path | str) -> Any:
    """Import a module of the extra ``vision``, or say how to install it.

    Args:
        module: its name.
        place: what needs it.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = "pillow" if module.startswith("PIL") else module.partition(".")[0]
        raise InputError(
            f"{place} needs {package}; install it with: pip install 'eigenlab[vision]'"
        ) from None


def _read_binary(file: Path) -> Part:
    with _opened(file) as stream:
        return _parse_binary(stream.read(), str(file))


def _parse_binary(content: bytes, place: str) -> Part:
    if not content or len(content) % RECORD:
        raise DataError(
            f"{place} has {len(content)} bytes, expected a multiple of {RECORD}; fetch it again"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD)
    return _channels_last(records[:, 1:]), records[:, 0].astype(np.int64)


def _channels_last(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Rows of 1,024 red, 1,024 green and 1,024 blue values as (n, 32, 32, 3)."""
    return np.ascontiguousarray(rows.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1))


def _read_pickle(file: Path) -> Part:
    with _opened(file) as stream:
        return _parse_pickle(stream.read(), str(file))


class _DataOnly(pickle.Unpickler):
    """Unpickles lists, dictionaries, bytes, numbers, and arrays of numbers; calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            if name == "_reconstruct":
                return _empty_array
        elif module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        elif (module, name) == ("_codecs", "encode"):  # bytes in protocol 2 of Python 3
            return _encode
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is not data")


def _empty_array(kind: Any, shape: Any, dtype: Any) -> npt.NDArray[Any]:
    """The array that pickled content is then put into."""
    if kind is not np.ndarray:
        raise pickle.UnpicklingError("it builds another thing than an array")
    return np.ndarray((0,), dtype="u1")


def _encode(text: str, encoding: str) -> bytes:
    return text.encode("latin-1")


def _parse_pickle(content: bytes, place: str) -> Part:
    try:
        record = _DataOnly(io.BytesIO(content), encoding="bytes").load()
        rows = np.asarray(record[b"data"])
        labels = np.asarray(record[b"labels"])
    except Exception as error:  # damaged pickles raise almost anything
        raise DataError(
            f"{place} is no batch of CIFAR-10's Python version ({error}); fetch it again"
        ) from None
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != PIXELS:
        raise DataError(
            f"{place} holds {rows.dtype} of shape {rows.shape}, expected bytes (n, {PIXELS})"
        )
    if labels.shape != (len(rows),) or labels.dtype.kind not in "iu":
        raise DataError(
            f"{place} holds {len(rows)} images and labels of shape {labels.shape} and type "
            f"{labels.dtype}, expected an integer for each image"
        )
    return _channels_last(rows), labels.astype(np.int64)


def _read_archive(file: Path, members: list[str], parse: Callable[[bytes, str], Part]) -> Part:
    found: dict[str, Part] = {}
    try:
        with tarfile.open(file, "r:gz") as archive:
            for name, content in _contents(archive, members):
                found[name] = parse(content, f"{file}: {name}")
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise DataError(f"{file} is damaged ({error}); fetch it again") from None
    missing = [name for name in members if name not in found]
    if missing:
        raise DataError(f"{file} lacks {', '.join(missing)}; fetch it again")
    images, labels = zip(*(found[name] for name in members), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def _contents(archive: tarfile.TarFile, wanted: list[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the wanted members, read in the order in which they are stored."""
    for member in archive:
        name = member.name.rpartition("/")[2]
        opened = archive.extractfile(member) if name in wanted and member.isfile() else None
        if opened is not None:
            yield name, opened.read()
