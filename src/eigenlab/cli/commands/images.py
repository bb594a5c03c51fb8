"""``eigenlab classify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from eigenlab.cli.options import Json, Whole


def classify_app() -> App:
    """``eigenlab classify``: pictures and a model, or ``train``."""
    app = App(name="classify", help="Classify pictures with a model; `train` fits one.")
    app.command(_train, name="train")
    app.default(_classify)
    return app


def _train(
    folder: Annotated[
        Path | None,
        Parameter(
            help="Folder with a folder of pictures for each class; with --data, or if only a name "
            "with .safetensors is given, this is MODEL."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        Parameter(help="File to save the model in [default: FOLDER.safetensors]."),
    ] = None,
    /,
    *,
    data: Annotated[
        Literal["shapes32", "cifar10"] | None,
        Parameter(
            help="Train on a dataset: shapes32 (ten shapes, generated) or cifar10 [default: "
            "FOLDER, or shapes32]."
        ),
    ] = None,
    epochs: Annotated[float, Parameter(help="Passes over the pictures.")] = 10.0,
    width: Annotated[Whole, Parameter(help="Channels of the first convolutions.")] = 64,
    image_size: Annotated[
        Whole, Parameter(help="Height and width to which pictures are scaled.")
    ] = 32,
    held_out: Annotated[
        float, Parameter(help="Share of the pictures on which the model is tested.")
    ] = 0.1,
    flip: Annotated[
        bool,
        Parameter(help="Also learn from mirror images; not where classes are mirror images."),
    ] = True,
    precision: Annotated[
        Literal["float32", "bfloat16", "auto"],
        Parameter(help="Of matrix products; auto is bfloat16 where the hardware multiplies it."),
    ] = "auto",
    seed: Annotated[Whole, Parameter(help="Random seed of weights, order and split.")] = 0,
    device: Annotated[str, Parameter(help="cpu, cuda or auto.")] = "cpu",
) -> int:
    """Fit a classifier to pictures and save it.

    Ctrl-C leaves a checkpoint beside MODEL; the same command then continues.
    """
    from eigenlab.cli import classification_training

    return classification_training.train(
        folder,
        model,
        data=data,
        held_out=held_out,
        parameters={
            "n_epochs": epochs,
            "width": width,
            "image_size": image_size,
            "flip": "alternating" if flip else "none",
            "tta": "mirror" if flip else "none",
            "precision": precision,
            "random_state": seed,
            "device": device,
        },
    )


def _classify(
    *pictures: Annotated[Path, Parameter(help="Pictures of any size: PNG, JPEG, and others.")],
    model: Annotated[Path, Parameter(help="File that `eigenlab classify train` saved.")],
    top: Annotated[Whole, Parameter(help="Classes to show for each picture.")] = 3,
    json: Json = False,
) -> int:
    """Print the most probable classes of pictures, with their probabilities.

    What cannot be read as a picture is named on standard error; the others are
    classified, and the exit status is 2.
    """
    from eigenlab.cli import classification

    return classification.classify(pictures, model=model, top=top, json=json)
