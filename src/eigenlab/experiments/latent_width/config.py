"""The settings of ``latent-width``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from eigenlab.lab import Config, setting

Width = Annotated[int, Field(ge=1, le=10_000)]


class LatentWidthConfig(Config):
    """Data, widths, training length of autoencoders and probes, and repetitions."""

    n_samples: int = setting(
        20_000, "Samples: 70 % to train, 20 % to validate, 10 % to test.", ge=100, le=1_000_000
    )
    n_features: int = setting(100, "Dimensions of a sample.", unit="features", ge=1, le=10_000)
    n_signal: int = setting(
        20,
        "Directions of large variance, which determine the label.",
        unit="directions",
        ge=1,
        le=10_000,
    )
    variance_ratio: float = setting(
        10.0, "Variance of those directions over that of the others.", gt=0
    )
    widths: tuple[Width, ...] = setting(
        (5, 20, 100, 500),
        "Latent widths of the autoencoders, ascending.",
        unit="features",
        min_length=1,
    )
    noise_std: float = setting(
        0.5, "Standard deviation of the noise of denoising autoencoders.", ge=0
    )
    mask_prob: float = setting(
        0.25, "Probability with which masked autoencoders zero a feature.", ge=0, le=1
    )
    epochs: int = setting(10, "Passes over the training samples.", unit="epochs", ge=1, le=1000)
    probe_epochs: int = setting(
        50, "Passes of each probe over the features.", unit="epochs", ge=1, le=1000
    )
    short_probe_epochs: int = setting(
        10,
        "Passes after which the probes are also evaluated, to compare a short with a long one.",
        unit="epochs",
        ge=1,
        le=1000,
    )
    n_seeds: int = setting(
        3, "Repetitions with other initial weights and noise.", unit="seeds", ge=1, le=50
    )
    probe_every_epoch: bool = setting(
        False,
        "Train probes after every epoch, not only after epochs 0, 1, 2, half of the epochs "
        "and the last one.",
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"epochs": 4, "n_seeds": 1},
        "course": {},
        "full": {"n_seeds": 10, "probe_every_epoch": True},
    }

    @model_validator(mode="after")
    def _check(self) -> LatentWidthConfig:
        if self.n_signal > self.n_features:
            raise ValueError(
                f"n_signal={self.n_signal} exceeds n_features={self.n_features}; lower it"
            )
        if list(self.widths) != sorted(set(self.widths)):
            raise ValueError(f"widths={self.widths} must ascend without repetitions")
        return self
