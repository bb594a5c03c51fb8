"""Keep thread pools from slowing each other down.

The transforms, torch and BLAS have a thread pool each, and idle threads of one spin for a while
before they sleep. Tall, thin products between two transforms then make two cores slower than one.
These products gain nothing from threads, so BLAS runs in one thread meanwhile.
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
