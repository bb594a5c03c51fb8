"""Mutants of question 4."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from eigenlab.experiments.training_ladder.measure import operations
from eigenlab.spectrum import orthogonalize, whitening
from eigenlab.spectrum.polar import orthogonalization_coefficients
from eigenlab.vision import CifarLoader
from eigenlab.vision.evaluation import augmented_logits
from mutants import Mutant, replaced

PARTS = {"n_train": 100, "n_test": 50}


def same_flips_again(monkeypatch):
    original = CifarLoader._choices

    def wrong(self, epoch):
        chosen = original(self, epoch)
        if self.flip == "alternating":
            first = original(self, 0)
            own = torch.empty_like(first["flip"])
            own[first["order"]] = first["flip"]
            chosen["flip"] = own[chosen["order"]]
        return chosen

    monkeypatch.setattr(CifarLoader, "_choices", wrong)


def average_pooling(monkeypatch):
    monkeypatch.setattr(nn, "MaxPool2d", nn.AvgPool2d)


def upside_down(original, model, images, plain, tta):
    return (plain + model(images.flip(-2)).float()) / 2


def first_published(original, steps, *args):
    return ((3.4445, -4.7750, 2.0315),) * steps


MUTANTS = [
    Mutant(
        "eigenvalues without the root",
        ("4.whitening",),
        replaced(whitening, lambda f, x, **o: replace(w := f(x, **o), values=w.values**2)),
        PARTS,
    ),
    Mutant(
        "eigenvectors without scaling",
        ("4.whitening",),
        replaced(
            whitening,
            lambda f, x, **o: replace(w := f(x, **o), values=torch.ones_like(w.values)),
        ),
        PARTS,
    ),
    Mutant(
        "the coefficients of Muon's first publication",
        ("4.orthogonalization",),
        replaced(orthogonalization_coefficients, first_published),
        PARTS,
    ),
    Mutant(
        "one iteration fewer",
        ("4.orthogonalization",),
        replaced(
            orthogonalize,
            lambda f, matrix, steps=None, **o: f(
                matrix, steps=max(1, steps - 1) if steps else None, **o
            ),
        ),
        PARTS,
    ),
    Mutant("the mean for the maximum", ("4.pooling",), average_pooling, PARTS),
    Mutant("the same flips in every epoch", ("4.alternating-flips",), same_flips_again, PARTS),
    Mutant(
        "images upside down",
        ("4.mirrored",),
        replaced(augmented_logits, upside_down),
        PARTS,
    ),
    Mutant(
        "a multiplication and an addition counted as one",
        ("4.fewer-operations",),
        replaced(operations, lambda f, *args: f(*args) / 2),
        PARTS,
    ),
]
