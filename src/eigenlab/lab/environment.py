"""The environment of a measurement: versions, device, threads, source revision."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import eigenlab

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pydantic", "plotly", "safetensors")


def environment(*, seed: int | None = None, device: str = "auto") -> dict[str, Any]:
    """Collect what is needed to repeat a measurement, without any network request.

    Args:
        seed: random seed of the measurement. Default: ``None``.
        device: device of the tensors. Default: ``"auto"``.
    """
    import torch

    return {
        "eigenlab": eigenlab.__version__,
        "revision": source_revision(),
        "fingerprint": fingerprint(),
        "python": sys.version.split()[0],
        "packages": {name: version_of(name) for name in PACKAGES},
        "platform": platform.platform(),
        "processor": processor_name(),
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device,
        "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        "seed": seed,
    }


def version_of(package: str) -> str | None:
    """Installed version of a distribution, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor_name() -> str:
    """The processor's model name, as the system reports it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def fingerprint() -> str:
    """SHA-256 over everything that determines a measurement besides its settings.

    That is the source code of the package and of experiments beside it, edits included, and where
    data is looked up.
    """
    return hashlib.sha256(f"{_code()} {os.environ.get('EIGENLAB_DATA')}".encode()).hexdigest()


@functools.cache
def _code() -> str:
    digest = hashlib.sha256()
    others = os.environ.get("EIGENLAB_EXPERIMENTS", "").split(os.pathsep)
    for folder in (Path(eigenlab.__file__).parent, *(Path(other) for other in others if other)):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def source_revision() -> str | None:
    """Commit of the source tree with ``+changes`` when it was edited; None outside a checkout."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    try:
        head, status = (
            subprocess.run(
                ["git", "-C", str(root), *arguments],
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            ).stdout.strip()
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "-uno"))
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+changes" if status else "")
