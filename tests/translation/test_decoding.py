"""Decoding: output never depends on company, and beam search is proven right on small models."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.translation import EOS, PAD, SOS, Seq2Seq, beam_search, greedy_decode, sample

D = torch.float64


def make(cell="gru", scale=2.0, sizes=(30, 40), dtype=D, seed=0, hidden=16, **options):
    torch.manual_seed(seed)
    model = Seq2Seq(*sizes, hidden, cell=cell, dtype=dtype, **options).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "weight_ih" not in name:
                parameter.mul_(scale)
    return model


def sources(seed, rows, width=9):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, width + 1, (rows,), generator=generator)
    source = torch.randint(4, 30, (rows, width), generator=generator)
    source[torch.arange(width) >= lengths[:, None]] = PAD
    return source, lengths


def found(translations):
    return [(t.tokens, t.log_probability, t.score, t.is_complete) for t in translations]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("options", [{}, {"attention": True, "bidirectional": True}])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), rows=st.integers(1, 21), order=st.randoms())
def test_output_never_depends_on_company(cell, options, seed, rows, order):
    """https://github.com/OpenNMT/OpenNMT-py: other translations in other batches."""
    model, (source, lengths) = make(cell, **options), sources(seed, rows)
    greedy = greedy_decode(model, source, lengths, max_length=8)
    beams = beam_search(model, source, lengths, beam_size=3, n_best=3, max_length=8)
    places = list(range(rows))
    order.shuffle(places)
    shuffled = torch.tensor(places)
    again = greedy_decode(model, source[shuffled], lengths[shuffled], max_length=8)
    assert found(again) == [found(greedy)[place] for place in places]
    row = places[0]
    alone = source[row : row + 1, : lengths[row]], lengths[row : row + 1]
    assert found(greedy_decode(model, *alone, max_length=8)) == found(greedy)[row : row + 1]
    [one] = beam_search(model, *alone, beam_size=3, n_best=3, max_length=8)
    assert found(one) == found(beams[row])
    [[best]] = beam_search(model, *alone, beam_size=3, n_best=1, max_length=8)
    assert found([best]) == found(beams[row])[:1]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_nor_on_how_many_sentences_the_recurrence_would_be_run_otherwise(cell):
    """Few sequences of a plain RNN are run by another loop, unless they are to be translated."""
    model, (source, lengths) = make(cell, hidden=64, scale=1.0), sources(0, 40)
    together = found(greedy_decode(model, source, lengths, max_length=8))
    alone = [
        greedy_decode(model, source[row : row + 1], lengths[row : row + 1], max_length=8)
        for row in range(len(source))
    ]
    assert [found(one)[0] for one in alone] == together


def log_probability(model, source, length, sentence):
    logits = model(source, length, torch.tensor([[SOS, *sentence]]))[0]
    logits[:, [PAD, SOS]] = -math.inf
    values = logits.log_softmax(-1)
    return sum(values[i, token].item() for i, token in enumerate([*sentence, EOS]))


@torch.no_grad()
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_a_wide_beam_finds_the_exhaustive_optimum_and_narrow_ones_do_not(penalty):
    """All sentences of up to four of five words, scored one by one."""
    source, length = torch.tensor([[4, 5, 2]]), torch.tensor([3])
    missed = {"greedy": 0, 2: 0}
    for seed in range(8):
        model = make(scale=4.0, sizes=(8, 8), seed=seed)
        scores = {}
        for count in range(5):
            for sentence in itertools.product(range(3, 8), repeat=count):
                value = log_probability(model, source, length, sentence)
                scores[sentence] = value / ((5 + count + 1) / 6) ** penalty
        best = max(scores.values())
        options = {"max_length": 5, "penalty": penalty}
        [[wide]] = beam_search(model, source, length, beam_size=700, **options)
        assert wide.is_complete
        assert wide.score == pytest.approx(best, abs=1e-12)
        assert scores[tuple(wide.tokens)] == pytest.approx(best, abs=1e-12)
        [[narrow]] = beam_search(model, source, length, beam_size=2, **options)
        assert not narrow.is_complete or narrow.score <= best + 1e-12
        missed[2] += not narrow.is_complete or narrow.score < best - 1e-9
        [greedy] = greedy_decode(model, source, length, max_length=5)
        missed["greedy"] += not greedy.is_complete or greedy.log_probability < (
            log_probability(model, source, length, wide.tokens) - 1e-9
        )
    assert missed[2] > 0
    assert missed["greedy"] > 0


