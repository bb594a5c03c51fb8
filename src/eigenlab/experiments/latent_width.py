"""Question 3a: what the width of a bottleneck does to reconstruction and to a probe."""

from __future__ import annotations

from typing import Any, ClassVar

from eigenlab.experiments import _latent_width_figures as figures
from eigenlab.experiments import _latent_width_measurements as measurements
from eigenlab.lab import Claim, Config, Experiment, Figure, Stage, Table, setting


class LatentWidthConfig(Config):
    """How much data, how long to train and to probe, how often to repeat."""

    n_samples: int = setting(
        20_000, "Samples: 70 % to train, 20 % to validate, 10 % to test.", ge=100, le=1_000_000
    )
    epochs: int = setting(10, "Passes over the training samples.", unit="epochs", ge=1, le=1000)
    probe_epochs: int = setting(
        50, "Passes of each probe over the features.", unit="epochs", ge=1, le=1000
    )
    n_seeds: int = setting(3, "Repetitions with other weights and noise.", ge=1, le=50)
    probe_every_epoch: bool = setting(
        False, "Probe after every epoch, not only after the first ones, half and all of them."
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"epochs": 4, "n_seeds": 1},
        "course": {},
        "full": {"n_seeds": 10, "probe_every_epoch": True},
    }


EXPERIMENT = Experiment(
    name="latent-width",
    title="How wide must a bottleneck be?",
    source=("3a",),
    summary=(
        "Autoencoders of width 5, 20, 100 and 500 learn data of 100 dimensions, 20 of which have "
        "ten times the variance of the others and carry the label. A linear probe reads the label "
        "from their frozen features, before training and after its epochs. With one hidden layer "
        "they are linear, so the smallest possible loss is known: the sum of the eigenvalues of "
        "the covariance that a width has to leave out. All kinds, widths and seeds are trained at "
        "once, and so are their probes."
    ),
    config=LatentWidthConfig,
    stages=(Stage("sweep", measurements.measure),),
    claims=(
        Claim(
            id="3a.loss-falls",
            statement="The reconstruction error falls with the latent width and gains little past "
            "the data's 100 dimensions.",
            source="question 3a",
            record="sweep",
            judge=figures.judge_falls,
            tier="course",
            explanation="Little is 1 % of the data's variance.",
        ),
        Claim(
            id="3a.pca-floor",
            statement="The loss comes to the sum of the discarded eigenvalues: 230, 80, 0 and 0.",
            source="question 3a; Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2",
            record="sweep",
            judge=figures.judge_floor,
            tier="course",
            explanation="Of the vanilla autoencoder, within 3 % or 1. Eigenvalues are those the "
            "data is drawn from; a sample's differ a little.",
        ),
        Claim(
            id="3a.five-too-small",
            statement="Width 5 is too small: trained, too, its probe stays below 95 %.",
            source="question 3a",
            record="sweep",
            judge=figures.judge_small,
            tier="course",
            explanation="It keeps 5 of 20 equally important directions, and which is left to "
            "chance. With a random choice the label can be told in 66 % of the samples, and in 95 "
            "of 100 such choices in 57 to 76 %.",
        ),
        Claim(
            id="3a.twenty-needs-training",
            statement="Width 20 needs training and then reaches at least 95 %.",
            source="question 3a",
            record="sweep",
            judge=figures.judge_training,
            tier="course",
            explanation="Trained, its features span the 20 directions of the label; at random they "
            "hold a part of all 100.",
        ),
        Claim(
            id="3a.wide-needs-none",
            statement="Width 100 and more are near 100 % without training.",
            source="question 3a",
            record="sweep",
            judge=figures.judge_wide,
            tier="course",
            explanation="A random map to 100 and more dimensions is invertible, so the label is "
            "still a linear function of the features. At least 97 % is asked of a convex probe, "
            "solved to the end. (The map is badly conditioned near width 100, where Adam's probe "
            "is still improving after its last epoch.)",
        ),
        Claim(
            id="3a.probe-length",
            statement="A probe that trains for ten epochs makes the same features look worse, at "
            "widths 20 and 100.",
            source="question 3a",
            record="sweep",
            judge=figures.judge_patience,
            tier="course",
            explanation="After ten epochs of Adam's small steps the probe itself is not done. At "
            "width 5 nothing is left to gain: the label is not in the features.",
        ),
    ),
    figures=(
        Figure(
            "loss",
            "Reconstruction per epoch",
            "Vanilla autoencoders: mean over seeds and range from the lowest to the highest. "
            "Dotted lines are the theoretical optimum.",
            "sweep",
            figures.draw_loss,
        ),
        Figure(
            "probe",
            "What a probe reads per epoch",
            "Vanilla autoencoders: mean over seeds and range; epoch 0 is untrained.",
            "sweep",
            figures.draw_probe,
        ),
        Figure(
            "patience",
            "How long the probe trains",
            "Trained autoencoders, mean over seeds.",
            "sweep",
            figures.draw_patience,
        ),
    ),
    tables=(
        Table(
            "widths",
            "Validation loss, and accuracy (%) of probes by Adam, of convex ones and of neighbours",
            "sweep",
            figures.table,
        ),
    ),
    metrics=lambda records: {
        f"width {width}: {key}": sum(found) / len(found)
        for width in measurements.WIDTHS
        for key, found in (
            ("validation loss", figures.final(records["sweep"], width, "loss")),
            ("probe accuracy", figures.final(records["sweep"], width, "long")),
        )
    },
)
