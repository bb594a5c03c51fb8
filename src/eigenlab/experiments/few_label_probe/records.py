"""What the stages of ``few-label-probe`` measure.

Sizes: L numbers of labelled images, I images shown, K pixels, M images on the map.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class Probe(Record):
    """Test accuracies of one encoder with so many labelled images; means over their draws."""

    encoder: str = measured("Name of the encoder.")
    seed: int = measured("Place of its random seed among the seeds.")
    n_labels: int = measured("Labelled images.", unit="images")
    accuracy: float = measured("Accuracy of the converged linear probe.")
    draws: Vector = measured("The same for each draw of the labelled images.")
    neighbours: float = measured("Accuracy of the vote of three nearest neighbours.")
    log10_C: float = measured("Decimal logarithm of the penalty strength C that was chosen.")
    adam: float | None = measured(
        "Accuracy of a linear probe trained by Adam; with the compared number of labels only."
    )


class EncoderPart(Record):
    """One encoder of one seed, trained and probed."""

    n_features: int = measured("Latent features.", unit="features")
    probes: tuple[Probe, ...] = measured("One per number of labelled images.")
    training_seconds: float | None = measured(
        "Duration of the training, of an encoder that is trained.", unit="seconds"
    )
    strips: dict[str, Matrix] = measured(
        "What is shown -> grey levels of each image, of an encoder that is trained."
    )
    plane: Matrix | None = measured(
        "Principal coordinates of test images, of the encoder that claims are about.",
        shape="M, 2",
    )


class FewLabelRecord(Record):
    """Every encoder and seed on one set of images."""

    seeds: Integers = measured("Of initial weights, batches, corruption and labelled images.")
    n_updates: int = measured("Updates of each autoencoder.", unit="updates")
    judged: str = measured("Name of the encoder that claims are about.")
    n_labels: int = measured("Labelled images on which encoders are compared.", unit="images")
    label_counts: Integers = measured("All numbers of labelled images.", unit="images", shape="L")
    n_features: dict[str, int] = measured("Encoder -> latent features.", unit="features")
    probes: tuple[Probe, ...] = measured("One per encoder, seed and number of labelled images.")
    training_seconds: dict[str, Vector] = measured(
        "Autoencoder -> duration of the training of each seed.", unit="seconds"
    )
    n_threads: int = measured("Threads with which they were trained.")
    image_shape: tuple[int, int] = measured("Height and width.", unit="pixels")
    strips: dict[str, Matrix] = measured(
        "What is shown -> grey levels of each image; test images, the corrupted input of each "
        "autoencoder of the first seed and its output."
    )
    plane: Matrix = measured(
        "Principal coordinates of the unit-length features of test images, by the encoder that "
        "claims are about.",
        shape="M, 2",
    )
    plane_labels: Integers = measured("Digits that these images show.", shape="M")

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
    """On the embedded digits."""


class MnistRecord(FewLabelRecord):
    """On MNIST."""
