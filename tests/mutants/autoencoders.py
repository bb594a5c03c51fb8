"""Mutants of question 3a."""

from __future__ import annotations

from eigenlab.autoencoders import (
    Autoencoder,
    SubspaceData,
    convex_probe,
    linear_probes,
    subspace_data,
    train_ensemble,
)
from eigenlab.experiments.latent_width.measure import _probe
from mutants import Mutant, replaced

LOSSES = {"epochs": 4, "probe_epochs": 1, "widths": (5, 20, 100)}
QUICK = {"epochs": 1, "probe_epochs": 50}


def one_width(width):
    """Every encoder has the same width, whatever it is called."""
    return replaced(
        train_ensemble,
        lambda f, x, members, **options: f(
            x, [member._replace(hidden_sizes=(width,)) for member in members], **options
        ),
    )


untrained = replaced(
    train_ensemble,
    lambda f, x, members, **options: f(x, members, **options, learning_rate=1e-12),
)


def trained_too_early(f, x, members, *, n_epochs, **options):
    return f(x, members, n_epochs=n_epochs or 4, **options)


def averaged(monkeypatch):
    monkeypatch.setattr(Autoencoder, "loss", lambda self, x, out: (x - out).square().mean())


def kept(monkeypatch):
    monkeypatch.setattr(
        SubspaceData, "discarded", lambda self, k: self.eigenvalues[:k].sum().item()
    )


def data(change):
    """Every part of the samples is changed."""

    def wrong(original, *args, **options):
        found = original(*args, **options)
        parts = (found.train, found.validation, found.test)
        return SubspaceData(*(change(part) for part in parts), found.eigenvalues)

    return replaced(subspace_data, wrong)


def leaked(part):
    x = part.x.clone()
    x[:, 0] = 20.0 * (2 * part.y - 1)
    return part._replace(x=x)


def adam(original, features, labels, **options):
    converged = original(features, labels, **options)
    return converged._replace(probe=linear_probes([features], labels)[0])


next_labels = data(lambda part: part._replace(y=part.y.roll(1)))

MUTANTS = [
    Mutant("the same width for all", ("3a.loss-falls", "3a.pca-floor"), one_width(5), LOSSES),
    Mutant(
        "untrained encoders called trained", ("3a.loss-falls", "3a.pca-floor"), untrained, LOSSES
    ),
    Mutant("an error averaged over features", ("3a.pca-floor",), averaged, LOSSES),
    Mutant("the kept eigenvalues for the discarded", ("3a.pca-floor",), kept, LOSSES),
    Mutant(
        "standard deviations for variances",
        ("3a.pca-floor",),
        replaced(
            subspace_data,
            lambda f, *args, variance_ratio, **o: f(*args, variance_ratio=variance_ratio**2, **o),
        ),
        LOSSES,
    ),
    Mutant(
        "labels from five directions",
        ("3a.five-too-small",),
        replaced(subspace_data, lambda f, n, d, signal, **options: f(n, d, 5, **options)),
        QUICK | {"epochs": 4, "widths": (5,)},
    ),
    Mutant(
        "the label among the features",
        ("3a.five-too-small",),
        data(leaked),
        QUICK | {"epochs": 4, "widths": (5,)},
    ),
    Mutant(
        "labels of the next sample",
        ("3a.five-too-small",),
        next_labels,
        QUICK | {"epochs": 4, "widths": (5,)},
    ),
    Mutant(
        "untrained encoders called trained",
        ("3a.twenty-needs-training",),
        untrained,
        QUICK | {"epochs": 4, "widths": (20,)},
    ),
    Mutant(
        "trained encoders called untrained",
        ("3a.twenty-needs-training",),
        replaced(train_ensemble, trained_too_early),
        QUICK | {"epochs": 4, "widths": (20,)},
    ),
    Mutant(
        "labels of the next sample",
        ("3a.wide-needs-none",),
        next_labels,
        QUICK | {"widths": (500,), "probe_epochs": 10},
    ),
    Mutant(
        "the width of the data for a wider one",
        ("3a.wide-needs-none",),
        one_width(100),
        QUICK | {"widths": (500,), "probe_epochs": 10},
    ),
    Mutant(
        "a wider encoder than it is called",
        ("3a.hundred-needs-none",),
        one_width(300),
        QUICK | {"widths": (100,)},
    ),
    Mutant(
        "labels of the next sample",
        ("3a.converged-probe",),
        next_labels,
        QUICK | {"widths": (100,)},
    ),
    Mutant(
        "the probe of Adam for the converged one",
        ("3a.converged-probe",),
        replaced(convex_probe, adam),
        QUICK | {"widths": (100,)},
    ),
    Mutant(
        "the short and the long probe exchanged",
        ("3a.probe-length",),
        replaced(_probe, lambda f, *args: [(long, short) for short, long in f(*args)]),
        QUICK | {"widths": (20, 100), "probe_epochs": 20, "epochs": 2},
    ),
]
