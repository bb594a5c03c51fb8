"""Right solutions of problem 2 pass however they are written; wrong ones get the hint that fits."""

from __future__ import annotations

import string
import unicodedata

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from eigenlab import names as library
from eigenlab.grading import check

LETTERS = string.ascii_letters + " .,;'"


def plain(name, form="NFD"):
    return [c for c in unicodedata.normalize(form, name) if c in LETTERS]


def encode(name):
    return torch.tensor([LETTERS.index(c) for c in plain(name)])


def find_all(name, unknown=None):
    """str.find of every character; -1 replaced by ``unknown``."""
    found = [LETTERS.find(c) for c in name]
    return [unknown if index < 0 and unknown is not None else index for index in found]


def without_marks(name):
    folded = unicodedata.normalize("NFD", name)
    return "".join(c for c in folded if unicodedata.category(c) != "Mn")


def make_batch(names, value=57):
    rows = [encode(name) for name in names]
    last_pos = torch.tensor([len(row) - 1 for row in rows])
    return pad_sequence(rows, batch_first=True, padding_value=value), last_pos


def full_batch(names):
    lengths = [len(encode(name)) for name in names]
    x = torch.full((len(names), max(lengths)), 57)
    for row, name in enumerate(names):
        x[row, : lengths[row]] = encode(name)
    return x, torch.tensor(lengths) - 1


def sorted_batch(names):
    return make_batch(sorted(names, key=len, reverse=True))


def raw_lengths(names):
    return make_batch(names)[0], torch.tensor([len(name) - 1 for name in names])


def raw_width(names):
    x, last_pos = make_batch(names)
    return F.pad(x, (0, max(map(len, names)) - x.shape[1]), value=57), last_pos


def letters_of_ascii(names):
    """Accents are lost with their letters; that is a mistake of 2-letters."""
    rows = [torch.tensor([LETTERS.index(c) for c in name if c in LETTERS]) for name in names]
    x = pad_sequence(rows, batch_first=True, padding_value=57)
    return x, torch.tensor([len(row) - 1 for row in rows])


def left_padded(names):
    rows = [encode(name).flip(0) for name in names]
    x = pad_sequence(rows, batch_first=True, padding_value=57).flip(1)
    return x, make_batch(names)[1]


class Net(nn.Module):
    """Embedding, torch's layers, one linear map; subclasses change one thing."""

    def __init__(
        self, vocab_size, rnn_size, n_categories, num_layers=1, dropout=0.0, model_type="lstm"
    ):
        super().__init__()
        self.sizes = vocab_size, rnn_size, n_categories
        self.num_layers, self.p, self.kind = num_layers, dropout, model_type
        self.make()

    def make(self):
        V, H, C = self.sizes
        self.embedding = nn.Embedding(V, H)
        self.make_layers(H)
        self.linear = nn.Linear(H, C)

    def layer(self):
        return nn.RNN if self.kind == "rnn" else nn.LSTM

    def make_layers(self, inputs):
        between = self.p if self.num_layers > 1 else 0.0
        self.recurrent = self.layer()(
            inputs, self.sizes[1], self.num_layers, batch_first=True, dropout=between
        )

    def embed(self, x):
        return self.embedding(x)

    def states(self, x, last_pos):
        return self.recurrent(self.embed(x))[0]

    def read(self, states, last_pos):
        return states[torch.arange(len(states)), last_pos]

    def forward(self, x, last_pos):
        return self.linear(self.read(self.states(x, last_pos), last_pos))


class DropoutEverywhere(Net):
    def forward(self, x, last_pos):
        states = self.recurrent(F.dropout(self.embed(x), self.p, self.training))[0]
        return self.linear(F.dropout(self.read(states, last_pos), self.p, self.training))


class OneHot(Net):
    def make(self):
        V, H, C = self.sizes
        self.make_layers(V)
        self.linear = nn.Linear(H, C, bias=False)

    def embed(self, x):
        return F.one_hot(x, self.sizes[0]).float()


