"""What a decoder predicts when it is fed the target, and when it is fed what it wrote itself."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from eigenlab.translation.checks import check_targets
from eigenlab.translation.decoding import check_decoding
from eigenlab.translation.indices import EOS, PAD, SOS
from eigenlab.translation.inputs import teacher_forcing_inputs
from eigenlab.translation.scheduled import scheduled_sampling_inputs
from eigenlab.translation.seq2seq import Seq2Seq


@dataclass(frozen=True)
class Fed:
    """Predictions with one kind of inputs.

    Args:
        inputs: what the decoder is fed, (B, T).
        predicted: the most probable token of each step, (B, T).
        correct: whether it is the target's, bool (B, T); free-running, nothing is correct after
            the decoder's own ``<eos>``.
        loss: -log p of the target's token, nats, (B, T); zero at padding.
    """

    inputs: Tensor
    predicted: Tensor
    correct: Tensor
    loss: Tensor


@dataclass(frozen=True)
class Exposure:
    """Teacher forcing beside free running on the same sentences.

    Args:
        real: which places are tokens of the targets, ``<eos>`` included, bool (B, T).
        forced: fed the target (question 7b).
        free: fed what the decoder writes greedily (question 7c).
    """

    real: Tensor
    forced: Fed
    free: Fed

    def first_errors(self) -> Tensor:
        """The 0-based step of the first wrong token of each sentence, T if there is none, (B,).

        Until then both ways feed the same words, so that they make the same first error
        (question 7c).
        """
        wrong = self.real & ~self.forced.correct
        ended = torch.ones_like(wrong[:, :1])
        return torch.cat([wrong, ended], dim=1).int().argmax(dim=1)

    def after_first_error(self) -> Tensor:
        """Which tokens come after the first wrong one, where the two ways differ, bool (B, T)."""
        steps = torch.arange(self.real.shape[1], device=self.real.device)
        return self.real & (steps > self.first_errors().unsqueeze(1))


@torch.no_grad()
def exposure(model: Seq2Seq, source: Tensor, source_lengths: Tensor, target: Tensor) -> Exposure:
    """Predict each target once under teacher forcing and once free-running.

    In training the decoder is fed right words; when it translates, it is fed its own, right or
    wrong, which it has never seen (exposure bias; M. Ranzato et al., 2016).

    Args:
        model: in evaluation mode.
        source: indices of the sources, (B, S).
        source_lengths: real tokens of each, (B,).
        target: indices of the targets, (B, T), each row ended by ``<eos>``.

    Returns:
        Predictions and losses, token by token.

    Raises:
        InputError: the model is in training mode, or a row of ``target`` holds no ``<eos>``.

    >>> model = Seq2Seq(20, 30, 8).eval()
    >>> source, target = torch.tensor([[5, 6, 2]]), torch.tensor([[7, 8, 2]])
    >>> found = exposure(model, source, torch.tensor([3]), target)
    >>> found.forced.inputs.tolist(), found.free.inputs[0, 0].item()
    ([[1, 7, 8]], 1)
    """
    check_decoding(model, 1)
    target = check_targets(target)
    none = torch.zeros_like(target, dtype=torch.bool)
    sources = (source, source_lengths)
    real = target != PAD
    forced = _fed(model, *sources, target, teacher_forcing_inputs(target))
    free = _fed(model, *sources, target, scheduled_sampling_inputs(model, *sources, target, none))
    ended = (free.inputs == EOS).cumsum(dim=1) > 0
    free = Fed(free.inputs, free.predicted, free.correct & ~ended, free.loss)
    return Exposure(real, forced, free)


def _fed(model: Seq2Seq, source: Tensor, lengths: Tensor, target: Tensor, inputs: Tensor) -> Fed:
    logits = model(source, lengths, inputs)
    loss = nn.functional.cross_entropy(
        logits.flatten(0, 1), target.flatten(), ignore_index=PAD, reduction="none"
    ).view_as(target)
    logits[..., [PAD, SOS]] = -torch.inf  # they are never written
    predicted = logits.argmax(dim=-1)
    return Fed(inputs, predicted, (predicted == target) & (target != PAD), loss)
