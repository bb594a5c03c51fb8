"""What a check keeps to be drawn: the student's values beside the right ones."""

import numpy as np
import pytest
import torch
from torch import nn

from eigenlab.grading import check
from eigenlab.grading.comparison import Picture
from eigenlab.grading.file_check import check_file
from eigenlab.grading.parts import MIME
from eigenlab.studio.check_figures import comparison_figure


class RNNLayer(nn.Module):
    def __init__(self, input_size, hidden_size, nonlinearity=torch.tanh, sign=1.0):
        super().__init__()
        self.maps = nn.Linear(input_size + hidden_size, hidden_size)
        self.nonlinearity, self.hidden_size, self.sign = nonlinearity, hidden_size, sign

    def forward(self, x):
        h, states = x.new_zeros(len(x), self.hidden_size), []
        for x_t in x.unbind(1):
            h = self.nonlinearity(self.maps(torch.cat([x_t, h], dim=1)))
            states.append(self.sign * h)
        return torch.stack(states, dim=1), states[-1]


class WrongSign(RNNLayer):
    def __init__(self, *sizes, **options):
        super().__init__(*sizes, **options, sign=-1.0)


def test_right_states_are_drawn_over_the_steps():
    picture = check("1a", RNNLayer).picture
    assert picture.axes == ("sequence", "step", "unit")
    np.testing.assert_allclose(picture.given, picture.expected, atol=1e-4)
    chart, caption = comparison_figure(picture)
    lines = [trace for trace in chart.data if trace.mode == "lines"]
    assert list(lines[1].y) == pytest.approx(picture.expected[0, :, 1].tolist())
    assert list(lines[1].x) == list(range(1, picture.expected.shape[1] + 1))
    assert lines[1].name == "right, sequence 1, unit 2"
    assert "markers" in caption


def test_the_first_wrong_values_are_drawn():
    picture = check("1a", WrongSign).picture
    np.testing.assert_allclose(picture.given, -picture.expected, atol=1e-4)


def test_values_of_another_shape_have_no_picture():
    class NoBatch(RNNLayer):
        def forward(self, x):
            states, last = super().forward(x)
            return states[:, :2], last

    assert check("1a", NoBatch).picture is None


def test_what_raises_has_no_picture():
    class Raises(RNNLayer):
        def forward(self, x):
            if len(x) == 4:
                raise ValueError("no")
            return super().forward(x)

    found = check("1a", Raises)
    assert not found
    assert found.picture is None


def test_a_notebook_stores_no_picture():
    assert "picture" not in check("1a", RNNLayer)._repr_mimebundle_()[MIME]


def test_the_picture_of_a_file_comes_from_its_confined_code(tmp_path):
    path = tmp_path / "x.py"
    path.write_text(
        "import numpy as np\ndef get_degree_matrix(A):\n    return np.diag(A.sum(0)) + 1"
    )
    [part] = [part for part in check_file(path).parts if part.picture is not None]
    np.testing.assert_allclose(part.picture.given, part.picture.expected + 1)
    chart, _ = comparison_figure(part.picture)
    assert [trace.type for trace in chart.data] == ["heatmap"] * 2
    assert chart.data[0].zmax == chart.data[1].zmax == part.picture.expected.max()


def test_other_values_are_drawn_entry_by_entry():
    values = np.arange(300.0)
    chart, caption = comparison_figure(Picture("losses", values + 1, values, ()))
    assert [len(trace.x) for trace in chart.data] == [200, 200]
    assert "The first 200 of 300." in caption