class SmallEmbedding(Net):
    """Padding is zeros, the embedding is narrow, two linear maps follow, gather takes the state."""

    def make(self):
        V, H, C = self.sizes
        self.embedding = nn.Embedding(V, 3, padding_idx=57)
        self.make_layers(3)
        self.linear = nn.Sequential(nn.Linear(H, 11), nn.ReLU(), nn.Linear(11, C))

    def read(self, states, last_pos):
        place = last_pos.view(-1, 1, 1).expand(-1, 1, states.shape[2])
        return states.gather(1, place).squeeze(1)


class Packed(Net):
    def forward(self, x, last_pos):
        packed = pack_padded_sequence(
            self.embed(x), last_pos + 1, batch_first=True, enforce_sorted=False
        )
        last = self.recurrent(packed)[1]
        return self.linear((last[0] if self.kind == "lstm" else last)[-1])


class TimeFirst(Net):
    def make_layers(self, inputs):
        between = self.p if self.num_layers > 1 else 0.0
        self.recurrent = self.layer()(inputs, self.sizes[1], self.num_layers, dropout=between)

    def states(self, x, last_pos):
        return self.recurrent(self.embed(x.T))[0]

    def read(self, states, last_pos):
        return states[last_pos, torch.arange(states.shape[1])]


class BothBuilt(Net):
    def make_layers(self, inputs):
        _, H, _ = self.sizes
        options = {"batch_first": True, "dropout": self.p if self.num_layers > 1 else 0.0}
        self.rnn = nn.RNN(inputs, H, self.num_layers, **options)
        self.lstm = nn.LSTM(inputs, H, self.num_layers, **options)

    def states(self, x, last_pos):
        return (self.rnn if self.kind == "rnn" else self.lstm)(self.embed(x))[0]


class OwnCells(Net):
    """Cells with one bias or two, one name at a time, a mask in the place of an index."""

    def make_layers(self, inputs):
        H = self.sizes[1]
        sizes = [inputs] + [H] * (self.num_layers - 1)
        factor = 4 if self.kind == "lstm" else 1
        self.maps = nn.ModuleList(nn.Linear(size + H, factor * H) for size in sizes)

    def forward(self, x, last_pos):
        inputs, H = self.embed(x), self.sizes[1]
        for index, linear in enumerate(self.maps):
            h = c = inputs.new_zeros(len(x), H)
            found = []
            for t, x_t in enumerate(inputs.unbind(1)):
                total = linear(torch.cat([x_t, h], dim=1))
                if self.kind == "rnn":
                    new = total.tanh()
                else:
                    i, f, g, o = total.chunk(4, dim=1)
                    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                    new = o.sigmoid() * c.tanh()
                h = torch.where((t <= last_pos)[:, None], new, h)
                found.append(h)
            inputs = torch.stack(found, dim=1)
            if index < len(self.maps) - 1:
                inputs = F.dropout(inputs, self.p, self.training)
        return self.linear(h)


class LogSoftmax(DropoutEverywhere):
    def forward(self, x, last_pos):
        return super().forward(x, last_pos).log_softmax(dim=1)


class Positional(Net):
    """The state after the padding is never computed: one name at a time."""

    def forward(self, x, last_pos):
        rows = [
            super(Positional, self).forward(r[None, : e + 1], e[None])
            for r, e in zip(x, last_pos, strict=True)
        ]
        return torch.cat(rows)


class FrozenOneHot(Net):
    """Rows of the identity, which need no training, and a first state that is held as one."""

    def make(self):
        V, H, C = self.sizes
        self.embedding = nn.Embedding.from_pretrained(torch.eye(V), freeze=True)
        self.make_layers(V)
        self.start = nn.Parameter(torch.zeros(1, 1, H), requires_grad=False)
        self.linear = nn.Linear(H, C)

    def states(self, x, last_pos):
        h = self.start.expand(self.num_layers, len(x), -1).contiguous()
        return self.recurrent(self.embed(x), h if self.kind == "rnn" else (h, h))[0]


