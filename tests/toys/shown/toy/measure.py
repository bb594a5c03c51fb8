import time

from eigenlab.experiments.toy import HOSTILE
from eigenlab.experiments.toy.config import ToyConfig
from eigenlab.experiments.toy.records import AverageRecord, CountRecord

from eigenlab.errors import DataError
from eigenlab.lab import Context, NotRun, stage


@stage
def count(config: ToyConfig, context: Context) -> CountRecord:
    if config.kind == "refused":
        raise DataError("the data is not here; fetch it")
    for step in range(config.steps):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(step + 1, config.steps, "counting")
        if config.loud:
            context.reporter.metrics({"step": float(step)}, step=step)
        time.sleep(config.pause)
    return CountRecord(seeds=[config.seed], steps=range(config.steps))


@stage
def average(config: ToyConfig, context: Context) -> AverageRecord:
    if config.kind == "absent":
        raise NotRun("the toy was asked to be absent")
    if config.kind == "broken":
        raise RuntimeError(f"the toy broke {HOSTILE}")
    context.reporter.raise_if_cancelled()
    context.reporter.stage("a step of this stage")
    context.reporter.progress(1, 2, "averaging")
    mean = sum(config.sizes) / len(config.sizes)
    return AverageRecord(seeds=[0, 1, 2], sizes=config.sizes, mean=mean)
