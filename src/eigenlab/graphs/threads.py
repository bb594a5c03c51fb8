"""Keep thread pools from slowing each other down, and as they were.

The transforms, torch and BLAS have a thread pool each, and idle threads of one spin for a while
before they sleep. Tall, thin products between two transforms then make two cores slower than one.
These products gain nothing from threads, so BLAS runs in one thread meanwhile.

The number of BLAS threads belongs to the process. Where two threads set and restore it in turns,
as scikit-learn's k-means and searches for neighbours do, the second may restore what the first had
set for a while, and BLAS stays at one thread for good. So all of eigenlab's uses are counted: the
first notes the numbers, and the last restores them, whatever happened in between.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from threadpoolctl import ThreadpoolController


@dataclass
class _Uses:
    """What is running, and the numbers of threads before the first of it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
    serial_users: int = 0
    noted: list[int] = field(default_factory=list)


_USES = _Uses()


@contextmanager
def kept_threads(*, serial: bool = False) -> Iterator[None]:
    """BLAS has as many threads after this context as before it, also if many threads use it.

    Args:
        serial: whether BLAS runs in the calling thread meanwhile. Default: ``False``.

    >>> with kept_threads():
    ...     pass
    """
    uses, pools = _USES, _blas().lib_controllers
    with uses.lock:
        if not uses.users:
            uses.noted = [pool.get_num_threads() for pool in pools]
        uses.users += 1
        uses.serial_users += serial
        if serial:
            _set([1] * len(pools))
    try:
        yield
    finally:
        with uses.lock:
            uses.users -= 1
            uses.serial_users -= serial
            if not uses.users or (serial and not uses.serial_users):
                _set(uses.noted)


def serial_blas() -> AbstractContextManager[None]:
    """Within this context numpy's and scipy's linear algebra run in the calling thread.

    >>> with serial_blas():
    ...     pass
    """
    return kept_threads(serial=True)


def openmp_threads(threads: int) -> AbstractContextManager[object]:
    """Within this context OpenMP regions that the calling thread starts have so many threads.

    Unlike that of BLAS, the number belongs to the calling thread.
    """
    return _openmp().limit(limits=threads)


def _set(counts: list[int]) -> None:
    for pool, count in zip(_blas().lib_controllers, counts, strict=True):
        pool.set_num_threads(count)


@functools.cache
def _blas() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  # so that its library is loaded, and found

    return ThreadpoolController().select(user_api="blas")


@functools.cache
def _openmp() -> ThreadpoolController:
    import sklearn.neighbors  # noqa: F401

    return ThreadpoolController().select(user_api="openmp")
