"""Run the stages of an experiment in order, storing each as it ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from eigenlab.errors import Cancelled, DataError, EigenlabError, InputError
from eigenlab.lab.claims import NotRun
from eigenlab.lab.config import Config
from eigenlab.lab.experiment import Experiment
from eigenlab.lab.folder import RunFolder
from eigenlab.lab.result import Result, StageOutcome, judge
from eigenlab.lab.stages import Context, Stage, stored_form
from eigenlab.reporter import SILENT, Reporter


def run(
    experiment: Experiment,
    config: Config | None = None,
    *,
    reporter: Reporter = SILENT,
    folder: Path | None = None,
    resume: bool = False,
) -> Result:
    """Measure every stage of an experiment and judge every claim.

    Args:
        experiment: what to run.
        config: settings. Default: those of the preset ``course``.
        reporter: receives progress and may cancel. Default: ``SILENT``.
        folder: folder in which results are stored (see :mod:`eigenlab.lab.folder`).
            Default: nowhere.
        resume: keep the stages already stored there by a run with the same config.
            Default: ``False``.

    Raises:
        InputError: the settings cannot be measured, or the folder holds something else.
        Cancelled: the reporter was cancelled; finished stages are stored.
    """
    config = config or experiment.config.from_preset("course")
    store = RunFolder(folder, experiment, config, resume=resume) if folder is not None else None
    if store and store.notice:
        reporter.message(store.notice)
    stages: dict[str, StageOutcome] = {}
    status = "running"
    try:
        for stage in experiment.stages:
            kept = store.load(stage) if store else None
            if kept is None:
                reporter.raise_if_cancelled()
                reporter.stage(stage.name)
                kept = _measure(stage, config, stages, reporter, store)
                if store:
                    store.save(stage.name, kept)
            else:
                reporter.message(f"{stage.name}: kept from the earlier run")
            stages[stage.name] = kept
            if store:
                store.conclude(judge(experiment, config, stages, status))
        status = "finished"
    except (Cancelled, KeyboardInterrupt):
        status = "interrupted"
        raise
    finally:
        result = judge(experiment, config, stages, status)
        if store:
            store.conclude(result, figures=status == "finished")
    return result


def _measure(
    stage: Stage,
    config: Config,
    earlier: Mapping[str, StageOutcome],
    reporter: Reporter,
    store: RunFolder | None,
) -> StageOutcome:
    context = Context(
        reporter=store.recorder(reporter, stage.name) if store else reporter,
        checkpoints=store.path / "checkpoints" / stage.name if store else None,
        records=tuple(o.record for o in earlier.values() if o.record is not None),
    )
    begin = time.perf_counter()
    try:
        record = stored_form(stage.measure(config, context))
    except NotRun as reason:
        return StageOutcome(reason=str(reason))
    except (Cancelled, DataError, InputError):
        raise
    except (EigenlabError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as e:
        return StageOutcome(reason=f"{type(e).__name__}: {e}", failed=True)
    return StageOutcome(record, time.perf_counter() - begin)
