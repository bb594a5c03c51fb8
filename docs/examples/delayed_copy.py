"""Which step's loss reaches which state.

With a loss at every step, row $k$ and column $t$ of the map is the norm of the gradient of the
loss at step $k$ with respect to the state at step $t$. An untrained network remembers a few
steps.
"""

import torch

from eigenlab.plots import pairwise_heatmap
from eigenlab.recurrent import delayed_copy, gaussian_rnn, trace_gradients

generator = torch.Generator().manual_seed(0)
x, y = delayed_copy(16, 5, generator=generator, answers=20)
model = gaussian_rnn(32, weight_scale=0.7, generator=generator)
trace = trace_gradients(model, x.double(), y.double())
print("largest Lyapunov exponent:", round(float(trace.lyapunov_exponents().max()), 3))
pairwise_heatmap(trace.pairwise_norms[0]).show()
