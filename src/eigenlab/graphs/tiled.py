"""The complete Gaussian graph of any number of points in any dimension, tile by tile."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import gaussian_factors
from eigenlab.graphs.gaussian_nodes import GaussianNodes
from eigenlab.graphs.graph import Floats
from eigenlab.training import resolve_device

TILE_NUMBERS = 2**20
"""Kernel values of a tile on a CPU: 8 MiB, which fits a core's cache."""
GPU_TILE_NUMBERS = 2**27
"""Kernel values of a tile on a GPU: 1 GiB."""


class TiledGraph(GaussianNodes):
    """A_ij = exp(-gamma ||x_i - x_j||^2), computed anew at each product and never stored.

    A product costs n^2 (d + m + some 10) operations and n (d + m) numbers of memory. On a GPU the
    kernel of a tile is one compiled pass (``torch.compile``), or three where no compiler is found.

    Args:
        X: (n, d) points.
        gamma: inverse squared length, > 0.
        device: where tiles are computed, ``"cpu"`` or ``"cuda"``. Default: ``"cpu"``.

    Raises:
        InputError: the device is unknown, absent or has no float64.
        Cancelled: from a product, once ``reporter`` was asked to stop.

    >>> X = np.random.default_rng(0).normal(size=(300, 5))
    >>> exact = np.exp(-0.1 * ((X[:, None] - X) ** 2).sum(-1))
    >>> bool(np.allclose(TiledGraph(X, 0.1).matmat(np.eye(300)), exact))
    True
    """

    representation = "tiled"

    def __init__(self, X: Floats, gamma: float, *, device: str | torch.device = "cpu") -> None:
        where = resolve_device(device)
        if where.type == "mps":
            raise InputError(f"device='{device}' has no float64, which tiles need; use cpu or cuda")
        self.points, self.gamma = np.ascontiguousarray(X, dtype=np.float64), gamma
        self._device = device
        points = torch.tensor(self.points, device=where)
        self._left, self._right, kernel = gaussian_factors(points, gamma)
        self.n_nodes = len(points)
        on_gpu = where.type == "cuda"
        self._kernel = _compiled(kernel) if on_gpu else kernel
        self._rows = max(1, (GPU_TILE_NUMBERS if on_gpu else TILE_NUMBERS) // self.n_nodes)

    @functools.cached_property
    def degrees(self) -> NDArray[np.float64]:
        """(n,) float64 row sums of A."""
        sums: NDArray[np.float64] = self.matmat(np.ones((self.n_nodes, 1)))[:, 0]
        return sums

    def subgraph(self, rows: NDArray[np.int64]) -> TiledGraph:
        """The graph of some of the points."""
        return TiledGraph(self.points[rows], self.gamma, device=self._device)

    def matmat(self, vectors: Floats, rows: slice = slice(None)) -> NDArray[Any]:
        """``A[rows] @ vectors`` for (n, m) vectors, accumulated in float64.

        Args:
            vectors: (n, m) array.
            rows: rows of A to multiply. Default: ``slice(None)``, all.
        """
        columns = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float64))
        columns = columns.to(self._left.device)
        own = self._left[rows]
        product = torch.empty((len(own), columns.shape[1]), dtype=torch.float64)
        for first in range(0, len(own), self._rows):
            self.reporter.raise_if_cancelled()
            tile = self._kernel(own[first : first + self._rows], self._right)
            product[first : first + self._rows] = (tile @ columns).to(product.device)
        return product.numpy().astype(vectors.dtype, copy=False)


Kernel = Callable[[Tensor, Tensor], Tensor]


def _compiled(kernel: Kernel) -> Kernel:
    """The kernel in one pass; as it is, with a warning, where it cannot be compiled."""
    current: Kernel = torch.compile(kernel, dynamic=True)

    def run(left: Tensor, right: Tensor) -> Tensor:
        nonlocal current
        from torch._dynamo.exc import TorchDynamoException

        try:
            return current(left, right)
        except TorchDynamoException as error:  # no Triton, or no C compiler
            reason = str(error).partition("\n")[0]
            warnings.warn(
                f"torch.compile failed ({reason}); tiles are computed without it, more slowly",
                RuntimeWarning,
                stacklevel=2,
            )
            current = kernel
            return kernel(left, right)

    return run
