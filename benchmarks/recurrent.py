"""A training step through time: eigenlab's unrolling beside torch's and beside plain loops.

Timed: zeroing the gradients, the forward run, and the backward run that fills every
parameter's gradient (and, for the two that say so, dL/dh_t at every step). Weights, inputs and the
gradient that arrives at the hidden states are the same for all. float32.

FLOP limit: 6 B T H (I + H) floating-point operations (three products of that size: forward, the
gradients of the states, the gradients of the weights) over the rate of one large matrix product
measured in the same process.
"""

from __future__ import annotations

import torch
from torch import nn

from _side_by_side import alternate, peak_gflops, show, store, summarise
from eigenlab.recurrent import LSTM, RNN, from_torch
from eigenlab.recurrent.nonlinearity import KNOWN
from eigenlab.recurrent.unroll import rnn_backward, rnn_forward, weight_gradients

SIZES = ((32, 10, 1, 32), (64, 128, 64, 128), (16, 1024, 64, 256), (1, 100, 1, 16))
GOALS = (0.5, 0.5, 0.5, 0.25)


def plain_loop(x, w_x, w_h, b, *, hoist: bool, retain: bool):
    h = x.new_zeros(x.shape[0], w_h.shape[0])
    states = []
    inputs = (x @ w_x.T + b).unbind(1) if hoist else x.unbind(1)
    for x_t in inputs:
        h = torch.tanh(h @ w_h.T + (x_t if hoist else x_t @ w_x.T + b))
        if retain:
            h.retain_grad()
        states.append(h)
    return torch.stack(states, dim=1)


def ways(batch: int, steps: int, inputs: int, hidden: int):
    theirs = nn.RNN(inputs, hidden, batch_first=True)
    ours: RNN = from_torch(theirs)  # type: ignore[assignment]
    layer = ours.layers[0]
    x, grad = torch.randn(batch, steps, inputs), torch.randn(batch, steps, hidden)
    w_x, w_h, b = layer.W_x, layer.W_h, layer.b

    def module_step(module):
        module.zero_grad()
        module(x)[0].backward(grad)

    def loop_step(**options):
        ours.zero_grad()
        plain_loop(x, w_x, w_h, b, **options).backward(grad)

    @torch.no_grad()
    def sweep():
        inputs_first, h0 = x.transpose(0, 1), x.new_zeros(batch, hidden)
        states = rnn_forward(inputs_first, h0, w_x, w_h, b, "tanh")
        totals = torch.empty_like(states)
        delta = KNOWN["tanh"].derivative(states)
        rnn_backward(grad.transpose(0, 1), delta, w_h, hidden_gradients=totals)
        return (*weight_gradients(delta, inputs_first, states, h0), totals)

    module_step(theirs)
    ours.zero_grad()
    module_step(ours)
    tolerance = {"rtol": 1e-3, "atol": 1e-4 * float(theirs.weight_hh_l0.grad.abs().max())}
    torch.testing.assert_close(w_h.grad, theirs.weight_hh_l0.grad, **tolerance)
    torch.testing.assert_close(sweep()[1], theirs.weight_hh_l0.grad, **tolerance)
    return {
        "torch.nn.RNN": lambda: module_step(theirs),
        "eigenlab RNN": lambda: module_step(ours),
        "eigenlab sweep, keeps dL/dh_t": sweep,
        "loop, input product hoisted": lambda: loop_step(hoist=True, retain=False),
        "loop, retain_grad keeps dL/dh_t": lambda: loop_step(hoist=False, retain=True),
    }


def lstm_ways(batch: int, steps: int, inputs: int, hidden: int):
    theirs = nn.LSTM(inputs, hidden, batch_first=True)
    ours: LSTM = from_torch(theirs)  # type: ignore[assignment]
    x, grad = torch.randn(batch, steps, inputs), torch.randn(batch, steps, hidden)

    def step(module):
        module.zero_grad()
        module(x)[0].backward(grad)

    return {"torch.nn.LSTM": lambda: step(theirs), "eigenlab LSTM": lambda: step(ours)}


def main() -> None:
    torch.manual_seed(0)
    rate = peak_gflops()
    print(f"{torch.get_num_threads()} threads, large matrix product {rate:.0f} GFLOP/s")
    results = []
    for size, goal in zip(SIZES, GOALS, strict=True):
        batch, steps, inputs, hidden = size
        limit = 6e-6 * batch * steps * hidden * (inputs + hidden) / rate
        rows = summarise(alternate(ways(*size)), "torch.nn.RNN")
        show(f"(B, T, I, H) = {size}, goal {goal}", rows, "nn.RNN", limit)
        lstm = summarise(alternate(lstm_ways(*size), rounds=7), "torch.nn.LSTM")
        show("  LSTM", lstm, "nn.LSTM", 4 * limit)
        results.append({"size": size, "goal": goal, "limit_ms": limit, "rnn": rows, "lstm": lstm})
    store("recurrent", {"gemm_gflops": rate, "sizes": results})


if __name__ == "__main__":
    main()
