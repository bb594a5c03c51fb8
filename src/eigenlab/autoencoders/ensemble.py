"""Many autoencoders trained at once: one batched matrix product where a loop makes many.

Members of equal shape are stacked, so a layer of M models is one product of an (M, B, in) by an
(M, in, out) tensor. Nothing else changes: every member draws its weights, the order of its samples
and its corruption from the same addresses as :func:`~eigenlab.autoencoders.fit` would alone, and
gets the same numbers up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from eigenlab.autoencoders.fit import check_training, check_weights, epoch_order
from eigenlab.autoencoders.models import KINDS, Autoencoder
from eigenlab.errors import InputError, nearest
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import generator


class Member(NamedTuple):
    """One autoencoder of an ensemble: ``kind`` is "vanilla", "denoising" or "masked"."""

    kind: str
    hidden_sizes: tuple[int, ...]
    seed: int = 0

    def build(
        self, input_size: int, *, activation_cls: type[nn.Module] = nn.ReLU, **settings: float
    ) -> Autoencoder:
        """Return the model, its weights drawn at the address ``(seed, "weights")``.

        ``settings`` are ``noise_std`` and ``mask_prob``; a kind takes what concerns it.
        """
        if self.kind not in KINDS:
            raise InputError(
                f"kind='{self.kind}' is unknown{nearest(self.kind, KINDS)}; "
                f"choose from {', '.join(KINDS)}"
            )
        own = {"denoising": "noise_std", "masked": "mask_prob"}.get(self.kind)
        chosen: dict[str, Any] = {name: value for name, value in settings.items() if name == own}
        weights = generator(self.seed, "weights")
        return KINDS[self.kind](
            input_size, self.hidden_sizes, activation_cls, **chosen, generator=weights
        )


def train_ensemble(
    x: Tensor,
    members: Sequence[Member],
    *,
    epochs: int,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    activation_cls: type[nn.Module] = nn.ReLU,
    noise_std: float = 0.5,
    mask_prob: float = 0.25,
    on_epoch: Callable[[int, list[Autoencoder]], None] | None = None,
    reporter: Reporter = SILENT,
) -> list[Autoencoder]:
    """Train all ``members`` on ``x`` (n, input_size) at once with Adam; return their models.

    Args:
        epochs: passes over ``x``; 0 returns the models untrained.
        batch_size: samples per update of each member; the last batch of an epoch may be smaller.
        on_epoch: called after each epoch with their number and the models, for measurements.

    The dtype and device are those of ``x``. Raises :class:`~eigenlab.errors.InputError` as
    :func:`~eigenlab.autoencoders.fit` does, and for an unknown kind or no members;
    :class:`~eigenlab.training.TrainingDiverged` when a weight of any is not finite.

    >>> x = torch.randn(100, 5, generator=generator(0, "doc"))
    >>> members = [Member(kind, (2,), seed) for kind in KINDS for seed in range(3)]
    >>> models = train_ensemble(x, members, epochs=1)
    >>> len(models), models[0].encode(x).shape
    (9, torch.Size([100, 2]))
    """
    if not members:
        raise InputError("members is empty; give at least one Member(kind, hidden_sizes, seed)")
    check_training(x, None, epochs or 1, batch_size, learning_rate)
    settings = {"noise_std": noise_std, "mask_prob": mask_prob}
    models = [
        member.build(x.shape[1], activation_cls=activation_cls, **settings).to(x)
        for member in members
    ]
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for place, member in enumerate(members):
        by_shape.setdefault(tuple(member.hidden_sizes), []).append(place)
    stacks = [
        _Stack([models[place] for place in places], [_source(members[place]) for place in places])
        for places in by_shape.values()
    ]
    parameters = [weight for stack in stacks for weight in stack.parameters]
    optimizer = torch.optim.Adam(parameters, learning_rate, fused=True)
    one_of_each = {_source(member): model for member, model in zip(members, models, strict=True)}
    for epoch in range(epochs):
        noises = {
            source: generator(source[0], "corruption", epoch, device=x.device)
            for source in one_of_each
        }
        orders = {
            seed: epoch_order(len(x), seed, epoch).to(x.device).split(batch_size)
            for seed in {member.seed for member in members}
        }
        for step in range(-(-len(x) // batch_size)):
            clean = {seed: x[order[step]] for seed, order in orders.items()}
            # Members of one seed and kind meet the same batch and the same corruption.
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
        reporter.progress(epoch + 1, epochs, f"{len(members)} autoencoders")
        reporter.raise_if_cancelled()
    for weight in (weight for model in models for weight in model.parameters()):
        weight.data = weight.data.clone()  # a view would keep, and save, the weights of all
    return models


_Source = tuple[int, str]


def _source(member: Member) -> _Source:
    return member.seed, member.kind


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

    The gradient that torch derives for a transposed weight is transposed as well, and copying it
    into place costs as much as a product; here it is computed in place.
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
