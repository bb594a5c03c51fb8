"""The settings of ``few-label-probe``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from eigenlab.lab import Config, setting

Size = Annotated[int, Field(ge=1, le=10_000)]
DigitsCount = Annotated[int, Field(ge=10, le=400)]
MnistCount = Annotated[int, Field(ge=10, le=10_000)]


class FewLabelConfig(Config):
    """Images, numbers of labels, architectures, training length and repetitions."""

    data: Literal["auto", "digits", "mnist"] = setting(
        "auto",
        "Images used besides the embedded digits: MNIST if it is on this machine (auto), none "
        "(digits), or MNIST in any case, with an error if it is missing (mnist).",
    )
    n_labels: int = setting(
        200, "Labelled images on which encoders are compared.", unit="images", ge=10, le=400
    )
    digits_label_counts: tuple[DigitsCount, ...] = setting(
        (50, 100), "Further numbers of labelled images, on the digits.", unit="images"
    )
    mnist_label_counts: tuple[MnistCount, ...] = setting(
        (50, 100), "Further numbers of labelled images, on MNIST.", unit="images"
    )
    digits_seeds: int = setting(
        5,
        "Repetitions on the digits with other initial weights and other labelled images.",
        unit="seeds",
        ge=1,
        le=50,
    )
    mnist_seeds: int = setting(
        3,
        "Repetitions on MNIST with other initial weights and other labelled images.",
        unit="seeds",
        ge=1,
        le=50,
    )
    n_compared_seeds: int = setting(
        1,
        "Repetitions in which the autoencoders that no claim refers to are trained as well.",
        unit="seeds",
        ge=1,
        le=50,
    )
    n_draws: int = setting(
        2, "Draws of the labelled images for each repetition, averaged.", unit="draws", ge=1, le=50
    )
    digits_updates: int = setting(
        400,
        "Updates of each autoencoder on the digits, 128 images each.",
        unit="updates",
        ge=1,
        le=100_000,
    )
    mnist_updates: int = setting(
        1173,
        "Updates of each autoencoder on MNIST, 128 images each.",
        unit="updates",
        ge=1,
        le=100_000,
    )
    digits_hidden_sizes: tuple[Size, ...] = setting(
        (512, 512),
        "Widths of the encoder's linear layers on the digits; convolutional encoders use the last.",
        unit="units",
        min_length=1,
    )
    mnist_hidden_sizes: tuple[Size, ...] = setting(
        (1024, 512, 512),
        "Widths of the encoder's linear layers on MNIST; convolutional encoders use the last.",
        unit="units",
        min_length=1,
    )
    noise_std: float = setting(
        0.5, "Standard deviation of the noise of denoising autoencoders.", unit="grey levels", ge=0
    )
    mask_prob: float = setting(
        0.5, "Probability with which masked autoencoders zero a pixel.", ge=0, le=1
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "data": "digits",
            "digits_seeds": 2,
            "n_compared_seeds": 2,
            "n_draws": 1,
            "digits_updates": 40,
        },
        "course": {},
        "full": {
            "n_compared_seeds": 5,
            "mnist_seeds": 5,
            "mnist_updates": 2346,
            "mnist_label_counts": (50, 100, 1000),
        },
    }
