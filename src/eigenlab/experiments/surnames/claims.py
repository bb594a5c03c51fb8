"""The claims of ``surnames``, each above the function that judges it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from eigenlab.experiments.surnames.records import (
    BEST,
    MAJORITY,
    NGRAMS,
    PROTOCOLS,
    RNN,
    AbstentionRow,
    AccuracyRecord,
    AuditedModel,
    AuditRecord,
    BaseRateShift,
    RarityGroup,
)
from eigenlab.lab import (
    Check,
    NotRun,
    Outcome,
    above,
    applies_to,
    at_least,
    at_most,
    below,
    claim,
)
from eigenlab.statistics import homogeneity_p_value, wilson_interval

#: Accuracy that the course requires of the tanh RNN.
COURSE_ACCURACY = 0.80
#: A calibration error of 5 percentage points is what a user of the probabilities would notice.
CALIBRATION_TOLERANCE = 0.05
#: Of tests whether languages differ, chosen before any was made.
SIGNIFICANT = 1e-3
#: Share of the names that are answered where the classifier abstains.
COVERAGE = 0.7
#: Rare languages have fewer training lines than the first, common ones at least the second.
RARE, COMMON = 300, 1000

#: Trainings that learn something.
LEARNED: dict[str, Any] = {
    "epochs": (10, None),
    "rnn_size": (32, 512),
    "dropout": (0, 0.5),
    "batch_size": (16, 256),
    "learning_rate": (1e-3, 1e-2),
    "calibration_names": (100, None),
}
TRAINED = applies_to(**LEARNED)
#: The course's surnames, trained as long as the course allows.
AS_IN_THE_COURSE = applies_to(**{**LEARNED, "data": {"auto", "names"}, "epochs": (10, 20)})
WITH_BEST = applies_to(data={"auto", "names"}, best={True})
GUO = "question 2; Guo et al. 2017, arXiv:1706.04599"


def _check_course_names(data: str) -> None:
    """Refuse to judge where ``auto`` has not found the course's surnames."""
    if data != "names":
        raise NotRun(
            "the course's surnames are not on this machine; run `eigenlab data fetch names` or set "
            "EIGENLAB_DATA, then --data names"
        )


def values(record: AccuracyRecord, model: str, protocol: str, field: str = "accuracy") -> list[Any]:
    """One number of one model for each seed."""
    chosen = [row for row in record.rows if (row.model, row.protocol) == (model, protocol)]
    return [getattr(row, field) for row in chosen]


def mean(record: AccuracyRecord, model: str, protocol: str, field: str = "accuracy") -> float:
    """Mean over seeds of one number of one model."""
    return fmean(values(record, model, protocol, field))


@claim(
    "2.course-bar",
    "A tanh RNN reaches at least 80 % on the course's split within 20 epochs.",
    source="question 2",
    explanation="Measured as the mean over the seeds of the run; each seed gives another split of "
    "the lines.",
    scope=AS_IN_THE_COURSE,
    counterexamples=[{"data": "names", "rows/*/accuracy": 0.799}],
)
def course_bar(record: AccuracyRecord) -> list[Check]:
    return _reaches(record, "course")


@claim(
    "2.unseen-names",
    "The same network also reaches 80 % on names whose spelling is in no training line.",
    source="question 2, on the leak-free split",
    documented=Outcome.FAILED,
    explanation="The 80 % is in part due to repetition: 2,000 Arabic lines hold 108 names, so a "
    "random split tests mostly Arabic names that were trained on. On new spellings this network "
    "stays below 80 %.",
    scope=AS_IN_THE_COURSE,
    counterexamples=[{"data": "names", "rows/*/accuracy": 0.81}],
)
def unseen_names(record: AccuracyRecord) -> list[Check]:
    return _reaches(record, "leak-free")


def _reaches(record: AccuracyRecord, protocol: str) -> list[Check]:
    _check_course_names(record.data)
    return [at_least(f"accuracy, {protocol} split", mean(record, RNN, protocol), COURSE_ACCURACY)]


