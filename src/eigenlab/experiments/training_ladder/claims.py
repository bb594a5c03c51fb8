"""The claims of ``training-ladder``, each above the function that judges it."""

from __future__ import annotations

import math
from itertools import pairwise

from eigenlab.experiments.training_ladder.records import (
    FIRST,
    LAST,
    ClimbRecord,
    PartsRecord,
    RungRecord,
)
from eigenlab.lab import Check, above, applies_to, at_least, at_most, below, claim, close
from eigenlab.statistics import mean_interval, worst

#: Rounding of sums over 10^5 patches, or through nine layers, in float64.
ROUNDING = 1e-9
#: A change that is not rounding.
VISIBLE = 1e-3
TARGET = 0.94
#: The images, networks and trainings of the published ladder.
PUBLISHED = applies_to(
    data={"cifar10"},
    n_train=(50_000, None),
    n_test=(10_000, None),
    width=(64, 64),
    epochs=(0.0, 0.0),
    smaller_batches=(1.0, 1.0),
    n_seeds=(3, None),
)
#: The reduced ladder on generated shapes.
REDUCED = applies_to(
    data={"shapes32"},
    n_train=(2000, 5000),
    n_test=(500, None),
    width=(8, 16),
    epochs=(3.0, 10.0),
    smaller_batches=(16.0, 16.0),
)


@claim(
    "4.whitening",
    "Neighbouring pixels are strongly correlated; the eigenvectors of the patches' covariance, "
    "divided by the roots of its eigenvalues, make them uncorrelated with variance 1.",
    source="question 4; D. Page, How to train your ResNet 8 (2019)",
    explanation="This is PCA whitening of 2 x 2 patches with three colours. As a first layer it "
    "is fixed, so that the network does not spend updates on undoing correlations. In training a "
    "small eps is added to the eigenvalues, so that noise is not amplified.",
    refutes=["eigenvalues without the root", "eigenvectors without scaling"],
    counterexamples=[
        {"whitened": 0.1},
        {"whitened": math.nan},
        {"correlation": 0.2},
    ],
)
def whitening(record: PartsRecord) -> list[Check]:
    return [
        above("largest correlation within patches", record.correlation, 0.5),
        at_most("largest entry of |covariance - 1| after whitening", record.whitened, ROUNDING),
    ]


@claim(
    "4.orthogonalization",
    "A few matrix products replace all singular values of an update by 1, with a derived error.",
    source="question 4; K. Jordan et al., Muon (2024); N. Amsel et al., arXiv:2505.16932",
    explanation="Each iteration applies the odd polynomial of degree 5 that is closest to 1 on the "
    "interval of the singular values, found by Remez's algorithm; the smallest one of the test "
    "matrix is at the end of the interval, where the derived error is attained. The distance to "
    "the polar factor from the singular value decomposition is the same number.",
    refutes=["the coefficients of Muon's first publication", "one iteration fewer"],
    counterexamples=[
        {"errors": lambda errors: [2 * error for error in errors]},
        {"errors/0": 0.1},
        {"polar_distances/-1": 0.5},
        {"bounds/3": math.nan},
    ],
)
def orthogonalization(record: PartsRecord) -> list[Check]:
    gaps = [abs(a - b) for a, b in zip(record.errors, record.bounds, strict=True)]
    distances = [abs(a - b) for a, b in zip(record.polar_distances, record.bounds, strict=True)]
    return [
        at_most("largest |measured - derived error|", worst(gaps), ROUNDING),
        at_most("the same of the distance to the polar factor", worst(distances), ROUNDING),
        above(
            "smallest decrease of the derived error in an iteration",
            -worst([b - a for a, b in pairwise(record.bounds)]),
            0.0,
        ),
    ]


@claim(
    "4.pooling",
    "Max pooling commutes with an increasing activation, so that pooling first saves work for "
    "nothing; pooling before batch norm is another network.",
    source="question 4; D. Page, How to train your ResNet 8 (2019)",
    explanation="max(f(a), f(b)) = f(max(a, b)) for increasing f. Batch norm divides by statistics "
    "of all pixels or of the largest of each four, which differ.",
    refutes=["the mean for the maximum"],
    counterexamples=[
        {"pooled_before_activation": 0.01},
        {"pooled_before_norm": 0.0},
    ],
)
def pooling(record: PartsRecord) -> list[Check]:
    return [
        at_most(
            "change of logits, pooling before the activation",
            record.pooled_before_activation,
            ROUNDING,
        ),
        above("the same, before batch norm", record.pooled_before_norm, VISIBLE),
    ]


