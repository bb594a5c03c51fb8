"""Scheduled sampling and the exposure gap: their two ends are teacher forcing and free running."""

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.training import cosine
from eigenlab.translation import (
    EOS,
    PAD,
    Seq2Seq,
    bucketed_batches,
    exposure,
    fit_seq2seq,
    free_running_inputs,
    greedy_decode,
    pad_sentences,
    scheduled_sampling_inputs,
    teacher_forcing_inputs,
    translation_loss,
    with_forced_tokens,
)

SOURCES = [[3 + (i * k) % 17 for k in range(1, 2 + i % 6)] for i in range(40)]
TARGETS = [[3 + (i + k) % 9 for k in range(2 + (i * 5) % 7)] for i in range(40)]


def batches(batch_size=40, seed=0):
    return bucketed_batches(SOURCES, TARGETS, batch_size=batch_size, seed=seed)


def model(**options):
    torch.manual_seed(1)
    return Seq2Seq(20, 12, 16, dtype=torch.float64, **options).eval()


@pytest.fixture(params=["gru", "lstm", "rnn", "attention", "stacked"])
def any_model(request):
    options = {"attention": {"attention": True, "bidirectional": True}}
    options["stacked"] = {"design": "stacked"}
    return model(**options.get(request.param, {"cell": request.param}))


def test_all_forced_is_teacher_forcing(any_model):
    batch = batches()(0)
    forced = torch.ones_like(batch.target, dtype=torch.bool)
    found = scheduled_sampling_inputs(any_model, *batch[:3], forced)
    assert torch.equal(found, teacher_forcing_inputs(batch.target))


def test_none_forced_is_free_running_on_what_greedy_decoding_writes(any_model):
    batch = batches()(0)
    none = torch.zeros_like(batch.target, dtype=torch.bool)
    found = scheduled_sampling_inputs(any_model, *batch[:3], none)
    written = greedy_decode(any_model, *batch[:2], max_length=batch.target.shape[1])
    for row, target, translation in zip(found, batch.target, written, strict=True):
        expected = free_running_inputs(torch.tensor(translation.tokens, dtype=torch.long)).tolist()
        steps = min(len(expected), int((target != PAD).sum()))
        assert row[:steps].tolist() == expected[:steps]
        assert (row[int((target != PAD).sum()) :] == PAD).all()


