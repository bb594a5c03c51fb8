from typing import ClassVar

from eigenlab.lab import Config, setting


class TrainableConfig(Config):
    """Settings of the training."""

    presets: ClassVar = {
        "smoke": {},
        "course": {},
        "full": {"width": 8},
        "slow": {"steps": 1_000_000},
        "stuck": {"steps": 1_000_000},
    }

    width: int = setting(4, "Hidden units.", ge=1, le=64)
    steps: int = setting(60, "Updates.", ge=1)
    rate: float = setting(0.05, "Learning rate.", gt=0)
