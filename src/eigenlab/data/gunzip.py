"""Decompress gzip files, and say what is wrong with damaged ones."""

from __future__ import annotations

import zlib

MAGIC = b"\x1f\x8b"


def gunzip(content: bytes) -> bytes:
    """Decompress one gzip member or several; zeros after the last one are padding.

    Raises:
        ValueError: the content is cut short or damaged, or other bytes follow it.

    >>> import gzip
    >>> gunzip(gzip.compress(b"1,2")), gunzip(gzip.compress(b"1,2") + bytes(9))
    (b'1,2', b'1,2')
    """
    parts = []
    rest = content
    while rest:
        if not rest.startswith(MAGIC):
            raise ValueError(f"{len(rest)} bytes that are not gzip follow its compressed content")
        member = zlib.decompressobj(wbits=31)  # 31: with header and checksum
        try:
            parts.append(member.decompress(rest))
        except zlib.error as error:
            raise ValueError(f"damaged inside its gzip stream ({error})") from error
        if not member.eof:
            raise ValueError("truncated inside its gzip stream")
        rest = member.unused_data.lstrip(b"\0")
    return b"".join(parts)