def test_scores_are_the_models_own():
    model, (source, lengths) = make(attention=True), sources(3, 6)
    for row, translations in enumerate(
        beam_search(model, source, lengths, beam_size=4, n_best=4, max_length=6)
    ):
        scores = [t.score for t in translations if t.is_complete]
        assert scores == sorted(scores, reverse=True)
        for translation in translations:
            sentence = translation.tokens
            one = source[row : row + 1, : lengths[row]], lengths[row : row + 1]
            logits = model(*one, torch.tensor([[SOS, *sentence]]))[0].detach()
            logits[:, [PAD, SOS]] = -math.inf
            values = logits.log_softmax(-1)
            ends = [*sentence, EOS] if translation.is_complete else sentence
            total = sum(values[i, token].item() for i, token in enumerate(ends))
            assert translation.log_probability == pytest.approx(total, abs=1e-10)
            if sentence:
                assert translation.attention.shape == (len(sentence), lengths[row])


def test_max_length_is_said():
    model, (source, lengths) = make(), sources(0, 4)
    with torch.no_grad():
        model.output.bias[EOS] = -1e9
    for translation in greedy_decode(model, source, lengths, max_length=5):
        assert len(translation.tokens) == 5
        assert not translation.is_complete
    [[best]] = beam_search(model, source[:1], lengths[:1], max_length=5)
    assert len(best.tokens) == 5
    assert not best.is_complete


def test_sampling_follows_the_distribution_and_its_seed():
    model = make(sizes=(8, 8))
    source, lengths = torch.tensor([[4, 5, 2]]).repeat(4000, 1), torch.full((4000,), 3)
    drawn = sample(model, source, lengths, generator=torch.Generator().manual_seed(0), max_length=1)
    logits = model(source[:1], lengths[:1], torch.tensor([[SOS]]))[0, 0].detach()
    logits[[PAD, SOS]] = -math.inf
    expected = logits.softmax(-1)
    counts = torch.zeros(8, dtype=D)
    for translation in drawn:
        counts[translation.tokens[0] if translation.tokens else EOS] += 1
    # Four standard deviations of a binomial share.
    deviation = (expected * (1 - expected) / 4000).sqrt()
    assert ((counts / 4000 - expected).abs() <= 4 * deviation + 1e-12).all()
    again = sample(model, source, lengths, generator=torch.Generator().manual_seed(0), max_length=1)
    assert found(again) == found(drawn)
    cold = sample(model, source[:3], lengths[:3], temperature=1e-6, max_length=5)
    greedy = greedy_decode(model, source[:3], lengths[:3], max_length=5)
    assert [t.tokens for t in cold] == [t.tokens for t in greedy]


def test_wrong_use_is_named():
    model, (source, lengths) = make(), sources(0, 2)
    assert greedy_decode(model, source[:0], lengths[:0]) == []
    assert beam_search(model, source[:0], lengths[:0]) == []
    with pytest.raises(InputError, match="training mode"):
        greedy_decode(make().train(), source, lengths)
    with pytest.raises(InputError, match="max_length=0"):
        greedy_decode(model, source, lengths, max_length=0)
    with pytest.raises(InputError, match="n_best=4"):
        beam_search(model, source, lengths, beam_size=3, n_best=4)
    with pytest.raises(InputError, match="penalty"):
        beam_search(model, source, lengths, penalty=-1.0)
    with pytest.raises(InputError, match="temperature"):
        sample(model, source, lengths, temperature=0.0)
