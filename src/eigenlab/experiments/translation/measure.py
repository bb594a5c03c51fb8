"""What ``translation`` measures: the pairs, and both models on the held-out ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from eigenlab.experiments.phrasebook_corpus import PhrasebookCorpus
from eigenlab.experiments.translation.config import TranslationConfig
from eigenlab.experiments.translation.inside import (
    alignment,
    first_state,
    gradients,
    neighbours,
    state_paths,
)
from eigenlab.experiments.translation.records import (
    ATTENTION,
    LAST_STATE,
    CorpusRecord,
    Decoding,
    Example,
    Scores,
    TranslationRecord,
    TranslatorRecord,
)
from eigenlab.experiments.translation.written_out import written_out
from eigenlab.lab import Context, stage
from eigenlab.reporter import PartReporter, Reporter
from eigenlab.statistics import wilson_interval
from eigenlab.training import derive_seed, resolve_device, seeded
from eigenlab.translation import (
    EOS,
    PAD,
    SOS,
    PhrasebookPair,
    Quality,
    Seq2Seq,
    Translation,
    beam_search,
    bleu,
    fit_seq2seq,
    greedy_decode,
    quality_by_group,
    recurrent_eigenvalues,
    teacher_forcing_inputs,
    word_order_class,
)

#: Name -> whether the decoder attends to the encoder's states.
MODELS = {LAST_STATE: False, ATTENTION: True}
#: Sentences that are decoded alone and in a batch, and scored by the equations written out.
CHECKED = 32
#: Most tokens of a translation: no sentence of the phrasebook has more than 20.
MAX_LENGTH = 30
EXAMPLES = 5


@stage
def corpus(config: TranslationConfig, context: Context) -> CorpusRecord:
    """Sizes, and the sentences that training and test share under this and a random split."""
    found = _corpus(config)
    everything = [*found.train, *found.test]
    random.Random(derive_seed(config.seed, "random split")).shuffle(everything)
    cut = len(found.train)
    return CorpusRecord(
        train=len(found.train),
        test=len(found.test),
        source_tokens=len(found.source_vocabulary),
        target_tokens=len(found.target_vocabulary),
        with_unknown=sum(
            bool(
                found.source_vocabulary.unknown(pair.source)
                or found.target_vocabulary.unknown(pair.target)
            )
            for pair in found.test
        ),
        leaked=count_shared(found.train, found.test),
        leaked_at_random=count_shared(everything[:cut], everything[cut:]),
    )


def count_shared(train: Sequence[PhrasebookPair], test: Sequence[PhrasebookPair]) -> int:
    """Test pairs whose source or target, but for case and marks, is in a training pair.

    >>> from eigenlab.translation import phrasebook
    >>> pairs = phrasebook(4)
    >>> count_shared(pairs[:3], pairs[2:])
    1
    """
    sources = {_letters(pair.source) for pair in train}
    targets = {_letters(pair.target) for pair in train}
    return sum(_letters(p.source) in sources or _letters(p.target) in targets for p in test)


def _letters(sentence: str) -> str:
    kept = "".join(c for c in sentence.lower() if c.isalnum() or c == " ")
    return " ".join(kept.split())


def _corpus(config: TranslationConfig) -> PhrasebookCorpus:
    return _generated(config.n_pairs, config.n_test, config.seed, config.max_tokens)


@lru_cache(maxsize=1)  # both stages need it
def _generated(n_pairs: int, n_test: int, seed: int, max_tokens: int) -> PhrasebookCorpus:
    return PhrasebookCorpus.generate(n_pairs, n_test, seed=seed, max_tokens=max_tokens)


@stage
def translation(config: TranslationConfig, context: Context) -> TranslationRecord:
    """Train both models and look into them."""
    pairs = _corpus(config)
    models = {}
    for place, name in enumerate(MODELS):
        reporter = PartReporter(context.reporter, name, place, len(MODELS))
        measure = partial(_measure, config, name, pairs, reporter, context)
        models[name] = context.part(name.replace(" ", "-"), TranslatorRecord, measure)
    return TranslationRecord(n_pairs=config.n_pairs, models=models)


def _measure(
    config: TranslationConfig,
    name: str,
    corpus: PhrasebookCorpus,
    reporter: Reporter,
    context: Context,
) -> TranslatorRecord:
    device = resolve_device(config.device)
    model = build(config, corpus, name).to(device)
    untrained = build(config, corpus, name)
    initial = _eigenvalues(untrained)
    history = fit_seq2seq(
        model,
        corpus.batches(config.batch_size, seed=derive_seed(config.seed, "batches"), device=device),
        steps=config.training_steps,
        learning_rate=config.learning_rate,
        reporter=reporter,
        checkpoint=context.checkpoint(name.replace(" ", "-")),
    )
    model.cpu().eval()
    exact = seq2seq_in_float64(config, corpus, model)
    references = [pair.target for pair in corpus.test]
    source, lengths, _ = corpus.padded(corpus.test)
    greedy = greedy_decode(exact, source, lengths, max_length=MAX_LENGTH)
    best = [
        found[0]
        for found in beam_search(
            exact, source, lengths, beam_size=config.beam_size, max_length=MAX_LENGTH
        )
    ]
    reporter.raise_if_cancelled()
    written = _sentences(corpus, greedy)
    whole = bleu(written, references)
    steps, losses = history.curve()
    trained = _eigenvalues(model)
    paths, explained = state_paths(exact, corpus)
    return TranslatorRecord(
        steps=steps,
        losses=losses,
        training_seconds=history.seconds,
        greedy=_scores(len(references), whole),
        beam=_scores(len(references), bleu(_sentences(corpus, best), references)),
        signature=whole.signature,
        by_length=_grouped(written, references, [pair.source_length for pair in corpus.test]),
        by_order=_grouped(written, references, [word_order_class(p) for p in corpus.test]),
        is_exact=[int(a == b) for a, b in zip(written, references, strict=True)],
        examples=_examples(corpus.test, written),
        decoding=_decoding(model, exact, corpus, greedy, best),
        first_state=first_state(exact, corpus),
        neighbours=neighbours(untrained, exact, corpus),
        paths=paths,
        explained=explained,
        eigenvalues={
            part: {"initial": initial[part], "trained": trained[part]} for part in initial
        },
        gradients=gradients(exact, corpus),
        alignment=alignment(exact, corpus) if MODELS[name] else None,
    )


def build(
    config: TranslationConfig,
    corpus: PhrasebookCorpus,
    name: str,
    dtype: torch.dtype = torch.float32,
) -> Seq2Seq:
    """A model with its initial weights, which depend on the seed and the name."""
    with seeded(config.seed, "weights", name):
        return Seq2Seq(
            len(corpus.source_vocabulary),
            len(corpus.target_vocabulary),
            config.hidden_size,
            attention=MODELS[name],
            dtype=dtype,
        )


def seq2seq_in_float64(
    config: TranslationConfig, corpus: PhrasebookCorpus, model: Seq2Seq
) -> Seq2Seq:
    """A copy of a trained model, in which rounding does not matter."""
    name = LAST_STATE if model.attention is None else ATTENTION
    copy = build(config, corpus, name, torch.float64)
    copy.load_state_dict(model.state_dict())
    return copy.eval()


def _eigenvalues(model: Seq2Seq) -> dict[str, Tensor]:
    """Real and imaginary parts of the eigenvalues of W_hn, (H, 2)."""
    found = recurrent_eigenvalues(model)
    return {part: torch.view_as_real(blocks["W_hn"]) for part, blocks in found.items()}


def _sentences(corpus: PhrasebookCorpus, found: Sequence[Translation]) -> list[str]:
    return [corpus.target_vocabulary.decode(translation.tokens) for translation in found]


def _scores(count: int, quality: Quality) -> Scores:
    exact = round(quality.exact_match * count)
    return Scores(
        count=count,
        bleu=quality.bleu,
        exact=exact,
        interval=wilson_interval(exact, count).bounds,
    )


def _grouped(
    written: Sequence[str], references: Sequence[str], groups: Sequence[Any]
) -> dict[str, Scores]:
    found = quality_by_group(written, references, groups)
    ordered = sorted(found.items(), key=lambda item: item[0])  # type: ignore[arg-type,return-value]
    return {str(group): _scores(count, quality) for group, (count, quality) in ordered}


def _examples(pairs: Sequence[PhrasebookPair], written: Sequence[str]) -> list[Example]:
    """The first sentences that are right, and the first that are wrong."""
    examples = [
        Example(source=pair.source, reference=pair.target, translation=translation)
        for pair, translation in zip(pairs, written, strict=True)
    ]
    right = [item for item in examples if item.translation == item.reference]
    wrong = [item for item in examples if item.translation != item.reference]
    return right[:EXAMPLES] + wrong[:EXAMPLES]


@torch.no_grad()
def _decoding(
    model: Seq2Seq,
    exact: Seq2Seq,
    corpus: PhrasebookCorpus,
    greedy: Sequence[Translation],
    best: Sequence[Translation],
) -> Decoding:
    chosen = corpus.test[:CHECKED]
    changed, apart, apart_float32, rescored = 0, 0.0, 0.0, 0.0
    together = _reference_scores(model, corpus, chosen)
    for place, pair in enumerate(chosen):
        source, lengths, _ = corpus.padded([pair])
        [alone] = greedy_decode(exact, source, lengths, max_length=MAX_LENGTH)
        changed += alone.tokens != greedy[place].tokens
        apart = max(apart, abs(alone.log_probability - greedy[place].log_probability))
        by_itself = _reference_scores(model, corpus, [pair])[0]
        apart_float32 = max(apart_float32, abs(by_itself - together[place]))
        found = best[place]
        if found.is_complete:
            ours = corpus.source_vocabulary.encode(pair.source)
            again = written_out(
                exact, ours, found.tokens, sos=SOS, eos=EOS, never_written=(PAD, SOS)
            )
            total = float(again.log_probabilities.sum())
            rescored = max(rescored, abs(total - found.log_probability))
    return Decoding(
        greedy=[found.log_probability for found in greedy],
        beam=[found.log_probability for found in best],
        rescored_difference=rescored,
        checked=len(chosen),
        alone_changed=changed,
        alone_difference=apart,
        alone_difference_float32=apart_float32,
    )


@torch.no_grad()
def _reference_scores(
    model: Seq2Seq, corpus: PhrasebookCorpus, pairs: Sequence[PhrasebookPair]
) -> list[float]:
    """Log-probability of each reference."""
    source, lengths, target = corpus.padded(pairs)
    scores = model(source, lengths, teacher_forcing_inputs(target)).log_softmax(-1)
    chosen = scores.gather(-1, target.unsqueeze(-1)).squeeze(-1)
    return chosen.masked_fill(target == PAD, 0.0).sum(dim=1).tolist()
