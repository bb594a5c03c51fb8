import importlib
import itertools
import math
import random

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.experiments import load_experiment
from eigenlab.experiments.stacking_design import measure, reading
from eigenlab.experiments.stacking_design.records import (
    Comparison,
    Limit,
    LimitsRecord,
    TrainedModel,
    TrainingRecord,
)
from eigenlab.experiments.stacking_design.scores import Scores
from eigenlab.lab import Context, NotRun, Outcome
from eigenlab.training import seeded
from eigenlab.translation import (
    PhrasebookPair,
    Seq2Seq,
    fit_seq2seq,
    greedy_decode,
    phrasebook,
    teacher_forcing_inputs,
)

EXPERIMENT = load_experiment("stacking-design")
SMOKE = EXPERIMENT.config.from_preset("smoke")
READ, UNREAD, ALONE = reading.STATUSES
ALL = reading.ALL
WORDS, SENTENCES = reading.STATUSES, (*reading.CLASSES, reading.ALL)


def outcome(claim, record):
    return EXPERIMENT.claim(claim).evaluate(record).outcome


# What a step depends on


def test_the_derivatives_are_those_of_finite_differences():
    model = measure._random_model(0, "gru", "sequential")
    source, inputs = measure._random_sentences(0, 3, 2)
    found = measure.jacobian_norms(model, source, inputs)
    # A vocabulary of one embedding per token, so that each can be moved alone.
    apart = torch.arange(4, 7)
    weight = model.source_embedding.weight
    with torch.no_grad():
        weight[apart] = weight[source].clone()
        slopes = torch.zeros(2, 3, dtype=torch.float64)
        for token, unit in itertools.product(range(3), range(measure.WIDTH)):
            sides = []
            for step in (1e-6, -1e-6):
                weight[apart[token], unit] += step
                sides.append(measure._logits(model, apart[None], inputs)[0])
                weight[apart[token], unit] -= step
            slopes[:, token] += ((sides[0] - sides[1]) / 2e-6).square().sum(dim=1)
    torch.testing.assert_close(found, slopes.sqrt(), rtol=1e-7, atol=0)


def below(encoded, steps, start, ahead):
    """The encoder states that a decoder gets which looks some tokens ahead."""
    index = torch.arange(start, start + steps) + ahead
    return encoded.states[:, index.clamp(max=encoded.states.shape[1] - 1)]


@pytest.mark.parametrize(("ahead", "expected"), [(0, Outcome.HELD), (1, Outcome.FAILED)])
def test_a_decoder_that_looks_one_token_ahead_is_found(monkeypatch, ahead, expected):
    monkeypatch.setattr(
        Seq2Seq, "_below", lambda self, *arguments: below(*arguments, ahead), raising=True
    )
    record = measure.visibility(SMOKE)
    assert outcome("7a.cannot-look-ahead", record) is expected
    assert outcome("7a.reads-everything", record) is Outcome.HELD


def test_a_decoder_that_begins_with_the_last_encoder_state_is_found(monkeypatch):
    """As the sequential one does: it would know the whole source at its first step."""
    encode = Seq2Seq.encode

    def leaking(self, source, lengths):
        found = encode(self, source, lengths)
        first = (found.states[:, -1].unsqueeze(0), *found.state[1:])
        return measure.EncodedSource(first, found.states, found.valid, found.keys)

    monkeypatch.setattr(Seq2Seq, "encode", leaking)
    assert outcome("7a.cannot-look-ahead", measure.visibility(SMOKE)) is Outcome.FAILED


def test_a_stacked_decoder_in_place_of_the_sequential_one_is_found(smoke):
    record = smoke("stacking-design").result.record(measure.visibility.record)
    swapped = {"sequential": "stacked", "stacked": "sequential"}
    record = record.replaced({"networks/*/design": swapped.__getitem__})
    assert outcome("7a.cannot-look-ahead", record) is Outcome.FAILED
    assert outcome("7a.reads-everything", record) is Outcome.FAILED


# Reading and limits


def test_a_word_is_read_once_its_last_counterpart_is():
    pair = PhrasebookPair(
        "No os envié nuestros poemas.",  # no 0, os 1, envié 2, nuestros 3, poemas 4, . 5, end 6
        "I didn't send you our poems.",  # I 0, did 1, n't 2, send 3, you 4, our 5, ... end 8
        *(6, 8, "reordered", "hand-made"),
        ((0, 2), (1, 4), (2, 0), (2, 3), (3, 5), (4, 6), (5, 7)),
    )
    assert reading.distances(pair) == [2, None, -2, -1, -3, -2, -2, -2, -2]
    statuses = [reading.status(distance) for distance in reading.distances(pair)]
    assert statuses == [UNREAD, ALONE, *[READ] * 7]  # I is told by envié
    assert reading.sentence_class(pair) == "English longer, reordered"


def random_pairs(seed):
    """Sentences of two words in three tokens, each with its end."""
    draw = random.Random(seed)
    side = lambda end: (*(draw.choice("ab") for _ in range(draw.randint(1, 2))), end)  # noqa: E731
    return [(side("."), side("!")) for _ in range(5)]


