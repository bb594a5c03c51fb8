import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.training import cosine, one_cycle


def rates_of(scheduler_of, steps):
    """Learning rates that a torch scheduler gives to the updates 0 .. steps - 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = scheduler_of(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_equals_torch():
    expected = rates_of(
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=40, eta_min=0.1), 40
    )
    ours = [cosine(40, final=0.1)(step) for step in range(40)]
    assert ours == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("peak", [0.3, 0.5, 0.77])
def test_one_cycle_equals_torch(peak):
    expected = rates_of(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, max_lr=1.0, total_steps=57, pct_start=peak, cycle_momentum=False
        ),
        57,
    )
    ours = [one_cycle(57, peak=peak)(step) for step in range(57)]
    assert ours == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 200), st.integers(0, 400))
def test_factors_stay_between_zero_and_one(steps, step):
    for schedule in (cosine(steps), one_cycle(steps)):
        assert -1e-12 <= schedule(step) <= 1 + 1e-12


@pytest.mark.parametrize("make", [cosine, one_cycle])
def test_zero_steps_are_refused(make):
    with pytest.raises(InputError, match="steps=0 must be at least 1"):
        make(0)


def test_one_cycle_needs_a_peak_between_zero_and_one():
    with pytest.raises(InputError, match=r"peak=1\.0"):
        one_cycle(10, peak=1.0)
