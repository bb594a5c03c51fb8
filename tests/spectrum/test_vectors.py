"""Signs, localisation and lengths of vectors in columns, for numpy and torch."""

import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.spectrum import fix_signs, participation_ratio, row_normalize

V = np.random.default_rng(0).normal(size=(7, 4))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_signs_make_the_largest_entry_positive_and_change_nothing_else(dtype):
    vectors = V.astype(dtype)
    fixed = fix_signs(vectors)
    assert fixed.dtype == dtype
    np.testing.assert_array_equal(np.abs(fixed), np.abs(vectors))
    assert (fixed.max(axis=0) == np.abs(vectors).max(axis=0)).all()
    np.testing.assert_array_equal(fix_signs(-vectors), fixed)
    np.testing.assert_array_equal(fix_signs(torch.tensor(vectors)).numpy(), fixed)


def test_the_first_of_equal_entries_decides_and_zeros_stay():
    vectors = np.array([[-1.0, 0.0], [1.0, 0.0]])
    for kind in (np.asarray, torch.tensor):
        assert fix_signs(kind(vectors)).tolist() == [[1, 0], [-1, 0]]


def test_participation_counts_the_entries_of_even_vectors():
    vectors = np.zeros((9, 9))
    for m in range(1, 10):
        vectors[:m, m - 1] = m**-0.5
    np.testing.assert_allclose(participation_ratio(vectors), np.arange(1, 10), rtol=1e-14)
    found = participation_ratio(torch.tensor(vectors))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_allclose(found.numpy(), np.arange(1, 10), rtol=1e-14)


def test_rows_have_unit_length_and_rows_of_zeros_stay():
    vectors = np.vstack([V, np.zeros(4)])
    rows = row_normalize(vectors)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1] * 7 + [0], rtol=1e-15)
    np.testing.assert_allclose(rows[:7] * np.linalg.norm(V, axis=1)[:, None], V, rtol=1e-14)
    np.testing.assert_allclose(row_normalize(torch.tensor(vectors)).numpy(), rows, rtol=1e-15)


@pytest.mark.parametrize("function", [fix_signs, row_normalize])
def test_gradients(function):
    points = torch.tensor(V, requires_grad=True)
    assert torch.autograd.gradcheck(function, (points,))


@pytest.mark.parametrize("function", [fix_signs, participation_ratio, row_normalize])
@pytest.mark.parametrize("bad", [np.ones(3), torch.ones(2, 2, 2), np.ones((0, 2))])
def test_what_has_no_columns_is_refused(function, bad):
    with pytest.raises(InputError, match=r"vectors has shape"):
        function(bad)
