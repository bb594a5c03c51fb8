"""Run one experiment over a grid of settings, in several processes.

Parallelism is joblib's: ``joblib.parallel_config(backend="dask")`` (or ``"ray"``, ``"spark"``)
around :func:`sweep` moves the same sweep to a cluster.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eigenlab.errors import InputError
from eigenlab.lab.config import Config
from eigenlab.lab.execute import run
from eigenlab.lab.experiment import Experiment
from eigenlab.lab.result import Result


def grid(**axes: Sequence[Any]) -> list[dict[str, Any]]:
    """All combinations of the given values, the last axis varying fastest.

    >>> grid(seed=[0, 1], hidden_size=[8])
    [{'seed': 0, 'hidden_size': 8}, {'seed': 1, 'hidden_size': 8}]
    """
    return [dict(zip(axes, point, strict=True)) for point in itertools.product(*axes.values())]


def sweep(
    experiment: Experiment,
    points: Sequence[Mapping[str, Any]],
    *,
    base: Config | None = None,
    folder: Path | None = None,
    n_jobs: int | None = None,
    resume: bool = False,
) -> Iterator[Result]:
    """Yield the result of ``experiment`` at every point, in the order of ``points``.

    Args:
        experiment: what to run.
        points: overrides of ``base``, e.g. from :func:`grid`. All are validated before the first
            one runs.
        base: settings that the points change. Default: the preset ``course``.
        folder: where run folders ``000``, ``001``, ... are stored. Default: nowhere.
        n_jobs: joblib's number of workers. Default: that of the active joblib configuration.
        resume: continue run folders left by an interrupted sweep. Default: ``False``.
    """
    from joblib import Parallel, delayed

    start = base or experiment.config.from_preset("course")
    configs = [start.replace(**point) for point in points]
    if not configs:
        raise InputError("points is empty; give at least one setting, e.g. grid(seed=[0, 1])")
    jobs = (
        delayed(_run_one)(experiment, config, folder and folder / f"{index:03d}", resume)
        for index, config in enumerate(configs)
    )
    results = Parallel(n_jobs=n_jobs, return_as="generator")(jobs)
    # A result from another process comes with a copy of the experiment.
    return (dataclasses.replace(result, experiment=experiment) for result in results)


def _run_one(experiment: Experiment, config: Config, folder: Path | None, resume: bool) -> Result:
    return run(
        experiment, config, folder=folder, resume=resume and folder is not None and folder.exists()
    )
