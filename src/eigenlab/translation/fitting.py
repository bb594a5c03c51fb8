"""Training an encoder-decoder through the common loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import (
    Batch,
    TrainingHistory,
    autocast,
    one_cycle,
    resolve_precision,
    train,
)
from eigenlab.training.precision import Precision
from eigenlab.translation.batches import PairBatch, bucketed_batches
from eigenlab.translation.checks import check_targets
from eigenlab.translation.indices import PAD
from eigenlab.translation.inputs import teacher_forcing_inputs
from eigenlab.translation.scheduled import scheduled_sampling_inputs, with_forced_tokens
from eigenlab.translation.seq2seq import Seq2Seq


def translation_loss(
    model: Seq2Seq,
    batch: PairBatch,
    label_smoothing: float = 0.0,
    forced: Tensor | None = None,
) -> Tensor:
    r"""Mean cross-entropy of the target tokens, nats, under teacher forcing (question 7b).

    .. math::

        L = -\sum_t \ln p(y_t \mid y_1, \dots, y_{t-1}, x)

    The output layer, most of the work with a large vocabulary, sees real tokens only.

    Args:
        model: the encoder-decoder.
        batch: encoded pairs.
        label_smoothing: share of the probability that is spread over all tokens.
            Default: ``0.0``.
        forced: for scheduled sampling, which target tokens are fed, bool (B, T); see
            :func:`scheduled_sampling_inputs`. Default: ``None``, all.
    """
    target = check_targets(batch.target)
    if forced is None or bool(forced.all()):
        inputs = teacher_forcing_inputs(target)
    else:
        inputs = scheduled_sampling_inputs(model, *batch[:3], forced)
    features = model.features(batch.source, batch.source_lengths, inputs)
    real = target != PAD
    logits = model.output(features[real])
    if logits.dtype.itemsize < 4:  # under autocast
        logits = logits.float()
    return nn.functional.cross_entropy(logits, target[real], label_smoothing=label_smoothing)


def fit_seq2seq(
    model: Seq2Seq,
    batches: bucketed_batches,
    *,
    steps: int,
    learning_rate: float = 2e-3,
    weight_decay: float = 0.0,
    clip_norm: float = 1.0,
    label_smoothing: float = 0.0,
    precision: Precision = "float32",
    teacher_forcing: Callable[[int], float] | None = None,
    evaluate: Callable[[Seq2Seq], Mapping[str, float]] | None = None,
    evaluate_every: int | None = None,
    monitor: str | None = None,
    patience: int | None = None,
    reporter: Reporter = SILENT,
    checkpoint: Path | None = None,
) -> TrainingHistory:
    """Train a model in place with AdamW and a learning rate that rises and falls once.

    Args:
        model: the encoder-decoder.
        batches: of encoded pairs.
        steps: number of updates.
        learning_rate: the highest. Default: ``2e-3``.
        weight_decay: of AdamW. Default: ``0.0``.
        clip_norm: largest norm of the gradient. Default: ``1.0``.
        label_smoothing: see :func:`translation_loss`. Default: ``0.0``.
        precision: of the matrix products in training: ``"float32"``, ``"bfloat16"`` or ``"auto"``;
            see :func:`eigenlab.training.resolve_precision`. Default: ``"float32"``.
        teacher_forcing: ``teacher_forcing(step)`` is the probability with which a word of the
            target is fed, and not the word that the decoder wrote; see
            :func:`scheduled_sampling_inputs`, and for a decay :func:`eigenlab.training.cosine`.
            Default: ``None``, always 1.
        evaluate: returns metrics of the model, as in :func:`eigenlab.training.train`.
            Default: ``None``.
        evaluate_every: updates between evaluations. Default: ``None``, once an epoch.
        monitor: metric, larger is better, whose best model is kept. Default: ``None``.
        patience: evaluations without a better one before it stops. Default: ``None``.
        reporter: receives progress and may cancel. Default: ``SILENT``.
        checkpoint: path prefix of the checkpoint; a training continues from it.
            Default: ``None``.

    Returns:
        Losses and evaluations.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True
    )

    device = model.output.weight.device
    resolved = resolve_precision(precision, device)

    def objective(model: Seq2Seq, batch: Batch) -> Tensor:
        forced = batch[4] if len(batch) > 4 else None
        with autocast(resolved, device):
            return translation_loss(model, PairBatch(*batch[:4]), label_smoothing, forced)

    return train(
        model,
        objective,
        batches if teacher_forcing is None else with_forced_tokens(batches, teacher_forcing),
        optimizer=optimizer,
        steps=steps,
        schedule=one_cycle(steps, peak=0.15),
        clip_norm=clip_norm,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
        monitor=monitor,
        mode="max",
        patience=patience,
        reporter=reporter,
        checkpoint=checkpoint,
        count=lambda batch: float(batch[3].sum()),  # the loss is a mean over target tokens
    )
