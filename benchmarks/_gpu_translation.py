"""Part of the GPU benchmark: encoder-decoders, decoding and scheduled sampling."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import torch

from _gpu import TOLERANCES, Row, Setting, check, part, timed
from _gpu_recurrent import moved
from _plain_translation import PlainSeq2Seq, plain_step
from eigenlab.training import cosine
from eigenlab.translation import (
    PairBatch,
    Seq2Seq,
    beam_search,
    bucketed_batches,
    exposure,
    fit_seq2seq,
    greedy_decode,
    translation_loss,
)

CPU = torch.device("cpu")
MODELS: dict[str, dict[str, Any]] = {
    "rnn": {"cell": "rnn"},
    "lstm, two layers": {"cell": "lstm", "num_layers": 2},
    "gru, attention": {"cell": "gru", "attention": True, "bidirectional": True},
    "gru, stacked": {"cell": "gru", "design": "stacked"},
}


@part
def translation(setting: Setting) -> Iterator[Row]:
    """Losses, gradients and translations of each kind of model, and the time of an update."""
    words, hidden, batch, longest, pairs = setting.size(
        (5000, 256, 128, 15, 1280), (12, 8, 4, 4, 8)
    )
    draw = random.Random(0)

    def sentences() -> list[list[int]]:
        return [
            [draw.randrange(4, words) for _ in range(draw.randint(1, longest))]
            for _ in range(pairs)
        ]

    sources, targets = sentences(), sentences()

    def batches(device: torch.device) -> bucketed_batches:
        return bucketed_batches(sources, targets, batch_size=batch, seed=0, device=device)

    for name, options in MODELS.items():
        torch.manual_seed(0)
        original = Seq2Seq(words, words, setting.size(64, 8), dtype=torch.float64, **options)

        def everything(device: torch.device, original: Seq2Seq = original) -> list[Any]:
            model, given = moved(original, device), PairBatch(*batches(device)(0))
            loss = translation_loss(model, given)
            loss.backward()
            gradients = [p.grad for p in model.parameters() if p.grad is not None]
            model.eval()
            greedy = greedy_decode(model, *given[:2], max_length=8)
            beams = beam_search(model, *given[:2], beam_size=3, n_best=2, max_length=8)
            both = exposure(model, *given[:3])
            written = [found.log_probability for found in greedy]
            return [loss, gradients, written, [b[0].score for b in beams], both.free.loss]

        results = everything(setting.device), everything(CPU)
        yield check(f"{name}: loss, gradients, decoding", *results, TOLERANCES[torch.float64])

    def scheduled(device: torch.device) -> list[Any]:
        torch.manual_seed(0)
        model = moved(Seq2Seq(words, words, 8, dtype=torch.float64), device)
        history = fit_seq2seq(
            model, batches(device), steps=6, learning_rate=1e-3, teacher_forcing=cosine(6)
        )
        return [[loss for _, loss in history.losses]]

    yield check("scheduled sampling, losses", scheduled(setting.device), scheduled(CPU), 1e-8)

    ours = moved(Seq2Seq(words, words, hidden), setting.device)
    plain = moved(PlainSeq2Seq(words, words, hidden, "gru"), setting.device)
    mine = torch.optim.AdamW(ours.parameters(), lr=1e-3, fused=setting.device.type != "cpu")
    theirs = torch.optim.Adam(plain.parameters(), lr=1e-3)
    given = PairBatch(*batches(setting.device)(0))

    def update() -> None:
        mine.zero_grad()
        translation_loss(ours, given).backward()
        torch.nn.utils.clip_grad_norm_(ours.parameters(), 1.0)
        mine.step()

    ways = {"plain nn.GRU": lambda: plain_step(plain, theirs, given), "eigenlab": update}
    yield timed(f"an update, {batch} pairs", setting, ways)
