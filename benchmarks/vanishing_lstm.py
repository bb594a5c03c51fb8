"""The LSTM of the README that cannot recall the first of 60 numbers, and its twin that can.

Prints the losses, exponents and radii that README.md and docs/traces.md quote, after 600 updates.
"""

from __future__ import annotations

import torch
from torch import nn

from _side_by_side import store
from eigenlab.recurrent import GradientMonitor

UPDATES, STEPS, UNITS = 600, 60, 32


def recall(forget_bias: float) -> dict[str, float]:
    torch.manual_seed(0)
    model = nn.LSTM(1, UNITS, batch_first=True)
    if forget_bias:
        with torch.no_grad():
            model.bias_ih_l0[UNITS : 2 * UNITS] = forget_bias
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with GradientMonitor(model, every=10) as monitor:
        for _ in range(UPDATES):
            x = torch.rand(32, STEPS, 1)
            loss = (model(x)[0][:, -1, :1] - x[:, 0]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print(monitor.describe())
    spectra = [record for record in monitor.records if record.layers["LSTM"].spectral_radius]
    return {
        "loss": loss.item(),
        "lyapunov_exponent": monitor.records[-1].layers["LSTM"].lyapunov_exponent,
        "radius of the input gate": spectra[-1].layers["LSTM"].spectral_radius["W_hi"],
    }


def main() -> None:
    rows = {f"forget-gate bias {bias:g}": recall(bias) for bias in (0.0, 6.0)}
    for name, row in rows.items():
        print(name, {key: round(value, 3) for key, value in row.items()})
    store("vanishing_lstm", {"rows": rows, "variance of the target": 1 / 12})


if __name__ == "__main__":
    main()
