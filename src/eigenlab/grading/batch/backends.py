"""Where submissions are graded: in processes of this machine, or by Dask, Ray or Spark."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator

import joblib

from eigenlab.errors import InputError

#: Name of each backend -> what to install for it.
PACKAGES = {"loky": "", "dask": "dask[distributed]", "ray": "ray", "spark": "joblibspark pyspark"}


def require_backend(name: str, jobs: int) -> None:
    """Refuse a backend that is unknown, and one that would grade in this process.

    Raises:
        InputError: there is no such backend, or it is given a single job.
    """
    if name not in PACKAGES:
        raise InputError(f"backend={name!r}: expected one of {', '.join(PACKAGES)}")
    if name != "loky" and jobs < 2:
        raise InputError(f"backend={name!r} with jobs={jobs}: expected at least 2 jobs")


@contextlib.contextmanager
def backend(name: str, jobs: int) -> Iterator[None]:
    """Let joblib run what is called inside by a backend.

    Dask's scheduler is the one that ``DASK_SCHEDULER_ADDRESS`` names, else one of this machine; Ray
    and Spark are found by their own rules.

    Args:
        name: ``"loky"``, which changes nothing, ``"dask"``, ``"ray"`` or ``"spark"``.
        jobs: how many submissions are graded at once.

    Raises:
        InputError: what the backend needs is not installed.
    """
    with contextlib.ExitStack() as stack:
        try:
            if name == "dask":
                _dask(stack, jobs)
            elif name == "ray":
                importlib.import_module("ray.util.joblib").register_ray()
            elif name == "spark":
                importlib.import_module("joblibspark").register_spark()
        except ImportError as error:
            raise InputError(
                f"backend={name!r} needs packages that are not installed ({error}): "
                f"pip install {' '.join(map(repr, PACKAGES[name].split()))}"
            ) from error
        if name != "loky":
            stack.enter_context(joblib.parallel_config(backend=name))
        yield


def _dask(stack: contextlib.ExitStack, jobs: int) -> None:
    dask, distributed = map(importlib.import_module, ("dask", "distributed"))
    address = dask.config.get("scheduler-address", None)
    if address is None:
        # One thread each: a worker's limits and signals are those of its process.
        local = distributed.LocalCluster(
            n_workers=jobs, threads_per_worker=1, dashboard_address=None
        )
        address = stack.enter_context(local)
    stack.enter_context(distributed.Client(address))
