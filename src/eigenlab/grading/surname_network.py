"""Checks of problem 2: a recurrent classifier of names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.grading.comparison import Comparison, as_array
from eigenlab.grading.parts import part
from eigenlab.grading.recurrent import fill

#: Sizes that all differ, so that no axis is taken for another.
VOCABULARY, UNITS, CATEGORIES = 70, 8, 5
X = torch.tensor(
    [
        [3, 17, 69, 4, 57, 57],
        [51, 8, 57, 57, 57, 57],
        [0, 30, 12, 3, 44, 57],
    ]
)
LAST = torch.tensor([3, 1, 4])
KINDS = ("rnn", "lstm")


def randomise(model: nn.Module, scale: float = 0.4) -> None:
    """Parameters of a size with which every letter of a short name matters, whatever they are."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=draw))


def influence(model: Callable[[Tensor, Tensor], Tensor], x: Tensor, last_pos: Tensor) -> Tensor:
    """Whether the logits of row r change with the letter j of row i: (B, B, T) zeros and ones."""
    with torch.no_grad():
        before = model(x, last_pos)
        found = torch.zeros(len(x), *x.shape)
        for i in range(len(x)):
            for j in range(x.shape[1]):
                for other in (1, 2):
                    changed = x.clone()
                    changed[i, j] = (x[i, j] + other) % VOCABULARY
                    change = (model(changed, last_pos) - before).abs().amax(dim=1)
                    found[:, i, j] = torch.maximum(found[:, i, j], (change > 1e-6).float())
    return found


def _influence_mistakes(last_pos: Tensor, steps: int) -> dict[str, Tensor]:
    """What :func:`influence` finds for a model with a likely mistake."""
    size = len(last_pos)
    r, i = torch.arange(size)[:, None, None], torch.arange(size)[None, :, None]
    j, end = torch.arange(steps)[None, None, :], last_pos[:, None, None]
    same, by_length = r == i, last_pos.argsort(descending=True)
    found = {
        "the logits depend on the padding after the name: read the state at last_pos of each row, "
        "not that of the last column, and read from left to right only.": same & (j >= 0),
        "the letter after last_pos matters, too: last_pos is the index of the last letter, not "
        "the length.": same & (j <= end + 1),
        "the last letter of a name does not matter: last_pos is the index of the last letter, and "
        "the length is last_pos + 1.": same & (j < end),
        "only the last letter of a name matters: the state does not come from a recurrence.": (
            same & (j == end)
        ),
        "only the first letter of a name matters: read the state at last_pos.": same & (j == 0),
        "batch and time are swapped: the network reads across the names of the batch; x is "
        "(B, T), so the recurrent layer takes batch_first=True.": (i <= r) & (j == end),
        "only the longest name matters: after packing, the states behind the end of the shorter "
        "names are zero; read the state at last_pos of each row.": same
        & (j <= end)
        & (end == last_pos.max()),
        "the rows are sorted by length: after packing, restore their order (or leave it as it is, "
        "with enforce_sorted=False).": (i == by_length[:, None, None]) & (j <= last_pos[i]),
        "the state of the first row's last_pos is read in every row.": same & (j <= last_pos[0]),
        "no letter matters.": same & (j < 0),
    }
    return {sentence: wrong.expand(size, size, steps).float() for sentence, wrong in found.items()}


@part("2", "RecurrentClassifier", "RecurrentClassifier")
def classifier(RecurrentClassifier: Callable[..., Any]) -> Iterator[Comparison]:
    """Shapes, which letters matter, the arguments of the constructor, dropout, the LSTM's state."""
    for kind in KINDS:
        model = RecurrentClassifier(VOCABULARY, UNITS, CATEGORIES, model_type=kind)
        label = f"RecurrentClassifier(..., model_type={kind!r})"
        shapes = list(_shapes(f"the logits of {label}", model))
        yield from shapes
        if not all(found.passed for found in shapes):
            return
        randomise(model)
        model.eval()
        yield from _repeated(label, model)
        yield _unbounded(label, model)
        yield Comparison(
            f"which letters the logits of {label} depend on",
            influence(model, X, LAST),
            ((torch.arange(6) <= LAST[:, None]).float()[:, None] * torch.eye(3)[..., None]),
            mistakes=_influence_mistakes(LAST, 6),
            advice="The logits of a row depend on each of its letters up to last_pos, on none "
            "after it, and on no other row.",
        )
        yield from _alone(label, model)
        yield _forgets(label, model)
    yield from _arguments(RecurrentClassifier)
    for kind in KINDS:
        yield from _dropout(RecurrentClassifier, kind)
    yield _hidden_state(RecurrentClassifier)


