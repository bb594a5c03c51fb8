"""Checks of problem 3: linear probes of a frozen encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.grading.comparison import Comparison, as_array
from eigenlab.grading.isolation.inside.known import KnownModel, Split, Splits
from eigenlab.grading.parts import part

#: Directions of the codes of three classes, (3, 2).
DIRECTIONS = torch.tensor([[0.0, 1.0], [-0.866, -0.5], [0.866, -0.5]])
BATCH = 16


def _split(n: int, draw: torch.Generator, *, shift: int = 0, wrong: int = 0) -> Split:
    """Samples of three classes; the labels of the first ``wrong`` are those of the next class."""
    y = torch.randint(3, (n,), generator=draw)
    x = torch.randn(n, 4, generator=draw)
    x[:, :2] = 3 * DIRECTIONS[y] + 0.3 * x[:, :2]
    return Split(x, (y + shift + (torch.arange(n) < wrong)) % 3)


#: The classifier is right on two of these three. The samples of the largest logit of each class,
#: argmax(0), are 0, 1 and 2, which would be three right ones.
TEST = Split(
    torch.tensor([[0.0, 3.0, 1.0, 0.0], [-0.5, 0.2, 0.0, 1.0], [0.3, 0.4, 1.0, 1.0]]),
    torch.tensor([0, 1, 2]),
)


@part("3a-probe", "Experiment", "Experiment")
def probe(Experiment: Callable[..., Any]) -> Iterator[Comparison]:
    """A known encoder and classifier, then a probe that the student's code trains."""
    yield from _accuracy(Experiment)
    yield from _probe(Experiment)


def _accuracy(Experiment: Callable[..., Any]) -> Iterator[Comparison]:
    draw = torch.Generator().manual_seed(2)
    data = Splits(_split(50, draw, wrong=11), _split(35, draw, wrong=5), TEST)
    classifier = nn.Linear(2, 3)
    with torch.no_grad():
        classifier.weight.copy_(DIRECTIONS)
        classifier.bias.zero_()
    model = KnownModel()
    experiment = Experiment(model, data, num_classes=3, batch_size=BATCH)

    def right(split: Split, sign: int = 1, axis: int = 1) -> Tensor:
        predicted = (sign * split.x[:, :2] @ DIRECTIONS.T).argmax(axis)
        return (predicted == split.y).double()

    for name, split in (("test", data.test), ("validation", data.validation)):
        hits = right(split)
        full = len(hits) // BATCH * BATCH
        model.train()
        given = experiment._get_model_accuracy(classifier, name)
        array = as_array(given)
        unit = 100 if array is not None and array.size == 1 and array.max() > 1 else 1
        mistakes: dict[str, Any] = {
            "argmax runs over the samples (axis 0); the classes are axis 1 of the logits.": (
                unit * right(split, axis=0).mean() if len(split.y) == 3 else None
            ),
            "the encoder is in training mode; call self.model.eval() first.": (
                unit * right(split, sign=-1).mean()
            ),
            "it is the number of right samples; divide by the number of all.": hits.sum(),
            "it is the share of wrong samples.": unit * (1 - hits.mean()),
            "it is the accuracy on the training samples.": unit * right(data.train).mean(),
            "it is the accuracy on the test samples, whatever `split` is.": (
                unit * right(data.test).mean() if name != "test" else None
            ),
        }
        if full:
            means = torch.stack([batch.mean() for batch in hits.split(BATCH)])
            mistakes |= {
                "the last, smaller batch is left out.": unit * hits[:full].mean(),
                "the right samples of the last, smaller batch are left out.": (
                    unit * hits[:full].sum() / len(hits)
                ),
                "the accuracies of the batches are averaged, although the last batch is smaller; "
                "divide the number of all right samples by the number of samples.": (
                    unit * means.mean()
                ),
            }
        yield Comparison(
            f'_get_model_accuracy(classifier, "{name}")',
            given,
            unit * hits.mean(),
            mistakes=mistakes,
            advice="Encode the samples of the split, take the class of the largest logit, and "
            "return how many percent equal the label.",
            tolerance=1e-4 * unit,
        )


