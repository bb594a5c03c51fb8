import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.training import generated, minibatches
from eigenlab.training.batches import local_batch


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 5), st.integers(0, 3))
def test_an_epoch_visits_every_sample_once(n, batch_size, seed, epoch):
    batches = minibatches(torch.arange(n), batch_size=batch_size, seed=seed)
    steps = range(epoch * batches.steps_per_epoch, (epoch + 1) * batches.steps_per_epoch)
    seen = [batches(step)[0] for step in steps]
    assert sorted(torch.cat(seen).tolist()) == list(range(n))
    assert all(len(part) == min(batch_size, n) for part in seen[:-1])


def test_batches_are_a_function_of_the_step():
    x = torch.arange(20)
    there = minibatches(x, batch_size=6, seed=1)
    forwards = [there(step)[0].tolist() for step in range(12)]
    fresh = minibatches(x, batch_size=6, seed=1)
    backwards = [fresh(step)[0].tolist() for step in reversed(range(12))]
    assert forwards == backwards[::-1]
    assert forwards[:4] != forwards[4:8], "each epoch has its own order"
    assert minibatches(x, batch_size=6, seed=2)(0)[0].tolist() != forwards[0]


def test_tensors_stay_aligned():
    x = torch.arange(10)
    for step in range(6):
        a, b = minibatches(x, x**2, batch_size=4, seed=0)(step)
        assert torch.equal(a**2, b)


@given(st.integers(1, 30), st.integers(1, 12), st.integers(1, 5), st.integers(0, 9))
def test_the_parts_of_a_batch_make_up_the_batch(n, batch_size, size, step):
    x = torch.arange(n)
    for batches in (
        minibatches(x, batch_size=batch_size, seed=0),
        generated(lambda g: (torch.randint(99, (batch_size,), generator=g),), seed=0),
    ):
        parts = [local_batch(batches, step, rank, size)[0] for rank in range(size)]
        assert torch.equal(torch.cat(parts), batches(step)[0])
        lengths = [len(part) for part in parts]
        assert max(lengths) - min(lengths) <= 1


def test_generated_differs_between_steps_and_seeds():
    def draw(g):
        return (torch.rand(3, generator=g),)

    values = {generated(draw, seed)(step)[0][0].item() for seed in range(3) for step in range(5)}
    assert len(values) == 15


def test_invalid_arguments_are_refused():
    with pytest.raises(InputError, match=r"tensors have \[3, 4\] samples"):
        minibatches(torch.zeros(3), torch.zeros(4), batch_size=2, seed=0)
    with pytest.raises(InputError, match=r"tensors have \[0\] samples"):
        minibatches(torch.zeros(0), batch_size=2, seed=0)
    with pytest.raises(InputError, match="batch_size=0"):
        minibatches(torch.zeros(3), batch_size=0, seed=0)
    with pytest.raises(InputError, match=r"\[2, 3\] samples; to split it"):
        local_batch(lambda step: (torch.zeros(2), torch.zeros(3)), 0, 0, 2)
