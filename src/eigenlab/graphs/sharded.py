"""The complete Gaussian graph over the processes of ``torchrun``.

Every process stores all points and all vectors, which are small (n x d and n x k), and computes its
share of the rows, which is most of the work:

- :class:`ShardedGraph` multiplies its rows by tiles and gathers the parts of the product: per
  product n^2 / P kernel values a process, and one all-gather of n x m numbers.
- :class:`ShardedFourierGraph` transforms its own points. For an analysis the processes exchange one
  sum over Fourier modes, whose number does not depend on n; the compressed eigenproblem is then
  the same in all of them and needs no communication. Only lifted vectors are gathered.

All processes end with bitwise equal results, because all of them compute with the same sums.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor

from eigenlab.graphs.fourier import FourierGraph
from eigenlab.graphs.gaussian_nodes import GaussianNodes
from eigenlab.graphs.graph import Floats
from eigenlab.graphs.tiled import TiledGraph
from eigenlab.training import distributed


class Shards:
    """Rows 0 .. n - 1 divided into one contiguous part for each process.

    Args:
        n_rows: number n of rows.

    >>> shards = Shards(10)
    >>> shards.rows, shards.gather(np.arange(10.0))[-1]
    (slice(0, 10, None), np.float64(9.0))
    """

    def __init__(self, n_rows: int) -> None:
        group = distributed.current()
        self.n_rows, self._group = n_rows, group
        edges = np.linspace(0, n_rows, group.size + 1).astype(int)
        self._sizes = np.diff(edges)
        self.rows = slice(int(edges[group.rank]), int(edges[group.rank + 1]))

    def gather(self, part: NDArray) -> NDArray:
        """All rows, in order, from each process's ``part``."""
        if self._group.size == 1:
            return part
        # Parts differ by one row at most; padded to equal size they need one collective call.
        padded = np.zeros((int(self._sizes.max()), *part.shape[1:]), dtype=part.dtype)
        padded[: len(part)] = part
        parts = self._group.gather(_real(padded))
        flat = [
            tensor.numpy().view(part.dtype).reshape(padded.shape)[:size]
            for tensor, size in zip(parts, self._sizes, strict=True)
        ]
        return np.concatenate(flat)

    def sum(self, values: NDArray) -> NDArray:
        """The sum of every process's array."""
        if self._group.size > 1:
            values = np.ascontiguousarray(values)
            dist.all_reduce(_real(values))
        return values


class ShardedGraph(GaussianNodes):
    """A tiled graph of which each process multiplies its own rows.

    Args:
        X: (n, d) points, the same in every process.
        gamma: inverse squared length, > 0.
    """

    representation = "sharded"

    def __init__(self, X: Floats, gamma: float) -> None:
        self._tiled = TiledGraph(X, gamma)
        self.points, self.gamma = self._tiled.points, gamma
        self._shards = Shards(len(X))
        self.n_nodes = len(X)

    @functools.cached_property
    def degrees(self) -> NDArray[np.float64]:
        """(n,) row sums of A."""
        return self.matmat(np.ones((self.n_nodes, 1)))[:, 0].astype(np.float64, copy=False)

    def matmat(self, vectors: Floats) -> Floats:
        """``A @ vectors``: its own rows by tiles, the others from the other processes."""
        self._tiled.reporter = self.reporter
        product = self._tiled.matmat(vectors, rows=self._shards.rows)
        try:
            return self._shards.gather(product)
        except RuntimeError:  # another process stopped first
            self.reporter.raise_if_cancelled()
            raise


class ShardedFourierGraph(FourierGraph):
    """A Fourier graph of which each process transforms its own points.

    Args:
        X: (n, d) points, the same in every process.
        gamma: inverse squared length, > 0.
        entry_error: bound asked for on the error of each A_ij. Default: ``1e-13``.
    """

    representation = "sharded"

    def __init__(self, X: Floats, gamma: float, *, entry_error: float = 1e-13) -> None:
        super().__init__(X, gamma, entry_error=entry_error)
        self._shards = Shards(self.n_nodes)
        self._angles = [axis[self._shards.rows] for axis in self._angles]

    def analyze(
        self, values: NDArray, n_modes: tuple[int, ...] | None = None
    ) -> NDArray[np.complex128]:
        """``F^* values``, summed over the processes' points."""
        return self._shards.sum(super().analyze(values[self._shards.rows], n_modes))

    def synthesize(self, coefficients: NDArray) -> NDArray[np.complex128]:
        """``F coefficients`` at all points, of which each process computes its own."""
        return self._shards.gather(super().synthesize(coefficients))


def _real(values: NDArray) -> Tensor:
    """A tensor over the same memory; complex numbers as pairs, which every backend can send."""
    tensor = torch.from_numpy(values)
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor
