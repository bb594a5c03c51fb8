"""Work on a GPU that is recorded once and then repeated without the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch

R = TypeVar("R")

#: Calls before the recording, in which kernels are compiled and chosen.
WARM_UP = 3


class Replay(Generic[R]):
    """A function without arguments that is recorded as a CUDA graph at its first call.

    Later calls repeat its kernels with one launch, which saves the time that the host needs to
    start them one by one. It must read its inputs from tensors that stay where they are, to be
    filled with :meth:`torch.Tensor.copy_`, must not move numbers to the host, and do the same
    kernels each time. On a CPU it is called each time.

    The first call runs it several times, for compilation, and once for the recording.

    Args:
        function: what is recorded. What it returns are the same tensors in each call.
        device: where its tensors are.
        pool: memory for what is computed on the way, shared with other recordings that are not
            repeated at the same time; as from ``torch.cuda.graph_pool_handle()``. Default:
            ``None``, its own.

    >>> counter = torch.zeros(())
    >>> count = Replay(lambda: counter.add_(1), torch.device("cpu"))
    >>> count(), count()
    (tensor(2.), tensor(2.))
    """

    def __init__(self, function: Callable[[], R], device: torch.device, pool: Any = None) -> None:
        self.function, self.device, self.pool = function, device, pool
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: R | None = None

    def __call__(self) -> R:
        """Run the function, or repeat what it did."""
        if self.device.type != "cuda":
            return self.function()
        if self._graph is None:
            self._record()
        assert self._graph is not None
        self._graph.replay()
        return self._result  # type: ignore[return-value]

    def _record(self) -> None:
        beside = torch.cuda.Stream(self.device)
        beside.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                self.function()
        torch.cuda.current_stream(self.device).wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            self._result = self.function()
        self._graph = graph
