"""Pictures in a grid, as a plotly figure."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from torch import Tensor

from eigenlab import plots


def mosaic(pictures: Tensor, across: int, gap: tuple[int, int], rows: int) -> npt.NDArray[np.uint8]:
    """Pictures in a grid, with a transparent gap below and to the right of each: (H, W, 4).

    Args:
        pictures: uint8 (N, h, w, 3).
        across: pictures in a row.
        gap: pixels below and to the right.
        rows: rows of the grid; what is not filled is transparent.
    """
    height, width = pictures.shape[1] + gap[0], pictures.shape[2] + gap[1]
    grid = np.zeros((rows * height, across * width, 4), dtype=np.uint8)
    for place, picture in enumerate(pictures.numpy()):
        top, left = height * (place // across), width * (place % across)
        part = grid[top : top + picture.shape[0], left : left + picture.shape[1]]
        part[..., :3], part[..., 3] = picture, 255
    return grid


def picture_chart(grid: npt.NDArray[np.uint8], height: int) -> go.Figure:
    """A picture without axes.

    Args:
        grid: uint8 (H, W, 4), from :func:`mosaic`.
        height: of the figure, in pixels.
    """
    chart = plots.new_chart("", "", height=height)
    # As a file: plotly would check a list of pixels number by number, for half a second.
    chart.add_trace(go.Image(source=_data_address(grid), hoverinfo="skip"))
    chart.update_layout(
        xaxis={"visible": False},
        yaxis={"visible": False},
        margin={"l": 4, "r": 4, "t": 8, "b": 8},
    )
    return chart


def _data_address(grid: npt.NDArray[np.uint8]) -> str:
    """A picture (H, W, 4) as the address of a PNG file (ISO/IEC 15948) that it contains."""
    height, width, _ = grid.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), grid.reshape(height, -1)])  # filter type 0
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0),  # 8 bits, RGB and alpha
        b"IDAT": zlib.compress(rows.tobytes()),
        b"IEND": b"",
    }
    file = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"
