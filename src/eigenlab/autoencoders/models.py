"""Vanilla, denoising and masked autoencoders: one architecture, three kinds of corruption."""

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
    """Encode ``input_size`` features into ``hidden_sizes[-1]`` latent features and decode them.

    The model of question 3a. The encoder is a sequence of ``nn.Linear`` layers with an activation
    between each two and none after the last; the decoder is its mirror image. With one hidden size
    both are linear maps, and the optimum is PCA (Baldi and Hornik 1989,
    doi:10.1016/0893-6080(89)90014-2).

    Args:
        input_size: features of a sample.
        hidden_sizes: widths of the encoder's layers; the last one is the latent width.
        activation_cls: class of the activation between layers. Default: ``nn.ReLU``.
        corruption: function of samples (n, input_size) and a generator that returns what the
            encoder is given in training, such as :class:`~eigenlab.autoencoders.Warp`.
            Default: ``None``, the samples themselves.
        generator: draws the initial weights, uniform in +-1/sqrt(fan in) as ``nn.Linear`` does.
            Default: ``None``, torch's global generator.
        dtype: dtype of the weights. Default: ``None``, torch's default dtype.
        device: device of the weights. Default: ``None``, torch's default device. The generator
            must be on the same one.

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
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
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
        self.encoder, self.decoder = self._build(dtype, device)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                _initialise(module, generator)

    def _build(
        self, dtype: torch.dtype | None, device: torch.device | str | None
    ) -> tuple[nn.Sequential, nn.Sequential]:
        """Return the encoder and the decoder, with uninitialised weights."""
        sizes = (self.input_size, *self.hidden_sizes)
        return (
            nn.Sequential(*linear_layers(sizes, self.activation_cls, dtype, device)),
            nn.Sequential(*linear_layers(sizes[::-1], self.activation_cls, dtype, device)),
        )

    def encode(self, x: Tensor) -> Tensor:
        """Return the latent features (..., hidden_sizes[-1]).

        Args:
            x: (..., input_size) samples.

        Raises:
            InputError: ``x`` has another number of features.
        """
        if x.shape[-1] != self.input_size:
            raise InputError(
                f"x has {x.shape[-1]} features but input_size={self.input_size}; flatten images "
                "with x.flatten(1)"
            )
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Return the reconstruction (..., input_size).

        Args:
            z: (..., hidden_sizes[-1]) latent features.
        """
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction of uncorrupted samples.

        Args:
            x: (..., input_size) samples.
        """
        return self.decode(self.encode(x))

    def loss(self, x: Tensor, x_hat: Tensor) -> Tensor:
        r"""Return the reconstruction loss ``(1/n) sum_i ||x_i - x_hat_i||^2`` (question 3a).

        .. math::

            L = \frac{1}{n} \sum_i \lVert x_i - g(f(x_i)) \rVert^2

        The squared error is summed over features and averaged over samples, so the loss is in
        squared units of the data.

        Args:
            x: (n, input_size) samples.
            x_hat: (n, input_size) reconstructions.
        """
        return (x - x_hat).square().sum(-1).mean()

    def corrupt(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what the encoder is given in place of ``x`` (n, input_size) in training.

        Args:
            x: (n, input_size) samples.
            generator: draws the corruption. Default: ``None``, torch's global generator.
        """
        return x if self.corruption is None else self.corruption(x, generator)

    def get_loss(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the training objective: the loss of ``x`` reconstructed from ``corrupt(x)``.

        ``fit`` minimises what this method returns, so a subclass may override it.

        Args:
            x: (n, input_size) samples.
            generator: draws the corruption. Default: ``None``, torch's global generator.
        """
        return self.loss(x, self(self.corrupt(x, generator)))

    def train_step(
        self, x: Tensor, optimizer: torch.optim.Optimizer, generator: torch.Generator | None = None
    ) -> Tensor:
        """Do one update on a batch and return its loss before the update, detached.

        Args:
            x: (n, input_size) samples.
            optimizer: over the parameters of this model.
            generator: draws the corruption. Default: ``None``, torch's global generator.
        """
        loss = self.get_loss(x, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()


class DenoisingAutoencoder(Autoencoder):
    """An autoencoder that reconstructs ``x`` from ``x`` plus normal noise.

    Source: Vincent et al. 2008, doi:10.1145/1390156.1390294.

    Args:
        input_size: features of a sample.
        hidden_sizes: widths of the encoder's layers; the last one is the latent width.
        activation_cls: class of the activation between layers. Default: ``nn.ReLU``.
        noise_std: standard deviation of the noise, in units of the data. Default: ``0.5``.
        generator: draws the initial weights. Default: ``None``, torch's global generator.
        dtype: dtype of the weights. Default: ``None``, torch's default dtype.
        device: device of the weights. Default: ``None``, torch's default device.

    Raises:
        InputError: a size is not a positive integer, ``hidden_sizes`` is empty, or ``noise_std``
            is negative or not finite.

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
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            hidden_sizes,
            activation_cls,
            corruption=Noise(noise_std),
            generator=generator,
            dtype=dtype,
            device=device,
        )


class MaskedAutoencoder(Autoencoder):
    """An autoencoder that reconstructs ``x`` from ``x`` with features zeroed at random.

    The remaining features are not scaled up.

    Args:
        input_size: features of a sample.
        hidden_sizes: widths of the encoder's layers; the last one is the latent width.
        activation_cls: class of the activation between layers. Default: ``nn.ReLU``.
        mask_prob: probability with which each feature of each sample is zeroed.
            Default: ``0.25``.
        generator: draws the initial weights. Default: ``None``, torch's global generator.
        dtype: dtype of the weights. Default: ``None``, torch's default dtype.
        device: device of the weights. Default: ``None``, torch's default device.

    Raises:
        InputError: a size is not a positive integer, ``hidden_sizes`` is empty, or ``mask_prob``
            is not a probability.

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
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__(
            input_size,
            hidden_sizes,
            activation_cls,
            corruption=Mask(mask_prob),
            generator=generator,
            dtype=dtype,
            device=device,
        )


KINDS: dict[str, type[Autoencoder]] = {
    "vanilla": Autoencoder,
    "denoising": DenoisingAutoencoder,
    "masked": MaskedAutoencoder,
}


def linear_layers(
    sizes: Sequence[int],
    activation_cls: type[nn.Module],
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> list[nn.Module]:
    """Return linear layers from each size to the next, with an activation between each two."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        if layers:
            layers.append(activation_cls())
        layers.append(uninitialised(nn.Linear, fan_in, fan_out, dtype=dtype, device=device))
    return layers


def uninitialised(
    layer_cls: type[nn.Module],
    *sizes: int,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
    **options: Any,
) -> nn.Module:
    """Return a layer that drew nothing from the global generator: the model sets its weights."""
    place = torch.get_default_device() if device is None else device
    return nn.utils.skip_init(layer_cls, *sizes, dtype=dtype, device=place, **options)


@torch.no_grad()
def _initialise(
    layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, generator: torch.Generator | None
) -> None:
    # torch's definition of fan in for all three layers, the transposed convolution included.
    bound = 1 / math.sqrt(layer.weight[0].numel())
    for values in layer.parameters():
        values.uniform_(-bound, bound, generator=generator)
