"""The answers to 1f and 1g."""

from __future__ import annotations

from statistics import fmean

from eigenlab.experiments.gradient_statistics.claims import map_gain
from eigenlab.experiments.gradient_statistics.records import (
    EveryStepRecord,
    MapRecord,
    NetworksRecord,
)
from eigenlab.lab import answer
from eigenlab.statistics import geometric_mean


@answer("1f", figure="shares")
def frequencies(record: NetworksRecord) -> str:
    def share(activation: str, event: str) -> str:
        runs = [getattr(network, activation) for network in record.networks]
        return f"{fmean(getattr(run, event) for run in runs):.0%}".replace("%", " %")

    exploding = [network.tanh.rms_state for network in record.networks if network.tanh.explodes]
    large = (
        f" The states of tanh networks whose gradient explodes have a root mean square of "
        f"{min(exploding):.2f} or more: bounded, but not close to zero."
        if exploding
        else ""
    )
    return (
        f"In {len(record.networks)} random networks of {record.length} steps the gradient vanishes "
        f"in {share('tanh', 'vanishes')} with tanh and {share('relu', 'vanishes')} with ReLU, and "
        f"explodes in {share('tanh', 'explodes')} and {share('relu', 'explodes')}; the state "
        f"explodes in {share('tanh', 'state_explodes')} and {share('relu', 'state_explodes')}. "
        "tanh is bounded and its slope is below 1, so it delays both; ReLU has the slope 1 or 0, "
        "and about half of its units are active, so that its threshold is a weight scale near "
        r"$\sqrt 2$ and not 1." + large
    )


@answer("1g", figure="by-distance")
def every_step(record: EveryStepRecord) -> str:
    far = int(0.8 * record.length)
    whole = geometric_mean([row.every_step[0] for row in record.rows])
    alone = geometric_mean([row.by_distance[far] for row in record.rows])
    return (
        "It makes the total gradient large, and does not carry it further. With a loss at every "
        f"step the gradient at the first step is {whole:.2g} times that at the last, since the "
        "losses of nearby steps always contribute. The gradient of a single loss still falls to "
        f"{alone:.1e} of its value over {far} steps."
    )


@answer("1g")
def learning(record: MapRecord) -> str:
    updates = max(record.updates)

    def errors(lag: int, answers: int) -> str:
        last, every = (
            fmean(record.errors(lag, answers, loss, updates)) for loss in ("last", "every")
        )
        return f"{every:.2f} with a loss at every step and {last:.2f} with one at the last"

    few, many = min(record.answers), max(record.answers)
    cells = [(lag, answers) for lag in record.lags for answers in (few, many)]
    helped, gain = max(
        ((cell, map_gain(record, *cell, updates).estimate) for cell in cells), key=lambda x: x[1]
    )
    lag, answers = helped
    return (
        f"Whether it helps to learn was measured on delayed copies, in {updates} updates each. "
        f"The largest reduction of the error, {gain:.2f} of the target's variance, is at a lag of "
        f"{lag} steps with {answers} targets in a sequence: {errors(lag, answers)}. With {few} "
        f"targets these are {errors(lag, few)}, and at the longest lag, {max(record.lags)}, with "
        f"{many} targets {errors(max(record.lags), many)}. What helps is more targets in each "
        "update, as larger batches have, and not a gradient that reaches further."
    )
