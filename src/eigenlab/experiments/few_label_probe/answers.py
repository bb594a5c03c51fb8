"""The answer to 3a'."""

from __future__ import annotations

from collections.abc import Sequence

from eigenlab.experiments.few_label_probe.records import DigitsRecord, FewLabelRecord, MnistRecord
from eigenlab.lab import answer
from eigenlab.statistics import mean_interval


def _text(record: FewLabelRecord, images: str) -> str:
    ours, raw = (_mean(record.accuracies(name)) for name in (record.judged, "raw pixels"))
    seeds = len(record.seeds)
    spread = f" (means over {seeds} seeds, with 95 % intervals)" if seeds > 1 else ""
    return (
        f"On {images} a linear probe with {record.n_labels} labels is right on {ours} of the "
        f"test images with the features of the encoder '{record.judged}', and on {raw} with "
        f"raw pixels{spread}. The encoder has seen many images without labels: undoing noise, "
        "masks or shifts forces it to describe strokes and not single pixels, so that a few labels "
        "are enough to separate the classes."
    )


def _mean(accuracies: Sequence[float]) -> str:
    if len(accuracies) < 2:
        return f"{100 * accuracies[0]:.1f} %"
    found = mean_interval(accuracies)
    low, high = 100 * found.low, 100 * found.high
    return f"{100 * found.estimate:.1f} % [{low:.1f}, {high:.1f}]"


@answer("3a'", figure="mnist")
def mnist(record: MnistRecord) -> str:
    return _text(record, "MNIST")


@answer("3a'", figure="digits")
def digits(record: DigitsRecord) -> str:
    return _text(record, "the embedded digits")