#: Changes with which the second and third check hold.
SEEN = {
    "protocols/course/seen/same language/accuracy": 0.9,
    "protocols/course/seen/new/accuracy": 0.8,
    "protocols/course/seen/other language/accuracy": 0.4,
}


@claim(
    "2.repetition",
    "The course's split also measures memorisation: accuracy is lower on a split without common "
    "spellings; within the course's split, lines repeated from training are classified correctly "
    "more often than new names, and names trained with another language only less often.",
    source="question 2",
    explanation="A line whose name was trained on measures memorisation, which helps where name "
    "and language repeat together and misleads where the name has two languages.",
    scope=AS_IN_THE_COURSE,
    counterexamples=[
        {"data": "names", "mean_accuracy/*": 0.8, **SEEN},  # both splits alike
        {
            "data": "names",
            "mean_accuracy/leak-free": 0.5,
            **SEEN,
            "protocols/course/seen/other language/accuracy": 0.85,
        },
    ],
)
def repetition(record: AuditRecord) -> list[Check]:
    _check_course_names(record.data)
    seen = {kind: group.accuracy for kind, group in record.protocols["course"].seen.items()}
    same, new, other = seen["same language"], seen["new"], seen["other language"]
    if same is None or new is None or other is None:
        raise NotRun("no test line is of one kind: repeated, new, or trained with another language")
    accuracy = record.mean_accuracy
    return [
        below("accuracy, leak-free split", accuracy["leak-free"], accuracy["course"]),
        below("course split: accuracy on new names, against repeated lines", new, same),
        below(
            "course split: accuracy on names trained with another language, against new ones",
            other,
            new,
        ),
    ]


@claim(
    "2.above-majority",
    "On both splits the tanh RNN is better than always predicting the most frequent language.",
    source="question 2",
    explanation="The lower end of the 95 % interval is compared instead of the estimate.",
    scope=TRAINED,
    counterexamples=[{"rows/5/correct": 1}],
)
def above_majority(record: AccuracyRecord) -> list[Check]:
    checks = []
    for protocol in PROTOCOLS:
        correct, names = (sum(values(record, RNN, protocol, f)) for f in ("correct", "names"))
        low = wilson_interval(correct, names).low
        checks.append(above(f"{protocol} split, lower end", low, mean(record, MAJORITY, protocol)))
    return checks


@claim(
    "2.temperature",
    "A temperature fitted on held-out training names lowers the negative log-likelihood of new "
    "test names.",
    source=GUO,
    origin="ours",
    explanation="After training a network is overconfident; dividing its logits by one number "
    "corrects most of that and changes no prediction.",
    scope=TRAINED,
    counterexamples=[{"protocols/leak-free/uncalibrated/nll": 0.0}],
)
def temperature(record: AuditRecord) -> list[Check]:
    audited = record.protocols["leak-free"]
    after, before = audited.overall.nll, audited.uncalibrated.nll
    return [below("test NLL with temperature", after, before, unit="nats")]


@claim(
    "2.calibrated",
    "The classifier is calibrated: its calibration error exceeds that of a perfectly calibrated "
    "one by at most 5 percentage points.",
    source=GUO,
    origin="ours",
    explanation="15 equal-width bins of the highest probability. With few test names even perfect "
    "calibration shows an error, by chance; that part is computed and allowed for.",
    scope=TRAINED,
    counterexamples=[
        {
            "protocols/leak-free/overall/calibration_error": 0.083,
            "protocols/leak-free/chance_calibration_error": 0.032,
        }
    ],
)
def calibrated(record: AuditRecord) -> list[Check]:
    return [
        at_most(
            f"calibration error, {protocol} split",
            record.protocols[protocol].overall.calibration_error,
            CALIBRATION_TOLERANCE + record.protocols[protocol].chance_calibration_error,
        )
        for protocol in PROTOCOLS
    ]


