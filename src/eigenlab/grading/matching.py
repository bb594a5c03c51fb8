"""Which number among the parameters of a network is which weight, told by what it does.

A solution may hold its weights in tensors of any number, order and orientation. Each number of a
right one has the derivatives of one weight of torch's network. Weights with equal derivatives,
those of equal units, are told apart once the other weights are random.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from eigenlab.grading.recurrent import fill

#: Value of all weights at first, and the standard deviation of random ones.
START, SPREAD = 0.3, 0.7
#: Derivatives that differ by less are taken for equal; those in single precision are off by 1e-6.
CLOSE = 1e-4
#: Added to the distance of derivatives of what has been told apart.
FAR = 1e3
#: Random sums of the returned numbers whose derivatives are compared.
SUMS = 10
#: Two are enough: all states of a network differ once its biases and weights of the inputs do.
ROUNDS = 4


def weights(peer: nn.RNNBase) -> list[Tensor]:
    """The parameters of torch's network but its second biases, which are to be zero.

    >>> sum(p.numel() for p in weights(nn.LSTM(2, 3)))
    72
    """
    return [p for name, p in peer.named_parameters() if not name.startswith("bias_hh")]


def match(network: Any, peer: nn.RNNBase, draw: torch.Generator) -> int:
    """Give a network and torch's network the same random weights.

    Args:
        network: returns all states of its top layer, and the last ones of each layer. It has as
            many numbers for parameters as ``peer`` has weights.
        peer: torch's network of the same sizes. Its second biases become zero.
        draw: for inputs and weights.

    Returns:
        how many of the network's numbers have no effect on what it returns.

    >>> one, other = (nn.RNN(2, 3, batch_first=True) for _ in range(2))
    >>> _ = one.bias_hh_l0.data.zero_(), one.bias_hh_l0.requires_grad_(False)
    >>> one.parameters = lambda: reversed(weights(one))
    >>> match(one, other, torch.Generator().manual_seed(0))
    0
    >>> x = torch.ones(1, 4, 2)
    >>> torch.allclose(one(x)[0], other(x)[0])
    True
    """
    x = torch.randn(2, 3, peer.input_size, generator=draw)
    own, theirs = list(network.parameters()), weights(peer)
    fill(peer, 0.0)
    values = torch.full((sum(p.numel() for p in theirs),), START)
    random = torch.zeros(len(values), dtype=torch.bool)
    place, group = torch.arange(len(values)), torch.zeros(len(values), dtype=torch.long)
    unused = 0
    for turn in range(ROUNDS):
        _set(own, values[place.argsort()])
        _set(theirs, values)
        seed = int(torch.randint(1 << 30, (), generator=draw))
        given, right = effects(network, x, own, seed), effects(peer, x, theirs, seed)
        if turn == 0:
            unused = int((given.abs().amax(dim=1) < CLOSE / 100).sum())
        # A number stays with the weights among which the derivatives before this could not tell.
        elsewhere = group[:, None] != group[place.argsort()]
        cost = _distances(right, given) + FAR * elsewhere
        place = torch.as_tensor(linear_sum_assignment(cost)[1])
        close = _distances(right, right) < CLOSE
        group = group * len(group) + close.int().argmax(dim=1)
        apart = close.sum(dim=1) == 1
        fresh = apart & ~random
        values[fresh] = SPREAD * torch.randn(int(fresh.sum()), generator=draw)
        random |= fresh
        if random.all():
            break
    _set(own, values[place.argsort()])
    _set(theirs, values)
    return unused


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a.double(), b.double(), p=torch.inf)


def _set(parameters: Sequence[Tensor], values: Tensor) -> None:
    """Set parameters to values that are listed in their order."""
    with torch.no_grad():
        pieces = values.split([p.numel() for p in parameters])
        for parameter, piece in zip(parameters, pieces, strict=True):
            parameter.copy_(piece.view(parameter.shape))


def effects(network: Any, x: Tensor, parameters: Sequence[Tensor], seed: int) -> Tensor:
    """Derivatives of random sums of what a network returns by each number of its parameters.

    Args:
        network: returns all states and the last ones, tensors in lists or tuples.
        x: inputs.
        parameters: parameters of the network.
        seed: of the sums.

    Returns:
        the derivatives, (numbers, :data:`SUMS`); zeros where autograd finds no path.
    """
    states, last = network(x)[:2]
    returned = torch.cat([t.flatten() for t in _tensors([states, last])])
    draw = torch.Generator().manual_seed(seed)
    sums = torch.randn(SUMS, len(returned), generator=draw) @ returned
    trained = [p for p in parameters if p.requires_grad]
    found = []
    for value in sums:
        given = (
            torch.autograd.grad(value, trained, retain_graph=True, allow_unused=True)
            if value.requires_grad and trained
            else [None] * len(trained)
        )
        by = {id(p): g for p, g in zip(trained, given, strict=True) if g is not None}
        found.append(torch.cat([by.get(id(p), torch.zeros_like(p)).flatten() for p in parameters]))
    return torch.stack(found, dim=1).detach().nan_to_num()


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [t for item in value for t in _tensors(item)] if isinstance(value, list | tuple) else []
