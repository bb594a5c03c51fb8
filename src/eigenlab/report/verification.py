"""Judge stored records again and compare with the outcomes written when the run ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eigenlab.errors import InputError
from eigenlab.lab import ClaimResult, Outcome, stored_claims
from eigenlab.report.collect import Run, read_run, run_folders


@dataclass(frozen=True)
class VerifiedClaim:
    """One claim, as written when the run ended and as judged now.

    Args:
        experiment: name of its experiment.
        judged: as judged now.
        documented: the outcome that the documentation lists.
        stored: as written in ``result.json``; None when it is not there. Default: ``None``.
        difference: how the stored and the repeated judgement differ; empty when there is none.
            Default: ``""``.
        departs: whether the outcome is an error or contradicts the documented one.
            Default: ``False``.
    """

    experiment: str
    judged: ClaimResult
    documented: Outcome
    stored: ClaimResult | None = None
    difference: str = ""
    departs: bool = False


@dataclass(frozen=True)
class Verification:
    """All claims of all runs at a folder.

    Args:
        runs: the runs that were read.
        claims: the claims of all runs.
    """

    runs: tuple[Run, ...]
    claims: tuple[VerifiedClaim, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs from what was written nor from what is documented."""
        return not any(claim.difference or claim.departs for claim in self.claims)


def verify(folder: Path) -> Verification:
    """Judge the claims of a run folder, or of all runs of a reproduction, from their records.

    Works on a folder whose process was killed. Raises
    :class:`~eigenlab.errors.InputError` when ``folder`` holds no run or a file is damaged.
    """
    runs = tuple(read_run(path) for path in run_folders(folder))
    return Verification(runs, tuple(claim for run in runs for claim in _verify_run(run)))


def _verify_run(run: Run) -> list[VerifiedClaim]:
    stored = {claim.id: claim for claim in _stored(run.folder)}
    unknown = stored.keys() - {claim.id for claim in run.experiment.claims}
    if unknown:
        raise InputError(
            f"{run.folder / 'result.json'} holds claims that {run.experiment.name} does not make: "
            f"{', '.join(sorted(unknown))}; it was written by another version"
        )
    finished = run.result.status == "finished"
    return [
        VerifiedClaim(
            run.experiment.name,
            judged,
            run.experiment.claim(judged.id).documented,
            stored.get(judged.id),
            _difference(stored.get(judged.id), judged, finished=finished),
            run.experiment.claim(judged.id).departs(judged.outcome),
        )
        for judged in run.result.claims
    ]


def _difference(stored: ClaimResult | None, judged: ClaimResult, *, finished: bool) -> str:
    if stored is None or (stored.outcome is Outcome.NOT_RUN and not finished):
        # The state after a process was killed between storing a record and judging it.
        return ""
    if stored.outcome is not judged.outcome:
        return f"result.json says {stored.outcome}, the records say {judged.outcome}"
    # repr, because NaN is equal to NaN here
    if repr(stored.checks) != repr(judged.checks):
        return "the numbers in result.json differ from those of the records"
    return ""


def _stored(folder: Path) -> tuple[ClaimResult, ...]:
    if not (folder / "result.json").exists():
        return ()
    try:
        return stored_claims(folder)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{folder / 'result.json'} is damaged ({type(error).__name__}: {error}); "
            "delete it, then `eigenlab verify` judges from the records alone"
        ) from None
