"""The steps of a beam search are those that lead to its result."""

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.translation import EOS, PAD, SOS, Seq2Seq, beam_search
from eigenlab.translation.beam import beam_steps

SOURCE = torch.tensor([[4, 5, 2]]), torch.tensor([3])


def make(seed):
    torch.manual_seed(seed)
    model = Seq2Seq(8, 8, 16, dtype=torch.float64).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


def log_probability(model, tokens):
    """Of a beginning, by one pass over all of it."""
    with torch.no_grad():
        logits = model(*SOURCE, torch.tensor([[SOS, *tokens[:-1]]]))[0]
    logits[:, [PAD, SOS]] = -torch.inf
    values = logits.log_softmax(-1)
    return sum(values[place, token].item() for place, token in enumerate(tokens))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("beam_size", [1, 2, 4])
@pytest.mark.parametrize("penalty", [0.0, 1.0])
def test_the_steps_are_those_of_the_search(seed, beam_size, penalty):
    model = make(seed)
    options = {"beam_size": beam_size, "penalty": penalty, "max_length": 6}
    steps = beam_steps(model, *SOURCE, **options)
    [[best]] = beam_search(model, *SOURCE, **options)
    kept = [{h.tokens for h in step if h.is_kept} for step in steps]
    end = [EOS] * best.is_complete
    path = (*best.tokens, *end)
    assert all(path[: place + 1] in kept[place] for place in range(len(path)))
    parents = {()}
    for place, step in enumerate(steps, start=1):
        scores = [h.log_probability for h in step]
        assert scores == sorted(scores, reverse=True)
        for h in step:
            assert len(h.tokens) == place
            assert h.tokens[:-1] in parents
            assert h.log_probability == pytest.approx(log_probability(model, h.tokens), abs=1e-12)
        # Of those that go on, the beam_size most probable ones are kept, by their definition.
        going = [h for h in step if h.tokens[-1] != EOS]
        assert [h.is_kept for h in going] == [rank < beam_size for rank in range(len(going))]
        parents = {h.tokens for h in going if h.is_kept}
    complete = [h for step in steps for h in step if h.tokens[-1] == EOS]
    ranked = [h.log_probability / ((5 + len(h.tokens)) / 6) ** penalty for h in complete]
    if best.is_complete:
        assert best.score == pytest.approx(max(ranked), abs=1e-12)


def test_every_continuation_of_the_first_step_is_considered_by_a_wide_beam():
    """Six of the eight words can be written: all but <pad> and <sos>."""
    steps = beam_steps(make(0), *SOURCE, beam_size=9, max_length=2)
    assert {h.tokens for h in steps[0]} == {(word,) for word in range(8) if word not in (PAD, SOS)}
    assert sum(torch.tensor(h.log_probability).exp().item() for h in steps[0]) == pytest.approx(1)


def test_one_source_only():
    with pytest.raises(InputError, match="2 sentences, expected 1"):
        beam_steps(make(0), SOURCE[0].repeat(2, 1), SOURCE[1].repeat(2))
