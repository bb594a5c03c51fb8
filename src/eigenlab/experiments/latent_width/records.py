"""What the stage of ``latent-width`` measures.

Sizes: W widths, E epochs (the untrained state included), P epochs after which probes are trained.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Record, Vector, measured


class Curve(Record):
    """One autoencoder, epoch by epoch; all measured on validation samples."""

    kind: str = measured("Kind of autoencoder: vanilla, denoising or masked.")
    width: int = measured("Number of latent features.")
    seed: int = measured("Index of its random seed.")
    losses: Vector = measured(
        "Reconstruction loss of clean samples after each epoch.",
        unit="squared units of the data",
        shape="E",
    )
    probed: Integers = measured(
        "Finished epochs after which probes were trained: some of them for the vanilla kind, 0 and "
        "all for the others.",
        unit="epochs",
        shape="P",
    )
    short_probe: Vector = measured("Accuracy of the probe after its short training.", shape="P")
    long_probe: Vector = measured("Accuracy of the probe after its long training.", shape="P")
    convex_probe: Vector | None = measured(
        "Accuracy of the converged probe before and after training; None for kinds other than "
        "vanilla.",
        shape="2",
    )
    neighbours: float | None = measured(
        "Accuracy of a classifier by five nearest neighbours after training; None for kinds other "
        "than vanilla."
    )


class SweepRecord(Record):
    """Every kind, width and seed."""

    seeds: Integers = measured("Random seeds of initial weights, order of the samples and noise.")
    n_features: int = measured("Dimensions of a sample.")
    widths: Integers = measured("Latent widths.", unit="features", shape="W")
    epochs: Integers = measured("Finished epochs, from 0.", unit="epochs", shape="E")
    probe_epochs: Integers = measured(
        "Passes of the short and of the long probe over the features.", unit="epochs", shape="2"
    )
    variance: float = measured("Sum of all eigenvalues of the covariance of the data.")
    discarded_variances: Vector = measured(
        "Sum of the eigenvalues that each width discards.", shape="W"
    )
    pca_losses: Vector = measured(
        "Loss of PCA of the training samples on the validation samples.", shape="W"
    )
    attainable_accuracies: Vector = measured(
        "Mean attainable accuracy of a probe on as many random directions of the signal.",
        shape="W",
    )
    curves: tuple[Curve, ...] = measured("Curves, one per kind, width and seed.")

    def runs(self, kind: str, width: int) -> list[Curve]:
        """The curves of one kind and width, one per seed."""
        return [curve for curve in self.curves if (curve.kind, curve.width) == (kind, width)]

    def only(self, width: int) -> SweepRecord:
        """The same for one of the widths."""
        place = self.widths.index(width)
        return self.model_copy(
            update={
                "widths": (width,),
                "curves": tuple(curve for curve in self.curves if curve.width == width),
                **{
                    name: (getattr(self, name)[place],)
                    for name in ("discarded_variances", "pca_losses", "attainable_accuracies")
                },
            }
        )


class WidthsRecord(Record):
    """Vanilla autoencoders of more widths, with one seed, for the figure with a slider."""

    widths: Integers = measured("Latent widths, ascending.", unit="features", shape="W")
    sweep: SweepRecord = measured("Their losses and probes.")
