"""IDX, the file format of MNIST.

Layout (big-endian): two zero bytes, one byte for the type of the elements, one for the number of
dimensions, a 32-bit size per dimension, and the elements in C order. Source: LeCun, Cortes and
Burges, "The MNIST database", section "File formats".
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from eigenlab.data.catalogue import dataset
from eigenlab.data.gunzip import MAGIC, gunzip
from eigenlab.data.lookup import find
from eigenlab.errors import DataError, InputError
from eigenlab.reporter import SILENT, Reporter

if TYPE_CHECKING:  # numpy is imported when a file is read: `eigenlab data list` does not need it
    import numpy as np
    import numpy.typing as npt

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_PREFIX = {"train": "train", "test": "t10k"}
Split = Literal["train", "test"]


def read_idx(file: Path | str) -> npt.NDArray[Any]:
    """Read the array in an IDX file.

    Args:
        file: path of the file, with or without gzip compression.

    Returns:
        The array, in native byte order.

    Raises:
        DataError: the file cannot be read, does not begin with an IDX magic number, or has fewer or
            more bytes than its header says.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "labels"
    ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    ...     read_idx(file)
    array([5, 0, 4], dtype=uint8)
    """
    import numpy as np

    file = Path(file)
    content = _bytes(file)
    if len(content) < 4:
        raise DataError(f"{file} is truncated: {len(content)} bytes, an IDX header has at least 8")
    kind, n_dimensions = content[2], content[3]
    if content[:2] != b"\0\0" or kind not in _TYPES or n_dimensions == 0:
        raise DataError(
            f"{file} is not an IDX file: its magic number is 0x{content[:4].hex()}, expected for "
            "example 0x00000803 (images) or 0x00000801 (labels); fetch the file again"
        )
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise DataError(
            f"{file} is truncated: {len(content)} bytes, the header of {n_dimensions} dimensions "
            f"has {start}; fetch the file again"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", n_dimensions, offset=4))
    dtype = np.dtype(_TYPES[kind])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        problem = "is truncated" if len(content) < expected else "has bytes after its end"
        raise DataError(
            f"{file} {problem}: {len(content)} bytes after decompression, shape {shape} needs "
            f"{expected}; fetch the file again"
        )
    try:
        values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    except ValueError:  # no elements, with sizes too large for an array
        raise DataError(f"{file} holds shape {shape}; fetch the file again") from None
    return values.astype(dtype.newbyteorder("="))


def load_mnist(
    split: Split = "train", root: Path | str | None = None, *, reporter: Reporter = SILENT
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Load the images and labels of MNIST, downloading them if necessary.

    Args:
        split: ``"train"`` (60,000 images) or ``"test"`` (10,000). Default: ``'train'``.
        root: a folder with your own files ``{train,t10k}-images-idx3-ubyte[.gz]`` and
            ``{train,t10k}-labels-idx1-ubyte[.gz]``, or with a folder ``mnist`` of them, or as
            torchvision (``MNIST/raw``) or Kaggle (``train-images.idx3-ubyte``) keep them.
            Default: ``None``, see :func:`~eigenlab.data.find`.
        reporter: receives progress of a download and may cancel it. Default: silent.

    Returns:
        Images, (n, 28, 28) uint8, from 0 (background) to 255; and labels, (n,) int64 in 0...9.

    Raises:
        InputError: ``split`` is unknown.
        DataError: the files are missing and cannot be downloaded, are not IDX files, are truncated,
            or images and labels do not match.
    """
    if split not in _PREFIX:
        raise InputError(f"split='{split}' is unknown; choose 'train' or 'test'")
    folder = find("mnist", root, reporter=reporter)
    images_file = _existing(folder, f"{_PREFIX[split]}-images-idx3-ubyte")
    labels_file = _existing(folder, f"{_PREFIX[split]}-labels-idx1-ubyte")
    images, labels = read_idx(images_file), read_idx(labels_file)
    for file, array, dimensions in ((images_file, images, 3), (labels_file, labels, 1)):
        if array.ndim != dimensions or array.dtype != "uint8":
            raise DataError(
                f"{file} holds {array.dtype} of shape {array.shape}, expected bytes in "
                f"{dimensions} dimension{'s' if dimensions > 1 else ''}; is the file misnamed?"
            )
    if images.shape[1:] != (28, 28):
        raise DataError(
            f"{images_file} holds images of {images.shape[1]} x {images.shape[2]} pixels, expected "
            "28 x 28; read other images with eigenlab.data.read_idx"
        )
    if len(images) != len(labels):
        raise DataError(
            f"{images_file} holds {len(images)} images but {labels_file.name} {len(labels)} "
            "labels; the files do not match"
        )
    if labels.max(initial=0) > 9:
        raise DataError(
            f"{labels_file} holds label {labels.max()}, expected 0 to 9; fetch it again"
        )
    return images, labels.astype("int64")


def _existing(folder: Path, name: str) -> Path:
    """The file of MNIST called ``name``, ``train-images-idx3-ubyte`` or so, however it is kept."""
    file = next(file for file in dataset("mnist").files if file.name == f"{name}.gz")
    path = file.located(folder)
    if path.is_file():
        return path
    raise DataError(
        f"{folder} lacks the file {name}; expected it there as {', '.join(file.spellings[:4])}"
    )


def _bytes(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    try:
        return gunzip(content) if content.startswith(MAGIC) else content
    except ValueError as error:
        raise DataError(f"{file} is unusable: {error}; fetch it again") from error