def _with_best(factor: float) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Rows with a best recurrent model that is ``factor`` times as good as n-grams."""
    return lambda rows: (
        rows
        + [
            {
                **row,
                "model": BEST,
                "accuracy": factor * row["accuracy"],
                "macro_f1": factor * row["macro_f1"],
            }
            for row in rows
            if row["model"] == NGRAMS
        ]
    )


@claim(
    "2.best-recurrent",
    "On the course's split the best recurrent model has a higher accuracy and macro-F1 than "
    "logistic regression on character n-grams.",
    source="question 2",
    explanation="Its input at each letter includes the n-grams that end there; it reads in both "
    "directions and averages two networks trained together.",
    scope=WITH_BEST,
    counterexamples=[{"data": "names", "rows": _with_best(0.9)}],
)
def best_recurrent(record: AccuracyRecord) -> list[Check]:
    return _above_ngrams(record, "course")


@claim(
    "2.best-unseen",
    "The best recurrent model also has a higher accuracy and macro-F1 than character n-grams on "
    "names whose spelling is in no training line.",
    source="question 2, on the leak-free split",
    documented=Outcome.FAILED,
    explanation="On the course's names the linear model is more accurate here. About twenty "
    "Arabic names, each on about eighteen lines, are a tenth of this test, so the scores vary by "
    "percentage points from seed to seed.",
    scope=WITH_BEST,
    counterexamples=[{"data": "names", "rows": _with_best(1.1)}],
)
def best_unseen(record: AccuracyRecord) -> list[Check]:
    return _above_ngrams(record, "leak-free")


def _above_ngrams(record: AccuracyRecord, protocol: str) -> list[Check]:
    _check_course_names(record.data)
    return [
        above(
            f"{field}, {protocol} split",
            mean(record, BEST, protocol, field),
            mean(record, NGRAMS, protocol, field),
        )
        for field in ("accuracy", "macro_f1")
    ]


def _at_equal_rates(recall: dict[str, Any]) -> dict[str, Any]:
    """Recall of each language as near to a half as its number of names allows."""
    return {label: {**row, "correct": row["count"] // 2} for label, row in recall.items()}


@claim(
    "2a.unequal",
    "The error is unequal: recall differs between languages by more than chance.",
    source="question 2a",
    explanation="A permutation test over all languages: the best and the worst of fifteen always "
    "differ, also where all have the same rate. The average accuracy hides for which languages the "
    "classifier fails.",
    counterexamples=[{"protocols/leak-free/overall/recall": _at_equal_rates}],
)
def unequal(record: AuditRecord) -> list[Check]:
    recalls = record.protocols["leak-free"].overall.recall.values()
    p_value = homogeneity_p_value([row.correct for row in recalls], [row.count for row in recalls])
    return [at_most("p-value of equal recall in all languages", p_value, SIGNIFICANT)]


def _group(low: int, high: int, recall: float) -> dict[str, Any]:
    """A group of languages for a counterexample."""
    return {
        "training_lines": (low, high),
        "languages": [],
        "count": 100,
        "recall": recall,
        "interval": (0.0, 1.0),
    }


@claim(
    "2a.rare-languages",
    "Languages with under 300 training lines are recalled less often than those with at least "
    "1,000.",
    source="question 2a",
    explanation="The classifier learns the base rates of the list of names and, where it is "
    "uncertain, predicts the common languages.",
    scope=AS_IN_THE_COURSE,
    counterexamples=[
        {
            "data": "names",
            "protocols/course/rarity": [
                _group(0, 99, 0.2),
                _group(100, 299, 1.0),
                _group(1000, 10**9, 0.5),
            ],
        }
    ],
)
def rare_languages(record: AuditRecord) -> list[Check]:
    _check_course_names(record.data)
    groups = record.protocols["course"].rarity
    rare = [group for group in groups if group.training_lines[1] < RARE]
    common = [group for group in groups if group.training_lines[0] >= COMMON]
    return [below("recall, rare languages", _pooled(rare), _pooled(common))]


def _pooled(groups: Sequence[RarityGroup]) -> float:
    """Recall of several groups together."""
    total: float = sum(group.count for group in groups)
    correct: float = sum(group.recall * group.count for group in groups)
    return correct / total


def _furthest(record: AuditRecord) -> BaseRateShift:
    """The population whose base rates are furthest from the training names."""
    audited = record.protocols["leak-free"]
    return audited.populations[audited.furthest]


@claim(
    "2a.base-rates",
    "In another population the predictions are biased towards the languages that were common in "
    "training.",
    source="question 2a",
    explanation="Test names are weighted to the other base rates. Counting the predictions would "
    "then measure the training list as much as the population. Of the populations tried, the one "
    "furthest from the training names is judged.",
    counterexamples=[
        {
            "protocols/leak-free/furthest": "uniform",
            "protocols/leak-free/populations/uniform/trained": (0.9, 0.1),
            "protocols/leak-free/populations/uniform/true": (0.5, 0.5),
            "protocols/leak-free/populations/uniform/labels": ("A", "B"),
            "protocols/leak-free/populations/uniform/uncorrected/predicted": (0.4, 0.6),
            "protocols/leak-free/populations/uniform/corrected/predicted": (0.5, 0.5),
        }
    ],
)
def base_rates(record: AuditRecord) -> list[Check]:
    shift = _furthest(record)
    predicted = shift.uncorrected.predicted
    change = [trained - true for trained, true in zip(shift.trained, shift.true, strict=True)]
    error = [share - true for share, true in zip(predicted, shift.true, strict=True)]
    bias = sum(a * b for a, b in zip(change, error, strict=True)) / sum(a * a for a in change)
    return [
        above(
            "projection of the error of the predicted shares on the shift of base rates", bias, 0.0
        )
    ]


@claim(
    "2a.correction",
    "Where the population's base rates are known, re-weighting by Bayes' rule gives more correct "
    "predictions and better probabilities.",
    source="question 2a; Saerens et al. 2002, doi:10.1162/089976602753284446",
    explanation="p'(y | x) is proportional to p(y | x) new(y) / old(y). It requires known base "
    "rates, and it does not make a single prediction reliable.",
    scope=TRAINED,
    counterexamples=[
        {"protocols/leak-free/populations/*/corrected/nll": 99.0},
        {"protocols/leak-free/populations/*/corrected/accuracy": 0.0},
    ],
)
def correction(record: AuditRecord) -> list[Check]:
    shift = _furthest(record)
    before, after = shift.uncorrected, shift.corrected
    return [
        above("accuracy with base rates", after.accuracy, before.accuracy),
        below("NLL with base rates", after.nll, before.nll, unit="nats"),
    ]


def _answered(audited: AuditedModel) -> AbstentionRow:
    """The row in which about 70 % of the names are answered."""
    return min(audited.abstention, key=lambda row: abs(row.coverage - COVERAGE))


@claim(
    "2a.abstain",
    "A classifier that may abstain is correct more often on what it answers.",
    source="question 2a",
    explanation="The accuracy on the most confident 70 % of the names is compared with that on "
    "all of them.",
    scope=TRAINED,
    counterexamples=[{"protocols/leak-free/abstention/*/accuracy": 0.79}],
)
def abstain(record: AuditRecord) -> list[Check]:
    checks = []
    for protocol in PROTOCOLS:
        audited = record.protocols[protocol]
        some = _answered(audited)
        label = f"{protocol} split, accuracy on the most confident {some.coverage:.0%}"
        checks.append(above(label, some.accuracy, audited.abstention[0].accuracy))
    return checks


@claim(
    "2a.silence",
    "Abstaining is unequal too: the share left unanswered differs between languages by more than "
    "chance.",
    source="question 2a",
    explanation="The same test, with the most confident 70 % answered. Confidence is higher for "
    "common languages and regular spellings, so abstention, like error, affects the other "
    "languages most.",
    scope=TRAINED,
    counterexamples=[{"protocols/leak-free/abstention/*/unanswered/*": 0.3}],
)
def silence(record: AuditRecord) -> list[Check]:
    audited = record.protocols["leak-free"]
    counts = {label: row.count for label, row in audited.overall.recall.items()}
    shares = _answered(audited).unanswered
    p_value = homogeneity_p_value(
        [round(share * counts[label]) for label, share in shares.items()],
        [counts[label] for label in shares],
    )
    return [at_most("p-value of equal shares unanswered in all languages", p_value, SIGNIFICANT)]
