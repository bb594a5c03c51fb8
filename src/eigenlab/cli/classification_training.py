"""``eigenlab classify train``: fit a classifier to pictures and save it."""

from __future__ import annotations

from collections.abc import Mapping
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
    from eigenlab.vision import ImageDataset

SHAPES = 12_000


def train(
    folder: Path | None,
    model: Path | None,
    *,
    data: str | None,
    held_out: float,
    parameters: Mapping[str, Any],
) -> int:
    """Fit a classifier, save it and return the exit status.

    Under ``torchrun`` the processes train together, and the first one prints and writes.

    Args:
        folder: folder of pictures; with ``data``, or if it is named as a model and alone, the
            model.
        model: file to write. Default of None: that of the folder, with .safetensors.
        data: dataset. Default of None: the folder, or the shapes without one.
        held_out: share of the pictures to test on; CIFAR-10 has its own test images.
        parameters: of :class:`~eigenlab.vision.ImageClassifier`.
    """
    if not 0 <= held_out < 1:
        raise InputError(f"held-out={held_out} must be in [0, 1)")
    folder, model = _folder_and_model(folder, model, data)
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give one with a folder for each class")
    check_new(model)
    from eigenlab.training import distributed
    from eigenlab.vision import ImageClassifier

    classifier = ImageClassifier(**parameters)
    classifier.check_parameters()  # reading the pictures may take minutes
    checkpoint = checkpoint_of(model)
    with (
        distributed.start(),
        TerminalReporter("classify", notices()) as reporter,
        cancel_on_interrupt(reporter.cancel),
    ):
        training, test = _read(folder, data, held_out, parameters, reporter)
        reporter.message(_sizes(training, test))
        if (processes := distributed.current().size) > 1:
            reporter.message(f"{processes} processes train together")
        reporter.stage(f"train on {folder or data or 'shapes32'}")
        try:
            classifier.fit(
                training.images, _names(training), reporter=reporter, checkpoint=checkpoint
            )
        except (Cancelled, KeyboardInterrupt):
            return stopped(checkpoint)
        except InputError as error:
            raise how_to_restart(error, checkpoint) from None
    if not is_main_process():
        return SUCCESS
    classifier.save(model)
    remove_checkpoint(checkpoint)
    if test is not None:
        share = classifier.score(test.images, _names(test))
        output().print(f"{share:.1%} of {len(test)} held-out pictures are right", soft_wrap=True)
    else:
        output().print("No picture was held out, so there is none to test on.")
    output().print(f"Model: {model}", markup=False, soft_wrap=True)
    return SUCCESS


def _folder_and_model(
    folder: Path | None, model: Path | None, data: str | None
) -> tuple[Path | None, Path]:
    if folder is None:
        raise InputError("name the file of the model: eigenlab classify train [FOLDER] MODEL")
    if data is not None and model is not None:
        raise InputError(f"train on one of {folder} and --data {data}, not on both")
    if model is not None:
        return folder, model
    if data is not None or folder.suffix == MODEL_SUFFIX:
        return None, folder
    return folder, folder.parent / f"{folder.resolve().name}{MODEL_SUFFIX}"


def _read(
    folder: Path | None,
    data: str | None,
    held_out: float,
    parameters: Mapping[str, Any],
    reporter: TerminalReporter,
) -> tuple[ImageDataset, ImageDataset | None]:
    """Training and test images; the latter may be none."""
    from eigenlab import vision
    from eigenlab.training import generator

    size, seed = parameters["image_size"], parameters["random_state"]
    if data == "cifar10":
        return (
            vision.load_cifar10("train", reporter=reporter),
            vision.load_cifar10("test", reporter=reporter),
        )
    if folder is not None:
        reporter.stage(f"read {folder}")
        found = vision.load_image_folder(folder, size, reporter=reporter)
    else:
        found = vision.shapes32(SHAPES)
    return vision.split_images(found, held_out, generator(seed, "held out"))


def _sizes(training: ImageDataset, test: ImageDataset | None) -> str:
    held = f" and {len(test)} held out" if test is not None else ", none held out"
    return f"{len(training)} pictures of {len(training.classes)} classes to train on{held}"


def _names(data: ImageDataset) -> list[str]:
    return [data.classes[label] for label in data.labels.tolist()]
