"""How the studio is served."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How the studio is served.

    Args:
        host: address to listen at. Default: ``"127.0.0.1"``, this machine only.
        port: port; 0 takes any free one. Default: ``8765``.
        token: secret that the address must hold; needed unless ``host`` is this machine.
            Default: ``""``, one is made where it is needed.
        folder: where runs and reports are. Default: ``report``.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""
    folder: Path = Path("report")
