"""The claims of ``teacher-forcing``, each above the function that judges it."""

from __future__ import annotations

import math

from eigenlab.experiments.teacher_forcing.records import (
    SCHEDULED,
    TEACHER,
    InputsRecord,
    TrainedRecord,
    Training,
)
from eigenlab.lab import Check, above, applies_to, at_most, below, claim, close
from eigenlab.statistics import mean_interval, worst

#: What the text writes below the decoder.
FORCED = ("<sos>", "I", "see", "a", "dog")
FREE = ("<sos>", "I", "saw", "a", "dog")
#: Rounding of logits of order 1 in float64, sums of 16 products.
ROUNDING = 1e-13
#: Any dependence moves a logit by much more than rounding.
MOVED = 1e-6
#: Trainings that learn enough for their errors to be exceptions, on enough held-out sentences.
TRAINED = applies_to(
    hidden_size=(64, 512),
    n_pairs=(8000, None),
    n_test=(500, None),
    max_tokens=(6, 12),
    epochs=(5, 40),
    batch_size=(32, 128),
    learning_rate=(1e-2, 3e-2),
    n_seeds=(3, None),
    cell={"gru", "lstm"},
)


@claim(
    "7b.inputs",
    "In training the decoder is fed <sos> I see a dog: the target, shifted by one.",
    source="question 7b",
    explanation="Each step is fed the right word before it, also where the decoder would have "
    "written another one. The function is judged on the words, and on a batch of indices in which "
    "a longer sentence makes padding necessary.",
    refutes=["the target without the shift", "shifted twice"],
    counterexamples=[
        {"forced": ["I", "see", "a", "dog", "<eos>"]},
        {"forced": ["<sos>", "I", "saw", "a", "dog"]},
        {"forced_in_batch": ["<sos>", "I", "see", "a", "<pad>"]},
    ],
)
def forced_inputs(record: InputsRecord) -> list[Check]:
    return [
        _differing("words that differ from the text's", record.forced, FORCED),
        _differing("the same in a padded batch", record.forced_in_batch, FORCED),
    ]


@claim(
    "7c.inputs",
    "After emitting I saw a dog, the decoder was fed <sos> I saw a dog: its own words, shifted.",
    source="question 7c",
    explanation="The shift is the same as in training; what is shifted is not the target but what "
    "was emitted, by sampling or by taking the most probable word.",
    refutes=["shifted twice", "no start symbol"],
    counterexamples=[
        {"free": ["<sos>", "I", "see", "a", "dog"]},
        {"free": ["I", "saw", "a", "dog", "<eos>"]},
        {"free_in_batch": ["<sos>", "<sos>", "I", "saw", "a"]},
    ],
)
def free_inputs(record: InputsRecord) -> list[Check]:
    return [
        _differing("words that differ from the text's", record.free, FREE),
        _differing("the same in a padded batch", record.free_in_batch, FREE),
    ]


def _differing(label: str, found: tuple[str, ...], expected: tuple[str, ...]) -> Check:
    places = sum(a != b for a, b in zip(found, expected, strict=False))
    return at_most(label, places + abs(len(found) - len(expected)), 0, unit="words")


@claim(
    "7b.shifted",
    "Under teacher forcing the prediction of word s depends on the target's words before s, and "
    "on none from s on.",
    source="question 7b, applied to the dependence of each step",
    explanation="Without the shift, a decoder would be shown the word that it is to predict, and "
    "would learn to copy it. Each word of the target is replaced in turn: the logits of the steps "
    "up to its own do not change in a single bit, and all later ones change.",
    refutes=["the target without the shift"],
    counterexamples=[
        {"changes/1/1": 0.1},
        {"changes/0/3": 0.0},
        {"changes/2/1": 1e-16},
    ],
)
def shifted(record: InputsRecord) -> list[Check]:
    size = len(record.target)
    changed = [(t, s, record.changes[t][s]) for t in range(size) for s in range(size)]
    return [
        at_most(
            "change of a step by a word that comes with it or later",
            worst([value for t, s, value in changed if s <= t]),
            0.0,
        ),
        above(
            "smallest change of a step by an earlier word",
            -worst([-value for t, s, value in changed if s > t]),
            MOVED,
        ),
    ]


@claim(
    "7b.one-pass",
    "Because all inputs are known in advance, training predicts every step in one pass, with the "
    "same logits as feeding one word after another.",
    source="question 7b",
    explanation="This is why teacher forcing is fast. A decoder that is fed its own words has to "
    "write one before it can go on.",
    refutes=["a state that is not carried over"],
    counterexamples=[{"one_pass": 1e-9}],
)
def one_pass(record: InputsRecord) -> list[Check]:
    return [at_most("largest difference of a logit", record.one_pass, ROUNDING)]


