"""Triton kernels of :mod:`eigenlab.vision.fused`, and how each is started.

An activation (B, C, H, W) with the channels last in memory is a matrix with a row for each pixel
and a column for each channel. Sums over rows are taken in parts, whose results are then added in a
fixed order, so that the same input gives the same numbers.
"""

# Without the future annotations of other modules, which Triton does not understand.
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

#: Programs, at most, among which the rows are divided where sums are taken.
PARTS = 512
#: Columns of a tile, at most, and all numbers of one.
COLUMNS, NUMBERS = 64, 2048
#: Parts that are added at a time, and columns of which they are.
ADDED, FEW = 256, 8
#: Numbers of a tile of whitened patches.
WHITENED = 4096


class Shape(NamedTuple):
    """Sizes of an activation before and after pooling."""

    images: int
    channels: int
    height: int
    width: int
    pool: bool
    numbers: int = NUMBERS

    @property
    def rows(self) -> int:
        """Pixels after pooling."""
        halves = 2 if self.pool else 1
        return self.images * (self.height // halves) * (self.width // halves)

    @property
    def tile(self) -> tuple[int, int]:
        """Rows and columns of a tile."""
        columns = min(COLUMNS, triton.next_power_of_2(self.channels))
        return self.numbers // columns, columns

    @property
    def tiles_per_part(self) -> int:
        """Tiles, one below the other, of one part of a sum."""
        return triton.cdiv(triton.cdiv(self.rows, self.tile[0]), PARTS)

    @property
    def parts(self) -> int:
        """Number of parts."""
        return triton.cdiv(self.rows, self.tiles_per_part * self.tile[0])

    @property
    def column_tiles(self) -> int:
        """Tiles side by side."""
        return triton.cdiv(self.channels, self.tile[1])


def statistics(
    x: Tensor, shape: Shape, running: tuple[Tensor, Tensor, Tensor], eps: float, momentum: float
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Pool, and take mean and standard deviation of each channel.

    Args:
        x: (B, C, H, W), channels last.
        shape: its sizes.
        running: mean, variance and number of updates, which are updated.
        eps: added to the variance.
        momentum: weight of the newest statistics.

    Returns:
        What is normalised; where it was among its four pixels, if there is pooling; mean and
        reciprocal of the standard deviation, (2, C).
    """
    pooled, places = x, None
    if shape.pool:
        size = (shape.images, shape.channels, shape.height // 2, shape.width // 2)
        pooled = torch.empty(
            size, dtype=x.dtype, device=x.device, memory_format=torch.channels_last
        )
        places = torch.empty_like(pooled, dtype=torch.uint8)
    parts = torch.empty(2, shape.parts, shape.channels, device=x.device)
    found = torch.empty(2, shape.channels, device=x.device)
    with torch.cuda.device_of(x):
        _statistics[(shape.parts, shape.column_tiles)](
            x,
            pooled,
            places,
            parts,
            *_sizes(shape),
            POOL=shape.pool,
            TILES=shape.tiles_per_part,
            **_tile(shape),
        )
        _finish_statistics[(triton.cdiv(shape.channels, FEW),)](
            parts,
            found,
            *running,
            eps,
            momentum,
            shape.rows,
            shape.channels,
            shape.parts,
            **_parts(shape),
        )
    return pooled, places, found


def activate(pooled: Tensor, found: Tensor, bias: Tensor, shape: Shape, activation: str) -> Tensor:
    """Normalise and apply the activation.

    Args:
        pooled: as from :func:`statistics`.
        found: likewise.
        bias: shift of each channel, (C,).
        shape: sizes.
        activation: ``"relu"``, ``"gelu"`` or ``"silu"``.
    """
    y = torch.empty_like(pooled)
    with torch.cuda.device_of(pooled):
        _activate[_tiles(shape)](
            pooled,
            found,
            bias,
            y,
            shape.rows,
            shape.channels,
            ACTIVATION=activation,
            **_tile(shape),
        )
    return y


def gradient(
    upstream: Tensor,
    pooled: Tensor,
    places: Tensor | None,
    found: Tensor,
    bias: Tensor,
    shape: Shape,
    activation: str,
) -> tuple[Tensor, Tensor]:
    """Gradients for what was pooled, and for the shift.

    Args:
        upstream: gradient for the result of :func:`activate`, channels last.
        pooled: as from :func:`statistics`.
        places: likewise.
        found: likewise.
        bias: (C,).
        shape: sizes.
        activation: as for :func:`activate`.
    """
    parts = torch.empty(2, shape.parts, shape.channels, device=pooled.device)
    sums = torch.empty(2, shape.channels, device=pooled.device)
    size = (shape.images, shape.channels, shape.height, shape.width)
    result = torch.empty(
        size, dtype=pooled.dtype, device=pooled.device, memory_format=torch.channels_last
    )
    # With an odd number of pixels the last ones are in no group of four; their gradient is 0.
    halves = 2 if shape.pool else 1
    high, wide = triton.cdiv(shape.height, halves), triton.cdiv(shape.width, halves)
    grid = (triton.cdiv(shape.images * high * wide, shape.tile[0]), shape.column_tiles)
    with torch.cuda.device_of(pooled):
        _gradient_sums[(shape.parts, shape.column_tiles)](
            upstream,
            pooled,
            found,
            bias,
            parts,
            shape.rows,
            shape.channels,
            ACTIVATION=activation,
            TILES=shape.tiles_per_part,
            **_tile(shape),
        )
        _finish_sums[(triton.cdiv(shape.channels, FEW),)](
            parts, sums, shape.channels, shape.parts, **_parts(shape)
        )
        _gradient[grid](
            upstream,
            pooled,
            places,
            found,
            bias,
            sums,
            result,
            *_sizes(shape),
            high,
            wide,
            POOL=shape.pool,
            ACTIVATION=activation,
            **_tile(shape),
        )
    return result, sums[0]


def predict(
    x: Tensor,
    running: tuple[Tensor, Tensor],
    bias: Tensor,
    eps: float,
    shape: Shape,
    activation: str,
) -> Tensor:
    """Pool, normalise by running statistics and apply the activation.

    Args:
        x: (B, C, H, W), channels last.
        running: mean and variance of each channel.
        bias: (C,).
        eps: added to the variance.
        shape: sizes.
        activation: as for :func:`activate`.
    """
    halves = 2 if shape.pool else 1
    size = (shape.images, shape.channels, shape.height // halves, shape.width // halves)
    y = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
    with torch.cuda.device_of(x):
        _predict[_tiles(shape)](
            x,
            *running,
            bias,
            y,
            eps,
            *_sizes(shape),
            POOL=shape.pool,
            ACTIVATION=activation,
            **_tile(shape),
        )
    return y


def whiten(
    images: Tensor, weight: Tensor, bias: Tensor, activation: str, dtype: torch.dtype
) -> Tensor:
    """Convolve with small filters and apply the activation.

    Args:
        images: (B, 3, H, W), channels last.
        weight: filters (F, 3, k, k).
        bias: (F,).
        activation: as for :func:`activate`.
        dtype: of the result.
    """
    count, _, height, width = images.shape
    filters, _, size, _ = weight.shape
    out = (count, filters, height - size + 1, width - size + 1)
    y = torch.empty(out, dtype=dtype, device=images.device, memory_format=torch.channels_last)
    shape = Shape(count, filters, out[2], out[3], pool=False, numbers=WHITENED)
    with torch.cuda.device_of(images):
        _whiten[_tiles(shape)](
            images,
            weight.contiguous(),
            bias,
            y,
            *_sizes(shape),
            SIZE=size,
            ACTIVATION=activation,
            **_tile(shape),
        )
    return y


def _tile(shape: Shape) -> dict[str, Any]:
    return dict(zip(("ROWS", "COLUMNS"), shape.tile, strict=True))


def _tiles(shape: Shape) -> tuple[int, int]:
    return triton.cdiv(shape.rows, shape.tile[0]), shape.column_tiles


def _sizes(shape: Shape) -> tuple[int, ...]:
    return shape.rows, shape.channels, shape.height, shape.width


def _parts(shape: Shape) -> dict[str, Any]:
    """Constants of a kernel that adds the parts."""
    return {
        "TILES": shape.tiles_per_part,
        "PART_ROWS": shape.tile[0],
        "STEPS": triton.cdiv(shape.parts, ADDED),
        "ROWS": ADDED,
        "COLUMNS": FEW,
    }


@triton.jit
def _activation_of(t, ACTIVATION: tl.constexpr):
    if ACTIVATION == "relu":
        return tl.where(t > 0, t, t * 0)
    if ACTIVATION == "silu":
        return t * tl.sigmoid(t)
    return 0.5 * t * (1 + tl.erf(t * 0.7071067811865476))


@triton.jit
def _slope_of(t, ACTIVATION: tl.constexpr):
    if ACTIVATION == "relu":
        return tl.where(t > 0, 1.0, 0.0)
    if ACTIVATION == "silu":
        s = tl.sigmoid(t)
        return s * (1 + t * (1 - s))
    below = 0.5 * (1 + tl.erf(t * 0.7071067811865476))
    return below + t * 0.3989422804014327 * tl.exp(-0.5 * t * t)


@triton.jit
def _maximum(x, rows, columns, inside, C, H, W):
    """Largest of four pixels, and which it was."""
    high, wide = H // 2, W // 2
    image, pixel = rows // (high * wide), rows % (high * wide)
    corner = (image * H + 2 * (pixel // wide)) * W + 2 * (pixel % wide)
    at = x + corner[:, None] * C + columns[None, :]
    value = tl.load(at, mask=inside, other=0.0).to(tl.float32)
    place = tl.zeros(value.shape, tl.uint8)
    for number in tl.static_range(1, 4):
        other = tl.load(at + (number // 2 * W + number % 2) * C, mask=inside, other=0.0)
        other = other.to(tl.float32)
        chosen = (other > value) | (other != other)  # noqa: PLR0124 (NaN is passed on)
        value, place = tl.where(chosen, other, value), tl.where(chosen, number, place)
    return value, place.to(tl.uint8)


@triton.jit
def _statistics(
    x, pooled, places, parts, M, C, H, W,
    POOL: tl.constexpr, TILES: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Pooling, and mean and sum of squared deviations of each part of the rows."""
    part = tl.program_id(0)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    mean = tl.zeros([ROWS, COLUMNS], tl.float32)
    squares = tl.zeros([ROWS, COLUMNS], tl.float32)
    for tile in range(TILES):
        begin = (part * TILES + tile) * ROWS
        rows = begin + tl.arange(0, ROWS)
        inside = (rows < M)[:, None] & (columns < C)[None, :]
        at = rows[:, None] * C + columns[None, :]
        if POOL:
            value, place = _maximum(x, rows, columns, inside, C, H, W)
            tl.store(pooled + at, value.to(pooled.dtype.element_ty), mask=inside)
            tl.store(places + at, place, mask=inside)
        else:
            value = tl.load(x + at, mask=inside, other=0.0)
        # Welford: each place of the tile keeps its own mean, so that no large sums of squares are
        # subtracted, and no place waits for another.
        change = tl.where(inside, value.to(tl.float32) - mean, 0.0)
        mean += change / (tile + 1)
        squares += change * (value.to(tl.float32) - mean)
    first = part * TILES * ROWS + tl.arange(0, ROWS)
    count = tl.minimum(tl.maximum((M - first + ROWS - 1) // ROWS, 0), TILES).to(tl.float32)
    total = tl.sum(count, 0)
    whole = tl.sum(mean * count[:, None], 0) / total
    deviation = mean - whole[None, :]
    squares = tl.sum(squares + deviation * deviation * count[:, None], 0)
    at = part * C + columns
    tl.store(parts + at, whole, mask=columns < C)
    tl.store(parts + tl.num_programs(0) * C + at, squares, mask=columns < C)


@triton.jit
def _finish_statistics(
    parts, found, running_mean, running_variance, updates, eps, momentum, M, C, n_parts,
    TILES: tl.constexpr, PART_ROWS: tl.constexpr, STEPS: tl.constexpr, ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):  # fmt: skip
    per_part: tl.constexpr = TILES * PART_ROWS
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    within = columns < C
    total = tl.zeros([COLUMNS], tl.float32)
    for step in range(STEPS):
        part = step * ROWS + tl.arange(0, ROWS)
        inside = (part < n_parts)[:, None] & within[None, :]
        means = tl.load(parts + part[:, None] * C + columns[None, :], mask=inside, other=0.0)
        count = tl.minimum(M - part * per_part, per_part).to(tl.float32)
        total += tl.sum(means * (count / M)[:, None], 0)
    squares = tl.zeros([COLUMNS], tl.float32)
    for step in range(STEPS):
        part = step * ROWS + tl.arange(0, ROWS)
        inside = (part < n_parts)[:, None] & within[None, :]
        at = parts + part[:, None] * C + columns[None, :]
        deviation = tl.load(at, mask=inside, other=0.0) - total[None, :]
        count = tl.minimum(M - part * per_part, per_part).to(tl.float32)
        own = tl.load(at + n_parts * C, mask=inside, other=0.0)
        squares += tl.sum(tl.where(inside, own + deviation * deviation * count[:, None], 0.0), 0)
    tl.store(found + columns, total, mask=within)
    tl.store(found + C + columns, tl.rsqrt(squares / M + eps), mask=within)
    old = tl.load(running_mean + columns, mask=within)
    tl.store(running_mean + columns, old + momentum * (total - old), mask=within)
    old = tl.load(running_variance + columns, mask=within)
    tl.store(running_variance + columns, old + momentum * (squares / (M - 1) - old), mask=within)
    if tl.program_id(0) == 0:
        tl.store(updates, tl.load(updates) + 1)


@triton.jit
def _normalized(pooled, found, bias, at, inside, columns, C):
    """Values after normalisation, before and after the shift."""
    within = columns < C
    mean = tl.load(found + columns, mask=within, other=0.0)
    factor = tl.load(found + C + columns, mask=within, other=0.0)
    shift = tl.load(bias + columns, mask=within, other=0.0)
    value = tl.load(pooled + at, mask=inside, other=0.0).to(tl.float32)
    normalized = (value - mean[None, :]) * factor[None, :]
    return normalized, normalized + shift[None, :], factor


@triton.jit
def _activate(
    pooled, found, bias, y, M, C,
    ACTIVATION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = (rows < M)[:, None] & (columns < C)[None, :]
    at = rows[:, None] * C + columns[None, :]
    _, shifted, _ = _normalized(pooled, found, bias, at, inside, columns, C)
    tl.store(y + at, _activation_of(shifted, ACTIVATION).to(y.dtype.element_ty), mask=inside)


@triton.jit
def _gradient_sums(
    upstream, pooled, found, bias, parts, M, C,
    ACTIVATION: tl.constexpr, TILES: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Sums, over each part of the rows, of the gradient g for the shifted values, and of g times
    the normalised values."""
    part = tl.program_id(0)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    sums = tl.zeros([ROWS, COLUMNS], tl.float32)
    products = tl.zeros([ROWS, COLUMNS], tl.float32)
    for tile in range(TILES):
        begin = (part * TILES + tile) * ROWS
        rows = begin + tl.arange(0, ROWS)
        inside = (rows < M)[:, None] & (columns < C)[None, :]
        at = rows[:, None] * C + columns[None, :]
        normalized, shifted, _ = _normalized(pooled, found, bias, at, inside, columns, C)
        g = tl.load(upstream + at, mask=inside, other=0.0).to(tl.float32)
        g = tl.where(inside, g * _slope_of(shifted, ACTIVATION), 0.0)
        sums += g
        products += g * normalized
    at = part * C + columns
    tl.store(parts + at, tl.sum(sums, 0), mask=columns < C)
    tl.store(parts + tl.num_programs(0) * C + at, tl.sum(products, 0), mask=columns < C)


@triton.jit
def _finish_sums(
    parts, sums, C, n_parts,
    TILES: tl.constexpr, PART_ROWS: tl.constexpr, STEPS: tl.constexpr, ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):  # fmt: skip
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    first = tl.zeros([COLUMNS], tl.float32)
    second = tl.zeros([COLUMNS], tl.float32)
    for step in range(STEPS):
        part = step * ROWS + tl.arange(0, ROWS)
        inside = (part < n_parts)[:, None] & (columns < C)[None, :]
        at = parts + part[:, None] * C + columns[None, :]
        first += tl.sum(tl.load(at, mask=inside, other=0.0), 0)
        second += tl.sum(tl.load(at + n_parts * C, mask=inside, other=0.0), 0)
    tl.store(sums + columns, first, mask=columns < C)
    tl.store(sums + C + columns, second, mask=columns < C)


@triton.jit
def _gradient(
    upstream, pooled, places, found, bias, sums, result, M, C, H, W, high, wide,
    POOL: tl.constexpr, ACTIVATION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Gradient for what was pooled; a row is a group of up to four pixels."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    within = (columns < C)[None, :]
    if POOL:
        image, group = rows // (high * wide), rows % (high * wide)
        down, right = group // wide, group % wide
        exists = image * (H * W) < M // ((H // 2) * (W // 2)) * (H * W)
        whole = exists & (down < H // 2) & (right < W // 2)
        at = ((image * (H // 2) + down) * (W // 2) + right)[:, None] * C + columns[None, :]
    else:
        whole = rows < M
        at = rows[:, None] * C + columns[None, :]
    inside = whole[:, None] & within
    normalized, shifted, factor = _normalized(pooled, found, bias, at, inside, columns, C)
    g = tl.load(upstream + at, mask=inside, other=0.0).to(tl.float32)
    g = g * _slope_of(shifted, ACTIVATION)
    mean = tl.load(sums + columns, mask=columns < C, other=0.0) / M
    product = tl.load(sums + C + columns, mask=columns < C, other=0.0) / M
    g = factor[None, :] * (g - mean[None, :] - normalized * product[None, :])
    kind = result.dtype.element_ty
    if POOL:
        g = tl.where(inside, g, 0.0)
        place = tl.load(places + at, mask=inside, other=0)
        corner = result + ((image * H + 2 * down) * W + 2 * right)[:, None] * C + columns[None, :]
        lower = (exists & (2 * down + 1 < H))[:, None] & within
        righter = (exists & (2 * right + 1 < W))[:, None] & within
        tl.store(corner, tl.where(place == 0, g, 0.0).to(kind), mask=exists[:, None] & within)
        tl.store(corner + C, tl.where(place == 1, g, 0.0).to(kind), mask=righter)
        tl.store(corner + W * C, tl.where(place == 2, g, 0.0).to(kind), mask=lower)
        tl.store(corner + W * C + C, tl.where(place == 3, g, 0.0).to(kind), mask=lower & righter)
    else:
        tl.store(result + at, g.to(kind), mask=inside)


@triton.jit
def _predict(
    x, mean, variance, bias, y, eps, M, C, H, W,
    POOL: tl.constexpr, ACTIVATION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    within = columns < C
    inside = (rows < M)[:, None] & within[None, :]
    at = rows[:, None] * C + columns[None, :]
    if POOL:
        value, _ = _maximum(x, rows, columns, inside, C, H, W)
    else:
        value = tl.load(x + at, mask=inside, other=0.0)
    factor = tl.rsqrt(tl.load(variance + columns, mask=within, other=1.0) + eps)
    offset = tl.load(bias + columns, mask=within, other=0.0)
    offset -= tl.load(mean + columns, mask=within, other=0.0) * factor
    shifted = value.to(tl.float32) * factor[None, :] + offset[None, :]
    tl.store(y + at, _activation_of(shifted, ACTIVATION).to(y.dtype.element_ty), mask=inside)


@triton.jit
def _whiten(
    images, weight, bias, y, M, C, H, W,
    SIZE: tl.constexpr, ACTIVATION: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """H and W are sizes of the result."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    within = columns < C
    image, pixel = rows // (H * W), rows % (H * W)
    wide = W + SIZE - 1
    corner = (image * (H + SIZE - 1) + pixel // W) * wide + pixel % W
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    total += tl.load(bias + columns, mask=within, other=0.0)[None, :]
    for down in tl.static_range(SIZE):
        for right in tl.static_range(SIZE):
            for colour in tl.static_range(3):
                at = (corner + down * wide + right) * 3 + colour
                value = tl.load(images + at, mask=rows < M, other=0.0).to(tl.float32)
                tap = columns * (3 * SIZE * SIZE) + (colour * SIZE + down) * SIZE + right
                total += value[:, None] * tl.load(weight + tap, mask=within, other=0.0)[None, :]
    at = rows[:, None] * C + columns[None, :]
    inside = (rows < M)[:, None] & within[None, :]
    tl.store(y + at, _activation_of(total, ACTIVATION).to(y.dtype.element_ty), mask=inside)
