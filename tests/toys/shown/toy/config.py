from typing import Any, ClassVar, Literal

from eigenlab.lab import Config, setting


class ToyConfig(Config):
    """Settings of the toy."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"steps": 2},
        "course": {"steps": 3},
        "full": {"steps": 5, "sizes": (1.0, 2.0, 3.0)},
        "slow": {"steps": 400, "pause": 0.05, "loud": True},
        "stuck": {"steps": 2, "pause": 60.0, "loud": True},
    }

    steps: int = setting(4, "Number of steps to take.", unit="steps", ge=1, le=1000)
    pause: float = setting(0.0, "Time to wait in each step.", unit="s", ge=0)
    kind: Literal["plain", "broken", "absent", "refused"] = setting("plain", "What the stages do.")
    loud: bool = setting(False, "Whether to stream metrics.")
    sizes: tuple[float, ...] = setting((1.0, 3.0), "Numbers to average.", min_length=1)