def test_each_token_is_decided_by_itself(any_model):
    """Against a loop over single sentences and steps, with the decisions given."""
    batch = batches()(0)
    forced = torch.rand(batch.target.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    found = scheduled_sampling_inputs(any_model, *batch[:3], forced)
    right = teacher_forcing_inputs(batch.target)
    for row in range(8):
        length = int(batch.source_lengths[row])
        source, lengths = batch.source[row : row + 1, :length], batch.source_lengths[row : row + 1]
        fed = [int(right[row, 0])]
        for step in range(1, int(batch.target_lengths[row])):
            logits = any_model(source, lengths, torch.tensor([fed]))[0, -1]
            logits[[0, 1]] = -torch.inf
            own = int(logits.argmax())
            fed.append(int(right[row, step]) if forced[row, step - 1] else own)
        assert found[row, : len(fed)].tolist() == fed
    assert (forced.any(dim=1) & ~forced.all(dim=1)).any()  # both within one sentence


def test_other_shapes_and_types_of_decisions_are_refused():
    batch = batches()(0)
    for wrong in (torch.ones_like(batch.target), torch.ones(2, 3, dtype=torch.bool)):
        with pytest.raises(InputError, match="expected bool of the shape of target"):
            scheduled_sampling_inputs(model(), *batch[:3], wrong)


def test_the_decisions_depend_on_the_step_alone_and_are_split_among_processes():
    given = with_forced_tokens(batches(16), lambda step: 0.5)
    whole = given(2)
    again = with_forced_tokens(batches(16), lambda step: 0.5)(2)
    assert torch.equal(whole[-1], again[-1])
    first, second = given.shard(2, 0, 2), given.shard(2, 1, 2)
    for part, low in ((first, 0), (second, len(first[0]))):
        width = part[2].shape[1]
        assert torch.equal(part[-1], whole[-1][low : low + len(part[0]), :width])
    assert not torch.equal(given(1)[-1][:, :4], given(3)[-1][:, :4])


def test_the_share_of_forced_tokens_is_the_probability():
    """Of n = 40 x 9 independent decisions; four standard deviations."""
    for probability in (0.0, 0.25, 0.9, 1.0):
        drawn = torch.cat(
            [
                with_forced_tokens(batches(seed=seed), lambda _: probability)(0)[-1]  # noqa: B023
                for seed in range(5)
            ]
        ).double()
        deviation = (probability * (1 - probability) / drawn.numel()) ** 0.5
        assert abs(drawn.mean().item() - probability) <= 4 * deviation


def test_a_probability_outside_0_to_1_is_refused():
    with pytest.raises(InputError, match=r"teacher_forcing\(0\) is 1.5"):
        with_forced_tokens(batches(), lambda step: 1.5)(0)


def trained(teacher_forcing, **options):
    torch.manual_seed(0)
    one = Seq2Seq(20, 12, 16)
    history = fit_seq2seq(
        one, batches(8), steps=20, learning_rate=0.01, teacher_forcing=teacher_forcing, **options
    )
    return one, history


def test_always_forced_trains_as_without_scheduled_sampling():
    assert trained(lambda step: 1.0)[1].losses == trained(None)[1].losses
    assert trained(lambda step: 0.5)[1].losses != trained(None)[1].losses


def test_scheduled_sampling_is_resumed_to_the_last_bit(tmp_path):
    from eigenlab.errors import Cancelled
    from eigenlab.reporter import Reporter

    class StopAt(Reporter):
        def __init__(self):
            self.done = 0

        def progress(self, done, total, text=""):
            self.done = done

        @property
        def cancelled(self):
            return self.done >= 9

    schedule = cosine(20, final=0.2)
    whole, _ = trained(schedule)
    with pytest.raises(Cancelled):
        trained(schedule, checkpoint=tmp_path / "c", reporter=StopAt())
    resumed, _ = trained(schedule, checkpoint=tmp_path / "c")
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


def test_exposure_agrees_with_a_plain_loop(any_model):
    batch = batches()(0)
    found = exposure(any_model, *batch[:3])
    logits = any_model(*batch[:2], teacher_forcing_inputs(batch.target))
    logits[..., :2] = -torch.inf
    assert torch.equal(found.forced.predicted, logits.argmax(-1))
    expected = translation_loss(any_model, batch)
    assert found.forced.loss.sum() / found.real.sum() == pytest.approx(expected.item(), rel=1e-12)
    written = greedy_decode(any_model, *batch[:2], max_length=batch.target.shape[1])
    for row, translation in enumerate(written):
        emitted = translation.tokens + [EOS] * translation.is_complete
        target = target_of(batch, row)
        right = [a == b for a, b in zip(emitted, target, strict=False)]
        right += [False] * (len(target) - len(right))
        assert found.free.correct[row, : len(target)].tolist() == right[: len(target)]


def target_of(batch, row):
    return batch.target[row, : int(batch.target_lengths[row])].tolist()


def test_both_ways_agree_up_to_the_first_error(any_model):
    """By induction: until then they are fed the same words."""
    found = exposure(any_model, *batches()(0)[:3])
    firsts = found.first_errors()
    for row, first in enumerate(firsts.tolist()):
        part = slice(0, first + 1)
        assert torch.equal(found.forced.inputs[row, part], found.free.inputs[row, part])
        assert torch.equal(found.forced.predicted[row, part], found.free.predicted[row, part])
        assert torch.equal(found.forced.loss[row, part], found.free.loss[row, part])
        later = found.after_first_error()[row]
        assert not later[part].any()
        assert later[first + 1 :].equal(found.real[row, first + 1 :])


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
def test_other_integers_and_layouts_give_the_same(dtype):
    batch, one = batches()(0), model()
    source, lengths, target = (part.to(dtype).t().contiguous().t() for part in batch[:3])
    found = exposure(one, source.int(), lengths, target)
    assert torch.equal(found.free.loss, exposure(one, *batch[:3]).free.loss)
    given = batch._replace(target=target)
    assert torch.equal(translation_loss(one, given), translation_loss(one, batch))


def test_targets_without_an_end_and_fractional_lengths_are_refused():
    batch, one = batches()(0), model()
    endless = batch.target.masked_fill(batch.target == EOS, PAD)
    endless[0] = batch.target[0]
    forced = torch.ones_like(endless, dtype=torch.bool)
    for call in (
        lambda: exposure(one, *batch[:2], endless),
        lambda: scheduled_sampling_inputs(one, *batch[:2], endless, forced),
        lambda: translation_loss(one, batch._replace(target=endless)),
    ):
        with pytest.raises(InputError, match=r"target\[1\] holds no <eos>"):
            call()
    with pytest.raises(InputError, match=r"lengths have dtype torch\.float32; expected integers"):
        exposure(one, batch.source, batch.source_lengths.float(), batch.target)
    with pytest.raises(InputError, match="encoded holds no sentence"):
        pad_sentences([])


def test_a_model_in_training_mode_is_refused():
    with pytest.raises(InputError, match="training mode"):
        exposure(model().train(), *batches()(0)[:3])
