"""The answer to 4."""

from __future__ import annotations

from statistics import fmean

from eigenlab.experiments.training_ladder.records import ClimbRecord
from eigenlab.lab import answer


@answer("4", figure="climbed")
def ladder(record: ClimbRecord) -> str:
    first, last = record.rungs[0], record.rungs[-1]
    return (
        "By fewer operations and by learning more from each. Pooling before the activation and a "
        "narrow network save work; whitening, label smoothing, test-time augmentation, alternating "
        "flips and an orthogonalised update buy accuracy, which is then given up for fewer epochs. "
        f"Here, on {record.n_train:,} images, the foot of the ladder ({first.name}) reaches "
        f"{100 * fmean(first.accuracy):.1f} % with {first.operations / 1e12:.3g} TFLOP, and the "
        f"top ({last.name}) {100 * fmean(last.accuracy):.1f} % with "
        f"{last.operations / 1e12:.3g} TFLOP."
    )
