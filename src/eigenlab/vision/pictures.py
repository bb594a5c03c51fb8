"""Pictures of any size from files: one, or a folder of them with a folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.reporter import SILENT, Reporter
from eigenlab.vision.cifar10_files import EIGHT_BIT_MODES, needed_module
from eigenlab.vision.dataset import ImageDataset
from eigenlab.vision.picture_folders import (
    check_layout,
    class_folders,
    listed,
    pictures_in,
    skipped,
)
from eigenlab.vision.scaling import crop_and_scale

#: Pictures of more pixels are refused: a small file can stand for gigabytes.
MAX_PIXELS = 1 << 28


def read_picture(path: Path | str, size: tuple[int, int] | int) -> Tensor:
    """Read one picture, cut to the wanted shape about its centre and scaled.

    That is what :class:`ImageClassifier` does with arrays, so a file and its array are classified
    the same.

    Transparent pixels are shown on white; the orientation that cameras note is applied; of an
    animation the first frame is taken. Grey values of 16 or 32 bits are divided by 65535, and grey
    floating-point numbers, which have to be in [0, 1], are taken as they are.

    Args:
        path: a file that Pillow reads, such as PNG or JPEG.
        size: height and width in pixels, or one number for both.

    Returns:
        uint8 (height, width, 3).

    Raises:
        InputError: the file cannot be read, is no picture, or has pixels of another kind or range.
    """
    module, operations = needed_module("PIL.Image", path), needed_module("PIL.ImageOps", path)
    try:
        with module.open(path) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise InputError(
                    f"{path} has {opened.width} x {opened.height} pixels; give a smaller picture"
                )
            upright = _eight_bit(module, operations.exif_transpose(opened), path).convert("RGBA")
            white = module.new("RGBA", upright.size, "white")
            shown = module.alpha_composite(white, upright).convert("RGB")
            pixels = torch.from_numpy(np.array(shown))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist") from None
    except InputError:
        raise
    except Exception as error:  # decoders of damaged files raise almost anything
        reason = "it is no picture" if type(error).__name__ == "UnidentifiedImageError" else error
        raise InputError(f"{path} cannot be read as a picture: {reason}") from None
    return crop_and_scale(pixels[None], size)[0]


def _eight_bit(module: Any, picture: Any, path: Path | str) -> Any:
    """The picture with 8 bits for each colour.

    Pillow's own conversion would clip larger grey values to 255, and so make a picture white, and
    cut fractions to 0, and so make it black.
    """
    if picture.mode in EIGHT_BIT_MODES:
        return picture
    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        raise InputError(
            f"{path} has pixels of Pillow's mode {picture.mode!r}, which cannot be shown in red, "
            "green and blue; save it as a PNG or JPEG in colour or grey"
        )
    grey = np.asarray(picture).astype(np.float64)
    highest = 1 if picture.mode == "F" else 65535
    if not (grey.min() >= 0 and grey.max() <= highest):  # also refuses what is not a number
        raise InputError(
            f"{path} has grey values from {grey.min():g} to {grey.max():g}, expected 0 to "
            f"{highest}; scale it, or save it with 8 bits"
        )
    return module.fromarray((grey * (255 / highest)).round().astype(np.uint8))


def load_image_folder(
    folder: Path | str,
    size: tuple[int, int] | int = 32,
    *,
    classes: Sequence[str] | None = None,
    reporter: Reporter = SILENT,
) -> ImageDataset:
    """Read pictures of your own, ``folder/<class>/*.png|jpg|...``.

    Args:
        folder: it has a folder for each class, whose name is the class; pictures may lie deeper.
            Hidden files and files of other kinds are skipped. A folder of parts such as ``train``
            and ``test`` is refused: give one of them.
        size: height and width to which each picture is cut and scaled, or one number for both; see
            :func:`read_picture`. Default: ``32``.
        classes: names in the order of the labels, which other data may have. Default: ``None``,
            the folders in alphabetical order.
        reporter: receives progress, is told the classes and what is skipped, and may cancel.
            Default: silent.

    Raises:
        InputError: the folder is missing, has no class with a picture, or has the classes in parts
            such as ``train`` and ``test``; it has a folder that is not in ``classes``; or a picture
            cannot be read (it is named).
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one with a folder for each class")
    if classes is None:
        check_layout(folder)
    found = {place.name: files for place in class_folders(folder) if (files := pictures_in(place))}
    if not found:
        loose = "pictures lie in it, but in no class" if pictures_in(folder) else "it has none"
        raise InputError(
            f"{folder}: {loose}; expected {folder.name}/<class>/<picture>.png (or jpg, ...)"
        )
    names = tuple(classes) if classes is not None else tuple(found)
    unknown = sorted(set(found) - set(names))
    if unknown:
        raise InputError(f"{folder} has the class {unknown[0]!r}; expected {', '.join(names)}")
    reporter.message(f"classes: {listed(found)}")
    if left_out := skipped(folder):
        reporter.message(f"skipped: {left_out}")
    files = [file for name in found for file in found[name]]
    labels = [names.index(name) for name in found for _ in found[name]]
    images = []
    for place, file in enumerate(files):
        reporter.raise_if_cancelled()
        reporter.progress(place + 1, len(files), str(file.relative_to(folder)))
        images.append(read_picture(file, size))
    return ImageDataset(torch.stack(images), torch.tensor(labels), names)
