"""The settings of ``gradient-flow``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import PositiveFloat

from eigenlab.lab import Config, setting


class GradientFlowConfig(Config):
    """The traced network, and the random networks on which the formulas are checked."""

    weight_scale: float = setting(
        1.0,
        "Gain of W_h: its entries have standard deviation weight_scale / sqrt(hidden_size), so "
        "that its spectral radius is about weight_scale.",
        ge=0,
    )
    bias_scale: float = setting(0.0, "Standard deviation of the recurrent bias.", ge=0)
    nonlinearity: Literal["tanh", "relu", "identity"] = setting(
        "tanh",
        "Nonlinearity of the hidden units; the same weights are also traced without one, for "
        "comparison.",
    )
    hidden_size: int = setting(32, "Hidden units.", unit="units", ge=1, le=2048)
    length: int = setting(50, "Steps of each sequence.", unit="steps", ge=2, le=2000)
    batch_size: int = setting(16, "Sequences.", unit="sequences", ge=1, le=4096)
    last_step_only: bool = setting(
        True, "Whether the loss is taken at the last step only, or at every step."
    )
    n_networks: int = setting(3, "Number of random networks per check.", ge=1, le=1000)
    radii: tuple[PositiveFloat, ...] = setting(
        (0.5, 0.9, 1.0, 1.1, 1.5),
        "Spectral radii of the linear networks whose growth rates are measured.",
        min_length=1,
    )
    growth_length: int = setting(
        400, "Steps over which growth rates are measured.", unit="steps", ge=2, le=5000
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_networks": 1, "growth_length": 200, "length": 20},
        "course": {},
        "full": {"n_networks": 20, "hidden_size": 64, "length": 100},
    }