def known_at(source, target, step, stacked):
    return source[: reading.read_at(step, stacked, len(source))], target[:step]


def policies(pairs, stacked):
    """Every decoder: one word for each thing that it may know, among those that follow it."""
    follows = {}
    for s, t in pairs:
        for step, word in enumerate(t):
            follows.setdefault(known_at(s, t, step, stacked), set()).add(word)
    for words in itertools.product(*map(sorted, follows.values())):
        yield dict(zip(follows, words, strict=True))


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_the_limits_are_the_best_of_all_decoders(seed, stacked):
    pairs = random_pairs(seed)
    words = sentences = 0
    for policy in policies(pairs, stacked):
        right = [
            [policy[known_at(s, t, step, stacked)] == word for step, word in enumerate(t)]
            for s, t in pairs
        ]
        words = max(words, sum(map(sum, right)))
        sentences = max(sentences, sum(map(all, right)))
    groups = [["one"] * len(t) for _, t in pairs]
    assert reading.most_words(pairs, groups, stacked=stacked) == {"one": words}
    assert reading.most_sentences(pairs, stacked=stacked) == sentences


def test_limits_count_every_test_pair_once(smoke):
    record = smoke("stacking-design").result.record(measure.limits.record)
    assert record.n_pairs + record.n_unknown == SMOKE.n_test
    assert sum(record.sentences[name].n for name in reading.CLASSES) == record.n_pairs
    assert record.sentences[ALL].n == record.n_pairs
    read = [item.n for d, item in zip(record.distances, record.by_distance, strict=True) if d <= 0]
    assert sum(read) == record.words[READ].n
    for counts in (record.words, record.sentences):
        assert all(c.stacked <= c.sequential == c.n for c in counts.values())


def test_more_short_sentences_than_there_are_is_one_message(monkeypatch):
    grammar = importlib.import_module("eigenlab.translation.phrasebook")
    monkeypatch.setattr(grammar, "_PATIENCE", 20)
    with pytest.raises(InputError, match="n_train=900 and n_test=200 with max_tokens=4"):
        measure.limits(SMOKE.replace(n_train=900, max_tokens=4))


# Training and counting


@pytest.fixture(scope="module")
def known(smoke):
    return smoke("stacking-design").result.record(measure.limits.record)


def test_the_stacked_design_has_just_as_many_parameters():
    corpus, _ = measure._sentences(SMOKE)
    for hidden_size in (8, 16, 64, 128):
        config = SMOKE.replace(hidden_size=hidden_size)
        sizes = measure.hidden_sizes(config, corpus)
        count = {
            (design, size): measure._count(measure._model(config, corpus, design, size))
            for design, own in sizes.items()
            for size in (own, own - 1)
        }
        wanted = count["sequential", hidden_size]
        assert count["stacked", sizes["stacked"]] >= wanted > count["stacked", sizes["stacked"] - 1]


def test_all_words_right_under_teacher_forcing_is_what_greedy_decoding_writes():
    corpus, _ = measure._sentences(SMOKE)
    pairs = corpus.train[:60]
    for design in measure.DESIGNS:
        with seeded(0):
            model = measure._model(SMOKE, corpus, design, 48)
        fit_seq2seq(model, corpus.batches(64, seed=0), steps=250, learning_rate=2e-2)
        exact = [all(row) for row in measure.words_right(model, corpus, pairs)]
        source, lengths, _ = corpus.padded(pairs)
        found = greedy_decode(model, source, lengths, max_length=10)
        written = [corpus.target_vocabulary.decode(item.tokens) for item in found]
        matches = [text == p.target for text, p in zip(written, pairs, strict=True)]
        assert exact == matches
        assert 0 < sum(exact) < len(exact)


def test_padding_is_no_word_of_the_test():
    corpus, pairs = measure._sentences(SMOKE)
    model = measure._model(SMOKE, corpus, "stacked", 16)
    right = measure.words_right(model, corpus, pairs)
    assert [len(row) for row in right] == [pair.target_length + 1 for pair in pairs]
    _, _, target = corpus.padded(pairs)
    assert teacher_forcing_inputs(target).shape == target.shape


def test_scores_of_hand_made_answers():
    pairs = phrasebook(40)
    scores = Scores(pairs)
    everything = [[True] * (pair.target_length + 1) for pair in pairs]
    only_read = [[d is not None and d <= 0 for d in row] for row in scores.distances]
    words = scores.words(everything)
    assert sum(words.values()) == sum(map(len, everything))
    assert scores.words(only_read) == dict(zip(WORDS, (words[READ], 0, 0), strict=True))
    exact = [all(row) for row in only_read]
    assert scores.sentences(only_read)[ALL] == sum(exact)
    both = scores.paired({"sequential": everything, "stacked": only_read})
    assert both[ALL] == [sum(exact), len(pairs) - sum(exact), 0, 0]
    draw = torch.Generator().manual_seed(0)
    found = scores.differences({"sequential": everything, "stacked": only_read}, 100, draw)
    assert found == {READ: [0, 0, 0], UNREAD: [1, 1, 1], ALONE: [1, 1, 1]}


