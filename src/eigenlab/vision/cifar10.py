"""CIFAR-10 as bytes: from Parquet shards or the official archives, decoded once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from eigenlab.data import cache_folder, find
from eigenlab.errors import DataError, InputError
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training.storage import read_model, write_model
from eigenlab.vision.cifar10_files import Source, find_source
from eigenlab.vision.dataset import ImageDataset, digest_of_images

Split = Literal["train", "test"]

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SIZES = {"train": 50_000, "test": 10_000}
FORMAT = "eigenlab.vision.cifar10/1"


def load_cifar10(
    split: Split = "train", root: Path | str | None = None, *, reporter: Reporter = SILENT
) -> ImageDataset:
    """Load the 50,000 training or 10,000 test images of CIFAR-10.

    Three layouts are read, whichever is there: Parquet shards ``{train,test}-*-of-*.parquet`` with
    the columns ``img`` (PNG in ``img.bytes``) and ``label``; the official binary version,
    ``cifar-10-binary.tar.gz`` or its ``data_batch_*.bin``; and the official Python version,
    ``cifar-10-python.tar.gz`` or its ``data_batch_*``, of whose pickles only lists, bytes and
    arrays of bytes are accepted. Images keep the order of the files. What was decoded is kept in
    the cache folder and is read from there if the files are the same.

    Args:
        split: ``"train"`` or ``"test"``. Default: ``'train'``.
        root: folder that contains a folder ``cifar10`` with the files, which are then not compared
            with the catalogue. Default: ``None``, see :func:`~eigenlab.data.find`.
        reporter: receives progress of a download and may cancel it. Default: silent.

    Raises:
        InputError: ``split`` is unknown, or a package that the files need is not installed.
        DataError: the files are missing and cannot be downloaded, one of them is damaged or missing
            (it is named), or they do not hold as many images as CIFAR-10.
    """
    if split not in get_args(Split):
        raise InputError(f"split={split!r} is unknown; choose 'train' or 'test'")
    folder = find("cifar10", root, reporter=reporter)
    source = find_source(folder, split)
    stored = cache_folder() / "decoded" / f"cifar10-{split}.safetensors"
    fingerprint = source.fingerprint()
    data = _stored(stored, fingerprint)
    if data is None:
        data = _decoded(source, split, reporter)
        _store(stored, data, fingerprint, reporter)
    return data


def _decoded(source: Source, split: Split, reporter: Reporter) -> ImageDataset:
    reporter.message(f"decoding {source} once")
    images, labels = source.read(reporter)
    if len(images) != SIZES[split]:
        raise DataError(
            f"{source} holds {len(images)} images, expected {SIZES[split]}; is a shard missing?"
        )
    if int(labels.min()) < 0 or int(labels.max()) > 9:
        raise DataError(f"{source} holds label {int(labels.max())}; expected 0 to 9")
    return ImageDataset(images, labels, CLASSES)


def _store(path: Path, data: ImageDataset, fingerprint: str, reporter: Reporter) -> None:
    tensors = {"images": data.images, "labels": data.labels}
    try:
        write_model(path, tensors, format=FORMAT, source=fingerprint, content=_digest(data))
    except InputError as error:  # decoding again costs seconds, so it is not an error
        reporter.message(f"the decoded images are not kept: {error}")


def _stored(path: Path, fingerprint: str) -> ImageDataset | None:
    """What was decoded from files with this fingerprint, or None."""
    if not path.is_file():
        return None
    try:
        tensors, header = read_model(path, format=FORMAT)
        if header.get("source") != fingerprint:
            return None
        data = ImageDataset(tensors["images"], tensors["labels"], CLASSES)
    except (InputError, KeyError):
        return None
    return data if header.get("content") == _digest(data) else None


def _digest(data: ImageDataset) -> str:
    return digest_of_images(data.images, data.labels, data.classes)
