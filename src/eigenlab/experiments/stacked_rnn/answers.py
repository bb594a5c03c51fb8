"""The answer to 1h."""

from __future__ import annotations

from statistics import fmean, median

from eigenlab.experiments.stacked_rnn.records import TrainingRecord
from eigenlab.lab import answer

PLAIN, LSTM = "RNN, one layer", "LSTM"


@answer(
    "1h",
    figure="training",
)
def layers_and_gates(record: TrainingRecord) -> str:
    losses: dict[str, list[float]] = {}
    for run in record.runs:
        losses.setdefault(run.model, []).append(run.final_loss)
    listed = ", ".join(f"{model} {median(values):.2g}" for model, values in losses.items())
    rates = {
        model: fmean(run.rate for run in record.runs if run.model == model) for model in losses
    }
    trained = (
        " After this training the gradient changes by "
        f"{rates[PLAIN]:+.2f} nats per step in the plain RNN and {rates[LSTM]:+.2f} in the LSTM, "
        r"which remembers in $c_t$ and not in $h_t$."
        if {PLAIN, LSTM} <= rates.keys()
        else ""
    )
    return (
        f"Median losses on the running average after {record.steps} updates: {listed}. The average "
        "is the sum of the inputs over the time, and one layer can hold both. In an LSTM the cell "
        "is multiplied by a forget gate and not by a matrix, so that its gradient decays at a rate "
        "that a bias sets." + trained
    )
