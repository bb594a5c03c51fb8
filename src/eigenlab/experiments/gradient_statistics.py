"""Questions 1f and 1g: how often gradients vanish or explode, and what more losses can change."""

from __future__ import annotations

from typing import Any, ClassVar

from eigenlab.experiments import _statistics_judges as judges
from eigenlab.experiments import _statistics_measurements as measurements
from eigenlab.lab import Claim, Config, Experiment, Figure, Outcome, Stage, Table, setting


class GradientStatisticsConfig(Config):
    """Which random networks are drawn, and how the long-range tasks are trained."""

    n_networks: int = setting(
        400, "Random networks, each run with tanh and with ReLU.", ge=20, le=5000
    )
    gain_factor: float = setting(
        4.0,
        "The weight scale is drawn log-uniformly from 1 over this to this; 1 is the edge between "
        "vanishing and exploding of a linear network.",
        gt=1,
        le=8,
    )
    largest_bias_scale: float = setting(
        1.0, "The bias scale is drawn uniformly from 0 to this.", ge=0, le=5
    )
    hidden_size: int = setting(32, "Hidden units.", unit="units", ge=2, le=256)
    length: int = setting(50, "Steps of each sequence.", unit="steps", ge=10, le=200)
    n_traces: int = setting(20, "Networks traced with a loss at every step.", ge=2, le=200)
    n_seeds: int = setting(5, "Trainings per task and loss.", unit="seeds", ge=3, le=50)
    training_steps: int = setting(500, "Updates of each training.", unit="steps", ge=100, le=20000)
    short_lag: int = setting(3, "Lag that is easily learned.", unit="steps", ge=1, le=8)
    long_lag: int = setting(30, "Lag that gradients hardly reach.", unit="steps", ge=10, le=100)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_networks": 150, "n_traces": 5, "n_seeds": 3, "training_steps": 200},
        "course": {},
        "full": {"n_networks": 3000, "n_traces": 100, "n_seeds": 20, "training_steps": 1000},
    }