@claim(
    "4.alternating-flips",
    "Two epochs of alternating flips show every image both ways; of random flips, half of them.",
    source="question 4; K. Jordan, arXiv:2404.00498",
    explanation="With random flips an image is shown the same way twice with probability 1/2. The "
    "number of the others is binomial; it is judged within five standard deviations.",
    refutes=["the same flips in every epoch"],
    counterexamples=[
        {"both_ways_alternating": 0.99},
        {"both_ways_random": 0.9},
        {"both_ways_random": math.nan},
    ],
)
def alternating_flips(record: PartsRecord) -> list[Check]:
    spread = 5 * 0.5 / math.sqrt(record.flipped_images)
    return [
        close(
            "share shown both ways, alternating", record.both_ways_alternating, 1.0, tolerance=0.0
        ),
        close("the same, random", record.both_ways_random, 0.5, tolerance=spread),
    ]


@claim(
    "4.mirrored",
    "The mean over an image and its mirror image does not depend on which of the two is given.",
    source="question 4; D. Page, How to train your ResNet 8 (2019)",
    explanation="The symmetry is exact, for any network, and each image is judged by itself. "
    "Methods that look at other test images first, such as ranking them by confidence, are "
    "transductive, and are not used here.",
    refutes=["images upside down"],
    counterexamples=[{"mirrored": 0.1}, {"mirrored_alone": 0.0}],
)
def mirrored(record: PartsRecord) -> list[Check]:
    return [
        at_most("change of the mean logits", record.mirrored, ROUNDING),
        above("change of the logits of one image", record.mirrored_alone, VISIBLE),
    ]


@claim(
    "4.fewer-operations",
    "The top of the ladder needs less than a fifteenth of the operations of its foot.",
    source="question 4; counted from the published networks and epochs",
    explanation="Multiplications and additions of convolutions and linear layers, forward and "
    "backward, at the published widths, image sizes and numbers of epochs. By hand: the ResNet-18 "
    "has 460 million multiply-adds an image and 35 epochs, SpeedNet 118 million and 8. Published "
    "times fell by a further factor through faster devices and kernels.",
    refutes=["a multiplication and an addition counted as one"],
    counterexamples=[{f"operations/{LAST}": 1e15}, {f"operations/{FIRST}": math.nan}],
)
def fewer_operations(record: PartsRecord) -> list[Check]:
    # 3 x 3 convolutions of the four stages, 1 x 1 shortcuts, first and last layer.
    stages = 4 * 64**2 * 32**2 + (64 * 128 + 3 * 128**2) * 16**2 + (128 * 256 + 3 * 256**2) * 8**2
    shortcuts = 64 * 128 * 16**2 + 128 * 256 * 8**2 + 256**2 * 4**2
    multiply_adds = 9 * (stages + 4 * 256**2 * 4**2 + 3 * 64 * 32**2) + shortcuts + 5120
    # Two operations for a multiply-add, three passes, epochs, images.
    by_hand = 2 * 3 * 35 * 50_000 * multiply_adds
    first = record.operations[FIRST]
    return [
        close(
            "operations at the foot, relative to the count by hand",
            first / by_hand,
            1.0,
            tolerance=1e-9,
        ),
        below("operations, top relative to foot", record.operations[LAST] / first, 1 / 15),
    ]


@claim(
    "4.94-percent",
    "The recipe at the top reaches 94 % on CIFAR-10 on average.",
    source="question 4; K. Jordan, airbench94_muon.py: 94.01 %, 200 runs",
    explanation="The mean over the seeds, with mirrored and moved test images, each by itself.",
    scope=PUBLISHED,
    counterexamples=[{"rungs/-1/accuracy": [0.93]}, {"rungs/-1/accuracy": [math.nan]}],
)
def ninety_four(record: ClimbRecord) -> list[Check]:
    found = mean_interval(rung(record, LAST).accuracy)
    return [at_least("mean accuracy", found.estimate, TARGET)]


@claim(
    "4.better-with-less",
    "After as many images, and with fewer operations, the top of the ladder is more accurate than "
    "its foot.",
    source="question 4, applied to a short training on generated shapes",
    explanation="In a training that is cut short, what counts is how fast a network learns. "
    "Accuracies are compared seed by seed. Learning rates of SGD are the published ones per image.",
    scope=REDUCED,
    counterexamples=[
        {"rungs/-1/accuracy": [-1.0]},
        {"rungs/-1/operations": 1e20},
        {"rungs/0/accuracy": [math.nan]},
    ],
)
def better_with_less(record: ClimbRecord) -> list[Check]:
    first, last = rung(record, FIRST), rung(record, LAST)
    gains = [b - a for a, b in zip(first.accuracy, last.accuracy, strict=True)]
    return [
        above("smallest gain of accuracy over the seeds", -worst([-gain for gain in gains]), 0.0),
        below("operations, top relative to foot", last.operations / first.operations, 1.0),
    ]


def rung(record: ClimbRecord, name: str) -> RungRecord:
    """The record of a rung."""
    return next(each for each in record.rungs if each.name == name)