def _shapes(label: str, model: nn.Module) -> Iterator[Comparison]:
    for x, last_pos in ((X, LAST), (X[:1], LAST[:1])):
        logits = model(x, last_pos)
        if isinstance(logits, tuple | list):
            yield Comparison(
                "the number of values that RecurrentClassifier.forward returns",
                len(logits),
                1,
                mistakes={"return the logits alone.": len(logits)},
            )
            return
        array = as_array(logits)
        size, steps = x.shape
        yield Comparison(
            f"the shape of {label} for x of shape {tuple(x.shape)}",
            None if array is None else array.shape,
            (size, CATEGORIES),
            mistakes={
                "it is (T, n_categories): batch and time are swapped; x is (B, T), so the "
                "recurrent layer takes batch_first=True.": (steps, CATEGORIES),
                "it is (B, T, n_categories): read one state of each row, that at last_pos.": (
                    size,
                    steps,
                    CATEGORIES,
                ),
                "it is (B, B, n_categories): index the rows, too, as in "
                "states[torch.arange(B), last_pos].": (size, size, CATEGORIES),
                "it has an axis for the layers: take the last of them.": (1, size, CATEGORIES),
                "it is (B, rnn_size): the linear layer is missing.": (size, UNITS),
                "it has the size of the vocabulary; the linear layer has n_categories outputs.": (
                    size,
                    VOCABULARY,
                ),
                "it is a class of each row; return the logits.": (size,),
                "the batch axis is missing: keep it for a single name, too.": (CATEGORIES,),
            },
            advice="Its shape is (B, n_categories).",
        )


def _repeated(label: str, model: nn.Module) -> Iterator[Comparison]:
    for mode in ("eval", "training"):
        model.train(mode == "training")
        with torch.no_grad():
            first = model(X, LAST)
            model(X.flip(1), LAST)
            again = model(X, LAST)
        changes = float((first - again).abs().max() > 1e-6)
        yield Comparison(
            f"whether {label} returns other logits in a second call, in {mode} mode, dropout=0.0",
            changes,
            0.0,
            mistakes={
                "it does: start every call from zeros, not from random numbers or from the state "
                "of the call before, and use no dropout.": 1.0
            },
        )
    model.eval()


def _unbounded(label: str, model: nn.Module) -> Comparison:
    """Whether logits are passed through a nonlinearity; log-probabilities are logits, too."""
    draw = torch.Generator().manual_seed(2)
    x = torch.randint(VOCABULARY, (200, 6), generator=draw)
    randomise(model, scale=2.0)
    with torch.no_grad():
        logits = model(x, torch.full((200,), 3)).double()
    randomise(model)
    sums, logs = logits.sum(dim=1), logits.logsumexp(dim=1)
    of_one = torch.allclose(sums, torch.ones_like(sums), atol=1e-4)
    logarithms = torch.allclose(logs, torch.zeros_like(logs), atol=1e-4)
    is_softmax = of_one and bool((logits >= 0).all())
    non_negative = bool((logits >= 0).all())
    small = bool((logits.abs() <= 1 + 1e-6).all())
    code = 1 if is_softmax else 2 if non_negative else 3 if small else 0
    return Comparison(
        f"the range of the logits of {label}",
        code,
        0,
        mistakes={
            "they are probabilities: F.cross_entropy applies the softmax itself; return the "
            "output of the linear layer.": 1,
            "none is negative: return the output of the linear layer, without a nonlinearity.": 2,
            "all are between -1 and 1: return the output of the linear layer, without a "
            "nonlinearity.": 3,
        },
        note="It returns log-probabilities; F.cross_entropy would compute them itself."
        if logarithms
        else "",
    )


def _alone(label: str, model: nn.Module) -> Iterator[Comparison]:
    """The names of the batch one by one, without padding."""
    with torch.no_grad():
        together = model(X, LAST)
        alone = [
            model(row[None, : end + 1], end[None])[0] for row, end in zip(X, LAST, strict=True)
        ]
    yield Comparison(
        f"the logits of {label} for the names of a batch",
        together,
        torch.stack(alone),
        advice="They differ from those of the same names alone, without padding.",
    )


def _forgets(label: str, model: nn.Module) -> Comparison:
    """With small weights the last state forgets the first of 60 letters; a mean of states has it.

    The influence shrinks at each step by the spectral radius of W_h (an RNN) or by about
    sigmoid(0) = 1/2 (an LSTM).
    """
    randomise(model, scale=0.2)
    x, last_pos = torch.full((1, 60), 3), torch.tensor([59])
    changed = x.clone()
    changed[0, 0] = 4
    with torch.no_grad():
        change = (model(x, last_pos) - model(changed, last_pos)).abs().max()
    randomise(model)
    return Comparison(
        f"whether the logits of {label} keep the first of 60 letters, with small weights",
        float(change > 1e-6),
        0.0,
        mistakes={
            "they do, which the state at last_pos cannot: read that state alone, not a mean, a "
            "maximum or the state at the first letter.": 1.0
        },
    )


def trained_parameters(model: nn.Module) -> int:
    """Number of the parameters that a gradient reaches; others are built and not used."""
    randomise(model)
    model.train()
    model.zero_grad(set_to_none=True)
    logits = model(X, LAST)
    if not logits.requires_grad:
        return 0
    (logits * torch.arange(1.0, CATEGORIES + 1)).sum().backward()
    return sum(
        parameter.numel()
        for parameter in model.parameters()
        if parameter.grad is not None and bool(parameter.grad.abs().max() > 0)
    )


