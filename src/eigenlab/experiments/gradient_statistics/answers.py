"""The answers to 1f and 1g."""

from __future__ import annotations

from statistics import fmean

from eigenlab.experiments.gradient_statistics.records import EveryStepRecord, NetworksRecord
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


@answer(
    "1g",
    figure="by-distance",
)
def every_step(record: EveryStepRecord) -> str:
    far = int(0.8 * record.length)
    whole = geometric_mean([row.every_step[0] for row in record.rows])
    alone = geometric_mean([row.by_distance[far] for row in record.rows])
    return (
        "It makes the total gradient large, and does not carry it further. With a loss at every "
        f"step the gradient at the first step is {whole:.2g} times that at the last, since the "
        "losses of nearby steps always contribute. The gradient of a single loss still falls to "
        f"{alone:.1e} of its value over {far} steps. It helps to learn a long dependence where it "
        "adds many targets, as larger batches do, or where early targets are easier versions of "
        "late ones; not because gradients reach further."
    )
