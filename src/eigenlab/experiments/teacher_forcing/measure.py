"""What ``teacher-forcing`` measures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from eigenlab.experiments.phrasebook_corpus import PhrasebookCorpus
from eigenlab.experiments.teacher_forcing.config import TeacherForcingConfig
from eigenlab.experiments.teacher_forcing.records import (
    OWN,
    SCHEDULED,
    TEACHER,
    Curves,
    Example,
    InputsRecord,
    TrainedRecord,
    Training,
    Words,
)
from eigenlab.lab import Context, NotRun, stage
from eigenlab.reporter import PartReporter, Reporter
from eigenlab.training import cosine, derive_seed, resolve_device, seeded
from eigenlab.translation import (
    EOS,
    Exposure,
    Seq2Seq,
    Vocabulary,
    bleu,
    exposure,
    fit_seq2seq,
    free_running_inputs,
    greedy_decode,
    teacher_forcing_inputs,
)

#: The text's example: the target, and what a decoder sampled.
TARGET, EMITTED = ("I", "see", "a", "dog"), ("I", "saw", "a", "dog")
#: Distances from the first error that are shown.
DISTANCES = 5
#: Sentences that are predicted together.
TOGETHER = 500


@stage
def inputs(config: TeacherForcingConfig, context: Context) -> InputsRecord:
    """The text's example in words and in a padded batch, and what each step depends on."""
    vocabulary = Vocabulary.build([" ".join(TARGET), " ".join(EMITTED)])
    with seeded(config.seed, "untrained"):
        model = Seq2Seq(10, len(vocabulary), 16, cell=config.cell, dtype=torch.float64).eval()
    return InputsRecord(
        target=TARGET,
        emitted=EMITTED,
        forced=teacher_forcing_inputs(TARGET),
        free=free_running_inputs(EMITTED),
        forced_in_batch=_in_batch(vocabulary, TARGET, teacher_forcing_inputs),
        free_in_batch=_in_batch(vocabulary, EMITTED, free_running_inputs),
        changes=_changes(model, vocabulary),
        one_pass=_one_pass(model, vocabulary),
    )


def _in_batch(vocabulary: Vocabulary, words: Words, shift: object) -> Words:
    """The inputs of one sentence beside a longer one, as words, without the padding."""
    assert callable(shift)
    indices = vocabulary.encode(" ".join(words))
    batch = torch.tensor([[*indices, EOS, 0, 0], [*indices, *indices[:2], EOS]])
    row = shift(batch)[0].tolist()
    return _words(vocabulary, row[: len(words) + 1])


def _words(vocabulary: Vocabulary, indices: Sequence[int]) -> Words:
    return tuple(vocabulary.tokens[index] for index in indices)


def _logits(model: Seq2Seq, target: Tensor) -> Tensor:
    source, lengths = torch.tensor([[4, 5, 6, EOS]]), torch.tensor([4])
    with torch.no_grad():
        return model(source, lengths, teacher_forcing_inputs(target))[0]


def _changes(model: Seq2Seq, vocabulary: Vocabulary) -> Tensor:
    """(T, T): how much the logits of step s move when word t is replaced by another word."""
    target = torch.tensor([[*vocabulary.encode(" ".join(TARGET)), EOS]])
    other = vocabulary.encode(EMITTED[1])[0]
    before = _logits(model, target)
    rows = []
    for step in range(len(TARGET)):
        changed = target.clone()
        changed[0, step] = other if step != 1 else vocabulary.encode(TARGET[0])[0]
        moved = (_logits(model, changed) - before).abs().amax(dim=-1)
        rows.append(moved[: len(TARGET)])
    return torch.stack(rows)


def _one_pass(model: Seq2Seq, vocabulary: Vocabulary) -> float:
    """The training pass predicts all steps at once; the loop feeds one word after another."""
    target = torch.tensor([[*vocabulary.encode(" ".join(TARGET)), EOS]])
    encoded = model.encode(torch.tensor([[4, 5, 6, EOS]]), torch.tensor([4]))
    state, steps = encoded.state, []
    with torch.no_grad():
        for step, word in enumerate(teacher_forcing_inputs(target)[0]):
            features, state, _ = model.decode(encoded, word.view(1, 1), state, start=step)
            steps.append(model.output(features)[0, 0])
    return float((torch.stack(steps) - _logits(model, target)).abs().max())


@stage
def trained(config: TeacherForcingConfig, context: Context) -> TrainedRecord:
    """Three kinds of training from the same weights, the last one for the first seed only."""
    if config.n_seeds == 0:
        raise NotRun("n_seeds=0 asks for no training; the course preset trains three seeds")
    corpus = PhrasebookCorpus.generate(
        config.n_pairs, config.n_test, seed=config.seed, max_tokens=config.max_tokens
    )
    seeds = [derive_seed(config.seed, "training", k) for k in range(config.n_seeds)]
    jobs = [(seed, fed) for seed in seeds for fed in (TEACHER, SCHEDULED)]
    jobs.append((seeds[0], OWN))  # slow, and for comparison only
    runs = []
    for place, (seed, fed) in enumerate(jobs):
        name = f"{fed} {seed}".replace(" ", "-")
        reporter = PartReporter(context.reporter, fed, place, len(jobs))
        runs.append(
            context.part(name, Training, partial(_train, config, corpus, seed, fed, reporter))
        )
    updates = config.epochs * corpus.batches(config.batch_size, seed=0).steps_per_epoch
    return TrainedRecord(seeds=seeds, updates=updates, train_pairs=len(corpus.train), runs=runs)