def _probe(Experiment: Callable[..., Any]) -> Iterator[Comparison]:
    """The labels of test samples follow another rule, so that training on them shows.

    So do those of some validation samples, whose codes are so long that they win. The other ones
    are more, so that a probe may be chosen by its accuracy on the validation samples.
    """
    draw = torch.Generator().manual_seed(3)
    far = _split(48, draw, shift=1)
    near, held_out = _split(72, draw), _split(60, draw)
    validation = Split(torch.cat([near.x, 10 * far.x]), torch.cat([near.y, far.y]))
    data = Splits(_split(120, draw), validation, _split(60, draw, shift=2))
    model = KnownModel()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    experiment = Experiment(model, data, num_classes=3, lr=0.05, batch_size=BATCH, probe_epochs=40)
    classifier = experiment.train_probe()
    changed = float(
        sum(not torch.equal(value, before[n]) for n, value in model.state_dict().items())
    )
    yield Comparison(
        "the number of the autoencoder's weights that train_probe() has changed",
        changed,
        0.0,
        mistakes={
            "the probe trains the encoder; give the optimizer the parameters of the probe "
            "only.": changed or None,
        },
    )
    touched = float(sum(parameter.grad is not None for parameter in model.parameters()))
    yield Comparison(
        "the number of the autoencoder's parameters that have gradients after train_probe()",
        touched,
        0.0,
        mistakes={
            "the gradient flows into the encoder; compute the features within "
            "`with torch.no_grad():`.": touched or None,
        },
    )
    frozen = float(sum(not parameter.requires_grad for parameter in model.parameters()))
    yield Comparison(
        "the number of the autoencoder's parameters without requires_grad after train_probe()",
        frozen,
        0.0,
        mistakes={
            "the autoencoder cannot be trained any further; compute the features within "
            "`with torch.no_grad():` in place of requires_grad_(False).": frozen or None,
        },
    )
    if isinstance(getattr(classifier, "in_features", None), int):
        yield Comparison(
            "the number of features that the probe reads",
            float(classifier.in_features),
            2.0,
            mistakes={"it reads x; it should read the code, self.model.encoder(x).": 4.0},
        )
    yield from _trained(classifier, data, held_out, far)


def _trained(classifier: Any, data: Splits, held_out: Split, far: Split) -> Iterator[Comparison]:
    a, b = data.train.x[:8, :2], data.train.x[8:16, :2]
    with torch.no_grad():
        zero = classifier(torch.zeros(8, 2))
        bent = classifier(a + b) - classifier(a) - classifier(b) + zero
        hits, far_hits, test_hits, reversed_hits = (
            float((classifier(sign * split.x[:, :2]).argmax(-1) == split.y).double().mean())
            for split, sign in ((held_out, 1), (far, 1), (data.test, 1), (held_out, -1))
        )
    yield Comparison(
        "f(a + b) - f(a) - f(b) + f(0) of the probe",
        bent,
        torch.zeros(8, 3),
        advice="A linear probe is one nn.Linear to num_classes logits, without softmax or "
        "activation; F.cross_entropy takes logits.",
        tolerance=1e-3,
    )
    shortfall = max(0.0, 0.95 - hits)
    yield Comparison(
        "how far the accuracy of the probe on separable codes is below 0.95",
        shortfall,
        0.0,
        mistakes={
            "the probe is trained on the test samples; train it on self.data.train.": (
                shortfall if test_hits > 0.95 else None
            ),
            "the encoder is in training mode while the probe is trained; call self.model.eval() "
            "first.": shortfall if reversed_hits > 0.95 else None,
            "the probe follows the validation samples; train it on self.data.train alone.": (
                shortfall if far_hits > 0.6 else None
            ),
        },
        advice="Minimise F.cross_entropy for probe_epochs epochs; call zero_grad, backward and "
        "step for each batch.",
    )
