"""What the stages of ``surnames`` measure.

The protocols are ``course``, a random split of the lines, and ``leak-free``, where no spelling is
in both parts. Sizes: N test names, C languages of the classifier, L languages, B bins, T
thresholds, E epochs.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured

#: The models that are compared, as rows name them.
RNN, BEST, NGRAMS, MAJORITY = "tanh RNN", "best recurrent", "character n-grams", "majority"
#: How lines are split.
PROTOCOLS = ("course", "leak-free")
#: Lower and upper bound of a 95 % Wilson interval.
Bounds = tuple[float, float]
#: An estimate with the bounds of its 95 % interval. Lines of one spelling are one observation.
Estimate = tuple[float, float, float]

# ------------------------------------------------------------------------------------- data


class LanguageLines(Record):
    """Lines of one language."""

    lines: int = measured("Number of lines.")
    distinct: int = measured("Number of different names on them.")


class DataRecord(Record):
    """Sizes, base rates, ambiguity and overlap of the lines that are used."""

    data: str = measured("Dataset.")
    lines: int = measured("Number of lines.")
    distinct_names: int = measured("Number of different names.")
    languages: dict[str, LanguageLines] = measured("Language -> numbers of its lines.")
    majority: float = measured("Share of the most frequent language.")
    test_lines: dict[str, int] = measured("Protocol -> number of test lines.")
    test_lines_seen_in_training: dict[str, int] = measured(
        "Protocol -> number of test lines whose spelling is also in training."
    )
    ambiguity_ceiling: dict[str, float] = measured(
        "Protocol -> highest accuracy of any function from spelling to language on the test lines."
    )


# --------------------------------------------------------------------------------- accuracy


class Reliability(Record):
    """A reliability diagram: confidence and accuracy in equal-width bins that are not empty."""

    calibration_error: float = measured("Expected calibration error.")
    bins: int = measured("Number of bins, including empty ones.")
    count: Integers = measured("Names in each bin.", unit="names", shape="B")
    confidence: Vector = measured("Mean highest probability.", shape="B")
    accuracy: Vector = measured("Share of correct predictions.", shape="B")
    interval: tuple[Bounds, ...] = measured("95 % interval of the accuracy.", shape="B, 2")


class Uncalibrated(Record):
    """The classifier with temperature 1."""

    nll: float = measured("Mean negative log-likelihood of the test names.", unit="nats")
    reliability: Reliability = measured("Its reliability diagram.")


class ModelScores(Record):
    """One trained model on the test names of one split."""

    protocol: str = measured("Protocol by which lines were split.")
    model: str = measured("Kind of model.")
    seed: int = measured("Random seed of the split, the weights and the batches.")
    names: int = measured("Test names.", unit="names")
    correct: int = measured("Correct predictions.", unit="names")
    accuracy: float = measured("Share of correct predictions.")
    macro_f1: float = measured("Unweighted mean over languages of F1.")
    nll: float = measured("Mean negative log-likelihood.", unit="nats")
    calibration_error: float = measured("Expected calibration error.")
    training_seconds: float = measured("Duration of fitting.", unit="s")


class HeldOut(Record):
    """The training names on which a temperature is fitted."""

    logits: Matrix = measured("Logarithms of the probabilities at temperature 1.", shape="H, C")
    true: Integers = measured("Number of the language of each.", shape="H")
    also_trained: int = measured("Number whose spelling the network was trained on.", unit="names")
    also_tested: int = measured("Number whose spelling is among the test names.", unit="names")


class Membership(Record):
    """An attack that tells names of the training from others by the probability of the language.

    Each spelling of a language counts once. Held-out names, on which the network was not trained
    either, stand in for those of the training in ``baseline``.
    """

    trained: int = measured("Names that the network was trained on.", unit="names")
    unseen: int = measured("Test names that are not among them.", unit="names")
    auc: Estimate = measured("Area under the ROC curve, trained against unseen names.")
    baseline: Estimate = measured("Area under the ROC curve, held-out against unseen names.")


class Predictions(Record):
    """What a trained tanh RNN predicts for the test names, in the order of the split."""

    classes: tuple[str, ...] = measured("Languages of the columns.", shape="C")
    probabilities: Matrix = measured("Calibrated probabilities.", shape="N, C")
    true: Integers = measured("Number of the language of each test line.", shape="N")
    spelling: Integers = measured("Number of the spelling of each test line.", shape="N")
    trained: Integers = measured("Training lines of each language.", unit="lines", shape="C")
    held_out: HeldOut = measured("The names on which the temperature was fitted.")
    membership: Membership = measured("Whether the network reveals its training names.")
    temperature: float = measured("Temperature fitted on held-out training names.")
    uncalibrated: Uncalibrated = measured("The same model without this temperature.")
    learning_curve: Vector = measured("Test accuracy after each epoch.", shape="E")


class FinishedTraining(Record):
    """One finished training."""

    scores: ModelScores = measured("Scores on the test names.")
    answers: tuple[str, ...] = measured("Predicted language of each test line.", shape="N")
    predictions: Predictions | None = measured(
        "Predictions, if it is the tanh RNN of the first seed."
    )


class AboveMajority(Record):
    """The tanh RNN compared with the most frequent training language on the same test lines."""

    protocol: str = measured("Protocol by which lines were split.")
    seed: int = measured("Random seed of the split and the training.")
    majority: float = measured("Share of the test lines in the most frequent training language.")
    gain: Estimate = measured("Accuracy of the tanh RNN, minus that of the majority model.")


class Repetition(Record):
    """Differences in accuracy of the tanh RNN of the first seed."""

    splits: Estimate = measured("Course's split minus leak-free split.")
    repeated: Estimate | None = measured(
        "Course's split: lines trained with the same language minus new spellings; None if a kind "
        "has no lines."
    )
    misled: Estimate | None = measured(
        "Course's split: new spellings minus spellings trained with another language only; None "
        "if a kind has no lines."
    )


class AccuracyRecord(Record):
    """Every model on both protocols, for every seed."""

    data: str = measured("Dataset.")
    seeds: Integers = measured("Random seeds of the splits and the trainings.")
    epochs: int = measured("Passes of the tanh RNN over the training names.", unit="epochs")
    rows: tuple[ModelScores, ...] = measured("Scores, one per seed, protocol and model.")
    above_majority: tuple[AboveMajority, ...] = measured(
        "Comparison with the majority model, one per seed and protocol."
    )
    predictions: dict[str, Predictions] = measured(
        "Protocol -> predictions of the tanh RNN of the first seed."
    )


# ------------------------------------------------------------------------------------ audit


class LanguageRecall(Record):
    """How the names of one language were classified."""

    count: int = measured("Test names of the language.", unit="names")
    correct: int = measured("Number of these classified correctly.", unit="names")
    recall: float | None = measured(
        "Share of these classified correctly; None if there are no test names."
    )
    precision: float | None = measured(
        "Share of correct predictions among the predictions of the language; None if there are "
        "none."
    )
    interval: Bounds = measured("95 % interval of the recall.")


class CoverageCurve(Record):
    """Accuracy on the most confident names."""

    coverage: Vector = measured("Share of names answered.", shape="T")
    accuracy: Vector = measured("Share of correct predictions among them.", shape="T")
    threshold: Vector = measured("Confidence from which on names are answered.", shape="T")


class Evaluation(Record):
    """All test names together; see :func:`eigenlab.names.evaluate`."""

    names: int = measured("Test names.", unit="names")
    accuracy: float = measured("Share of correct predictions.")
    interval: Bounds = measured("95 % interval of the accuracy.")
    macro_f1: float = measured("Unweighted mean over languages of F1.")
    nll: float = measured("Mean negative log-likelihood.", unit="nats")
    calibration_error: float = measured("Expected calibration error.")
    reliability: Reliability = measured("Reliability diagram.")
    coverage: CoverageCurve = measured("Accuracy-coverage curve.")
    recall: dict[str, LanguageRecall] = measured("Language -> its recall.")
    labels: tuple[str, ...] = measured("Languages of the confusion matrix.", shape="L")
    confusion: tuple[Integers, ...] = measured(
        "Test names by true and predicted language.", unit="names", shape="L, L"
    )


class RarityGroup(Record):
    """Languages with a similar number of training lines."""

    training_lines: tuple[int, int] = measured("Fewest and most lines of the group.")
    languages: tuple[str, ...] = measured("Languages of the group.")
    count: int = measured("Test names of these languages.", unit="names")
    recall: float = measured("Share of these classified correctly.")
    interval: Bounds = measured("95 % interval of the recall.")


class FamiliarityGroup(Record):
    """Test lines by whether their spelling is in training."""

    count: int = measured("Test lines.")
    accuracy: float | None = measured("Share of correct predictions; None if there are no lines.")
    interval: Bounds = measured("95 % interval of the accuracy.")


class Confusion(Record):
    """One frequent error."""

    true: str = measured("True language.")
    predicted: str = measured("Predicted language.")
    count: int = measured("Test names.", unit="names")
    share: float = measured("Share of the true language's test names.")


class WeightedScores(Record):
    """Predictions in a population, test names weighted to its base rates."""

    accuracy: float = measured("Weighted share of correct predictions.")
    nll: float = measured("Weighted mean negative log-likelihood.", unit="nats")
    predicted: Vector = measured("Share of the predictions of each language.", shape="C")


class ShiftGain(Record):
    """What re-weighting by Bayes' rule gains."""

    accuracy: Estimate = measured("Accuracy corrected minus uncorrected.")
    nll: Estimate = measured("NLL uncorrected minus corrected.", unit="nats")


