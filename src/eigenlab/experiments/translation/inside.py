"""Looking into a trained model of ``translation``: each function fills one part of its record."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from eigenlab.experiments.phrasebook_corpus import PhrasebookCorpus
from eigenlab.experiments.translation.records import (
    Alignment,
    AttentionMap,
    FirstState,
    Gradients,
    Neighbours,
    StatePath,
)
from eigenlab.experiments.translation.written_out import written_out
from eigenlab.translation import (
    EOS,
    SOS,
    PhrasebookPair,
    Seq2Seq,
    alignment_agreement,
    attention_map,
    nearest_words,
    project_paths,
    sentence_states,
    word_gradients,
)

#: Sentences that are scored by the equations written out.
CHECKED = 16
#: Sentences over which states and gradients are collected.
MANY = 100
#: Words whose neighbours are shown, where they are in the vocabulary.
SOURCE, OUTPUT = "source embedding", "output layer"
WORDS = {
    SOURCE: ("perro", "negro", "madre", "compré", "mi"),
    OUTPUT: ("dog", "black", "mother", "bought", "my"),
}
#: Sentences that are drawn.
DRAWN = 4
END = "<eos>"


def encoded(corpus: PhrasebookCorpus, pair: PhrasebookPair) -> tuple[list[int], list[int]]:
    """The indices of both sentences."""
    return (
        corpus.source_vocabulary.encode(pair.source),
        corpus.target_vocabulary.encode(pair.target),
    )


def _tokens(corpus: PhrasebookCorpus, pair: PhrasebookPair) -> tuple[list[str], list[str]]:
    """The words of both sentences without joiners, ``<eos>`` last."""
    return (
        [t.strip("￭") for t in corpus.source_vocabulary.tokenize(pair.source)] + [END],
        [t.strip("￭") for t in corpus.target_vocabulary.tokenize(pair.target)] + [END],
    )


@torch.no_grad()
def first_state(model: Seq2Seq, corpus: PhrasebookCorpus) -> FirstState:
    """What the decoder is given, read where it is called, and what the equations make of it."""
    state = carried = zero = 0.0
    for pair in corpus.test[:CHECKED]:
        source, target = encoded(corpus, pair)
        given, scores = _observed(model, source, target)
        right, without = (
            float(written_out(model, source, target, sos=SOS, eos=EOS, carried=c)[1].sum())
            for c in (True, False)
        )
        state = max(state, given)
        carried, zero = max(carried, abs(right - scores)), max(zero, abs(without - scores))
    return FirstState(difference=state, written_out_difference=carried, zero_difference=zero)


def _observed(model: Seq2Seq, source: Sequence[int], target: Sequence[int]) -> tuple[float, float]:
    """|first state of the decoder - last of the encoder|, and the target's log-probability."""
    seen: dict[str, Tensor] = {}

    def reads(_: object, __: object, result: tuple[Tensor, object]) -> None:
        seen["last"] = result[0][:, -1]

    def starts(_: object, arguments: tuple[Tensor, tuple[Tensor, ...]]) -> None:
        seen["first"] = arguments[1][0][-1]

    hooks = [
        model.encoder.register_forward_hook(reads),
        model.decoder.register_forward_pre_hook(starts),
    ]
    try:
        lengths = torch.tensor([len(source) + 1])
        inputs = torch.tensor([[SOS, *target]])
        logits = model(torch.tensor([[*source, EOS]]), lengths, inputs)[0]
    finally:
        for hook in hooks:
            hook.remove()
    written = torch.tensor([*target, EOS])
    scores = logits.log_softmax(-1)[torch.arange(len(written)), written]
    return float((seen["first"] - seen["last"]).abs().max()), float(scores.sum())


