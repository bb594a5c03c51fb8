"""Checks of problem 2: letters, batches, a recurrent classifier, its training and accuracy."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from eigenlab.grading.comparison import Comparison, as_array
from eigenlab.grading.isolation.inside.known import Modes, Scores
from eigenlab.grading.parts import part
from eigenlab.grading.recurrent import fill, returned

#: The 57 symbols of the course, in order, and the index that fills the end of shorter names.
SYMBOLS = string.ascii_letters + " .,;'"
PADDING = 57


def indices(plain: str, symbols: str = SYMBOLS) -> list[int]:
    """Index of each letter; -1 where it has none."""
    return [symbols.find(letter) for letter in plain]


def _one_hot(rows: Any, width: int) -> Tensor:
    """One-hot vectors of indices, zeros where an index is outside."""
    inside = torch.as_tensor(rows)
    return (inside.unsqueeze(-1) == torch.arange(width)).double()


def _integers(label: str, value: Any) -> Comparison:
    """Whether ``value`` holds integers, as an embedding needs them; a list of them does."""
    array = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
    return Comparison(
        f"whether {label} holds integers",
        float(array.dtype.kind in "iu"),
        1.0,
        mistakes={"it does not: nn.Embedding and F.one_hot read indices of type torch.long.": 0.0},
    )


#: Names, and the same without accents.
SPELLED = (
    ("abc", "abc"),
    ("Zwart", "Zwart"),
    ("O'Neal", "O'Neal"),
    ("van der Wal", "van der Wal"),
    ("Núñez", "Nunez"),
    ("Ångström", "Angstrom"),
    ("Nu\u0301n\u0303ez", "Nunez"),  # accents as characters of their own
    ("Smith-Jones", "Smith-Jones"),
    ("Li2", "Li2"),
)


@part("2-letters", "encode_name", "encode_name")
def letters(encode_name: Callable[[str], Any]) -> Iterator[Comparison]:
    """Plain names, accents in both forms of Unicode, and characters that have no index."""
    for name, unaccented in SPELLED:
        plain = "".join(letter for letter in unaccented if letter in SYMBOLS)
        right, raw, folded = indices(plain), indices(name), indices(unaccented)
        given = encode_name(name)
        yield Comparison(
            f"encode_name({name!r})",
            given,
            right,
            mistakes={
                "it is the letters in lower case; a capital has an index of its own.": indices(
                    plain.lower()
                ),
                "a letter with an accent is left out; take the accent off and keep the letter.": [
                    index for index in raw if index >= 0
                ],
                "a character that has no plain letter has the index -1; leave it out.": folded,
                "a character that has no plain letter has the index of the padding; leave it "
                "out.": [PADDING if index < 0 else index for index in folded],
                "a character that is not in LETTERS has the index -1 (str.find returns that); a "
                "letter with an accent is the plain letter, anything else is left out.": raw,
                "a character that is not in LETTERS has the index of the padding; a letter with "
                "an accent is the plain letter, anything else is left out.": [
                    PADDING if index < 0 else index for index in raw
                ],
                "spaces and punctuation are left out; they are in LETTERS, too.": indices(
                    "".join(letter for letter in plain if letter.isalpha())
                ),
                "it counts from 1; the first letter is 0.": [index + 1 for index in right],
                "it is code points (ord); use the position in LETTERS.": [
                    ord(letter) for letter in plain
                ],
                "the capitals come first; in LETTERS they follow the small letters.": indices(
                    plain, string.ascii_uppercase + string.ascii_lowercase + SYMBOLS[52:]
                ),
                "it is one-hot vectors; return one index for each letter.": _one_hot(right, 57),
                "it is one-hot vectors, return one index for each letter.": _one_hot(right, 58),
                "it has an axis too many: return one index for each letter, (length,).": [
                    [index] for index in right
                ],
                "it has an axis too many, return one index for each letter, (length,).": [right],
            },
            advice="LETTERS.index(letter) of every letter, in the order of the name.",
        )
        yield _integers(f"encode_name({name!r})", given)


#: Batches of names, and their letters that have an index.
BATCHES = (
    (("Li", "Rossi", "Ito", "Abe"), ("Li", "Rossi", "Ito", "Abe")),
    (("Ng",), ("Ng",)),
    (("Smith-Jones", "Li", "Nu\u0301n\u0303ez"), ("SmithJones", "Li", "Nunez")),
)


def _encodes(make_batch: Callable[[list[str]], Any], names: Sequence[str], plain: Any) -> bool:
    """Whether each name alone has the right letters; if not, 2-letters says so."""
    for name, letters in zip(names, plain, strict=True):
        row = as_array(make_batch([name])[0])
        if row is None or row.ndim != 2:
            return True
        if [int(index) for index in row[0] if index != PADDING] != indices(letters):
            return False
    return True


@part("2-batch", "make_batch", "make_batch")
def batch(make_batch: Callable[[list[str]], Any]) -> Iterator[Comparison]:
    """Names of different lengths, one name alone, and names with more characters than letters."""
    for names, plain in BATCHES:
        found = make_batch(list(names))
        outer = returned("make_batch", "the two values (x, last_pos)", found)
        yield outer
        if not outer.passed:
            return
        if names == plain or _encodes(make_batch, names, plain):
            yield from _batch(f"make_batch({list(names)})", found, names, plain)


def _batch(
    label: str, found: Any, names: Sequence[str], plain: Sequence[str]
) -> Iterator[Comparison]:
    x, last_pos = found[:2]
    longest = max(map(len, plain))

    def filled(number: int, longest: int = longest, left: bool = False) -> Tensor:
        rows = []
        for name in plain:
            padding = [number] * (longest - len(name))
            rows.append(padding + indices(name) if left else indices(name) + padding)
        return torch.tensor(rows)

    right = filled(PADDING)
    by_length = sorted(range(len(plain)), key=lambda row: -len(plain[row]))
    yield Comparison(
        f"x of {label}",
        x,
        right,
        mistakes={
            "batch and time are swapped: x is (B, T), a name in each row "
            "(pad_sequence takes batch_first=True).": right.T,
            "it is filled up with 0, which is the letter a; use PADDING.": filled(0),
            "it is filled up with -1; use PADDING.": filled(-1),
            "it is filled up with 56, which is the apostrophe; use PADDING.": filled(56),
            "the padding comes first; it belongs after the name.": filled(PADDING, left=True),
            "the names are sorted by length; keep their order.": right[by_length],
            "it is one-hot vectors; return indices.": _one_hot(right, 58),
            "it is as wide as the longest name has characters; T is the length of the longest "
            "encoded name.": filled(PADDING, max(map(len, names))),
        },
        advice="the indices of a name in each row, PADDING after the shorter ones.",
    )
    lengths = torch.tensor([len(name) for name in plain])
    written = torch.tensor([len(name) for name in names])
    yield Comparison(
        f"last_pos of {label}",
        last_pos,
        lengths - 1,
        mistakes={
            "it is the lengths; the last letter of n has the index n - 1.": lengths,
            "it is the last column for every name; the shorter ones end earlier.": (
                torch.full_like(lengths, longest - 1)
            ),
            "it is the number of padded places.": longest - lengths,
            "it has an axis too many: (B,).": (lengths - 1).unsqueeze(1),
            "the names are sorted by length; keep their order.": (lengths - 1)[by_length],
            "it counts the characters of the names; count the indices of the encoded names, which "
            "may be fewer.": written - 1,
        },
        advice="the index of the last letter of each name, (B,).",
    )
    for name, value in (("x", x), ("last_pos", last_pos)):
        yield Comparison(
            f"whether {name} of {label} is a tensor",
            float(isinstance(value, Tensor)),
            1.0,
            mistakes={"it is not; use torch.tensor.": 0.0},
        )
        yield _integers(f"{name} of {label}", value)


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


UPDATE_X = torch.tensor([[0, 1, 3], [2, 3, 3], [1, 1, 2], [3, 0, 3], [2, 1, 3]])
UPDATE_LAST = torch.tensor([1, 0, 2, 1, 1])
UPDATE_LANGUAGES = torch.tensor([0, 2, 1, 2, 1])
RATE = 0.002


def update_by_hand(table: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean cross-entropy of the update's batch, and its gradient in closed form."""
    loss, gradient = 0.0, np.zeros_like(table)
    for row, end, language in zip(UPDATE_X, UPDATE_LAST, UPDATE_LANGUAGES, strict=True):
        letter = int(row[end])
        powers = np.exp(Scores.FACTOR * table[letter])
        p = powers / powers.sum()
        loss -= np.log(p[int(language)]) / len(UPDATE_X)
        gradient[letter] += Scores.FACTOR * (p - np.eye(3)[int(language)]) / len(UPDATE_X)
    return loss, gradient


