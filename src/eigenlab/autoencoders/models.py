"""Vanilla, denoising and masked autoencoders: one architecture, three inputs to the encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral

import torch
from torch import Tensor, nn

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
        self.encoder = _chain(sizes, activation_cls)
        self.decoder = _chain(sizes[::-1], activation_cls)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                _initialise(module, generator)

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
        """What the encoder sees in place of ``x`` during training; here ``x`` itself."""
        return x

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
        super().__init__(input_size, hidden_sizes, activation_cls, generator=generator)
        if not 0 <= noise_std < math.inf:
            raise InputError(f"noise_std={noise_std} must be finite and not negative")
        self.noise_std = noise_std

    def corrupt(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """``x`` plus independent normal noise of standard deviation ``noise_std``."""
        return x + self.noise_std * torch.randn(
            x.shape, generator=generator, dtype=x.dtype, device=x.device
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
        super().__init__(input_size, hidden_sizes, activation_cls, generator=generator)
        if not 0 <= mask_prob <= 1:
            raise InputError(f"mask_prob={mask_prob} is a probability; give 0 <= mask_prob <= 1")
        self.mask_prob = mask_prob

    def corrupt(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """``x`` with each feature zeroed independently with probability ``mask_prob``."""
        kept = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return x * (kept >= self.mask_prob)


KINDS: dict[str, type[Autoencoder]] = {
    "vanilla": Autoencoder,
    "denoising": DenoisingAutoencoder,
    "masked": MaskedAutoencoder,
}


def _chain(sizes: Sequence[int], activation_cls: type[nn.Module]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        if layers:
            layers.append(activation_cls())
        # Allocated without the global generator: the caller initialises it.
        layers.append(nn.utils.skip_init(nn.Linear, fan_in, fan_out))
    return nn.Sequential(*layers)


@torch.no_grad()
def _initialise(layer: nn.Linear, generator: torch.Generator | None) -> None:
    bound = 1 / math.sqrt(layer.in_features)
    layer.weight.uniform_(-bound, bound, generator=generator)
    layer.bias.uniform_(-bound, bound, generator=generator)
