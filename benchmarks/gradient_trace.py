"""The gradient trace: |dL_k/dh_t| for every pair, and the last-step trace, beside plain autograd.

One tanh layer, H = 64, B = 1, float32. Timed: everything from the input to the norms,
the forward run included.

- "every pair": the matrix |dL_k/dh_t|, from T calls of autograd, from one batched call
  (``is_grads_batched``), and from eigenlab's sweep.
- "last step": |dL_T/dh_t| for all t, from a loop with ``retain_grad``, beside a whole training
  step of torch.nn.RNN and of eigenlab's.
"""

from __future__ import annotations

import resource

import torch
from torch import nn

from _side_by_side import alternate, show, store, summarise
from eigenlab.recurrent import RNN, RecurrentRegressor, regression_loss, trace_gradients

HIDDEN = 64


def run_loop(model: RecurrentRegressor, x: torch.Tensor):
    layer = model.recurrent.layers[0]
    h, states = x.new_zeros(1, HIDDEN), []
    for x_t in x.unbind(1):
        h = torch.tanh(h @ layer.W_h.T + x_t @ layer.W_x.T + layer.b)
        states.append(h)
    return model.readout(torch.stack(states, dim=1)), states


def pairs_by_loop(model, x, y):
    prediction, states = run_loop(model, x)
    losses = (prediction - y).square().flatten()
    norms = torch.zeros(len(losses), len(losses))
    for k, loss in enumerate(losses):
        gradients = torch.autograd.grad(loss, states[: k + 1], retain_graph=True)
        norms[k, : k + 1] = torch.stack([g.norm() for g in gradients])
    return norms


def pairs_batched(model, x, y):
    prediction, states = run_loop(model, x)
    losses = (prediction - y).square().flatten()
    gradients = torch.autograd.grad(losses, states, torch.eye(len(losses)), is_grads_batched=True)
    return torch.stack([g.norm(dim=-1).squeeze(-1) for g in gradients], dim=1)


def last_by_retain_grad(model, x, y):
    prediction, states = run_loop(model, x)
    for state in states:
        state.retain_grad()
    model.zero_grad()
    regression_loss(prediction, y, last_step_only=True).backward()
    return torch.stack([state.grad.norm() for state in states])


def training_step(module, readout, x, y):
    module.zero_grad()
    readout.zero_grad()
    regression_loss(readout(module(x)[0]), y, last_step_only=True).backward()


def setting(steps: int):
    model = RecurrentRegressor(RNN(1, HIDDEN))
    return model, torch.randn(1, steps, 1), torch.randn(1, steps, 1)


def main() -> None:
    torch.manual_seed(0)
    results = {}
    model, x, y = setting(100)
    ours = trace_gradients(model, x, y).pairwise_norms[0]
    for other in (pairs_by_loop, pairs_batched):
        torch.testing.assert_close(ours, other(model, x, y), rtol=1e-3, atol=1e-6)
    pairs = {
        "one batched autograd call": lambda: pairs_batched(model, x, y),
        "T autograd calls": lambda: pairs_by_loop(model, x, y),
        "eigenlab trace": lambda: trace_gradients(model, x, y).pairwise_norms,
    }
    results["pairs, T = 100"] = summarise(alternate(pairs), "one batched autograd call")
    for steps in (100, 1000):
        model, x, y = setting(steps)
        theirs = nn.RNN(1, HIDDEN, batch_first=True)
        torch.testing.assert_close(
            trace_gradients(model, x, y, True).gradient_norms[0],
            last_by_retain_grad(model, x, y),
            rtol=1e-3,
            atol=1e-7,
        )
        last = {
            "eigenlab training step": lambda m=model, a=x, b=y: training_step(
                m.recurrent, m.readout, a, b
            ),
            "eigenlab last-step trace": lambda m=model, a=x, b=y: (
                trace_gradients(m, a, b, True).gradient_norms
            ),
            "torch.nn.RNN training step": lambda t=theirs, m=model, a=x, b=y: training_step(
                t, m.readout, a, b
            ),
            "loop with retain_grad": lambda m=model, a=x, b=y: last_by_retain_grad(m, a, b),
        }
        results[f"last step, T = {steps}"] = summarise(alternate(last), "eigenlab training step")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    big = {"eigenlab trace": lambda: trace_gradients(model, x, y).pairwise_norms}
    results["pairs, T = 1000"] = summarise(alternate(big, rounds=5), "eigenlab trace")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for title, rows in results.items():
        show(title, rows, "the first", None)
    print(f"\npeak memory grew by {grown:.0f} MiB for T = 1000 (T^2 H floats would be 244 MiB)")
    store("gradient_trace", {"tables": results, "pairs_1000_extra_mib": grown})


if __name__ == "__main__":
    main()