def test_the_interval_covers_sentences_and_not_words():
    """Sentences are right or wrong as a whole: the interval is that of n sentences, not words."""
    pairs = [pair for pair in phrasebook(3000) if pair.target_length == 7][:400]
    scores = Scores(pairs)
    nothing = [[False] * 8 for _ in pairs]
    half = [[k % 2 == 0] * 8 for k in range(len(pairs))]
    draw = torch.Generator().manual_seed(0)
    found = scores.differences({"sequential": half, "stacked": nothing}, 2000, draw)
    estimate, low, high = found[READ]
    n_words = scores.words([[True] * 8] * len(pairs))[READ]
    by_words = 1.96 * math.sqrt(0.25 / n_words)
    by_sentences = 1.96 * math.sqrt(0.25 / len(pairs))
    assert estimate == pytest.approx(0.5, abs=0.03)
    assert (high - low) / 2 == pytest.approx(by_sentences, rel=0.2)
    assert (high - low) / 2 > 1.8 * by_words


def test_without_seeds_nothing_is_trained():
    with pytest.raises(NotRun, match="n_seeds=0"):
        measure.training(SMOKE.replace(n_seeds=0))


def test_the_seed_decides_the_training(known):
    context = Context(records=(known,))
    first = measure.training(SMOKE, context)
    torch.rand(3)  # the global generator is neither used nor moved
    state = torch.get_rng_state()
    assert measure.training(SMOKE, context) == first
    assert torch.equal(torch.get_rng_state(), state)
    two = measure.training(SMOKE.replace(n_seeds=2), context)
    assert two.models[:2] == first.models
    assert two.models[2].losses != first.models[0].losses


# Judging


def record(**changes):
    """A training in which the sequential design is right 9 times of 10."""
    limit = {READ: (1000, 990), UNREAD: (500, 300), ALONE: (50, 30)}
    words = {kind: Limit(n=n, stacked=s, sequential=n) for kind, (n, s) in limit.items()}
    sentences = {name: Limit(n=100, stacked=50, sequential=100) for name in SENTENCES}
    limits = LimitsRecord(
        n_pairs=100, n_unknown=0, words=words, sentences=sentences, distances=(), by_distance=()
    )
    right = {
        "sequential": ({READ: 900, UNREAD: 450, ALONE: 45}, 90, 1000),
        "stacked": ({READ: 920, UNREAD: 200, ALONE: 20}, 40, 1010),
    }
    models = [
        TrainedModel(
            design=design,
            seed=0,
            hidden_size=8,
            n_parameters=n_parameters,
            steps=(1,),
            losses=(1.0,),
            words=counts,
            sentences=dict.fromkeys(SENTENCES, exact),
            by_distance=(),
        )
        for design, (counts, exact, n_parameters) in right.items()
    ]
    comparison = Comparison(
        seed=0,
        words={READ: (-0.02, -0.03, -0.01), UNREAD: (0.5, 0.4, 0.6), ALONE: (0.5, 0.3, 0.7)},
        sentences=dict.fromkeys(SENTENCES, (38, 52, 2, 8)),
    )
    made = TrainingRecord(seeds=(0,), limits=limits, models=models, comparisons=(comparison,))
    return made.replaced(changes)


TRAINED = [claim for claim in EXPERIMENT.claims if claim.record is TrainingRecord]


@pytest.mark.parametrize("claim", TRAINED, ids=lambda claim: claim.id)
def test_a_claim_about_trainings_follows_its_numbers(claim):
    assert claim.evaluate(record()).outcome is Outcome.HELD
    for changes in claim.counterexamples:
        assert claim.evaluate(record(**changes)).outcome is Outcome.FAILED, changes


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("7a.unread-words", {f"models/0/words/{UNREAD}": 290}),  # below the limit of 300
        ("7a.unread-words", {f"comparisons/0/words/{UNREAD}/1": math.nan}),
        ("7a.read-words", {f"comparisons/0/words/{READ}/2": math.nan}),
        ("7a.read-words", {"models/1/n_parameters": 1040}),
        ("7a.exact-match", {f"comparisons/0/sentences/{ALL}": (40, 10, 9, 41)}),
        ("7a.english-shorter", {"models/0/sentences/English shorter, reordered": 50}),
        ("7a.within-limit", {f"models/1/words/{UNREAD}": 301}),
    ],
)
def test_numbers_at_the_edge_refute(claim, changes):
    assert outcome(claim, record(**changes)) is Outcome.FAILED


def test_every_seed_has_to_agree():
    made = record()
    second = record(**{f"comparisons/0/words/{UNREAD}/1": -0.1}).comparisons
    both = made.model_copy(update={"comparisons": (*made.comparisons, *second)})
    assert outcome("7a.unread-words", both) is Outcome.FAILED


def test_a_limit_without_words_cannot_be_judged(known):
    empty = known.replaced({f"words/{UNREAD}/n": 0})
    assert outcome("7a.limit", empty) is Outcome.NOT_RUN
