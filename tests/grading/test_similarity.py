"""Code that is alike is found though it was renamed; what everyone was given is not."""

from __future__ import annotations

import pytest

from eigenlab.course import build_notebooks, masters
from eigenlab.grading.batch.similarity import compare

ONE = """
class RNNLayer(nn.Module):
    def __init__(self, input_size, hidden_size, f=torch.tanh):
        super().__init__()
        self.a = nn.Linear(input_size, hidden_size)
        self.b = nn.Linear(hidden_size, hidden_size, bias=False)
        self.f, self.hidden_size = f, hidden_size

    def forward(self, x):
        h, found = torch.zeros(len(x), self.hidden_size), []
        for t in range(x.shape[1]):
            h = self.f(self.a(x[:, t]) + self.b(h))
            found.append(h)
        return torch.stack(found, 1), h
"""
OTHER = """
class RNNLayer(nn.Module):
    def __init__(self, n, m, nonlinearity=torch.tanh):
        super().__init__()
        self.W = nn.Parameter(torch.randn(m, n) / m**0.5)
        self.U = nn.Parameter(torch.randn(m, m) / m**0.5)
        self.bias = nn.Parameter(torch.zeros(m))
        self.nonlinearity = nonlinearity

    def forward(self, inputs):
        state = inputs.new_zeros(inputs.size(0), self.U.size(0))
        states = torch.empty(*inputs.shape[:2], self.U.size(0))
        for step, value in enumerate(inputs.unbind(dim=1)):
            state = self.nonlinearity(value @ self.W.T + state @ self.U.T + self.bias)
            states[:, step] = state
        return states, state
"""
COPY = (
    ONE.replace("found", "outputs")
    .replace("self.a", "self.w_in")
    .replace("        h, ", "        # my own idea\n        h, ")
    .replace("def forward(self, x)", "def forward(self, x: torch.Tensor)")
)


def test_a_renamed_copy_is_the_same_and_another_solution_is_not():
    found = compare([{"RNNLayer": code} for code in (ONE, OTHER, COPY)])
    assert found.compared == 3
    first, *rest = found.pairs
    assert first == (0, 2, 1.0)
    assert all(pair.jaccard < 0.2 for pair in rest)


def test_what_was_given_does_not_count():
    found = compare([{"RNNLayer": ONE}, {"RNNLayer": COPY}], [ONE])
    assert (found.pairs, found.compared) == ([], 0)


def test_short_code_and_code_that_is_no_python_are_not_compared():
    short = {"f": "def f(A):\n    return np.diag(A.sum(axis=1))"}
    found = compare([short, short, {"g": "def ("}])
    assert (found.pairs, found.compared) == ([], 0)


def test_what_most_of_a_class_has_does_not_count():
    class_ = [{"RNNLayer": ONE}] * 10 + [{"RNNLayer": OTHER}]
    assert compare(class_).compared == 1


@pytest.mark.parametrize("problem", ["1", "5"])
def test_unfinished_notebooks_are_not_alike(problem):
    cells = [c.source for c in build_notebooks(masters()[problem]).student.cells]
    code = [cell for cell in cells if cell.startswith(("class ", "def "))]
    given = [cell for cell in cells if not cell.startswith("#")]
    assert code
    assert compare([{"all": "\n".join(code)}] * 2, given).compared == 0