class RectifiedHead(SmallEmbedding):
    """Dropout before each of the two linear maps."""

    def forward(self, x, last_pos):
        z = F.dropout(self.read(self.states(x, last_pos), last_pos), self.p, self.training)
        first, activation, second = self.linear
        return second(F.dropout(activation(first(z)), self.p, self.training))


class FrozenEmbedding(Net):
    def make(self):
        super().make()
        self.embedding.weight.requires_grad_(False)


class DetachedEmbedding(Net):
    def embed(self, x):
        return super().embed(x).detach()


class DropoutOfLogits(Net):
    def forward(self, x, last_pos):
        return F.dropout(super().forward(x, last_pos), self.p, self.training)


class LastColumn(Net):
    def read(self, states, last_pos):
        return states[:, -1]


class LastState(Net):
    def forward(self, x, last_pos):
        last = self.recurrent(self.embed(x))[1]
        return self.linear((last[0] if self.kind == "lstm" else last)[-1])


class Bidirectional(Net):
    def make(self):
        V, H, C = self.sizes
        self.embedding, self.linear = nn.Embedding(V, H), nn.Linear(2 * H, C)
        self.recurrent = self.layer()(H, H, batch_first=True, bidirectional=True)


class OneLater(Net):
    def read(self, states, last_pos):
        return states[torch.arange(len(states)), last_pos + 1]


class OneEarlier(Net):
    def read(self, states, last_pos):
        return states[torch.arange(len(states)), last_pos - 1]


class ShortPacked(Net):
    def forward(self, x, last_pos):
        packed = pack_padded_sequence(
            self.embed(x), last_pos, batch_first=True, enforce_sorted=False
        )
        last = self.recurrent(packed)[1]
        return self.linear((last[0] if self.kind == "lstm" else last)[-1])


class ZerosAfterPacking(Net):
    def forward(self, x, last_pos):
        packed = pack_padded_sequence(
            self.embed(x), last_pos + 1, batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)
        return self.linear(states[:, -1])


class Mean(Net):
    """The mean, or a maximum, of the states up to last_pos."""

    def read(self, states, last_pos):
        inside = torch.arange(states.shape[1]) <= last_pos[:, None]
        return (states * inside[..., None]).sum(1) / (last_pos + 1)[:, None]


class Maximum(Net):
    def read(self, states, last_pos):
        inside = torch.arange(states.shape[1]) <= last_pos[:, None]
        return states.masked_fill(~inside[..., None], -2.0).amax(dim=1)


class PackedBidirectional(Bidirectional):
    def forward(self, x, last_pos):
        packed = pack_padded_sequence(
            self.embed(x), last_pos + 1, batch_first=True, enforce_sorted=False
        )
        last = self.recurrent(packed)[1]
        last = last[0] if self.kind == "lstm" else last
        return self.linear(torch.cat([last[-2], last[-1]], dim=1))


class OrderNotRestored(Net):
    def forward(self, x, last_pos):
        order = last_pos.argsort(descending=True)
        packed = pack_padded_sequence(self.embed(x)[order], last_pos[order] + 1, batch_first=True)
        last = self.recurrent(packed)[1]
        return self.linear((last[0] if self.kind == "lstm" else last)[-1])


class FirstState(Net):
    def read(self, states, last_pos):
        return states[:, 0]


class OneRowForAll(Net):
    def read(self, states, last_pos):
        return states[:, last_pos[0]]


class NoRecurrence(Net):
    def states(self, x, last_pos):
        return self.embed(x)


class Constant(Net):
    def forward(self, x, last_pos):
        return super().forward(0 * x, 0 * last_pos)


