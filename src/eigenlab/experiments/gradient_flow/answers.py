"""The answers to 1d and 1e."""

from __future__ import annotations

import math
from statistics import fmean

from eigenlab.experiments.gradient_flow.records import FiniteDifferencesRecord, GrowthRecord
from eigenlab.lab import answer
from eigenlab.statistics import worst


@answer(
    "1d",
    figure="terms",
)
def traced(record: FiniteDifferencesRecord) -> str:
    states = worst(row.states for row in record.rows)
    terms = worst(row.terms for row in record.rows)
    return (
        "Each state affects the loss through its own prediction and through the next state, so the "
        "gradient is computed from the last step to the first. The gradient of a weight is a sum "
        "with one term a step, since every step uses the same weight. Both agree with finite "
        f"differences: the states to {states:.0e}, the terms to {terms:.0e}, relative to the "
        "largest."
    )


@answer(
    "1e",
    figure="growth",
    derivation=[
        (
            "At the last step the loss depends on the state through the prediction alone.",
            r"\frac{\partial L}{\partial h_T} = 2 (\hat y - y) W_f",
        ),
        (
            "Without a nonlinearity the next state is linear in this one.",
            r"\frac{\partial h_{t+1}}{\partial h_t} = W_h",
        ),
        (
            "The chain rule multiplies one such factor for each step back.",
            r"\frac{\partial L}{\partial h_t} = \frac{\partial L}{\partial h_T} W_h^{T-t}",
        ),
        (
            "In a basis of eigenvectors the power multiplies each component by the power of its "
            "eigenvalue; the largest in modulus remains.",
            r"W_h^{n} = V \Lambda^{n} V^{-1}",
        ),
    ],
)
def vanish_or_explode(record: GrowthRecord) -> str:
    longest = record.distances[-1]
    rates: dict[float, list[float]] = {}
    for network in record.networks:
        rates.setdefault(network.radius, []).append(network.rates[-1])
    below, above = min(rates), max(rates)
    return (
        "Every step back multiplies the gradient by $W_h$. It vanishes if the spectral radius "
        r"$\rho$ is below 1 and explodes if it is above 1; at 1 it does neither, if $W_h$ can be "
        f"diagonalised. With a radius of {below:g} the gradient changes by "
        f"{fmean(rates[below]):+.3f} nats a step over {longest} steps "
        f"($\\ln {below:g} = {math.log(below):.3f}$), with {above:g} by {fmean(rates[above]):+.3f} "
        f"($\\ln {above:g} = {math.log(above):.3f}$). Conditions for exploding gradients are thus "
        "large weights and long sequences, and a direction of the readout that contains the "
        "leading eigenvector."
    )
