"""The answer to 3a."""

from __future__ import annotations

from statistics import fmean

from eigenlab.experiments.latent_width.records import SweepRecord
from eigenlab.lab import answer


@answer(
    "3a",
    figure="probe",
)
def width(record: SweepRecord) -> str:
    rows = []
    for place, each in enumerate(record.widths):
        runs = record.runs("vanilla", each)
        loss = fmean(run.losses[-1] for run in runs)
        before, after = (fmean(run.long_probe[k] for run in runs) for k in (0, -1))
        rows.append(
            f"{each}: loss {loss:.3g} (at least {record.discarded_variances[place]:.3g}), probe "
            f"{100 * before:.0f} % untrained and {100 * after:.0f} % trained"
        )
    return (
        "The loss cannot fall below the variance along the axes that a bottleneck discards, and "
        "training approaches this floor. By width - " + "; ".join(rows) + ". A narrow latent space "
        "has no room for the signal, a middle one has to be trained to find it, and one wider than "
        "the data loses nothing even with random weights. The loss says little about the probe: "
        "what is left out matters only if it tells the labels apart."
    )
