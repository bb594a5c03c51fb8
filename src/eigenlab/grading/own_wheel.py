"""This installation of eigenlab as a wheel, for machines that no package index can give it to.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import io
import zipfile
from pathlib import Path

import eigenlab
from eigenlab.errors import InputError

TAG = """Wheel-Version: 1.0
Generator: eigenlab
Root-Is-Purelib: true
Tag: py3-none-any
"""
#: What is taken over of what pip knows about an installed package.
METADATA = ("METADATA", "entry_points.txt")


def own_wheel() -> tuple[str, bytes]:
    """Name and content of a wheel of the eigenlab that is running.

    Raises:
        InputError: eigenlab was not installed by pip.
    """
    try:
        found = importlib.metadata.distribution("eigenlab")
    except importlib.metadata.PackageNotFoundError:
        raise InputError(
            "eigenlab is not installed by pip, and cannot be put into the bundle; name what pip "
            "shall install by --install"
        ) from None
    folder = Path(eigenlab.__file__).resolve().parent
    files = {
        f"eigenlab/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    name = f"eigenlab-{found.version}"
    about = {name: found.read_text(name) for name in METADATA}
    about["WHEEL"] = TAG
    files |= {f"{name}.dist-info/{key}": text.encode() for key, text in about.items() if text}
    record = f"{name}.dist-info/RECORD"
    lines = [f"{path},sha256={_hash(content)},{len(content)}" for path, content in files.items()]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    return f"{name}-py3-none-any.whl", zipped(files)


def _hash(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def zipped(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    """A zip file, which is the same for the same content.

    Args:
        files: name in the archive -> content.
        mode: rights of each file on Unix. Default: ``0o644``.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = mode << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