def neighbours(initial: Seq2Seq, trained: Seq2Seq, corpus: PhrasebookCorpus) -> list[Neighbours]:
    """The nearest words of some words, by source embedding and by row of the output layer."""
    vocabularies = {SOURCE: corpus.source_vocabulary, OUTPUT: corpus.target_vocabulary}
    found = []
    for kind, words in WORDS.items():
        vocabulary = vocabularies[kind]
        before, after = (
            {SOURCE: model.source_embedding.weight, OUTPUT: model.output.weight}[kind]
            for model in (initial, trained)
        )
        for word in words:
            if word not in vocabulary:
                continue
            names, cosines = zip(*nearest_words(after, vocabulary, word), strict=True)
            chance = nearest_words(before, vocabulary, word, n_neighbors=1)[0][1]
            found.append(
                Neighbours(
                    weights=kind,
                    word=word,
                    nearest=[name.strip("￭") for name in names],
                    cosines=cosines,
                    initial=chance,
                )
            )
    return found


def state_paths(
    model: Seq2Seq, corpus: PhrasebookCorpus
) -> tuple[list[StatePath], Sequence[float]]:
    """Paths through some sentences in the plane of the states of many."""
    chosen = corpus.test[:MANY]
    states = [sentence_states(model, *encoded(corpus, pair)) for pair in chosen]
    plane = project_paths([part for both in states for part in both])
    found = []
    for place, pair in enumerate(chosen[:DRAWN]):
        source, target = _tokens(corpus, pair)
        encoder, decoder = plane.paths[2 * place : 2 * place + 2]
        found.append(
            StatePath(
                encoder_labels=source,
                encoder=encoder.tolist(),
                decoder_labels=["", *target],
                decoder=decoder.tolist(),
            )
        )
    return found, plane.explained.tolist()


def gradients(model: Seq2Seq, corpus: PhrasebookCorpus) -> Gradients:
    """The gradient of the last word before the final mark, by source token."""
    shares, chances, difference = [], [], 0.0
    for place, pair in enumerate(corpus.test[:MANY]):
        source, target = encoded(corpus, pair)
        norms = word_gradients(model, source, target, word=-2)["encoder"]
        if place < CHECKED:
            difference = max(difference, _relative(norms, _by_autograd(model, source, target)))
        links = {i for i, j in pair.alignment if j == len(target) - 2}
        if links:
            shares.append(float(norms[list(links)].sum() / norms.sum()))
            chances.append(len(links) / len(norms))
    first = corpus.test[0]
    tokens = _tokens(corpus, first)
    return Gradients(
        source=tokens[0],
        target=first.target,
        word=tokens[1][-3],
        norms=word_gradients(model, *encoded(corpus, first), word=-2)["encoder"],
        sentences=len(shares),
        aligned=sum(shares) / len(shares),
        uniform=sum(chances) / len(chances),
        autograd_difference=difference,
    )


def _by_autograd(model: Seq2Seq, source: Sequence[int], target: Sequence[int]) -> Tensor:
    found = written_out(model, source, target, sos=SOS, eos=EOS)
    loss = -found.log_probabilities[-3]  # before the final mark and <eos>
    return torch.stack([part.norm() for part in torch.autograd.grad(loss, found.states)])


def _relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def alignment(model: Seq2Seq, corpus: PhrasebookCorpus) -> Alignment:
    """Attention against the alignment of all held-out pairs, and the weights of some.

    The final mark is left out: it stands at the end of both sentences, so that its alignment says
    nothing about the order of the words.
    """
    weights = [attention_map(model, *encoded(corpus, pair)) for pair in corpus.test]
    links = [[(i, j) for i, j in p.alignment if j < p.target_length - 1] for p in corpus.test]
    found = alignment_agreement(weights, links)
    reordered = [k for k, pair in enumerate(corpus.test) if pair.word_order == "reordered"]
    maps = []
    for place in (reordered or [0])[:DRAWN]:
        source, target = _tokens(corpus, corpus.test[place])
        maps.append(AttentionMap(source=source, target=target, weights=weights[place]))
    return Alignment(
        words=found.n_words,
        attention=found.attention,
        uniform=found.uniform,
        diagonal=found.diagonal,
        maps=maps,
    )
