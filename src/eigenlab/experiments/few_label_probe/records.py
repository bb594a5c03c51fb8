"""What the stages of ``few-label-probe`` measure.

Sizes: L numbers of labelled images, I images shown, K pixels, M images on the map.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class Probe(Record):
    """Test accuracies of one encoder for one number of labelled images, averaged over draws."""

    encoder: str = measured("Name of the encoder.")
    seed: int = measured("Index of its random seed.")
    n_labels: int = measured("Number of labelled images.", unit="images")
    accuracy: float = measured("Accuracy of the converged linear probe.")
    draws: Vector = measured("Accuracy of that probe for each draw of the labelled images.")
    neighbours: float = measured("Accuracy of a classifier by three nearest neighbours.")
    log10_C: float = measured("Decimal logarithm of the penalty strength C that was chosen.")
    adam: float | None = measured(
        "Accuracy of a linear probe trained with Adam, for the number of labels on which encoders "
        "are compared; None for the others."
    )


class EncoderPart(Record):
    """One encoder of one seed, trained and probed."""

    n_features: int = measured("Number of latent features.", unit="features")
    probes: tuple[Probe, ...] = measured("Scores, one per number of labelled images.")
    training_seconds: float | None = measured(
        "Duration of the training; None for an encoder that is not trained.", unit="seconds"
    )
    right: Integers = measured(
        "For each test image, the number of draws of the labelled images with which the converged "
        "linear probe classifies it correctly, with the compared number of labels.",
        unit="draws",
    )
    strips: dict[str, Matrix] = measured(
        "Row of the figure -> grey levels of each image; empty for an encoder that is not trained."
    )
    plane: Matrix | None = measured(
        "First two principal components of the features of test images, for the encoder that "
        "claims refer to; None for the others.",
        shape="M, 2",
    )


class FewLabelRecord(Record):
    """Every encoder and seed on one set of images."""

    seeds: Integers = measured(
        "Random seeds of initial weights, batches, corruption and labelled images."
    )
    n_updates: int = measured("Updates of each autoencoder.", unit="updates")
    judged: str = measured("Name of the encoder that claims refer to.")
    n_labels: int = measured("Labelled images on which encoders are compared.", unit="images")
    label_counts: Integers = measured("All numbers of labelled images.", unit="images", shape="L")
    n_features: dict[str, int] = measured("Encoder -> latent features.", unit="features")
    probes: tuple[Probe, ...] = measured(
        "Scores, one per encoder, seed and number of labelled images."
    )
    right: dict[str, Integers] = measured(
        "Encoder that claims refer to -> numbers of test images that 0, 1, 2, ... of its probes "
        "classify correctly, over all seeds and draws, with the compared number of labels.",
        unit="images",
    )
    gains: dict[str, dict[str, Integers]] = measured(
        "Encoder that claims refer to -> baseline -> numbers of test images that R fewer, ..., as "
        "many, ..., R more of the R probes of the encoder than of the baseline classify correctly.",
        unit="images",
    )
    training_seconds: dict[str, Vector] = measured(
        "Autoencoder -> duration of the training of each seed.", unit="seconds"
    )
    n_threads: int = measured("Threads used for training.")
    image_shape: tuple[int, int] = measured("Height and width of an image.", unit="pixels")
    strips: dict[str, Matrix] = measured(
        "Row of the figure -> grey levels of each image: test images, and the corrupted input and "
        "the output of each autoencoder of the first seed."
    )
    plane: Matrix = measured(
        "First two principal components of the unit-length features of test images, for the "
        "encoder that claims refer to.",
        shape="M, 2",
    )
    plane_labels: Integers = measured("Labels of these images.", shape="M")

    def accuracies(self, encoder: str, n_labels: int | None = None) -> list[float]:
        """Accuracy of one encoder for each seed.

        Args:
            encoder: its name.
            n_labels: labelled images. Default: ``None``, the compared number.
        """
        count = self.n_labels if n_labels is None else n_labels
        return [probe.accuracy for probe in self.of(encoder, count)]

    def of(self, encoder: str, n_labels: int) -> list[Probe]:
        """The probes of one encoder, one per seed."""
        return [
            probe for probe in self.probes if (probe.encoder, probe.n_labels) == (encoder, n_labels)
        ]


class DigitsRecord(FewLabelRecord):
    """Every encoder and seed on the embedded digits."""


class MnistRecord(FewLabelRecord):
    """Every encoder and seed on MNIST."""
