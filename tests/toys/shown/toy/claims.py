from eigenlab.experiments.toy import HOSTILE
from eigenlab.experiments.toy.records import AverageRecord, CountRecord

from eigenlab.lab import Outcome, applies_to, at_least, claim, close


@claim(
    "9a.counts",
    f"Every step is counted {HOSTILE}.",
    source="9a",
    counterexamples=[{"steps": []}],
)
def counts(record: CountRecord):
    return [at_least("steps", len(record.steps), 1)]


@claim(
    "9b.mean",
    "The mean of the sizes is two.",
    source="9b",
    explanation="Because the sizes lie symmetrically around two.",
    scope=applies_to(sizes=(-100, 100)),
    counterexamples=[{"mean": 3.0}],
)
def mean(record: AverageRecord):
    return [close("mean", record.mean, 2.0, tolerance=1e-9)]


@claim(
    "9b.large",
    "The mean of the sizes is at least ten.",
    source="9b",
    documented=Outcome.FAILED,
    explanation="The text says ten; the mean is two.",
    scope=applies_to(sizes=(-100, 100)),
    counterexamples=[{"mean": 10.0}],
)
def large(record: AverageRecord):
    return [at_least("mean", record.mean, 10.0)]
