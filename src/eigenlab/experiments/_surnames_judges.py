"""How the claims about surnames are decided, each from one record."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from eigenlab.experiments._surnames_measurements import (
    BEST,
    MAJORITY,
    NGRAMS,
    RNN,
    perfect_calibration_error,
)
from eigenlab.lab import Check, above, at_least, at_most, below
from eigenlab.lab.claim import Record
from eigenlab.names.metrics import wilson_interval

COURSE_BAR = 0.80
CALIBRATION_BAR = 0.05
PROTOCOLS = ("course", "leak-free")


def mean(record: Record, model: str, protocol: str, key: str = "accuracy") -> float:
    """Mean over seeds of one number of one model."""
    return fmean(values(record, model, protocol, key))


def values(record: Record, model: str, protocol: str, key: str = "accuracy") -> list[float]:
    """One number of one model for each seed."""
    return [
        row[key] for row in record["rows"] if (row["model"], row["protocol"]) == (model, protocol)
    ]


def judge_bar(protocol: str) -> Any:
    """Return a judge of the course's 80 % on one protocol."""

    def judge(record: Record) -> list[Check]:
        label = f"accuracy, {protocol} split"
        return [at_least(label, mean(record, RNN, protocol), COURSE_BAR)]

    return judge


def judge_majority(record: Record) -> list[Check]:
    """The lower end of the 95 % interval of all seeds' answers is above the majority share."""
    checks = []
    for protocol in PROTOCOLS:
        correct, names = (
            int(sum(values(record, RNN, protocol, key))) for key in ("correct", "names")
        )
        low, _ = wilson_interval(correct, names)
        checks.append(above(f"{protocol} split, lower end", low, mean(record, MAJORITY, protocol)))
    return checks


def judge_leak(record: Record) -> list[Check]:
    """The course's split flatters: what it gains are lines repeated from training."""
    course, fresh = (mean(record, RNN, protocol) for protocol in PROTOCOLS)
    seen = record["audit"]["course"]["seen"]
    return [
        below("accuracy, leak-free split", fresh, course),
        below(
            "course split: accuracy on new names, against repeated lines",
            seen["new"]["accuracy"],
            seen["same language"]["accuracy"],
        ),
        below(
            "course split: accuracy on names trained with another language, against new ones",
            seen["other language"]["accuracy"],
            seen["new"]["accuracy"],
        ),
    ]


def judge_temperature(record: Record) -> list[Check]:
    """One number fitted on held-out names makes the probabilities better on the test names."""
    calibration = record["protocols"]["leak-free"]["calibration"]
    before, after = calibration["before"], calibration["after"]
    return [below("test NLL with temperature", after["nll"], before["nll"], unit="nats")]


def judge_calibration(record: Record) -> list[Check]:
    """The calibration error is within 5 points of what perfect calibration would show."""
    checks = []
    for protocol in PROTOCOLS:
        after = record["protocols"][protocol]["calibration"]["after"]
        bound = CALIBRATION_BAR + perfect_calibration_error(after["reliability"])
        checks.append(
            at_most(f"calibration error, {protocol} split", after["calibration_error"], bound)
        )
    return checks


def judge_best(protocol: str) -> Any:
    """Return a judge of the mean over seeds on one protocol, accuracy and macro-F1."""

    def judge(record: Record) -> list[Check]:
        return [
            above(
                f"{key}, {protocol} split",
                mean(record, BEST, protocol, key),
                mean(record, NGRAMS, protocol, key),
            )
            for key in ("accuracy", "macro_f1")
        ]

    return judge


def judge_unequal(record: Record) -> list[Check]:
    """The intervals of the best and of the worst recalled language are apart."""
    rows = _recalls(record["protocols"]["leak-free"])
    best = max(rows, key=lambda row: row["interval"][0])
    worst = min(rows, key=lambda row: row["interval"][1])
    return [
        above("lower end, best language", best["interval"][0], worst["interval"][1]),
    ]


def judge_rare(record: Record) -> list[Check]:
    """Languages with under 300 training lines against those with at least 1,000."""
    groups = record["audit"]["course"]["rarity"]
    rare = [g for g in groups if g["training_lines"][1] < 300]
    common = [g for g in groups if g["training_lines"][0] >= 1000]
    return [below("recall, rare languages", _pooled(rare), _pooled(common))]


def _pooled(groups: Sequence[Record]) -> float:
    total: float = sum(group["count"] for group in groups)
    right: float = sum(group["recall"] * group["count"] for group in groups)
    return right / total


def _recalls(record: Record) -> list[Record]:
    return [row for row in record["overall"]["recall"].values() if row["count"]]


def furthest(record: Record) -> tuple[str, Record]:
    """The population whose base rates are furthest from the training names, with its numbers."""
    shifts = record["protocols"]["leak-free"]["populations"].items()
    name, shift = max(shifts, key=lambda item: distance(item[1]["true"], item[1]["trained"]))
    return name, shift


def distance(p: Sequence[float], q: Sequence[float]) -> float:
    """Total variation distance of two distributions: half the sum of |p - q|.

    >>> distance([1.0, 0.0], [0.5, 0.5])
    0.5
    """
    return sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def judge_mislead(record: Record) -> list[Check]:
    """As trained, the answers' shares lean from the true ones towards the training names'."""
    _, shift = furthest(record)
    answers = shift["uncorrected"]["predicted"]
    pull = [trained - true for trained, true in zip(shift["trained"], shift["true"], strict=True)]
    error = [said - true for said, true in zip(answers, shift["true"], strict=True)]
    lean = sum(a * b for a, b in zip(pull, error, strict=True)) / sum(a * a for a in pull)
    return [above("error of the shares along the shift of base rates", lean, 0.0)]


def judge_correction(record: Record) -> list[Check]:
    """Known base rates: more names right, better probabilities."""
    _, shift = furthest(record)
    before, after = shift["uncorrected"], shift["corrected"]
    return [
        above("accuracy with base rates", after["accuracy"], before["accuracy"]),
        below("NLL with base rates", after["nll"], before["nll"], unit="nats"),
    ]


def judge_abstain(record: Record) -> list[Check]:
    """Answering the most confident 70 % against answering all, on both protocols."""
    checks = []
    for protocol in PROTOCOLS:
        rows = record["protocols"][protocol]["abstention"]
        some = min(rows, key=lambda row: abs(row["coverage"] - 0.7))
        label = f"{protocol} split, accuracy on the surest {some['coverage']:.0%}"
        checks.append(above(label, some["accuracy"], rows[0]["accuracy"]))
    return checks


def judge_silence(record: Record) -> list[Check]:
    """The intervals of the languages left out most and least often are apart."""
    measured = record["protocols"]["leak-free"]
    some = min(measured["abstention"], key=lambda row: abs(row["coverage"] - 0.7))
    counts = {label: row["count"] for label, row in measured["overall"]["recall"].items()}
    intervals = [
        wilson_interval(round(share * counts[label]), counts[label])
        for label, share in some["unanswered"].items()
    ]
    most, least = max(low for low, _ in intervals), min(high for _, high in intervals)
    return [above("share unanswered, lower end of the worst language", most, least)]