def update_mistake(loss_of: Callable[[Tensor], Tensor], steps: int) -> tuple[float, Tensor]:
    """The last loss, and the table after some updates with another loss."""
    model = Scores()
    optimizer, loss = torch.optim.SGD(model.parameters(), lr=RATE), 0.0
    for _ in range(steps):
        found = loss_of(model(UPDATE_X, UPDATE_LAST))
        optimizer.zero_grad()
        found.backward()
        optimizer.step()
        loss = found.item()
    return loss, model.table.detach()


def _shorter(table: Tensor, before: np.ndarray, gradient: np.ndarray) -> Tensor | None:
    """The table, if it has gone against the gradient and not as far as the rate says."""
    step = (before - table.detach().double().numpy()).ravel()
    along = step @ gradient.ravel() / np.linalg.norm(gradient)
    is_parallel = np.linalg.norm(step) - along < 1e-4 * along
    return table if is_parallel and along < 0.9 * RATE * np.linalg.norm(gradient) else None


@part("2-update", "update", "update")
def update_step(update: Callable[..., Any]) -> Iterator[Comparison]:
    """Two updates of a table of logits with plain gradient descent."""
    model = Scores()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    table, gradients = model.table.detach().double().numpy().copy(), []
    for step in (1, 2):
        before = table
        right, gradient = update_by_hand(table)
        gradients.append(gradient)
        table = table - RATE * gradient
        given = update(model, optimizer, UPDATE_X, UPDATE_LAST, UPDATE_LANGUAGES)
        softmax, sums = (
            update_mistake(loss_of, step)
            for loss_of in (
                lambda z: F.cross_entropy(z.softmax(dim=1), UPDATE_LANGUAGES),
                lambda z: F.cross_entropy(z, UPDATE_LANGUAGES, reduction="sum"),
            )
        )
        yield Comparison(
            f"the loss that update returns, number {step},",
            given,
            right,
            mistakes={
                "the softmax is taken twice: F.cross_entropy takes logits.": softmax[0],
                "it is the sum over the batch; take the mean.": sums[0],
            },
            advice="It is the mean cross-entropy before the step.",
        )
        yield Comparison(
            f"the parameters after {step} update(s) with SGD",
            model.table,
            table,
            mistakes={
                "they have not changed: after loss.backward(), optimizer.step() is missing, or "
                "zero_grad() comes between them.": before,
                "the gradients of the last update are added: optimizer.zero_grad() is missing.": (
                    before - RATE * sum(gradients)
                ),
                "the loss is maximised: its sign.": before + RATE * gradient,
                "the softmax is taken twice: F.cross_entropy takes logits.": softmax[1],
                "the loss is the sum over the batch; take the mean.": sums[1],
                "the gradient is clipped or scaled: take the step with the gradient as it is, of "
                f"the length {np.linalg.norm(gradient):.2g} here.": _shorter(
                    model.table, before, gradient
                ),
            },
            advice="zero_grad, backward of the mean cross-entropy, and one step.",
        )


