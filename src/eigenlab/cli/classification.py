"""``eigenlab classify``: the most probable classes of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eigenlab.cli.status import SUCCESS, USAGE_ERROR
from eigenlab.cli.terminal import notices, output, print_json
from eigenlab.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

#: Pictures that are read before they are classified.
TOGETHER = 500


def classify(pictures: Sequence[Path], *, model: Path, top: int, json: bool) -> int:
    """Print the classes of pictures and return the exit status.

    Args:
        pictures: files.
        model: file of the model.
        top: number of classes for each picture.
        json: whether to print JSON.
    """
    if not pictures:
        raise InputError("no picture was given: eigenlab classify PICTURE ... --model MODEL")
    if pictures[0] == Path("train") and not pictures[0].exists():
        raise InputError("train is a command: write it first, eigenlab classify train ...")
    if top < 1:
        raise InputError(f"top={top}: give at least 1")
    import torch

    from eigenlab.vision import ImageClassifier, read_picture

    classifier = ImageClassifier.load(model)
    width = max(len(str(picture)) for picture in pictures)
    rows = []
    failed = False
    for start in range(0, len(pictures), TOGETHER):
        read: list[tuple[Path, Tensor]] = []  # a picture may be given twice
        for picture in pictures[start : start + TOGETHER]:
            try:
                read.append((picture, read_picture(picture, classifier.image_size)))
            except InputError as error:
                failed = True
                notices().print(f"eigenlab: {error}", markup=False, soft_wrap=True)
        if not read:
            continue
        probabilities = classifier.predict_proba(torch.stack([pixels for _, pixels in read]))
        for (picture, _), row in zip(read, probabilities, strict=True):
            order = (-row).argsort(kind="stable")[:top]
            found = [(str(classifier.classes_[place]), float(row[place])) for place in order]
            rows.append({"picture": str(picture), "classes": dict(found)})
            if not json:
                shown = "  ".join(f"{name} {share:.1%}" for name, share in found)
                output().print(f"{picture!s:{width}}  {shown}", markup=False, soft_wrap=True)
    if json:
        print_json(rows)
    return USAGE_ERROR if failed else SUCCESS
