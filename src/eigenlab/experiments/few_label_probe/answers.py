"""The answer to 3a'."""

from __future__ import annotations

from statistics import fmean

from eigenlab.experiments.few_label_probe.records import DigitsRecord, FewLabelRecord, MnistRecord
from eigenlab.lab import answer


def _text(record: FewLabelRecord, images: str) -> str:
    ours = 100 * fmean(record.accuracies(record.judged))
    raw = 100 * fmean(record.accuracies("raw pixels"))
    return (
        f"On {images} a linear probe with {record.n_labels} labels is right on {ours:.1f} % of the "
        f"test images with the features of the encoder '{record.judged}', and on {raw:.1f} % with "
        "raw pixels. The encoder has seen many images without labels: undoing noise, masks or "
        "shifts forces it to describe strokes and not single pixels, so that a few labels "
        "are enough to separate the classes."
    )


@answer("3a'", figure="mnist")
def mnist(record: MnistRecord) -> str:
    return _text(record, "MNIST")


@answer("3a'", figure="digits")
def digits(record: DigitsRecord) -> str:
    return _text(record, "the embedded digits")