class NotBatchFirst(Net):
    def make_layers(self, inputs):
        between = self.p if self.num_layers > 1 else 0.0
        self.recurrent = self.layer()(inputs, self.sizes[1], self.num_layers, dropout=between)


class NotBatchFirstLastState(NotBatchFirst, LastState):
    pass


class EveryStep(Net):
    def read(self, states, last_pos):
        return states


class EveryPair(Net):
    def read(self, states, last_pos):
        return states[:, last_pos]


class LayerAxis(Net):
    def forward(self, x, last_pos):
        return super().forward(x, last_pos).unsqueeze(0)


class Squeezed(Net):
    def forward(self, x, last_pos):
        return super().forward(x, last_pos).squeeze()


class NoLinear(Net):
    def forward(self, x, last_pos):
        return self.read(self.states(x, last_pos), last_pos)


class Argmax(Net):
    def forward(self, x, last_pos):
        return super().forward(x, last_pos).argmax(dim=1)


class WithState(Net):
    def forward(self, x, last_pos):
        return super().forward(x, last_pos), None


class VocabularySized(Net):
    def make(self):
        super().make()
        self.linear = nn.Linear(self.sizes[1], self.sizes[0])


class Softmax(Net):
    def forward(self, x, last_pos):
        return super().forward(x, last_pos).softmax(dim=1)


class Sigmoid(Net):
    def forward(self, x, last_pos):
        return super().forward(x, last_pos).sigmoid()


class Tanh(Net):
    def forward(self, x, last_pos):
        return super().forward(x, last_pos).tanh()


class RandomStart(Net):
    def states(self, x, last_pos):
        h = torch.randn(self.num_layers, len(x), self.sizes[1])
        return self.recurrent(self.embed(x), h if self.kind == "rnn" else (h, h))[0]


class CarriedState(Net):
    kept = None

    def states(self, x, last_pos):
        if self.kept is not None and len(x) != self.kept_for:
            self.kept = None
        states, last = self.recurrent(self.embed(x), self.kept)
        self.kept = last.detach() if self.kind == "rnn" else tuple(s.detach() for s in last)
        self.kept_for = len(x)
        return states


class AlwaysLSTM(Net):
    def layer(self):
        return nn.LSTM


class GRU(Net):
    def layer(self):
        return nn.RNN if self.kind == "rnn" else nn.GRU


class Swapped(Net):
    def layer(self):
        return nn.LSTM if self.kind == "rnn" else nn.RNN


class RNNByDefault(Net):
    def __init__(self, *sizes, model_type="rnn", **options):
        super().__init__(*sizes, model_type=model_type, **options)


class OneLayer(Net):
    def make_layers(self, inputs):
        self.recurrent = self.layer()(inputs, self.sizes[1], batch_first=True)


class BottomLayer(Net):
    def forward(self, x, last_pos):
        packed = pack_padded_sequence(
            self.embed(x), last_pos + 1, batch_first=True, enforce_sorted=False
        )
        last = self.recurrent(packed)[1]
        return self.linear((last[0] if self.kind == "lstm" else last)[0])


class FixedSize(Net):
    def __init__(self, vocab_size, rnn_size, *others, **options):
        super().__init__(vocab_size, 16, *others, **options)


class FixedVocabulary(Net):
    def __init__(self, vocab_size, *others, **options):
        super().__init__(58, *others, **options)


class NoGradient(Net):
    def states(self, x, last_pos):
        with torch.no_grad():
            return super().states(x, last_pos)

    def forward(self, x, last_pos):
        return super().forward(x, last_pos).detach()


class DropoutInEval(Net):
    def states(self, x, last_pos):
        return F.dropout(super().states(x, last_pos), self.p)


class NoDropout(Net):
    def make_layers(self, inputs):
        self.recurrent = self.layer()(inputs, self.sizes[1], self.num_layers, batch_first=True)


