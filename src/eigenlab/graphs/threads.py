"""Keep thread pools out of each other's way.

The transforms, torch and BLAS each have threads of their own, and idle threads of one spin for a
while before they sleep. Tall, thin products between two transforms then make two cores slower than
one. They gain nothing from threads, so BLAS does without while the transforms have theirs.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager

from threadpoolctl import ThreadpoolController


def serial_blas() -> AbstractContextManager[object]:
    """Within this context numpy's and scipy's linear algebra run in the calling thread.

    >>> with serial_blas():
    ...     pass
    """
    return _controller().limit(limits=1, user_api="blas")


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
