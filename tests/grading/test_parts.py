"""A check survives what the checked code does: inputs changed in place, exits, masked values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from eigenlab.grading import check
from eigenlab.grading.comparison import as_array


class Layer(nn.Module):
    """A right solution of 1a."""

    def __init__(self, input_size, hidden_size, nonlinearity=torch.tanh):
        super().__init__()
        self.hidden_size, self.nonlinearity = hidden_size, nonlinearity
        self.from_input = nn.Linear(input_size, hidden_size, bias=False)
        self.from_hidden = nn.Linear(hidden_size, hidden_size)

    def forward(self, x):
        h, states = x.new_zeros(len(x), self.hidden_size), []
        for x_t in x.unbind(1):
            h = self.nonlinearity(self.from_hidden(h) + self.from_input(x_t))
            states.append(h)
        return torch.stack(states, 1), h


class Zeroes(Layer):
    def forward(self, x):
        with torch.no_grad():
            x.zero_()
        return super().forward(x)


class ChangesAndRaises(Layer):
    def forward(self, x):
        with torch.no_grad():
            x.mul_(2)
        raise RuntimeError


class Exits(Layer):
    def forward(self, x):
        raise SystemExit(1)


@pytest.mark.parametrize("layer", [Zeroes, ChangesAndRaises])
def test_inputs_changed_in_place_are_told_and_the_next_check_sees_the_right_ones(layer):
    assert "changes its input in place" in check("1a", layer).hint
    result = check("1a", Layer)
    assert result, result


def test_a_solution_that_exits_does_not_pass_and_does_not_end_the_kernel():
    result = check("1a", Exits)
    assert not result
    assert "SystemExit" in result.hint


def test_masked_values_are_no_values():
    masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    np.testing.assert_array_equal(as_array(masked), [1.0, np.nan])


def test_an_array_of_objects_is_named():
    hint = check("5b", lambda gamma, X: np.full((len(X), len(X)), None)).hint
    assert "dtype object" in hint
