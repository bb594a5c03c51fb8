"""Trace the gradients of your own LSTM.

`trace_gradients` runs any PyTorch model with a recurrent part once, and shows how much of the
loss's gradient reaches each time step. Here the first number of a sequence must be recalled at
the last step: the gradient hardly reaches it, unless the bias of the forget gate is raised.
"""

import torch
from torch import nn

from eigenlab.plots import add_norms, norms_chart
from eigenlab.recurrent import trace_gradients


class Recall(nn.Module):
    """An LSTM with a linear readout of its last state."""

    def __init__(self, forget_bias):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.readout = nn.Linear(32, 1)
        with torch.no_grad():
            self.lstm.bias_hh_l0[32:64] += forget_bias

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.readout(states[:, -1])


torch.manual_seed(0)
x = torch.rand(16, 60, 1)
chart = norms_chart()
for place, forget_bias in enumerate((0, 4)):
    trace = trace_gradients(Recall(forget_bias), x, x[:, 0])
    norms = trace.gradient_norms[0]
    print(f"forget bias {forget_bias}: |dL/dh_1| / |dL/dh_T| = {norms[0] / norms[-1]:.1e}")
    add_norms(chart, trace.hidden_norms[0], norms, f"forget bias {forget_bias}", index=place)
chart.show()
