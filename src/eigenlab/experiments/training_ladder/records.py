"""What the stages of ``training-ladder`` measure.

Sizes: S steps, N seeds, C classes, F filters, V patch variances, P principal axes,
E evaluations.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured

#: Names of the first and the last rung.
FIRST, LAST = "ResNet-18", "SpeedNet and Muon"
#: The rungs of a short climb.
LANDMARKS = (FIRST, "ResNet-9", "whitened patches", LAST)

Picture = tuple[tuple[tuple[int, int, int], ...], ...]
"""Rows of pixels, red, green and blue from 0 to 255."""


class PartsRecord(Record):
    """The ideas that are theorems, each checked by itself, in float64."""

    correlation: float = measured(
        "Largest correlation of two of the 12 numbers of a 2 x 2 patch of the training images."
    )
    whitened: float = measured(
        "Largest entry of |covariance - 1| of whitened patches, without an eps."
    )
    steps: Integers = measured("Iterations of the orthogonalisation.", shape="S")
    bounds: Vector = measured(
        "How far from 1 singular values may be after them, derived.", shape="S"
    )
    errors: Vector = measured(
        "Largest |s - 1| over the singular values s of an orthogonalised matrix whose singular "
        "values covered the interval of the bound.",
        shape="S",
    )
    polar_distances: Vector = measured(
        "Distance to the polar factor from the singular value decomposition, spectral norm.",
        shape="S",
    )
    pooled_before_activation: float = measured(
        "Largest change of a ResNet-9's logits when it pools before ReLU and not behind it."
    )
    pooled_before_norm: float = measured("The same when it pools before batch norm.")
    both_ways_alternating: float = measured(
        "Share of the images that two epochs of alternating flips show both ways."
    )
    both_ways_random: float = measured("The same of random flips.")
    flipped_images: int = measured("Images of the two shares.")
    mirrored: float = measured(
        "Largest change of the logits when images are mirrored; mean over both mirror images."
    )
    mirrored_alone: float = measured("The same without taking the mean.")
    operations: dict[str, float] = measured(
        "Rung -> floating-point operations of its whole training at the published size, forward "
        "and backward.",
        unit="FLOP",
    )
    published: dict[str, float] = measured(
        "Rung -> published time of its training.", unit="seconds"
    )
    published_device: dict[str, str] = measured("Rung -> on which GPU that was.")


class RungRecord(Record):
    """The trainings of one rung."""

    name: str = measured("Name of the rung.")
    change: str = measured("What is new.")
    network: str = measured("Kind of network.")
    epochs: float = measured("Passes over the training images.")
    updates: int = measured("Updates of the weights.")
    operations: float = measured("Operations of one training, as done here.", unit="FLOP")
    accuracy: Vector = measured(
        "Share of correct test images, with the rung's test-time augmentation.", shape="N"
    )
    plain_accuracy: Vector = measured("The same without augmentation.", shape="N")
    training_seconds: Vector = measured("Time of each training.", unit="seconds", shape="N")
    total_seconds: Vector = measured(
        "The same with one pass over the test images.", unit="seconds", shape="N"
    )


class ClimbRecord(Record):
    """Rungs, trained on the same images with the same seeds."""

    seeds: Integers = measured("Random seeds of the trainings.", shape="N")
    n_train: int = measured("Training images.")
    n_test: int = measured("Test images.")
    n_classes: int = measured("Classes.")
    precision: str = measured("Precision of the products in training.")
    device: str = measured("Device.")
    threads: int = measured("Threads of the CPU.")
    rungs: tuple[RungRecord, ...] = measured("The rungs, from the bottom.")


class Confused(Record):
    """A test image that was classified wrong."""

    picture: Picture = measured("The image.")
    label: str = measured("Its class.")
    predicted: str = measured("The class with the largest probability.")
    probability: float = measured("Probability of its own class.")


class InsideRecord(Record):
    """The network at the top of the ladder after its training."""

    classes: tuple[str, ...] = measured("Names of the classes.", shape="C")
    accuracy: float = measured("Share of correct test images.")
    confusion: Matrix = measured("Test images by class (row) and prediction.", shape="C, C")
    by_class: Vector = measured("Share of correct test images of each class.", shape="C")
    filters: tuple[Picture, ...] = measured(
        "Whitening filters, each scaled to its largest weight, 0 grey.", shape="F"
    )
    patch_variances: Vector = measured(
        "Variances of 2 x 2 patches along their principal axes.", shape="V"
    )
    spectrum_untrained: Vector = measured(
        "Standard deviations of the last features of the test images along their principal axes, "
        "in the initial network, relative to the largest.",
        shape="P",
    )
    spectrum_trained: Vector = measured("The same after training.", shape="P")
    curve_updates: Integers = measured("Updates at which accuracy was measured.", shape="E")
    curve: Vector = measured("Test accuracy there, without augmentation.", shape="E")
    confused: tuple[Confused, ...] = measured("Test images that it is most sure to get wrong.")
