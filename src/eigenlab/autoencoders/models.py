"""Vanilla, denoising and masked autoencoders: one architecture, three inputs to the encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.autoencoders.corruption import Corruption, Mask, Noise
from eigenlab.errors import InputError


class Autoencoder(nn.Module):
    """Encode ``input_size`` features into ``hidden_sizes[-1]`` latent ones, and decode them.

    The encoder is a chain of ``nn.Linear`` with an activation between each two, and none after its
    last; the decoder is its mirror image. With one hidden size both are linear maps, and the best
    of them is PCA (Baldi and Hornik 1989, doi:10.1016/0893-6080(89)90014-2).

    The loss is ``(1/n) sum_i ||x_i - x_hat_i||^2``: a mean over samples of the squared error
    *summed* over features, in squared units of the data.

    Args:
        input_size: features of a sample.
        hidden_sizes: widths of the encoder's layers; the last one is the latent width.
        activation_cls: class of the activation between layers.
        corruption: what the encoder sees in training in place of ``x``, such as
            :class:`~eigenlab.autoencoders.Warp`; default: ``x`` itself.
        generator: draws the initial weights, uniform in +-1/sqrt(fan in) as ``nn.Linear`` does;
            default: torch's global generator.

    Raises:
        InputError: a size is not a positive integer, or ``hidden_sizes`` is empty.

    >>> model = Autoencoder(6, [4, 2], generator=torch.Generator().manual_seed(0))
    >>> list(model.state_dict())[:2], model.encode(torch.zeros(3, 6)).shape
    (['encoder.0.weight', 'encoder.0.bias'], torch.Size([3, 2]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        activation_cls: type[nn.Module] = nn.ReLU,
        *,
        corruption: Corruption | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        sizes = (input_size, *hidden_sizes)
        if len(sizes) < 2 or any(not isinstance(size, Integral) or size < 1 for size in sizes):
            raise InputError(
                f"input_size={input_size!r}, hidden_sizes={list(hidden_sizes)!r}; expected "
                "positive integers and at least one hidden size"
            )
        sizes = tuple(int(size) for size in sizes)
        self.input_size, self.hidden_sizes = sizes[0], sizes[1:]
        self.activation_cls = activation_cls
        self.corruption = corruption
        self.encoder, self.decoder = self._build()
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                _initialise(module, generator)

    def _build(self) -> tuple[nn.Sequential, nn.Sequential]:
        """The encoder and the decoder, their weights not yet set."""
        sizes = (self.input_size, *self.hidden_sizes)
        return (
            nn.Sequential(*chain(sizes, self.activation_cls)),
            nn.Sequential(*chain(sizes[::-1], self.activation_cls)),
        )

    def encode(self, x: Tensor) -> Tensor:
        """Return the latent features (..., hidden_sizes[-1]) of ``x`` (..., input_size)."""
        if x.shape[-1] != self.input_size:
            raise InputError(
                f"x has {x.shape[-1]} features but input_size={self.input_size}; flatten images "
                "with x.flatten(1)"
            )
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction (..., input_size) of latent features ``z``."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct ``x`` from its own encoding, without corruption."""
        return self.decode(self.encode(x))

    def loss(self, x: Tensor, x_hat: Tensor) -> Tensor:
        """Squared error summed over features, mean over the n samples of ``x`` (n, input_size)."""
        return (x - x_hat).square().sum(-1).mean()

    def corrupt(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What the encoder sees in place of ``x`` (n, input_size) during training."""
        return x if self.corruption is None else self.corruption(x, generator)

    def get_loss(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Objective of training: reconstruct the clean ``x`` from ``corrupt(x)``."""
        return self.loss(x, self(self.corrupt(x, generator)))

    def train_step(
        self, x: Tensor, optimizer: torch.optim.Optimizer, generator: torch.Generator | None = None
    ) -> Tensor:
        """Do one update on the batch ``x`` and return its loss, detached."""
        loss = self.get_loss(x, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()


class DenoisingAutoencoder(Autoencoder):
    """An autoencoder that sees ``x`` + Gaussian noise and is to return ``x``.

    Source: Vincent et al. 2008, doi:10.1145/1390156.1390294. Other arguments are those of
    :class:`Autoencoder`.

    Args:
        noise_std: standard deviation of the noise, in units of the data.

    >>> model = DenoisingAutoencoder(3, [2], noise_std=0.1)
    >>> model.corrupt(torch.zeros(1, 3), torch.Generator().manual_seed(0)).abs().max() < 1
    tensor(True)
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        activation_cls: type[nn.Module] = nn.ReLU,
        noise_std: float = 0.5,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        noise = Noise(noise_std)
        super().__init__(
            input_size, hidden_sizes, activation_cls, corruption=noise, generator=generator
        )


class MaskedAutoencoder(Autoencoder):
    """An autoencoder that sees ``x`` with features zeroed at random and is to return ``x``.

    The features that are left are not scaled up. Other arguments are those of
    :class:`Autoencoder`.

    Args:
        mask_prob: probability with which each feature of each sample is zeroed.

    >>> model = MaskedAutoencoder(3, [2], mask_prob=1.0)
    >>> model.corrupt(torch.ones(1, 3))
    tensor([[0., 0., 0.]])
    """

    def __init__(
        self,
        input_size: int,
        hidden_sizes: Sequence[int],
        activation_cls: type[nn.Module] = nn.ReLU,
        mask_prob: float = 0.25,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        mask = Mask(mask_prob)
        super().__init__(
            input_size, hidden_sizes, activation_cls, corruption=mask, generator=generator
        )


KINDS: dict[str, type[Autoencoder]] = {
    "vanilla": Autoencoder,
    "denoising": DenoisingAutoencoder,
    "masked": MaskedAutoencoder,
}


def chain(sizes: Sequence[int], activation_cls: type[nn.Module]) -> list[nn.Module]:
    """Linear layers from each size to the next, an activation between each two of them."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        if layers:
            layers.append(activation_cls())
        layers.append(unset(nn.Linear, fan_in, fan_out))
    return layers


def unset(layer_cls: type[nn.Module], *sizes: int, **options: Any) -> nn.Module:
    """A layer allocated without the global generator: the model sets its weights."""
    return nn.utils.skip_init(layer_cls, *sizes, **options)


@torch.no_grad()
def _initialise(
    layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, generator: torch.Generator | None
) -> None:
    # What torch takes as fan in for all three, the transposed convolution included.
    bound = 1 / math.sqrt(layer.weight[0].numel())
    for values in layer.parameters():
        values.uniform_(-bound, bound, generator=generator)