@part("2-accuracy", "accuracy", "accuracy")
def share_of_right(accuracy: Callable[..., Any]) -> Iterator[Comparison]:
    """A model whose predictions are known, in training mode when it comes."""
    x = torch.tensor([[0, 1], [2, 2], [1, 0], [0, 0], [2, 1], [1, 1], [0, 2], [2, 0]])
    last_pos = torch.tensor([1, 0, 1, 0, 0, 1, 0, 0])
    predicted = torch.tensor([1, 2, 0, 0, 2, 1, 0, 2])
    languages = torch.tensor([1, 2, 0, 2, 2, 0, 2, 2])
    model = Modes().train()
    training = model(x, last_pos).argmax(dim=1)
    in_training = (training == languages).double().mean()
    lowest = model.eval()(x, last_pos).argmin(dim=1)
    model.train()
    right = (predicted == languages).double().mean()
    yield Comparison(
        "accuracy(model, x, last_pos, languages) of a model in training mode",
        accuracy(model, x, last_pos, languages),
        right,
        mistakes={
            "it is that of the model in training mode, with dropout: model.eval() comes "
            "first.": in_training,
            "it is a count; divide by the number of names.": right * len(x),
            "it is in percent; return a share.": right * 100,
            "it is the share of errors.": 1 - right,
            "the smallest logit is taken for the prediction.": (
                (lowest == languages).double().mean()
            ),
            "it is one value for each name; take the mean.": (predicted == languages),
        },
        advice="It is the share of the names whose largest logit is that of their language.",
    )
