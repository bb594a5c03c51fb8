"""An experiment small enough to think about, for testing what surrounds experiments.

It is registered as ``toy`` by the ``toy`` fixture of ``conftest.py``. Its numbers are chosen, not
measured: the mean of ``sizes`` is known in advance.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar, Literal

from eigenlab.lab import (
    Claim,
    Config,
    Experiment,
    Figure,
    NotRun,
    Outcome,
    Stage,
    Table,
    at_least,
    close,
    setting,
)
from eigenlab.lab.theme import figure, line

HOSTILE = "<script>alert('x')</script> & \"quotes\""


class ToyConfig(Config):
    """Settings of the toy."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"steps": 2},
        "course": {"steps": 3},
        "full": {"steps": 5, "sizes": (1.0, 2.0, 3.0)},
        "slow": {"steps": 400, "pause": 0.05, "loud": True},
    }

    steps: int = setting(4, "Number of steps to take.", unit="steps", ge=1, le=1000)
    pause: float = setting(0.0, "Time to wait in each step.", unit="s", ge=0)
    kind: Literal["plain", "broken", "absent"] = setting("plain", "What the second stage does.")
    loud: bool = setting(False, "Whether to stream metrics.")
    sizes: tuple[float, ...] = setting((1.0, 3.0), "Numbers to average.", min_length=1)


def count(config: ToyConfig, context: Any) -> dict[str, Any]:
    for step in range(config.steps):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(step + 1, config.steps, "counting")
        if config.loud:
            context.reporter.metrics({"step": float(step)}, step=step)
        time.sleep(config.pause)
    return {"seeds": [config.seed], "steps": list(range(config.steps))}


def average(config: ToyConfig, context: Any) -> dict[str, Any]:
    if config.kind == "absent":
        raise NotRun("the toy was asked to be absent")
    if config.kind == "broken":
        raise RuntimeError(f"the toy broke {HOSTILE}")
    context.reporter.raise_if_cancelled()
    return {
        "seeds": [0, 1, 2],
        "sizes": list(config.sizes),
        "mean": sum(config.sizes) / len(config.sizes),
    }


def draw(record: Any) -> Any:
    chart = figure("step", "size (units)", title=HOSTILE)
    line(chart, list(range(len(record["sizes"]))), record["sizes"], "size")
    return chart


EXPERIMENT = Experiment(
    name="toy",
    title="A toy",
    source=("9a", "9b"),
    summary=f"It counts and averages. {HOSTILE}",
    config=ToyConfig,
    stages=(Stage("count", count), Stage("average", average)),
    claims=(
        Claim(
            "9a.counts",
            f"Every step is counted {HOSTILE}.",
            "9a",
            "count",
            lambda record: [at_least("steps", len(record["steps"]), 1)],
        ),
        Claim(
            "9b.mean",
            "The mean of the sizes is two.",
            "9b",
            "average",
            lambda record: [close("mean", record["mean"], 2.0, tolerance=1e-9)],
            explanation="Because the sizes lie symmetrically around two.",
        ),
        Claim(
            "9b.large",
            "The mean of the sizes is at least ten.",
            "9b",
            "average",
            lambda record: [at_least("mean", record["mean"], 10.0)],
            documented=Outcome.FAILED,
            explanation="The text says ten; the mean is two.",
        ),
    ),
    figures=(Figure("sizes", "Sizes", "The sizes that are averaged.", "average", draw),),
    tables=(
        Table(
            "sizes",
            "Sizes",
            "average",
            lambda record: (["place", HOSTILE], list(enumerate(record["sizes"]))),
        ),
    ),
    metrics=lambda records: {"mean size": records["average"]["mean"]},
)