class FixedDropout(Net):
    def states(self, x, last_pos):
        return F.dropout(super().states(x, last_pos), 0.3, self.training)


class CellState(Net):
    def forward(self, x, last_pos):
        if self.kind == "rnn":
            return super().forward(x, last_pos)
        packed = pack_padded_sequence(
            self.embed(x), last_pos + 1, batch_first=True, enforce_sorted=False
        )
        return self.linear(self.recurrent(packed)[1][1][-1])


def update(model, optimizer, x, last_pos, y):
    loss = F.cross_entropy(model(x, last_pos), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def clipped(clip):
    def update(model, optimizer, x, last_pos, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x, last_pos), y)
        loss.backward()
        clip(model.parameters())
        optimizer.step()
        return loss

    return update


def altered_update(loss_of=F.cross_entropy, zero=True, step=True, zero_late=False, sign=1.0):
    def update(model, optimizer, x, last_pos, y):
        if zero and not zero_late:
            optimizer.zero_grad()
        loss = loss_of(model(x, last_pos), y)
        (sign * loss).backward()
        if zero_late:
            optimizer.zero_grad()
        if step:
            optimizer.step()
        return loss

    return update


def accuracy(model, x, last_pos, y):
    model.eval()
    with torch.no_grad():
        return (model(x, last_pos).argmax(dim=1) == y).float().mean().item()


def counted_accuracy(model, x, last_pos, y):
    was = model.training
    model.train(False)
    right = 0
    for row in range(len(x)):
        logits = model(x[row : row + 1], last_pos[row : row + 1])
        right += int(torch.max(logits, dim=1).indices.item() == y[row].item())
    model.train(was)
    return right / len(x)


def in_eval(function):
    def accuracy(model, x, last_pos, y):
        model.eval()
        return function(model(x, last_pos), y)

    return accuracy