def _train(
    config: TeacherForcingConfig,
    corpus: PhrasebookCorpus,
    seed: int,
    fed: str,
    reporter: Reporter,
) -> Training:
    """Train a translator and predict the held-out pairs in both ways."""
    device = resolve_device(config.device)
    with seeded(seed, "weights"):
        model = Seq2Seq(
            len(corpus.source_vocabulary),
            len(corpus.target_vocabulary),
            config.hidden_size,
            cell=config.cell,
        ).to(device)
    batches = corpus.batches(config.batch_size, seed=seed, device=device)
    steps = config.epochs * batches.steps_per_epoch
    forcing = {
        TEACHER: None,
        SCHEDULED: cosine(steps, final=config.last_forcing),
        OWN: lambda step: 0.0,
    }
    history = fit_seq2seq(
        model,
        batches,
        steps=steps,
        learning_rate=config.learning_rate,
        teacher_forcing=forcing[fed],
        reporter=reporter,
    )
    return _tested(model.cpu().eval(), corpus, fed, seed, history.losses[-1][1])


def _tested(model: Seq2Seq, corpus: PhrasebookCorpus, fed: str, seed: int, loss: float) -> Training:
    source, lengths, target = corpus.padded(corpus.test)
    found = exposure(model, source, lengths, target)
    decode = corpus.target_vocabulary.decode
    written = [
        decode(translation.tokens)
        for translation in greedy_decode(model, source, lengths, max_length=target.shape[1])
    ]
    references = [pair.target for pair in corpus.test]
    real = found.real.sum(dim=1).tolist()
    forced = [
        decode(row[: count - 1].tolist())  # the last token is <eos>
        for row, count in zip(found.forced.predicted, real, strict=True)
    ]
    quality, overstated = bleu(written, references), bleu(forced, references)
    everywhere = torch.where(found.real, 1, 0)
    steps = torch.arange(1, target.shape[1] + 1)
    positions = torch.where(found.real, steps, 0)
    later = found.after_first_error()
    distances = torch.where(later, steps - 1 - found.first_errors().unsqueeze(1), 0)
    return Training(
        fed=fed,
        seed=seed,
        loss=loss,
        sentences=len(references),
        exact_match=quality.exact_match,
        forced_exact=float((found.forced.correct | ~found.real).all(dim=1).double().mean()),
        first_errors_differ=_differing(found),
        bleu=quality.bleu,
        forced_bleu=overstated.bleu,
        signature=quality.signature,
        everywhere=_curves(found, everywhere, 1),
        after=_curves(found, torch.where(later, 1, 0), 1),
        by_position=_curves(found, positions, int(positions.max())),
        by_distance=_curves(found, distances, DISTANCES),
        example=_example(found, corpus),
    )


def _differing(found: Exposure) -> int:
    """Sentences whose inputs or predictions differ up to the first wrong token, it included."""
    steps = torch.arange(found.real.shape[1])
    early = found.real & (steps <= found.first_errors().unsqueeze(1))
    differ = (found.forced.inputs != found.free.inputs) | (
        found.forced.predicted != found.free.predicted
    )
    return int((differ & early).any(dim=1).sum())


def _curves(found: Exposure, groups: Tensor, count: int) -> Curves:
    """Means over the tokens of group 1, 2, ..., ``count``; 0 is no group. Empty ones are left out
    from the end."""
    masks = [groups == group for group in range(1, count + 1)]
    while len(masks) > 1 and not masks[-1].any():
        masks.pop()

    def means(values: Tensor) -> list[float]:
        return [float(values[mask].double().mean()) for mask in masks]

    return Curves(
        tokens=[int(mask.sum()) for mask in masks],
        forced_accuracy=means(found.forced.correct),
        free_accuracy=means(found.free.correct),
        forced_loss=means(found.forced.loss),
        free_loss=means(found.free.loss),
    )


def _example(found: Exposure, corpus: PhrasebookCorpus) -> Example | None:
    """The first sentence in which a wrong word is followed by more than two others."""
    rows = (found.after_first_error().sum(dim=1) > 2).nonzero()
    if not len(rows):
        return None
    row = int(rows[0])
    length = int(found.real[row].sum())
    vocabulary = corpus.target_vocabulary

    def words(values: Tensor) -> Words:
        return _words(vocabulary, values[row, :length].tolist())

    pair = corpus.test[row]
    return Example(
        source=pair.source,
        target=_words(vocabulary, vocabulary.encode(pair.target)),
        emitted=words(found.free.predicted),
        forced_inputs=words(found.forced.inputs),
        forced_predictions=words(found.forced.predicted),
        free_inputs=words(found.free.inputs),
    )
