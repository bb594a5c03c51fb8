import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.training import derive_seed, generator, resolve_device
from eigenlab.training.seeding import resolve_seed

paths = st.tuples(st.integers(0, 2**40), st.one_of(st.integers(0, 99), st.text(max_size=5)))


@given(paths, paths)
def test_different_paths_give_different_seeds(a, b):
    assert (derive_seed(*a) == derive_seed(*b)) == (a == b)


@given(paths)
def test_derived_seeds_are_valid_for_every_generator(path):
    assert 0 <= derive_seed(*path) < 2**63


def test_a_derived_seed_is_the_first_63_bits_of_a_digest():
    """Not ``hash``, which differs between processes."""
    digest = hashlib.sha256(b"(3, 'epoch', 1)").digest()
    bits = "".join(f"{byte:08b}" for byte in digest)
    assert derive_seed(3, "epoch", 1) == int(bits[:63], base=2)


def test_neighbouring_seeds_are_unrelated():
    """Correlation of independent N(0, 1) samples of size n has standard deviation 1/sqrt(n)."""
    n = 4000
    draws = torch.stack([torch.randn(n, generator=generator(seed, "x")) for seed in range(8)])
    correlation = torch.corrcoef(draws) - torch.eye(8)
    assert correlation.abs().max() < 5 / n**0.5


def test_generator_does_not_change_the_global_random_state():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    torch.rand(3, generator=generator(0, "weights"))
    assert torch.equal(before, torch.get_rng_state())


def test_cpu_is_always_a_device():
    assert resolve_device("cpu") == torch.device("cpu")
    assert resolve_device("auto").type in {"cpu", "cuda", "mps"}


def test_unknown_and_absent_devices_are_refused():
    with pytest.raises(InputError, match="device='gpu' is unknown"):
        resolve_device("gpu")
    with pytest.raises(InputError, match=r"device='cuda:99' is not present here \(found cpu"):
        resolve_device("cuda:99")
    with pytest.raises(InputError, match="device='meta' is not present"):
        resolve_device("meta")


def test_an_integer_is_its_own_seed_and_a_generator_gives_new_ones():
    assert resolve_seed(np.int64(5)) == 5
    state = np.random.RandomState(0)
    first, second = resolve_seed(state), resolve_seed(state)
    assert first != second
    assert first == resolve_seed(np.random.RandomState(0))
    assert resolve_seed() != resolve_seed(None)
    with pytest.raises(ValueError, match="cannot be used to seed"):
        resolve_seed("seven")