def _arguments(RecurrentClassifier: Callable[..., Any]) -> Iterator[Comparison]:
    """The sizes and kinds of the networks, from the numbers of parameters that are trained."""

    def size(units: int = UNITS, letters: int = VOCABULARY, **options: Any) -> int:
        return trained_parameters(RecurrentClassifier(letters, units, CATEGORIES, **options))

    one = {kind: size(model_type=kind) for kind in KINDS}
    two = {kind: size(num_layers=2, model_type=kind) for kind in KINDS}
    yield Comparison(
        "whether a gradient reaches the parameters of RecurrentClassifier",
        float(min(one.values()) > 0),
        1.0,
        mistakes={
            "it does not: hold the layers as attributes (in nn.ModuleList, not in a list), and "
            "compute the logits without torch.no_grad() or detach().": 0.0
        },
    )
    yield Comparison(
        "whether more parameters are trained with a larger vocab_size",
        float(size(letters=2 * VOCABULARY) > size()),
        1.0,
        mistakes={
            "there are not: the embedding is not trained. Leave its requires_grad as it is, and "
            "compute it without torch.no_grad() or detach().": 0.0
        },
    )
    yield _has_effect("rnn_size", size(2 * UNITS) != size(), "the parameters are as many.")
    yield _has_effect("model_type", one["rnn"] != one["lstm"], "'rnn' and 'lstm' are the same.")
    yield Comparison(
        "the model_type of RecurrentClassifier if none is given",
        size() == one["lstm"],
        1.0,
        mistakes={"it is not 'lstm'.": 0.0},
    )
    for kind in KINDS:
        yield _has_effect(
            f"num_layers=2 (model_type={kind!r})",
            two[kind] != one[kind],
            "no more parameters are trained than with one layer. Pass it on to the recurrent "
            "layer, and read the state of the top layer.",
        )
    # A second layer has the inputs of the units, so that only the kind decides: an LSTM has four
    # maps where an RNN has one. Rounded, because some write one bias and some two.
    added = {kind: two[kind] - one[kind] for kind in KINDS}
    ratio = added["lstm"] / added["rnn"] if added["rnn"] else 0.0
    yield Comparison(
        "how many times as many parameters a layer of model_type='lstm' has as one of 'rnn'",
        round(ratio) if ratio > 0.5 else ratio,
        4,
        mistakes={
            "'rnn' and 'lstm' are swapped.": 0.25,
            "it has 3 times as many, as a GRU.": 3,
        },
        advice="An LSTM has four maps of the input and the state, an RNN one.",
    )


def _has_effect(name: str, effect: bool, otherwise: str) -> Comparison:
    return Comparison(
        f"whether {name} has an effect on RecurrentClassifier",
        float(effect),
        1.0,
        mistakes={f"it has none: {otherwise}": 0.0},
    )


def _dropout(RecurrentClassifier: Callable[..., Any], kind: str) -> Iterator[Comparison]:
    """Two layers, since a recurrent layer of torch has dropout between layers only."""
    model = RecurrentClassifier(
        VOCABULARY, UNITS, CATEGORIES, num_layers=2, dropout=0.5, model_type=kind
    )
    model(X, LAST)
    randomise(model)
    for mode, right, sentence in (
        (
            "eval",
            0.0,
            "it does: dropout is active. Use nn.Dropout, or F.dropout with training=self.training.",
        ),
        ("training", 1.0, "it does not: dropout has no effect."),
    ):
        model.train(mode == "training")
        with torch.no_grad():
            logits = [model(X, LAST) for _ in range(4)]
        changes = any((other - logits[0]).abs().max() > 1e-6 for other in logits[1:])
        yield Comparison(
            "whether RecurrentClassifier(..., num_layers=2, dropout=0.5, "
            f"model_type={kind!r}) returns other logits in each call in {mode} mode",
            float(changes),
            right,
            mistakes={sentence: 1.0 - right},
        )
    some = [((rows == 0).any(1) & (rows != 0).any(1)).double().mean() for rows in logits]
    yield Comparison(
        "the share of rows of logits of RecurrentClassifier(..., num_layers=2, dropout=0.5, "
        f"model_type={kind!r}) that have zeros beside other numbers in training mode",
        max(some),
        0.0,
        mistakes={
            "dropout acts on the logits; use it on the embedding and on the last state.": max(some)
            if max(some) > 0
            else None
        },
    )


def _hidden_state(RecurrentClassifier: Callable[..., Any]) -> Comparison:
    """With all parameters 1 the cell grows by one per step, and the hidden state stays below 1."""
    model = RecurrentClassifier(VOCABULARY, UNITS, CATEGORIES, model_type="lstm").eval()
    x = torch.full((1, 40), 3)
    model(x, torch.tensor([39]))
    fill(model, 1.0)
    with torch.no_grad():
        short, long = (model(x, torch.tensor([end])) for end in (19, 39))
    return Comparison(
        "whether the logits of the LSTM grow with the length of a name, with every parameter 1",
        float((long - short).abs().max() > 1),
        0.0,
        mistakes={"they do: the cell state c is read; read the hidden state h.": 1.0},
    )
