"""Find run folders and read them back, finished or not."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eigenlab.errors import InputError, nearest
from eigenlab.experiments import load_experiment, outlines
from eigenlab.files import read_json
from eigenlab.lab import Config, Experiment, Result, is_run, load_result

#: File in which ``eigenlab reproduce`` stores the status of each experiment.
NOTES = "reproduce.json"


@dataclass(frozen=True)
class Run:
    """A run folder read back.

    Args:
        folder: path of the run folder.
        result: its claims, judged again from the stored records.
        environment: versions, device and seed of the measurement; empty when not stored.
        note: why the run did not finish, when ``eigenlab reproduce`` noted it.
    """

    folder: Path
    result: Result
    environment: Mapping[str, Any]
    note: str = ""

    @property
    def experiment(self) -> Experiment:
        """The experiment this is a run of."""
        return self.result.experiment


def run_folders(folder: Path) -> list[Path]:
    """The run folders at ``folder``: itself, or those below ``runs/`` in the order of the course.

    Raises :class:`~eigenlab.errors.InputError` when there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give a run folder or the folder of a report")
    if is_run(folder):
        return [folder]
    order = list(outlines())
    found = [path for path in (folder / "runs").glob("*") if is_run(path)]
    if not found:
        raise InputError(
            f"{folder} holds no run (no config.json, no runs/*/config.json); "
            "`eigenlab run` and `eigenlab reproduce` print the folder that they write"
        )

    def rank(path: Path) -> tuple[int, str]:
        return (order.index(path.name) if path.name in order else len(order), path.name)

    return sorted(found, key=rank)


def read_run(folder: Path, *, note: str = "") -> Run:
    """Read one run folder, also one whose process was killed.

    Args:
        folder: the run folder.
        note: why the run did not finish. Default: ``""``.

    Raises :class:`~eigenlab.errors.InputError` naming the file that is damaged.
    """
    settings = read_json(folder / "config.json")
    name = settings.get("experiment") if isinstance(settings, dict) else None
    if not isinstance(name, str) or not isinstance(settings.get("config"), dict):
        raise InputError(f"{folder / 'config.json'} lacks 'experiment' or 'config'")
    known = outlines()
    if name not in known:
        raise InputError(f"{folder} is a run of the unknown '{name}'{nearest(name, known)}")
    experiment = load_experiment(name)
    try:
        result = load_result(folder, experiment)
    except InputError as error:
        raise error if str(folder) in str(error) else InputError(f"{folder}: {error}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{folder / 'result.json'} is damaged ({type(error).__name__}: {error}); "
            "delete it, then `eigenlab verify` judges from the records alone"
        ) from None
    path = folder / "environment.json"
    environment = read_json(path) if path.exists() else {}
    if not isinstance(environment, dict):
        raise InputError(f"{path} is damaged; it should hold an object")
    return Run(folder, result, environment, note)


def collect(folder: Path, *, skip_damaged: bool = False) -> list[Run]:
    """Read every run at ``folder`` (see :func:`run_folders`).

    Args:
        folder: a run folder, or what ``eigenlab reproduce`` wrote.
        skip_damaged: whether a run that cannot be read is left out instead of raising.
            Default: ``False``.
    """
    notes = read_notes(folder)
    runs = []
    for path in run_folders(folder):
        try:
            runs.append(read_run(path, note=str(notes.get(path.name, {}).get("reason", ""))))
        except InputError:
            if not skip_damaged:
                raise
    return runs


def read_notes(folder: Path) -> dict[str, dict[str, str]]:
    """What ``eigenlab reproduce`` noted: experiment -> ``status`` and ``reason``."""
    path = folder / NOTES
    if not path.exists():
        return {}
    notes = read_json(path)
    experiments = notes.get("experiments") if isinstance(notes, dict) else None
    if not isinstance(experiments, dict) or not all(
        isinstance(item, dict) for item in experiments.values()
    ):
        raise InputError(f"{path} is damaged; delete it, the runs are not affected")
    return experiments


def command_for(experiment: str, config: Config) -> str:
    """The shortest command line that runs ``experiment`` with ``config``."""
    preset, changes = _nearest_preset(config)
    options = [f"--preset {preset}"]
    for name, value in changes.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, list | tuple):
            options.append(f"--{flag} {' '.join(_shell(item) for item in value)}")
        else:
            options.append(f"--{flag} {_shell(value)}")
    return " ".join(["eigenlab run", experiment, *options])


def python_for(experiment: str, config: Config) -> str:
    """The Python lines that run ``experiment`` with ``config``."""
    preset, changes = _nearest_preset(config)
    arguments = "".join(f", {name}={value!r}" for name, value in changes.items())
    return (
        "from eigenlab.experiments import load_experiment\n"
        "from eigenlab.lab import run\n\n"
        f'experiment = load_experiment("{experiment}")\n'
        f'config = experiment.config.from_preset("{preset}"{arguments})\n'
        "result = run(experiment, config)\n"
        "for claim in result.claims:\n"
        "    print(claim.id, claim.outcome)"
    )


def _nearest_preset(config: Config) -> tuple[str, dict[str, Any]]:
    """The preset with the fewest differing fields (``course`` first), and those fields."""
    values = config.model_dump()
    best: tuple[str, dict[str, Any]] | None = None
    for preset in sorted(config.presets, key=lambda name: (name != "course", name)):
        start = type(config).from_preset(preset).model_dump()
        changes = {name: value for name, value in values.items() if value != start[name]}
        if best is None or len(changes) < len(best[1]):
            best = (preset, changes)
    assert best is not None
    return best


def _shell(value: Any) -> str:
    return shlex.quote(str(value))
