"""What ``stacking-design`` measures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import product
from typing import get_args

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.experiments.phrasebook_corpus import PhrasebookCorpus
from eigenlab.experiments.stacking_design.config import StackingDesignConfig
from eigenlab.experiments.stacking_design.reading import (
    ALL,
    CLASSES,
    STATUSES,
    Encoded,
    distances,
    most_sentences,
    most_words,
    sentence_class,
    status,
)
from eigenlab.experiments.stacking_design.records import (
    Comparison,
    Continuation,
    Limit,
    LimitsRecord,
    TrainedModel,
    TrainedSeed,
    TrainingRecord,
    UntrainedNetwork,
    VisibilityRecord,
)
from eigenlab.experiments.stacking_design.scores import Scores
from eigenlab.lab import Context, NotRun, stage
from eigenlab.reporter import PartReporter, Reporter
from eigenlab.training import derive_seed, generator, resolve_device, seeded
from eigenlab.translation import (
    EOS,
    PAD,
    SOS,
    UNK,
    PhrasebookPair,
    Seq2Seq,
    fit_seq2seq,
    teacher_forcing_inputs,
)
from eigenlab.translation.seq2seq import Design
from eigenlab.translation.seq2seq import Encoded as EncodedSource
from eigenlab.translation.stack import Cell

DESIGNS: tuple[Design, ...] = get_args(Design)
CELLS: tuple[Cell, ...] = get_args(Cell)
#: Tokens of the source and steps of the decoder of the untrained networks: English longer, shorter.
LENGTHS = ((4, 7), (7, 4))
WIDTH, SOURCE_SIZE, TARGET_SIZE = 8, 20, 12
#: Test pairs whose logits are computed at once.
ROWS = 500


@stage
def visibility(config: StackingDesignConfig, context: Context) -> VisibilityRecord:
    """What the logits of each step depend on, in networks with random weights."""
    seeds = [derive_seed(config.seed, "visibility", k) for k in range(config.n_networks)]
    networks = []
    for seed, cell, design, lengths in product(seeds, CELLS, DESIGNS, LENGTHS):
        context.reporter.raise_if_cancelled()
        networks.append(_untrained(seed, cell, design, *lengths))
    continuations = [_continuation(seed, cell) for seed, cell in product(seeds, CELLS)]
    return VisibilityRecord(seeds=seeds, networks=networks, continuations=continuations)


def _untrained(seed: int, cell: Cell, design: Design, length: int, steps: int) -> UntrainedNetwork:
    model = _random_model(seed, cell, design)
    source, inputs = _random_sentences(seed, length, steps)
    return UntrainedNetwork(
        seed=seed,
        cell=cell,
        design=design,
        gradients=jacobian_norms(model, source, inputs),
        changes=largest_changes(model, source, inputs),
    )


def _random_model(seed: int, cell: Cell, design: Design) -> Seq2Seq:
    sizes = (SOURCE_SIZE, TARGET_SIZE, WIDTH)
    with seeded(seed, "weights", cell, design):
        return Seq2Seq(*sizes, cell=cell, design=design, dtype=torch.float64).eval()


def _random_sentences(seed: int, length: int, steps: int) -> tuple[Tensor, Tensor]:
    """A source (S,) and decoder inputs (T,) of random words."""
    draw = generator(seed, "sentences", length, steps)
    source = torch.randint(UNK + 1, SOURCE_SIZE, (length,), generator=draw)
    return source, torch.randint(UNK + 1, TARGET_SIZE, (steps,), generator=draw)


def jacobian_norms(model: Seq2Seq, source: Tensor, inputs: Tensor) -> Tensor:
    """Frobenius norm of d logits_t / d e_s for every step and source token, (T, S).

    e_s is the embedding of source token s. Row v of a batch of equal sentences gives the
    derivative of logit v, so that each step takes one backward pass.

    Args:
        model: the encoder-decoder.
        source: indices, (S,).
        inputs: what the decoder is fed, (T,).
    """
    embedded: list[Tensor] = []
    hook = model.source_embedding.register_forward_hook(lambda *call: embedded.append(call[-1]))
    rows = model.output.out_features
    logits = _logits(model, source.expand(rows, -1), inputs)
    hook.remove()
    norms = []
    for step in range(len(inputs)):
        own = logits[:, step].diagonal().sum()
        (slopes,) = torch.autograd.grad(own, embedded, retain_graph=True)
        norms.append(slopes.square().sum(dim=(0, 2)).sqrt())
    return torch.stack(norms)


def largest_changes(model: Seq2Seq, source: Tensor, inputs: Tensor) -> Tensor:
    """Largest change of a logit of each step when one source token is replaced, (T, S).

    Args:
        model: the encoder-decoder, in evaluation mode.
        source: indices, (S,).
        inputs: what the decoder is fed, (T,).
    """
    places = torch.arange(len(source))
    same = source.expand(len(source), -1)
    changed = same.clone()
    words = SOURCE_SIZE - UNK - 1
    changed[places, places] = UNK + 1 + (source - UNK) % words  # the next word
    with torch.no_grad():
        difference = _logits(model, changed, inputs) - _logits(model, same, inputs)
    return difference.abs().amax(dim=-1).T


def _logits(model: Seq2Seq, sources: Tensor, inputs: Tensor) -> Tensor:
    lengths = torch.full((len(sources),), sources.shape[1])
    return model(sources, lengths, inputs.expand(len(sources), -1))


@torch.no_grad()
def _continuation(seed: int, cell: Cell) -> Continuation:
    """Write on after the source's end from the decoder's state and one encoder state."""
    length, steps = LENGTHS[0]
    model = _random_model(seed, cell, "stacked")
    source, inputs = (part.unsqueeze(0) for part in _random_sentences(seed, length, steps))
    encoded = model.encode(source, torch.tensor([length]))
    whole, _, _ = model.decode(encoded, inputs)
    _, state, _ = model.decode(encoded, inputs[:, :length])
    last = encoded.states[:, -1:]

    def change(end: Tensor) -> float:
        alone = EncodedSource(encoded.state, end, encoded.valid[:, -1:], None)
        after, _, _ = model.decode(alone, inputs[:, length:], state, start=length)
        return float((model.output(after) - model.output(whole[:, length:])).abs().max())

    return Continuation(seed=seed, cell=cell, kept=change(last), other_end=change(-last))


@stage
def limits(config: StackingDesignConfig, context: Context) -> LimitsRecord:
    """Count how many test words and sentences a decoder of either design can get right."""
    corpus, pairs = _sentences(config)
    encoded = [_encoded(corpus, pair) for pair in pairs]
    apart = [distances(pair) for pair in pairs]
    kinds = [[status(distance) for distance in row] for row in apart]
    classes = [sentence_class(pair) for pair in pairs]
    found = sorted({d for row in apart for d in row if d is not None})
    words = {stacked: most_words(encoded, kinds, stacked=stacked) for stacked in (True, False)}
    places = {stacked: most_words(encoded, apart, stacked=stacked) for stacked in (True, False)}
    sentences = {}
    for name in CLASSES:
        own = [pair for pair, kind in zip(encoded, classes, strict=True) if kind == name]
        sentences[name] = _sentence_limit(own)
    return LimitsRecord(
        n_pairs=len(pairs),
        n_unknown=len(corpus.test) - len(pairs),
        words={
            kind: Limit(
                n=sum(row.count(kind) for row in kinds),
                stacked=words[True][kind],
                sequential=words[False][kind],
            )
            for kind in STATUSES
        },
        sentences=sentences | {ALL: _sentence_limit(encoded)},
        distances=found,
        by_distance=[
            Limit(
                n=sum(row.count(d) for row in apart),
                stacked=places[True][d],
                sequential=places[False][d],
            )
            for d in found
        ],
    )


def _sentence_limit(pairs: Sequence[Encoded]) -> Limit:
    return Limit(
        n=len(pairs),
        stacked=most_sentences(pairs, stacked=True),
        sequential=most_sentences(pairs, stacked=False),
    )


def _encoded(corpus: PhrasebookCorpus, pair: PhrasebookPair) -> Encoded:
    source = corpus.source_vocabulary.encode(pair.source)
    return (*source, EOS), (*corpus.target_vocabulary.encode(pair.target), EOS)


def _sentences(config: StackingDesignConfig) -> tuple[PhrasebookCorpus, list[PhrasebookPair]]:
    """The corpus, and its test pairs without words that training lacks."""
    try:
        return _generated(config.n_train, config.n_test, config.max_tokens, config.seed)
    except InputError as error:
        raise InputError(
            f"n_train={config.n_train} and n_test={config.n_test} with max_tokens="
            f"{config.max_tokens}: the phrasebook cannot give so many short sentences; lower "
            "n_train, or raise max_tokens"
        ) from error


@lru_cache(maxsize=1)  # two stages use it, and generating takes as long as a fifth of a training
def _generated(
    n_train: int, n_test: int, max_tokens: int, seed: int
) -> tuple[PhrasebookCorpus, list[PhrasebookPair]]:
    corpus = PhrasebookCorpus.generate(n_train + n_test, n_test, seed=seed, max_tokens=max_tokens)
    known = [
        pair for pair in corpus.test if all(UNK not in side for side in _encoded(corpus, pair))
    ]
    return corpus, known


@stage
def training(config: StackingDesignConfig, context: Context) -> TrainingRecord:
    """Train both designs under teacher forcing and count what they get right on the test pairs."""
    if config.n_seeds == 0:
        raise NotRun("n_seeds=0 asks for no training; the course preset trains one seed")
    known = context.record(LimitsRecord)
    seeds = [derive_seed(config.seed, "training", k) for k in range(config.n_seeds)]
    parts = []
    for place, seed in enumerate(seeds):
        reporter = PartReporter(context.reporter, f"seed {place}", place, len(seeds))
        part = f"seed {place}"
        measure = partial(_train_seed, config, seed, known, reporter)
        parts.append(context.part(part, TrainedSeed, measure))
    return TrainingRecord(
        seeds=seeds,
        limits=known,
        models=[model for part in parts for model in part.models],
        comparisons=[part.comparison for part in parts],
    )


def _train_seed(
    config: StackingDesignConfig, seed: int, known: LimitsRecord, reporter: Reporter
) -> TrainedSeed:
    """Train both designs on the same batches and compare them."""
    corpus, pairs = _sentences(config)
    scores = Scores(pairs)
    device = resolve_device(config.device)
    models: list[TrainedModel] = []
    right: dict[str, list[list[bool]]] = {}
    for place, (design, hidden_size) in enumerate(hidden_sizes(config, corpus).items()):
        with seeded(seed, "weights"):
            model = _model(config, corpus, design, hidden_size).to(device)
        history = fit_seq2seq(
            model,
            corpus.batches(config.batch_size, seed=derive_seed(seed, "batches"), device=device),
            steps=config.training_steps,
            learning_rate=config.learning_rate,
            reporter=PartReporter(reporter, design, place, len(DESIGNS)),
        )
        steps, losses = history.curve()
        correct = right[design] = words_right(model.cpu(), corpus, pairs)
        models.append(
            TrainedModel(
                design=design,
                seed=seed,
                hidden_size=hidden_size,
                n_parameters=_count(model),
                steps=steps,
                losses=losses,
                words=scores.words(correct),
                sentences=scores.sentences(correct),
                by_distance=scores.by_distance(correct, known.distances),
            )
        )
    draw = generator(seed, "resamples")
    comparison = Comparison(
        seed=seed,
        words=scores.differences(right, config.n_resamples, draw),
        sentences=scores.paired(right),
    )
    return TrainedSeed(models=models, comparison=comparison)


def hidden_sizes(config: StackingDesignConfig, corpus: PhrasebookCorpus) -> dict[Design, int]:
    """Design -> hidden units: the stacked design gets at least as many parameters, just."""
    wanted = _count(_model(config, corpus, "sequential", config.hidden_size, device="meta"))
    size = config.hidden_size
    while size > 1:  # its decoder has a wider input, so it needs fewer units
        fewer = _count(_model(config, corpus, "stacked", size - 1, device="meta"))
        if fewer < wanted:
            break
        size -= 1
    return {"sequential": config.hidden_size, "stacked": size}


def _model(
    config: StackingDesignConfig,
    corpus: PhrasebookCorpus,
    design: Design,
    hidden_size: int,
    device: torch.device | str | None = None,
) -> Seq2Seq:
    return Seq2Seq(
        len(corpus.source_vocabulary),
        len(corpus.target_vocabulary),
        hidden_size,
        cell=config.cell,
        design=design,
        device=device,
    )


def _count(model: Seq2Seq) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def words_right(
    model: Seq2Seq, corpus: PhrasebookCorpus, pairs: Sequence[PhrasebookPair]
) -> list[list[bool]]:
    """Whether the most probable word is right, for each pair and each target token.

    The decoder is fed the right words before it. A sentence with all words right is also what
    greedy decoding writes, and no other one is.

    Args:
        model: the encoder-decoder; it is put into evaluation mode.
        corpus: with the vocabularies.
        pairs: of the test.
    """
    model.eval()
    right: list[list[bool]] = []
    for start in range(0, len(pairs), ROWS):
        source, lengths, target = corpus.padded(pairs[start : start + ROWS])
        logits = model(source, lengths, teacher_forcing_inputs(target))
        logits[..., [PAD, SOS]] = -torch.inf  # as in greedy decoding
        correct = (logits.argmax(dim=-1) == target).tolist()
        ends = (target != PAD).sum(dim=1).tolist()
        right += [row[:end] for row, end in zip(correct, ends, strict=True)]
    return right