RIGHT = {
    "2-letters": {
        "NFD": encode,
        "NFKD, a list": lambda name: [LETTERS.index(c) for c in plain(name, "NFKD")],
        "encode": lambda name: torch.tensor(
            find_all(
                c
                for c in unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
                if c in LETTERS
            )
        ),
        "dictionary": lambda name: np.array(
            [{c: i for i, c in enumerate(LETTERS)}[c] for c in plain(name)]
        ),
        "the library": library.encode_name,
    },
    "2-batch": {
        "pad_sequence": make_batch,
        "full": full_batch,
        "the library": library.encode_names,
        "int32": lambda names: tuple(part.int() for part in make_batch(names)),
        "letters that 2-letters finds": letters_of_ascii,
        "a list, and more": lambda names: [*make_batch(names), "more"],
    },
    "2": {
        kind.__name__: kind
        for kind in (
            Net,
            DropoutEverywhere,
            OneHot,
            SmallEmbedding,
            Packed,
            TimeFirst,
            BothBuilt,
            OwnCells,
            LogSoftmax,
            Positional,
            FrozenOneHot,
            RectifiedHead,
        )
    },
    "2-update": {
        "zero_grad before backward": update,
        "zero_grad first, a tensor": altered_update(),
        "nn.CrossEntropyLoss": altered_update(nn.CrossEntropyLoss()),
        "nll_loss": altered_update(lambda z, y: F.nll_loss(z.log_softmax(dim=1), y)),
    },
    "2-accuracy": {
        "mean": accuracy,
        "one by one": counted_accuracy,
        "numpy": in_eval(lambda z, y: np.mean(z.detach().numpy().argmax(1) == y.numpy())),
    },
}
WRONG = {
    "2-letters": [
        (lambda name: encode(name.lower()), "a capital has an index of its own"),
        (lambda name: [LETTERS.index(c) for c in name if c in LETTERS], "keep the letter"),
        (find_all, "str.find returns that"),
        (lambda name: find_all(name, 57), "has the index of the padding; a letter with"),
        (lambda name: find_all(without_marks(name)), "has the index -1; leave it out"),
        (lambda name: find_all(without_marks(name), 57), "index of the padding; leave it out"),
        (lambda name: [LETTERS.index(c) for c in plain(name) if c.isalpha()], "in LETTERS, too"),
        (lambda name: encode(name) + 1, "counts from 1"),
        (lambda name: [ord(c) for c in plain(name)], "code points"),
        (
            lambda name: [
                (string.ascii_uppercase + string.ascii_lowercase + " .,;'").index(c)
                for c in plain(name)
            ],
            "capitals come first",
        ),
        (lambda name: F.one_hot(encode(name), 57), "one-hot vectors"),
        (lambda name: F.one_hot(encode(name), 58).float(), "one-hot vectors"),
        (lambda name: encode(name)[:, None], "an axis too many"),
        (lambda name: encode(name)[None], "an axis too many"),
        (lambda name: encode(name).float(), "nn.Embedding and F.one_hot read indices"),
        (lambda name: encode(name).flip(0), "in the order of the name"),
        (lambda name: None, "`return` is"),
    ],
    "2-batch": [
        (lambda names: (make_batch(names)[0].T, make_batch(names)[1]), "batch and time"),
        (lambda names: make_batch(names, 0), "which is the letter a"),
        (lambda names: make_batch(names, -1), "filled up with -1"),
        (lambda names: make_batch(names, 56), "the apostrophe"),
        (left_padded, "the padding comes first"),
        (sorted_batch, "sorted by length"),
        (
            lambda names: (F.one_hot(make_batch(names)[0], 58), make_batch(names)[1]),
            "one-hot vectors",
        ),
        (lambda names: (make_batch(names)[0], make_batch(names)[1] + 1), "it is the lengths"),
        (
            lambda names: (make_batch(names)[0], 0 * make_batch(names)[1] + 4),
            "last column for every name",
        ),
        (lambda names: (make_batch(names)[0], make_batch(names)[1][:, None]), "axis too many"),
        (
            lambda names: (make_batch(names)[0], make_batch(names)[1].tolist()),
            "last_pos of make_batch(['Li', 'Rossi', 'Ito', 'Abe']) is a tensor: it is not",
        ),
        (lambda names: (make_batch(names)[0].float(), make_batch(names)[1]), "torch.long"),
        (raw_lengths, "it counts the characters of the names"),
        (raw_width, "it is as wide as the longest name has characters"),
        (lambda names: make_batch(names)[0], "the two values (x, last_pos)"),
    ],
    "2": [
        (LastColumn, "not that of the last column"),
        (LastState, "not that of the last column"),
        (Bidirectional, "the logits depend on the padding"),
        (OneLater, "the letter after last_pos matters"),
        (OneEarlier, "the last letter of a name does not matter"),
        (ShortPacked, "the length is last_pos + 1"),
        (ZerosAfterPacking, "only the longest name matters"),
        (OrderNotRestored, "restore their order"),
        (Mean, "not a mean"),
        (Maximum, "a maximum"),
        (PackedBidirectional, "the state at the first letter"),
        (FirstState, "only the first letter"),
        (OneRowForAll, "the first row's last_pos"),
        (NoRecurrence, "only the last letter"),
        (Constant, "no letter matters"),
        (NotBatchFirst, "reads across the names"),
        (NotBatchFirstLastState, "batch_first=True"),
        (EveryStep, "read one state of each row"),
        (EveryPair, "states[torch.arange(B), last_pos]"),
        (LayerAxis, "an axis for the layers"),
        (Squeezed, "the batch axis is missing"),
        (NoLinear, "the linear layer is missing"),
        (Argmax, "return the logits"),
        (WithState, "return the logits alone"),
        (VocabularySized, "n_categories outputs"),
        (Softmax, "they are probabilities"),
        (Sigmoid, "none is negative"),
        (Tanh, "between -1 and 1"),
        (RandomStart, "start every call from zeros"),
        (CarriedState, "start every call from zeros"),
        (AlwaysLSTM, "'rnn' and 'lstm' are the same"),
        (GRU, "as a GRU"),
        (Swapped, "are swapped"),
        (RNNByDefault, "it is not 'lstm'"),
        (OneLayer, "no more parameters are trained than with one layer"),
        (BottomLayer, "read the state of the top layer"),
        (FixedSize, "rnn_size has an effect"),
        (FixedVocabulary, "index out of range"),
        (NoGradient, "no_grad() or detach()"),
        (DropoutInEval, "training=self.training"),
        (NoDropout, "dropout has no effect"),
        (FixedDropout, "in training mode, dropout=0.0: it does"),
        (FrozenEmbedding, "the embedding is not trained"),
        (DetachedEmbedding, "the embedding is not trained"),
        (DropoutOfLogits, "dropout acts on the logits"),
        (CellState, "read the hidden state h"),
    ],
    "2-update": [
        (altered_update(zero=False), "optimizer.zero_grad() is missing"),
        (altered_update(step=False), "optimizer.step() is missing"),
        (altered_update(zero_late=True), "they have not changed"),
        (altered_update(lambda z, y: F.cross_entropy(z.softmax(1), y)), "softmax is taken twice"),
        (altered_update(lambda z, y: F.cross_entropy(z, y, reduction="sum")), "take the mean"),
        (altered_update(sign=-1.0), "the loss is maximised"),
        (clipped(lambda p: nn.utils.clip_grad_norm_(p, 1.0)), "the gradient is clipped"),
        (clipped(lambda p: nn.utils.clip_grad_norm_(p, 5.0)), "the gradient is clipped"),
        (clipped(lambda p: nn.utils.clip_grad_value_(p, 1.0)), "one step"),
        (lambda *arguments: update(*arguments) and None, "`return` is"),
    ],
    "2-accuracy": [
        (
            lambda model, x, last_pos, y: (model(x, last_pos).argmax(1) == y).float().mean(),
            "model.eval() comes first",
        ),
        (in_eval(lambda z, y: (z.argmax(1) == y).sum()), "it is a count"),
        (in_eval(lambda z, y: 100 * (z.argmax(1) == y).float().mean()), "in percent"),
        (in_eval(lambda z, y: (z.argmax(1) != y).float().mean()), "share of errors"),
        (in_eval(lambda z, y: (z.argmin(1) == y).float().mean()), "smallest logit"),
        (in_eval(lambda z, y: z.argmax(1) == y), "one value for each name"),
    ],
}


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part, named in RIGHT.items() for name in named]
)
def test_a_right_solution_passes(part, name):
    result = check(part, RIGHT[part][name])
    assert result, result
    assert result.hint == ""


@pytest.mark.parametrize(
    ("part", "number"), [(part, n) for part, cases in WRONG.items() for n in range(len(cases))]
)
def test_a_wrong_solution_gets_the_hint_that_fits(part, number):
    solution, words = WRONG[part][number]
    result = check(part, solution)
    assert not result
    assert words in result.hint


@pytest.mark.parametrize("part", RIGHT)
def test_what_is_not_written_is_named(part):
    def absent(*_, **__):
        raise NotImplementedError

    assert check(part, absent).hint == f"{check(part, absent).title} still has to be written."


def test_log_probabilities_are_logits_and_noted():
    assert "log-probabilities" in check("2", LogSoftmax).note
    assert check("2", Net).note == ""


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", [Net, OneHot, SmallEmbedding, OwnCells])
def test_the_result_does_not_depend_on_the_initial_weights(kind, seed):
    class Seeded(kind):
        def make(self):
            super().make()
            torch.manual_seed(seed)
            for parameter in self.parameters():
                nn.init.normal_(parameter, std=1e-3)

    assert check("2", Seeded)
