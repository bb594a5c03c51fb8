"""Many autoencoders trained at once by batched matrix products.

Members of equal shape are stacked, so a layer of M models is one product of an (M, B, in) by an
(M, in, out) tensor. Every member draws its weights, the order of its samples and its corruption
from the same generators as in :func:`~eigenlab.autoencoders.fit`, and gets the same result up to
rounding.

This module has a loop of its own instead of ``training.train``, which trains one model on one
batch per step. Here members of different seeds see different batches in the same step, their
models are checked and reported together, and an epoch's random numbers are shared between members.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from eigenlab.autoencoders.batches import corruption_generator, epoch_order
from eigenlab.autoencoders.checks import check_training
from eigenlab.autoencoders.fit import check_weights
from eigenlab.autoencoders.models import KINDS, Autoencoder
from eigenlab.errors import InputError, nearest
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import generator


class Member(NamedTuple):
    """One autoencoder of an ensemble.

    Args:
        kind: ``"vanilla"``, ``"denoising"`` or ``"masked"``.
        hidden_sizes: widths of the encoder's layers; the last one is the latent width.
        seed: random seed of weights, order and corruption. Default: ``0``.

    >>> Member("masked", (4, 2)).build(6, mask_prob=0.5).corruption
    Mask(mask_prob=0.5)
    """

    kind: str
    hidden_sizes: tuple[int, ...]
    seed: int = 0

    def build(
        self,
        input_size: int,
        *,
        activation_cls: type[nn.Module] = nn.ReLU,
        noise_std: float = 0.5,
        mask_prob: float = 0.25,
    ) -> Autoencoder:
        """Return the model, with weights drawn by ``generator(seed, "weights")``.

        Args:
            input_size: features of a sample.
            activation_cls: class of the activation between layers. Default: ``nn.ReLU``.
            noise_std: standard deviation of the noise; used by ``"denoising"`` only.
                Default: ``0.5``.
            mask_prob: probability with which a feature is zeroed; used by ``"masked"`` only.
                Default: ``0.25``.

        Raises:
            InputError: the kind is unknown, or a setting is out of range.
        """
        if self.kind not in KINDS:
            raise InputError(
                f"kind='{self.kind}' is unknown{nearest(self.kind, KINDS)}; "
                f"choose from {', '.join(KINDS)}"
            )
        settings: dict[str, dict[str, Any]] = {
            "denoising": {"noise_std": noise_std},
            "masked": {"mask_prob": mask_prob},
        }
        return KINDS[self.kind](
            input_size,
            self.hidden_sizes,
            activation_cls,
            **settings.get(self.kind, {}),
            generator=generator(self.seed, "weights"),
        )


def train_ensemble(
    x: Tensor,
    members: Sequence[Member],
    *,
    n_epochs: int,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    activation_cls: type[nn.Module] = nn.ReLU,
    noise_std: float = 0.5,
    mask_prob: float = 0.25,
    on_epoch: Callable[[int, list[Autoencoder]], None] | None = None,
    reporter: Reporter = SILENT,
) -> list[Autoencoder]:
    """Train autoencoders of several kinds, widths and seeds at once with Adam (question 3a).

    Args:
        x: (n, input_size) samples. The models have their dtype and are on their device.
        members: the autoencoders to train.
        n_epochs: passes over the samples; ``0`` returns the models untrained.
        batch_size: samples per update of each member; the last batch of an epoch may be smaller.
            Default: ``64``.
        learning_rate: step size of Adam. Default: ``1e-3``.
        activation_cls: class of the activation between layers. Default: ``nn.ReLU``.
        noise_std: standard deviation of the noise of denoising members. Default: ``0.5``.
        mask_prob: probability with which masked members zero a feature. Default: ``0.25``.
        on_epoch: called after each epoch as ``on_epoch(finished epochs, models)``; the models hold
            the current weights. Default: ``None``.
        reporter: receives progress in epochs and may cancel after each one. Default: ``SILENT``.

    Returns:
        The trained models, in the order of ``members``.

    Raises:
        InputError: ``members`` is empty or holds an unknown kind, ``x`` is empty, not (n,
            input_size) or not finite, or a setting is out of range.
        TrainingDiverged: a weight of any model is not finite after an epoch.
        Cancelled: the reporter was cancelled.

    >>> x = torch.randn(100, 5, generator=generator(0, "doc"))
    >>> members = [Member(kind, (2,), seed) for kind in KINDS for seed in range(3)]
    >>> models = train_ensemble(x, members, n_epochs=1)
    >>> len(models), models[0].encode(x).shape
    (9, torch.Size([100, 2]))
    """
    if not members:
        raise InputError("members is empty; give at least one Member(kind, hidden_sizes, seed)")
    check_training(x, None, n_epochs or 1, batch_size, learning_rate)
    models = [
        member.build(
            x.shape[1], activation_cls=activation_cls, noise_std=noise_std, mask_prob=mask_prob
        ).to(x)
        for member in members
    ]
    stacks = _stack_by_shape(members, models)
    parameters = [weight for stack in stacks for weight in stack.parameters]
    optimizer = torch.optim.Adam(parameters, learning_rate, fused=True)
    one_of_each = {_source(member): model for member, model in zip(members, models, strict=True)}
    for epoch in range(n_epochs):
        noises = {
            source: corruption_generator(source[0], epoch, x.device) for source in one_of_each
        }
        orders = {
            seed: epoch_order(len(x), seed, epoch).to(x.device).split(batch_size)
            for seed in {member.seed for member in members}
        }
        for step in range(-(-len(x) // batch_size)):
            clean = {seed: x[order[step]] for seed, order in orders.items()}
            # Members of one seed and kind get the same batch and the same corruption.
            seen = {
                source: model.corrupt(clean[source[0]], noises[source])
                for source, model in one_of_each.items()
            }
            for stack in stacks:
                stack.add_gradients(clean, seen)
            optimizer.step()
        for member, model in zip(members, models, strict=True):
            check_weights(model, epoch + 1, learning_rate, member)
        if on_epoch is not None:
            on_epoch(epoch + 1, models)
        reporter.progress(epoch + 1, n_epochs, f"{len(members)} autoencoders")
        reporter.raise_if_cancelled()
    for weight in (weight for model in models for weight in model.parameters()):
        weight.data = weight.data.clone()  # a view would keep the weights of all in memory
    return models


_Source = tuple[int, str]


def _source(member: Member) -> _Source:
    return member.seed, member.kind


def _stack_by_shape(members: Sequence[Member], models: Sequence[Autoencoder]) -> list[_Stack]:
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for place, member in enumerate(members):
        by_shape.setdefault(tuple(member.hidden_sizes), []).append(place)
    return [
        _Stack([models[place] for place in places], [_source(members[place]) for place in places])
        for places in by_shape.values()
    ]


class _Stack:
    """Models of one shape whose weights are slices of shared (M, ...) tensors.

    The models' own parameters become views, so they always hold the current weights.
    """

    def __init__(self, models: Sequence[Autoencoder], sources: Sequence[_Source]) -> None:
        self.sources = sources
        self.layers: list[tuple[nn.Parameter, nn.Parameter] | nn.Module] = []
        self.parameters: list[nn.Parameter] = []
        chains = [[*model.encoder, *model.decoder] for model in models]
        for level in zip(*chains, strict=True):
            if not isinstance(level[0], nn.Linear):
                self.layers.append(level[0])
                continue
            weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in level]))
            bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in level]))
            for layer, own_weight, own_bias in zip(level, weight.data, bias.data, strict=True):
                layer.weight.data, layer.bias.data = own_weight, own_bias
            self.layers.append((weight, bias))
            self.parameters += [weight, bias]

    def add_gradients(self, clean: dict[int, Tensor], seen: dict[_Source, Tensor]) -> None:
        """Set the gradients of every model's loss on this batch."""
        target = torch.stack([clean[seed] for seed, _ in self.sources])
        h = torch.stack([seen[source] for source in self.sources])
        for layer in self.layers:
            if isinstance(layer, nn.Module):
                h = layer(h)
            else:
                weight, bias = layer
                h = _BatchedLinear.apply(h, weight, bias)
        # Each model's loss depends on its own slice only, so the sum has all their gradients.
        loss = (target - h).square().sum() / target.shape[1]
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()


class _BatchedLinear(torch.autograd.Function):
    """``h[m] @ weight[m].T + bias[m]`` for (M, B, in), (M, out, in), (M, out).

    Autograd's gradient of a transposed weight is transposed as well, and copying it to the layout
    of the weight costs as much as a product; here it is computed in that layout.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(h, weight)
        return torch.baddbmm(bias[:, None], h, weight.transpose(1, 2))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        h, weight = ctx.saved_tensors
        before = torch.bmm(g, weight) if ctx.needs_input_grad[0] else None
        return before, torch.bmm(g.transpose(1, 2), h), g.sum(1)