EXPERIMENT = Experiment(
    name="gradient-statistics",
    title="Vanishing and exploding, counted",
    source=("1f", "1g"),
    summary=(
        "One network proves little: whether its gradient vanishes depends on the luck of its "
        "weights. So many are drawn, with weight scales on both sides of 1, and each is run with "
        "tanh and with ReLU on the same weights and inputs. A gradient counts as vanished when "
        "|dL/dh_1| is below a thousandth of |dL/dh_T|, as exploded when it is above a "
        "thousandfold; a hidden state explodes when |h_T| is above a thousand times |h_1|. A "
        "second part asks whether a loss at every step helps: it makes the logged gradients "
        "large, but does a training then learn what lies far back?"
    ),
    config=GradientStatisticsConfig,
    stages=(
        Stage("networks", measurements.measure_networks),
        Stage("every-step", measurements.measure_every_step),
        Stage("long-range", measurements.measure_long_range),
    ),
    claims=(
        Claim(
            id="1f.tanh-bounded",
            statement="Every hidden unit of a tanh network stays within -1 and 1.",
            source="question 1f",
            record="networks",
            judge=judges.judge_bounded,
            explanation="|tanh| < 1. In double precision it rounds to exactly 1 beyond about 19, "
            "so the measurement allows 1 itself.",
        ),
        Claim(
            id="1f.tanh-vanishes",
            statement="With tanh the gradient vanishes more often than with ReLU.",
            source="question 1f",
            record="networks",
            judge=judges.judge_more_often("vanishes", "tanh", "relu"),
            explanation="Both multiply the gradient by W_h and a slope per step. tanh has slopes "
            "below 1 wherever a unit is not at zero; ReLU has slope 1 on active units and 0 on the "
            "others, about half. Where the weight scale is well below 1, or above 2, the two "
            "agree; the difference comes from between. It is decided by the 95 % interval of the "
            "paired difference (Newcombe 1998).",
        ),
        Claim(
            id="1f.relu-state-explodes",
            statement="With ReLU the hidden state explodes more often than with tanh.",
            source="question 1f",
            record="networks",
            judge=judges.judge_more_often("state explodes", "relu", "tanh"),
            explanation="A tanh state is bounded by sqrt(H). With half of its units active a ReLU "
            "network grows once the weight scale passes about sqrt(2).",
        ),
        Claim(
            id="1f.relu-gradient-explodes",
            statement="With ReLU the gradient explodes more often than with tanh.",
            source="question 1f",
            record="networks",
            judge=judges.judge_more_often("explodes", "relu", "tanh"),
            explanation="Saturation brakes tanh, but does not always stop it: with large weights a "
            "tanh network is chaotic, and its gradient explodes too although its state is bounded.",
        ),
        Claim(
            id="1g.large-but-local",
            statement="With a loss at every step the whole gradient stays large at early steps, "
            "yet the gradient of each single loss vanishes far back.",
            source="question 1g",
            record="every-step",
            judge=judges.judge_large,
            explanation="dL/dh_t sums dL_k/dh_t over all k >= t, and the terms with k near t are "
            "always large. What is far from k does not show in that sum.",
        ),
        Claim(
            id="1g.long-range",
            statement="A task whose every answer lies far back is not learned any better with a "
            "loss at every step.",
            source="question 1g",
            record="long-range",
            judge=judges.judge_not_better("delayed copy", control=True),
            tier="course",
            explanation="The task: y_t = x_{t-lag}. However many steps are scored, each of their "
            "gradients has to cross the lag. The same training learns a short lag, so it can learn "
            "the task. Better would be an error lower by 0.1 of the target's variance.",
        ),
        Claim(
            id="1g.easy-steps-first",
            statement="Nor is a task learned any better whose early steps ask for a recent input.",
            source="question 1g, taken at its word for every long-range task",
            record="long-range",
            judge=judges.judge_not_better("hold the first input", control=False),
            tier="course",
            documented=Outcome.FAILED,
            explanation="Asked for the first input at every step, the network is helped, and much: "
            "step 2 has to remember over one step, step 3 over two, and what is learned for them "
            "serves the later steps: the error at the last step falls to about 0.4 of the "
            "variance, while with the last-step loss it stays at 1. The gradient of the last loss "
            "still vanishes; the losses before it build a staircase. So a loss at every step "
            "helps where the answers along the way are steps towards the last one, and not because "
            "the gradients are large.",
        ),
    ),
    figures=(
        Figure(
            "shares",
            "How often, by weight scale",
            "Share of random networks whose gradient or state vanishes or explodes over the "
            "sequence, with 95 % Wilson intervals. Below 1 both vanish, far above both explode; "
            "ReLU crosses over earlier.",
            "networks",
            judges.draw_shares,
        ),
        Figure(
            "fates",
            "Every network",
            "Change of the gradient from the last step back to the first. A linear network would "
            "be near a line through zero at weight scale 1.",
            "networks",
            judges.draw_fates,
        ),
        Figure(
            "every-step",
            "The gradient that is logged",
            "With a loss at every step the whole gradient is as large at the first step as at the "
            "last; with the loss at the last step it vanishes. Geometric mean and range of the "
            "networks, the same ones for both.",
            "every-step",
            judges.draw_every_step,
        ),
        Figure(
            "by-distance",
            "The gradient of one step's loss",
            "The same networks, loss by loss: however many losses there are, each reaches back "
            "only so far. Geometric mean and range.",
            "every-step",
            judges.draw_by_distance,
        ),
        Figure(
            "long-range",
            "What is learned",
            "Error at the last step on new sequences, after training with the loss at the last "
            "step or at every step: mean and range of the seeds. A long delay is learned by "
            "neither. Holding the first input is learned in part with a loss at every step, since "
            "its early steps are easy.",
            "long-range",
            judges.draw_long_range,
        ),
    ),
    tables=(
        Table("shares", "Shares of the networks", "networks", judges.table_shares),
        Table("long-range", "Test error by task and loss", "long-range", judges.table_long_range),
    ),
    metrics=lambda records: {
        f"{fate} with {activation}": sum(
            happens(network[activation]) for network in records["networks"]["networks"]
        )
        / len(records["networks"]["networks"])
        for fate, (_, happens) in judges.FATES.items()
        for activation in ("tanh", "relu")
    },
)
