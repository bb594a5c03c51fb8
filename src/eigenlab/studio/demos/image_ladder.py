"""Train rungs of the ladder of question 4 on generated shapes, and look into the networks."""

from __future__ import annotations

from pathlib import Path

from eigenlab.experiments.training_ladder.records import LANDMARKS
from eigenlab.report import command_for
from eigenlab.statistics import Interval, newcombe_interval, wilson_interval
from eigenlab.studio.demos.demo import Demo, Example, Goal, Preparation, View
from eigenlab.studio.demos.image_ladder_figures import panels_of
from eigenlab.studio.demos.image_ladder_network import (
    AUGMENTATIONS,
    RUNGS,
    TEST_IMAGES,
    TRAINED_ON,
    ImageLadderSettings,
    Trained,
    all_results,
    experiment_config,
    images_of,
    load_trained,
    prepare,
)
from eigenlab.vision import Judgement
from eigenlab.vision.shapes import SHAPES

FIRST, NINE, WHITE, TOP = LANDMARKS
#: Of the goals: few images, the accuracy to reach with them, and the gain by augmentation.
FEW, ACCURATE, GAIN = 1000, 0.95, 0.06


def draw(settings: ImageLadderSettings, folder: Path) -> View:
    """Show how the rung was trained, how well it classifies, and what it has learned.

    Args:
        settings: those of the training, and the test-time augmentation.
        folder: where :func:`prepare` has stored the network.
    """
    trained, test = load_trained(folder, settings.rung), images_of(settings.seed)
    judged = {tta: Judgement(trained.logits[tta], test.labels) for tta in AUGMENTATIONS}
    numbers = {
        "accuracy": judged[settings.tta].accuracy,
        "plain_accuracy": judged["none"].accuracy,
        "loss": trained.result["losses"][1][-1],
        "gflop": trained.result["gflop"],
    }
    return View(
        sentence=_sentence(settings, trained, judged, numbers),
        panels=panels_of(settings, trained, all_results(folder), judged[settings.tta], test),
        numbers=numbers,
        goals=_goals(settings, judged, numbers),
        python=_python(settings),
        command=command_for("training-ladder", experiment_config(settings)),
    )


def _sentence(
    settings: ImageLadderSettings,
    trained: Trained,
    judged: dict[str, Judgement],
    numbers: dict[str, float],
) -> str:
    found = judged[settings.tta]
    right = int((found.logits.argmax(1) == found.labels).sum())
    interval = wilson_interval(right, len(found.labels))
    seconds, updates = trained.result["seconds"], trained.result["losses"][0][-1]
    place = list(RUNGS).index(settings.rung) + 1
    guessing = "no better than guessing" if interval.low <= 0.1 else "guessing: 10%"
    text = (
        f"Rung {place} of {len(RUNGS)}, {settings.rung}: after {seconds:.2g} seconds, {updates:,} "
        f"update{'s' * (updates > 1)} and {numbers['gflop']:.3g} GFLOP of training it classifies "
        f"{found.accuracy:.1%} of {len(found.labels)} test images correctly (95% interval "
        f"{interval.low:.0%} to {interval.high:.0%}; {guessing}). "
    )
    if right < len(found.labels):
        text += f"{_worst(found)} "
    if settings.tta != "none":
        text += _augmented(judged["none"], found)
    return text.strip()


def _worst(found: Judgement) -> str:
    """The confusion that is most frequent."""
    table = found.confusion().fill_diagonal_(0)
    row, column = divmod(int(table.argmax()), len(table))
    names, verb = tuple(SHAPES), "is" if table[row, column] == 1 else "are"
    return (
        f"Its most frequent error: {int(table[row, column])} of "
        f"{int((found.labels == row).sum())} images of class {names[row]} {verb} taken for "
        f"{names[column]}."
    )


def _augmented(plain: Judgement, found: Judgement) -> str:
    """What test-time augmentation changes, on the same images."""
    gained, lost, interval = _gain(plain, found)
    known = "" if interval.low > 0 or interval.high < 0 else ", which may be chance"
    return (
        f"The augmentation corrects {gained} image{'s' * (gained != 1)} and spoils {lost}: "
        f"{100 * interval.estimate:+.1f} percentage points{known}."
    )


