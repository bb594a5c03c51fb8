"""Scheduled sampling: the decoder is trained on some of the words that it writes itself."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.training.batches import Batch, shard_bounds
from eigenlab.training.seeding import generator
from eigenlab.translation.batches import bucketed_batches
from eigenlab.translation.checks import check_targets
from eigenlab.translation.indices import PAD, SOS
from eigenlab.translation.inputs import teacher_forcing_inputs
from eigenlab.translation.seq2seq import Seq2Seq


@torch.no_grad()
def scheduled_sampling_inputs(
    model: Seq2Seq, source: Tensor, source_lengths: Tensor, target: Tensor, forced: Tensor
) -> Tensor:
    """Return inputs that are, token by token, the right word or the one that was just written.

    x_1 = <sos>, and x_t is y_{t-1} where ``forced[:, t - 1]`` and else the most probable word
    after the inputs x_1, ..., x_{t-1} (S. Bengio et al., 2015). All forced gives
    :func:`~eigenlab.translation.teacher_forcing_inputs` (question 7b), none forced
    :func:`~eigenlab.translation.free_running_inputs` of what the model writes (question 7c). The
    decision is made for each token, not for a sentence or a batch; as in the paper, no gradient
    passes through the choice.

    Args:
        model: the encoder-decoder; dropout is drawn if it is in training mode.
        source: indices of the sources, (B, S).
        source_lengths: real tokens of each, (B,).
        target: indices of the targets, (B, T), each row ended by ``<eos>``.
        forced: which tokens of the target are fed, bool (B, T); the last column is not read.

    Returns:
        (B, T), padding where teacher forcing has padding.

    Raises:
        InputError: ``forced`` is not bool or not of the shape of ``target``, or a row of ``target``
            holds no ``<eos>``.

    >>> model = Seq2Seq(20, 30, 8).eval()
    >>> source, target = torch.tensor([[5, 6, 2]]), torch.tensor([[7, 8, 2]])
    >>> forced = torch.ones(1, 3, dtype=torch.bool)
    >>> scheduled_sampling_inputs(model, source, torch.tensor([3]), target, forced)
    tensor([[1, 7, 8]])
    """
    if forced.dtype != torch.bool or forced.shape != target.shape:
        raise InputError(
            f"forced has shape {tuple(forced.shape)} and dtype {forced.dtype}; expected bool of "
            f"the shape of target, {tuple(target.shape)}"
        )
    right = teacher_forcing_inputs(check_targets(target))
    encoded = model.encode(source, source_lengths)
    state, inputs = encoded.state, [right[:, 0]]
    for step in range(1, right.shape[1]):
        features, state, _ = model.decode(encoded, inputs[-1].unsqueeze(1), state, start=step - 1)
        logits = model.output(features[:, 0])
        logits[:, [PAD, SOS]] = -torch.inf
        written = logits.argmax(dim=-1)
        chosen = torch.where(forced[:, step - 1], right[:, step], written)
        inputs.append(chosen.masked_fill(right[:, step] == PAD, PAD))
    return torch.stack(inputs, dim=1)


class with_forced_tokens:
    """Batches with one more tensor: which target tokens are fed, bool (B, T).

    Token by token, each is fed with probability ``teacher_forcing(step)``. The draw depends on
    the seed of the batches and the step alone, so that a training can be resumed, and
    data-parallel processes feed what one process would.

    Args:
        batches: of encoded pairs.
        teacher_forcing: probability in [0, 1] at the 0-based step.

    >>> batches = bucketed_batches([[4], [4, 5]], [[6, 7], [6]], batch_size=2, seed=0)
    >>> with_forced_tokens(batches, lambda step: 1.0)(0)[-1].tolist()
    [[True, True, True], [True, True, True]]
    """

    def __init__(self, batches: bucketed_batches, teacher_forcing: Callable[[int], float]) -> None:
        self.batches, self.teacher_forcing = batches, teacher_forcing
        self.steps_per_epoch = batches.steps_per_epoch

    def __call__(self, step: int) -> Batch:
        """Return the batch of the 0-based ``step`` and its forced tokens."""
        return self.shard(step, 0, 1)

    def shard(self, step: int, rank: int, size: int) -> Batch:
        """Return the part of a batch that one process works on.

        Args:
            step: the 0-based step.
            rank: number of the process, from 0.
            size: number of processes.
        """
        batch = self.batches.shard(step, rank, size)
        probability = self.teacher_forcing(step)
        if not 0 <= probability <= 1:
            raise InputError(f"teacher_forcing({step}) is {probability!r}; expected 0 to 1")
        count = len(self.batches.indices(step))
        low, high = shard_bounds(count, rank, size)
        drawn = generator(self.batches.seed, "forced", step)
        uniform = torch.rand(count, self.batches.longest_target, generator=drawn)
        forced = uniform[low:high, : batch.target.shape[1]] < probability
        return (*batch, forced.to(batch.target.device))

    @property
    def signature(self) -> dict[str, int]:
        """What must agree before a checkpoint is resumed."""
        return {**self.batches.signature, "scheduled_sampling": 1}