class BaseRateShift(Record):
    """The classifier in a population with other base rates."""

    labels: tuple[str, ...] = measured("Languages.", shape="C")
    trained: Vector = measured("Base rates of the training names.", shape="C")
    true: Vector = measured("Base rates of the population.", shape="C")
    distance: float = measured("Total variation distance between these base rates.")
    gain: ShiftGain = measured(
        "What the correction gains, mean over populations in which the same shares belong to other "
        "languages: each cyclic shift of ``true``."
    )
    uncorrected: WeightedScores = measured("Scores of the probabilities as trained.")
    corrected: WeightedScores = measured("Scores of the probabilities re-weighted by Bayes' rule.")


class AbstentionRow(Record):
    """Only the most confident names are answered."""

    threshold: float = measured("Confidence from which on names are answered.")
    coverage: float = measured("Share of names answered.")
    accuracy: float = measured("Share of correct predictions among them.")
    unanswered: dict[str, float] = measured("Language -> share of its names left unanswered.")
    silent: dict[str, int] = measured("Language -> different names left unanswered.", unit="names")
    gain: Estimate = measured(
        "Accuracy on the names answered minus that on the others; 0 where all are answered."
    )


class AuditedModel(Record):
    """A tanh RNN, audited on the test names of one protocol."""

    intended_use: str = measured("Intended use of the classifier.")
    training: dict[str, int] = measured("Language -> training lines.")
    overall: Evaluation = measured("Scores on all test names.")
    distinct: tuple[Integers, ...] = measured(
        "Different test names by true and predicted language; a spelling counts once for each "
        "language, in the order of the labels of ``overall``.",
        unit="names",
        shape="L, L",
    )
    information: Estimate = measured(
        "Information of a name on its language: mean logarithm of the probability of the true "
        "language over its share of the training lines.",
        unit="bits",
    )
    nll_saved: Estimate = measured("NLL at temperature 1 minus that with it.", unit="nats")
    membership: Membership = measured("Whether the network reveals its training names.")
    held_out: HeldOut = measured("The names on which the temperature was fitted.")
    common_minus_rare: Estimate | None = measured(
        "Recall of languages with at least 1,000 training lines minus that of those with under "
        "300; None if there are none."
    )
    rarity: tuple[RarityGroup, ...] = measured(
        "Recall of languages grouped by number of training lines."
    )
    seen: dict[str, FamiliarityGroup] = measured(
        "Kind of spelling -> scores of its lines: in training with the same language, with "
        "another, or new."
    )
    confusions: tuple[Confusion, ...] = measured("The most frequent errors.")
    populations: dict[str, BaseRateShift] = measured(
        "Population -> scores of the classifier in it: all languages equally common (uniform), or "
        "the k-th language in backward alphabetical order with a share in proportion to 1/k "
        "(zipf)."
    )
    furthest: str = measured("Population whose base rates are furthest from those of training.")
    abstention: tuple[AbstentionRow, ...] = measured("Scores by share of names answered.")
    temperature: float = measured("Temperature fitted on held-out training names.")
    uncalibrated: Uncalibrated = measured("The same classifier with temperature 1.")
    chance_calibration_error: float = measured(
        "Expected calibration error that perfect calibration would show by chance."
    )
    learning_curve: Vector = measured("Test accuracy after each epoch.", shape="E")


class AuditRecord(Record):
    """The tanh RNN of the first seed in detail."""

    data: str = measured("Dataset.")
    seeds: Integers = measured("Random seed of the split and the training.")
    repetition: Repetition = measured("What repeated names add to the accuracy.")
    protocols: dict[str, AuditedModel] = measured("Protocol -> audit.")