def _gain(plain: Judgement, found: Judgement) -> tuple[int, int, Interval]:
    """Images that the second classifies correctly and the first does not, the reverse, and the
    difference of the two accuracies."""
    before, after = (each.logits.argmax(1) == each.labels for each in (plain, found))
    both, gained, lost = (
        int(chosen.sum()) for chosen in (before & after, after & ~before, before & ~after)
    )
    neither = len(before) - both - gained - lost
    return gained, lost, newcombe_interval(both, gained, lost, neither)


def _goals(
    settings: ImageLadderSettings, judged: dict[str, Judgement], numbers: dict[str, float]
) -> tuple[Goal, ...]:
    gain = _gain(judged["none"], judged[settings.tta])[2]
    return (
        Goal(
            f"Classify {ACCURATE:.0%} of the test images after training on {FEW:,} images or "
            "fewer.",
            settings.images <= FEW and numbers["accuracy"] >= ACCURATE,
            f"now {numbers['accuracy']:.0%}, with {settings.images:,} images",
        ),
        Goal(
            f"Find a network that test-time augmentation improves by {100 * GAIN:g} percentage "
            "points or more, by more than chance (a 95% interval above 0).",
            gain.estimate >= GAIN and gain.low > 0,
            f"now {100 * gain.estimate:+.1f} points"
            if settings.tta != "none"
            else "now without it",
        ),
    )


def _python(settings: ImageLadderSettings) -> str:
    return (
        "from eigenlab.experiments.training_ladder.config import TrainingLadderConfig\n"
        "from eigenlab.experiments.training_ladder.measure import operations, reduced\n"
        "from eigenlab.training import derive_seed\n"
        "from eigenlab.vision import ladder, shapes32, train_cifar10\n\n"
        "# Narrow networks and small batches, as in the experiment.\n"
        f"config = TrainingLadderConfig(n_train={settings.images}, epochs={settings.epochs})\n"
        f'rung = next(rung for rung in ladder() if rung.name == "{settings.rung}")\n'
        f'recipe = reduced(rung.recipe, config).replaced(tta="{settings.tta}")\n'
        "found = train_cifar10(\n"
        "    recipe,\n"
        f'    shapes32({settings.images}, seed=derive_seed({settings.seed}, "train")),\n'
        f'    shapes32({TEST_IMAGES}, seed=derive_seed({settings.seed}, "test")),\n'
        f'    seed=derive_seed({settings.seed}, "training", 0),\n'
        ")\n"
        "accuracy, plain_accuracy = found.accuracy, found.plain_accuracy\n"
        "loss = found.history.losses[-1][1]\n"
        "gflop = operations(recipe) * found.n_seen / 1e9\n"
        'print(f"{accuracy:.1%} in {found.training_seconds:.2g} s")\n'
    )


DEMO = Demo(
    name="image-ladder",
    title="The ladder of fast image classifiers",
    questions=("4",),
    summary="Train any rung of the ladder from ResNet-18 to SpeedNet on generated shapes, and see "
    "how fast it learns, what its first layer looks for, and which images it confuses.",
    settings=ImageLadderSettings,
    draw=draw,
    preparation=Preparation("Train the network", TRAINED_ON, minutes=0.3, make=prepare),
    examples=(
        Example(
            "1. Nine layers",
            {},
            "The network of D. Page's ladder, narrow enough for a CPU. A few passes over 2,000 "
            "images are too few for it. The first filters hardly show a pattern.",
        ),
        Example(
            "2. Whitened patches",
            {"rung": WHITE},
            "Six rungs up, nearly the same network: its first layer is computed from the images "
            "before the training. Compare the two accuracies below.",
        ),
        Example(
            "3. The top of the ladder",
            {"rung": TOP},
            "A smaller network, whose convolutions begin as the identity and are trained with "
            "orthogonalised momentum: more accurate after fewer updates.",
        ),
        Example(
            "4. Several looks at each image",
            {"rung": TOP, "images": 1000, "tta": "translate"},
            "With half the images the network is less sure. The mean over mirrored and moved "
            "copies of each test image costs no training; switch it off and on.",
        ),
        Example(
            "5. Where it began",
            {"rung": FIRST, "images": 1000},
            "ResNet-18, with the smallest batches. On half the images it takes about as long as "
            "the ResNet-9 on all of them, and hardly does better than guessing.",
        ),
    ),
)
