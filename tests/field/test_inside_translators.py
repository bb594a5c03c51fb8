"""Looking inside a translator: right by an independent computation, or refused."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.translation import (
    EOS,
    SOS,
    Seq2Seq,
    SubwordVocabulary,
    Translator,
    Vocabulary,
    alignment_agreement,
    attention_map,
    greedy_decode,
    nearest_words,
    phrasebook,
    project_paths,
    quality_by_group,
    recurrent_eigenvalues,
    sentence_states,
    word_gradients,
    word_order_class,
)

D = torch.float64
SOURCE, TARGET = [5, 6, 7, 4], [8, 9, 10]
OPTIONS = {
    "plain": {},
    "two layers": {"num_layers": 2},
    "attention": {"attention": True},
    "bidirectional": {"bidirectional": True, "attention": True},
    "stacked": {"design": "stacked"},
}


def make(cell="gru", **options):
    torch.manual_seed(0)
    return Seq2Seq(20, 30, 8, cell=cell, dtype=D, **options).eval()


# ------------------------------------------------------------------------ quality by group


def bleu_by_hand(translations, references):
    """Papineni et al. 2002, equation in section 2.3: corpus counts of clipped n-grams."""
    clipped, total = [0] * 4, [0] * 4
    ours = theirs = 0
    for translation, reference in zip(translations, references, strict=True):
        a, b = translation.split(), reference.split()
        ours, theirs = ours + len(a), theirs + len(b)
        for n in range(1, 5):
            found, due = (Counter(zip(*(s[k:] for k in range(n)), strict=False)) for s in (a, b))
            clipped[n - 1] += sum(min(count, due[gram]) for gram, count in found.items())
            total[n - 1] += sum(found.values())
    brevity = min(1.0, math.exp(1 - theirs / ours))
    return 100 * brevity * math.prod(c / t for c, t in zip(clipped, total, strict=True)) ** 0.25


def test_the_bleu_of_each_group_is_that_of_its_sentences_alone():
    pairs = phrasebook(400)
    references = [pair.target for pair in pairs]
    # every third translation lacks its first word, every fifth is of another sentence
    written = [r.split(" ", 1)[-1] if k % 3 == 0 else r for k, r in enumerate(references)]
    written = [references[k - 1] if k % 5 == 0 else w for k, w in enumerate(written)]
    found = quality_by_group(written, references, [word_order_class(pair) for pair in pairs])
    assert set(found) == {
        f"{order}, {length} length"
        for order in ("monotone", "reordered")
        for length in ("same", "other")
    }
    for group, (count, quality) in found.items():
        chosen = [k for k, pair in enumerate(pairs) if word_order_class(pair) == group]
        # 13a puts blanks around the final mark, and around nothing else in these sentences
        ours, theirs = (
            [s[k].replace(".", " .").replace("?", " ?") for k in chosen]
            for s in (written, references)
        )
        assert count == len(chosen)
        assert quality.bleu == pytest.approx(bleu_by_hand(ours, theirs), abs=1e-9)
        assert quality.exact_match == sum(a == b for a, b in zip(ours, theirs, strict=True)) / count
    assert sum(count for count, _ in found.values()) == len(pairs)


@pytest.mark.parametrize(
    "arguments",
    [
        ([], [], []),
        (["a"], ["a"], []),
        (["a"], ["a", "b"], [1]),
        ("ab", "ab", [1, 1]),  # each letter would be a sentence
        (["a"], ["a"], [math.nan]),  # every NaN would be a group of its own
        (["a"], ["a"], [[1]]),
        ([None], ["a"], [1]),  # an empty cell of a table
        ([float("nan")], ["a"], [1]),
    ],
)
def test_groups_that_do_not_fit_are_refused(arguments):
    with pytest.raises(InputError):
        quality_by_group(*arguments)


# ------------------------------------------------------------------------------- attention


@pytest.mark.parametrize("bidirectional", [False, True])
def test_attention_under_teacher_forcing_is_that_of_the_greedy_translation(bidirectional):
    model = make(attention=True, bidirectional=bidirectional)
    source = torch.tensor([[*SOURCE, EOS]])
    [found] = greedy_decode(model, source, torch.tensor([5]), max_length=6)
    weights = attention_map(model, SOURCE, found.tokens)
    assert weights.shape == (len(found.tokens) + 1, 5)
    assert torch.allclose(weights[: len(found.tokens)], found.attention, atol=1e-12)
    assert torch.allclose(weights.sum(1), torch.ones(len(weights), dtype=D), atol=1e-12)


def test_agreement_by_hand():
    weights = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3]])
    # word 0: column 0, right; word 1: column 2, wrong; word 2 is linked to nothing
    found = alignment_agreement([weights], [[(0, 0), (1, 0), (1, 1)]])
    assert found.n_words == 2
    assert found.attention == 0.5
    assert found.uniform == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert found.diagonal == 1.0  # (0.5 * 3 / 3, 1.5 * 3 / 3) -> columns 0 and 1


def test_uniform_weights_agree_as_often_as_chance_wherever_the_translation_stands():
    for column in range(4):
        found = alignment_agreement([np.full((2, 4), 0.25)], [[(column, 1)]])
        assert found.attention == found.uniform == 0.25


@pytest.mark.parametrize(
    ("weights", "alignments"),
    [
        ([torch.full((2, 2), math.nan)], [[(0, 0)]]),
        ([torch.eye(2)], [[(2, 0)]]),
        ([torch.eye(2)], [[(-1, 0)]]),  # Python would count from the end
        ([torch.eye(2)], [[]]),
        ([torch.eye(2)], []),
        ([torch.ones(2)], [[(0, 0)]]),
    ],
)
def test_weights_that_decide_nothing_are_refused(weights, alignments):
    with pytest.raises(InputError):
        alignment_agreement(weights, alignments)


# ------------------------------------------------------------------------------ neighbours


def test_neighbours_by_cosine_not_by_distance_or_product():
    vocabulary = Vocabulary(["dog", "near", "long", "opposite", "zero"])
    weights = np.zeros((9, 2), dtype=np.float32)
    weights[4:] = [[1, 0], [0.9, 0.5], [100, 1], [-1, 0], [0, 0]]
    weights[:4] = [1, 0]  # special tokens are no words
    found = nearest_words(weights, vocabulary, "dog", n_neighbors=9)
    assert [word for word, _ in found] == ["long", "near", "opposite"]
    expected = [100 / math.hypot(100, 1), 0.9 / math.hypot(0.9, 0.5), -1]
    assert [cosine for _, cosine in found] == pytest.approx(expected, abs=1e-7)


def test_the_length_of_an_embedding_does_not_matter():
    vocabulary = Vocabulary(["a", "b"])
    for scale in (1e-200, 1e200):  # squares underflow or overflow
        weights = scale * torch.tensor([[0, 0]] * 4 + [[3, 4], [4, 3]], dtype=D)
        assert nearest_words(weights, vocabulary, "a")[0][1] == pytest.approx(24 / 25)


def test_neighbours_of_subwords():
    pytest.importorskip("sentencepiece")
    sentences = [pair.source for pair in phrasebook(300)]
    vocabulary = SubwordVocabulary.build(sentences, size=120)
    weights = torch.eye(len(vocabulary), dtype=D)
    weights[9] = weights[8] + weights[7]
    [(word, cosine)] = nearest_words(weights, vocabulary, vocabulary.tokens[8], n_neighbors=1)
    assert word == vocabulary.tokens[9]
    assert cosine == pytest.approx(math.sqrt(0.5))


@pytest.mark.parametrize("word", ["cow", "<eos>", "a b", ""])
def test_words_without_an_embedding_are_refused(word):
    with pytest.raises(InputError, match="not a token"):
        nearest_words(torch.ones(6, 2), Vocabulary(["a", "b"]), word)


def test_embeddings_of_another_vocabulary_or_without_direction_are_refused():
    with pytest.raises(InputError, match="one row for each"):
        nearest_words(torch.ones(7, 2), Vocabulary(["a", "b"]), "a")
    with pytest.raises(InputError, match="no direction"):
        nearest_words(torch.zeros(6, 2), Vocabulary(["a", "b"]), "a")
    with pytest.raises(InputError, match="NaN"):
        nearest_words(torch.full((6, 2), math.nan), Vocabulary(["a", "b"]), "a")


# ---------------------------------------------------------------------------- state paths


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("option", OPTIONS)
def test_states_are_those_of_one_pass_over_the_sentence(cell, option):
    model = make(cell, **OPTIONS[option])
    states = sentence_states(model, SOURCE, TARGET)
    source, lengths = torch.tensor([[*SOURCE, EOS]]), torch.tensor([5])
    with torch.no_grad():
        encoded = model.encode(source, lengths)
        read, last = model.encoder(model.source_embedding(source))
        features, _, _ = model.decode(encoded, torch.tensor([[SOS, *TARGET]]))
    assert torch.equal(states.encoder, read[0])
    assert states.decoder.shape == (5, 8)
    assert torch.equal(states.decoder[0], encoded.state[0][-1, 0])
    if option in ("plain", "two layers"):  # the features are then the decoder's states
        assert torch.allclose(states.decoder[1:], features[0], atol=1e-12)
        assert torch.equal(states.decoder[0], last[0][-1, 0])


def test_a_plane_is_found_again():
    """Points in a plane of five dimensions: distances are kept, and all variance explained."""
    random = np.random.default_rng(0)
    plane = random.normal(size=(2, 5))
    paths = [random.normal(size=(n, 2)) @ plane + 7 for n in (4, 1, 6)]
    found = project_paths(paths)
    assert [len(path) for path in found.paths] == [4, 1, 6]
    assert found.explained.sum() == pytest.approx(1)
    for before, after in zip(paths, found.paths, strict=True):
        distance = np.linalg.norm(before - before[0], axis=1)
        assert np.linalg.norm(after - after[0], axis=1) == pytest.approx(distance)


@pytest.mark.parametrize(
    "paths",
    [
        [],
        [[[1.0, 2.0]]],
        [[1.0, 2.0]],
        [[[1.0, 2.0]], [[1.0, 2.0, 3.0]]],
        [[[1.0, 2.0], [math.nan, 0.0]]],
    ],
)
def test_paths_without_a_plane_are_refused(paths):
    with pytest.raises(InputError):
        project_paths(paths)


# ---------------------------------------------------------------------------- eigenvalues


@pytest.mark.parametrize(
    ("cell", "blocks"),
    [
        ("rnn", ["W_h"]),
        ("gru", ["W_hr", "W_hz", "W_hn"]),
        ("lstm", ["W_hi", "W_hf", "W_hg", "W_ho"]),
    ],
)
def test_every_block_has_its_own_eigenvalues(cell, blocks):
    """Block k is (k + 1) times the identity; torch stacks gates as its documentation says."""
    model = make(cell, num_layers=2, bidirectional=True)
    stacked = torch.cat([(k + 1) * torch.eye(8, dtype=D) for k in range(len(blocks))])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("weight_hh_l0", "W_h")):
                parameter.copy_(stacked)
    found = recurrent_eigenvalues(model)
    parts = ["encoder", "reversed encoder", "decoder"]
    assert list(found) == [f"{part}, layer {n}" for part in parts for n in (1, 2)]
    for values in found.values():
        assert list(values) == blocks
        assert [v.real.tolist() for v in values.values()] == [
            [k + 1] * 8 for k in range(len(blocks))
        ]


# ------------------------------------------------------------------------------ gradients


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("option", ["plain", "attention", "bidirectional", "stacked"])
@pytest.mark.parametrize("word", [0, -1, 3])
def test_gradients_into_the_source_are_autograds(cell, option, word):
    """The encoder is run by hand, a step at a time, so that autograd knows every h_t."""
    model = make(cell, **OPTIONS[option])
    found = word_gradients(model, SOURCE, TARGET, word=word)
    expected = _by_autograd(model, word)
    assert set(found) == set(expected)
    for part, norms in expected.items():
        assert found[part].tolist() == pytest.approx(norms, rel=1e-9, abs=1e-15), part


def _by_autograd(model, word):
    states = {}
    names = {model.encoder: "encoder", model.decoder: "decoder"}
    if model.reversed_encoder is not None:
        names[model.reversed_encoder] = "reversed encoder"

    def stepwise(stack, arguments, keywords, _):
        """What the stack returns, with every state a tensor of the graph."""
        state = arguments[1] if len(arguments) > 1 else keywords.get("state")
        rows = []
        for step in range(arguments[0].shape[1]):
            _, state = forward[stack](arguments[0][:, step : step + 1], state)
            rows.append(state[0][0])
            state = (rows[-1].unsqueeze(0), *state[1:])
        states[names[stack]] = rows
        return torch.stack(rows, dim=1), state

    forward = {stack: stack.forward for stack in names}
    hooks = [stack.register_forward_hook(stepwise, with_kwargs=True) for stack in names]
    try:
        source, inputs = torch.tensor([[*SOURCE, EOS]]), torch.tensor([[SOS, *TARGET]])
        logits = model(source, torch.tensor([5]), inputs)
    finally:
        for hook in hooks:
            hook.remove()
    place = word % len(TARGET) if word < 0 else word
    loss = -logits[0, place].log_softmax(-1)[[*TARGET, EOS][place]]
    norms = {}
    for part, rows in states.items():
        grads = torch.autograd.grad(loss, rows, retain_graph=True, allow_unused=True)
        norms[part] = [0.0 if g is None else g.norm().item() for g in grads]
    if "reversed encoder" in norms:
        norms["reversed encoder"].reverse()
    return norms


@pytest.mark.parametrize("word", [4, -4])
def test_a_word_that_is_not_in_the_target_is_refused(word):
    with pytest.raises(InputError, match="is not in the target"):
        word_gradients(make(), SOURCE, TARGET, word=word)


# --------------------------------------------------------------------------- all of them


@pytest.mark.parametrize("look", [attention_map, sentence_states, word_gradients])
def test_what_is_no_sentence_of_words_is_refused(look):
    model = make(attention=True)
    for source, target in (
        ([5, -1], TARGET),  # would be read from the end of the embedding
        ([5, 20], TARGET),
        ([5, EOS], TARGET),  # a sentence in a sentence
        (SOURCE, [SOS, 8]),
        ("Veo un gato.", TARGET),
        ([5.0], TARGET),
    ):
        with pytest.raises(InputError):
            look(model, source, target)
    with pytest.raises(InputError, match="training mode"):
        look(model.train(), SOURCE, TARGET)


def test_an_empty_sentence_is_its_end():
    model = make(attention=True)
    assert attention_map(model, [], []).tolist() == [[1.0]]
    assert sentence_states(model, [], []).decoder.shape == (2, 8)
    assert word_gradients(model, [], [], word=0)["decoder"].shape == (1,)


def test_a_fitted_translator_can_be_looked_into_and_stays_as_it_was():
    pairs = [("Veo un perro.", "I see a dog."), ("Veo un gato.", "I see a cat.")] * 4
    translator = Translator(8, n_epochs=2, validation_fraction=0, attention=True, random_state=0)
    translator.fit(pairs)
    before = {name: value.clone() for name, value in translator.model_.state_dict().items()}
    grads = [p.grad if p.grad is None else p.grad.clone() for p in translator.model_.parameters()]
    source = translator.source_vocabulary_.encode("Veo un gato.")
    target = translator.target_vocabulary_.encode("I see a cat.")
    for look in (attention_map, sentence_states, word_gradients):
        look(translator.model_, source, target)
    weights = translator.model_.source_embedding.weight
    assert nearest_words(weights, translator.source_vocabulary_, "gato", n_neighbors=1)
    assert all(torch.equal(before[n], v) for n, v in translator.model_.state_dict().items())
    for parameter, grad in zip(translator.model_.parameters(), grads, strict=True):
        assert (parameter.grad is None) == (grad is None)
        assert grad is None or torch.equal(parameter.grad, grad)
