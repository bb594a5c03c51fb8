"""The answer to 1h."""

from __future__ import annotations

from statistics import median

from eigenlab.experiments.stacked_rnn.records import TrainingRecord
from eigenlab.lab import answer


@answer(
    "1h",
    figure="training",
    formulas=[r"c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)"],
)
def layers_and_gates(record: TrainingRecord) -> str:
    losses: dict[str, list[float]] = {}
    for run in record.runs:
        losses.setdefault(run.model, []).append(run.final_loss)
    listed = ", ".join(f"{model} {median(values):.2g}" for model, values in losses.items())
    return (
        f"Median losses on the running average after {record.steps} updates: {listed}. The average "
        "is the sum of the inputs over the time; one layer can hold both, and a second can divide "
        "them. In an LSTM the cell is multiplied by a forget gate and not by a matrix, so that its "
        "gradient decays at a rate that a bias sets; after training on this task the plain RNN "
        r"nevertheless keeps more of $\partial L / \partial h_t$, since the LSTM remembers in "
        "$c_t$."
    )