@claim(
    "7c.first-error",
    "Up to its first wrong word a decoder is fed the same in both ways, and makes the same "
    "predictions; so both ways have the same share of perfect sentences.",
    source="questions 7b and 7c, by induction over the steps",
    explanation="The first input is <sos>. As long as the most probable word is the target's, the "
    "next input is the same, too. All that teacher forcing hides happens after the first error. "
    "The share of perfect sentences is measured a second time by writing every translation and "
    "comparing the strings.",
    refutes=["free running that is fed other words"],
    counterexamples=[
        {"runs/0/first_errors_differ": 1},
        {"runs/1/exact_match": lambda share: share + 0.001},
    ],
)
def first_error(record: TrainedRecord) -> list[Check]:
    return [
        at_most(
            "sentences that differ up to the first wrong word, all trainings",
            sum(run.first_errors_differ for run in record.runs),
            0,
            unit="sentences",
        ),
        close(
            "perfect sentences: largest difference between the two counts",
            worst([abs(run.exact_match - run.forced_exact) for run in record.runs]),
            0.0,
            tolerance=1e-12,
        ),
    ]


@claim(
    "7c.gap",
    "After its first wrong word, a decoder trained by teacher forcing is right less often when it "
    "is fed its own words than when it is fed the target.",
    source="S. Bengio et al., 2015, arXiv:1506.03099; M. Ranzato et al., 2016, arXiv:1511.06732",
    origin="ours",
    explanation="The same tokens of the same sentences are compared. In training the decoder has "
    "never seen a wrong word before it, and a word that does not fit also shifts the rest of the "
    "sentence. This is the exposure gap; accuracies measured under teacher forcing do not show it.",
    scope=TRAINED,
    counterexamples=[
        {"runs/*/after/free_accuracy": [0.99]},
        {"runs/0/after/forced_accuracy": [math.nan]},
    ],
)
def gap(record: TrainedRecord) -> list[Check]:
    found = mean_interval(gaps(record, TEACHER))
    label = "accuracy after the first error, forced minus free, 95 % lower end"
    return [above(label, found.low, 0.0)]


@claim(
    "7c.overstated",
    "BLEU of the words predicted under teacher forcing overstates the quality of the translations.",
    source="question 7c, applied to how translators are measured",
    explanation="Some tutorials compute BLEU, or accuracy, from one pass over the target. Such a "
    "number belongs to a decoder that is told the right word after each error.",
    scope=TRAINED,
    counterexamples=[{"runs/*/forced_bleu": 0.0}],
)
def overstated(record: TrainedRecord) -> list[Check]:
    found = mean_interval([run.forced_bleu - run.bleu for run in runs(record, TEACHER)])
    label = "BLEU under teacher forcing minus BLEU of the translations, 95 % lower end"
    return [above(label, found.low, 0.0, unit="points")]


@claim(
    "7c.scheduled-sampling",
    "Scheduled sampling narrows the exposure gap of the loss.",
    source="S. Bengio et al., 2015, arXiv:1506.03099",
    origin="ours",
    explanation="Token by token, the decoder is fed the target or the most probable word, with a "
    "probability that moves from the one to the other during training. Weights, batches and the "
    "number of updates are those of teacher forcing, seed by seed. Behind its own errors the "
    "decoder has learned to be less sure, which -log p of the right words rewards. Whether it is "
    "right more often is another question, which three seeds do not decide.",
    scope=TRAINED,
    counterexamples=[
        {"runs/*/everywhere/free_loss": [3.0], "runs/*/everywhere/forced_loss": [1.0]},
        {"runs/1/everywhere/free_loss": [math.nan]},
    ],
)
def scheduled_sampling(record: TrainedRecord) -> list[Check]:
    pairs = zip(_loss_gaps(record, TEACHER), _loss_gaps(record, SCHEDULED), strict=True)
    found = mean_interval([scheduled - teacher for teacher, scheduled in pairs])
    label = "gap with scheduled sampling minus gap with teacher forcing, 95 % upper end"
    return [below(label, found.high, 0.0, unit="nats per token")]


def runs(record: TrainedRecord, fed: str) -> list[Training]:
    """The trainings of one kind, in the order of the seeds."""
    return [run for run in record.runs if run.fed == fed]


def gaps(record: TrainedRecord, fed: str) -> list[float]:
    """Accuracy after the first error, forced minus free, in the order of the seeds."""
    return [run.after.forced_accuracy[0] - run.after.free_accuracy[0] for run in runs(record, fed)]


def _loss_gaps(record: TrainedRecord, fed: str) -> list[float]:
    """-log p of all tokens, free-running minus forced."""
    return [
        run.everywhere.free_loss[0] - run.everywhere.forced_loss[0] for run in runs(record, fed)
    ]
