"""Question 1h: what a second layer buys, and whether an LSTM's gradients live longer."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from eigenlab.experiments import _stacked_judges as judges
from eigenlab.experiments import _stacked_measurements as measurements
from eigenlab.lab import Claim, Config, Experiment, Figure, Outcome, Stage, Table, setting


class StackedRNNConfig(Config):
    """The course's training, and the untrained networks that are compared."""

    hidden_size: int = setting(32, "Hidden units per layer.", unit="units", ge=2, le=256)
    length: int = setting(10, "Steps of each training sequence.", unit="steps", ge=4, le=100)
    batch_size: int = setting(32, "Sequences per update.", unit="sequences", ge=1, le=1024)
    learning_rate: float = setting(1e-4, "Adam's learning rate.", gt=0, le=0.1)
    training_steps: int = setting(
        5000, "Updates; the claims are about 5000.", unit="updates", ge=5000, le=100000
    )
    inputs: Literal["normal", "uniform"] = setting(
        "normal", "Distribution of the inputs: standard normal, or uniform on [0, 1)."
    )
    n_seeds: int = setting(
        3, "Trainings per model; 0 leaves the trainings out.", unit="seeds", ge=0, le=50
    )
    n_networks: int = setting(40, "Untrained networks per cell and scale.", ge=5, le=500)
    trace_length: int = setting(
        50, "Steps over which untrained gradients are traced.", unit="steps", ge=20, le=200
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_seeds": 0, "n_networks": 30},
        "course": {},
        "full": {"n_seeds": 10, "n_networks": 200},
    }


EXPERIMENT = Experiment(
    name="stacked-rnn",
    title="Two layers, and the LSTM",
    source=("1h",),
    summary=(
        "Layers can be stacked: the second reads the hidden states of the first. One and two "
        "layers and an LSTM learn to output the running average of what they have seen, with 32 "
        "hidden units, Adam at 1e-4 and 5000 batches of 32 sequences of length 10. Inputs are "
        "standard normal (the text leaves this open; with inputs uniform on [0, 1) the losses are "
        "of a smaller target). Then the gradients of plain and LSTM cells are compared: an LSTM "
        "carries its memory in a cell that each step multiplies by the forget gate only."
    ),
    config=StackedRNNConfig,
    stages=(
        Stage("rates", measurements.measure_rates),
        Stage("training", measurements.measure_training),
    ),
    claims=(
        Claim(
            id="1h.one-layer",
            statement="With one layer the training loss falls below 0.01.",
            source="question 1h",
            record="training",
            judge=judges.judge_loss("RNN, one layer", judges.ONE_LAYER),
            tier="course",
            explanation="Batches are drawn afresh, so the training loss is also the test loss; its "
            "mean over the last tenth of the updates is taken. The median of the seeds decides: "
            "about one initialisation in sixteen is slow and still above 0.01 after 5000 updates. "
            "All parameters start uniform in +-1/sqrt(32); with W_x uniform in +-1, as in "
            "torch.nn.Linear(1, 32), most trainings end near 0.02 instead.",
        ),
        Claim(
            id="1h.two-layers",
            statement="With two layers the training loss falls below 0.001.",
            source="question 1h",
            record="training",
            judge=judges.judge_loss("RNN, two layers", judges.TWO_LAYERS),
            tier="course",
            explanation="y_t = y_{t-1} + (x_t - y_{t-1}) / t needs a step size that depends on "
            "the time. One layer can hold a sum and a clock, the second divides them. The median "
            "of the seeds decides.",
        ),
        Claim(
            id="1h.lstm-slower",
            statement="As initialised, the gradients of an LSTM vanish more slowly than those of a "
            "plain RNN.",
            source="question 1h",
            record="rates",
            judge=judges.judge_slower,
            explanation="True, but by little, and only per step far from the loss: with all "
            "parameters uniform in +-1/sqrt(H) the forget gates are near 1/2, so the cell about "
            "halves the gradient at every step, and so does the RNN's W_h with its spectral radius "
            "near 0.58. The way from h into the cell costs the LSTM another factor once, so over "
            "ten steps it keeps less, not more. With smaller weights the RNN is far worse, with "
            "twice as large ones it is better: the figures show both. What an LSTM offers is a "
            "rate that does not depend on W_h and can be set by a bias.",
        ),
        Claim(
            id="1h.forget-gate",
            statement="The LSTM's rate is set by its forget gate: with W_h all but off, the "
            "gradient shrinks by ln sigmoid(b_f) per step.",
            source="Gers, Schmidhuber and Cummins 2000, doi:10.1162/089976600300015015",
            record="rates",
            judge=judges.judge_forget_gate,
            explanation="dc_t/dc_{t-1} = f when nothing else depends on c_{t-1}. A bias of 0 gives "
            "-0.693 nats per step, 1 gives -0.313, 3 gives -0.049: hence the advice to start with "
            "an open forget gate. Measured over the far half of the sequence, since the way from "
            "h into the cell is paid once.",
        ),
        Claim(
            id="1h.lstm-slower-trained",
            statement="After training on the running average, too, the gradients of the LSTM "
            "vanish more slowly.",
            source="question 1h, read for trained networks",
            record="training",
            judge=judges.judge_slower_trained,
            tier="course",
            documented=Outcome.FAILED,
            explanation="Over the trained length the RNN keeps more of dL/dh_t than the LSTM. The "
            "task needs a long memory and both learned one: the RNN could only put it into h, the "
            "LSTM has it in the cell c. A change of h_t has to enter the cell through the next "
            "step's gates first, and this one step costs it most of its gradient. |dL/dh_t| is a "
            "fair measure of memory for an RNN, not for an LSTM.",
        ),
    ),
    figures=(
        Figure(
            "training",
            "Training on the running average",
            "Training loss on fresh batches, geometric mean and range of the seeds. Dotted: what "
            "the course's text says of the end.",
            "training",
            judges.draw_training,
        ),
        Figure(
            "initial",
            "Gradients as initialised",
            "Gradient of the last step's loss before any training, geometric mean and range of "
            "the networks. An LSTM with the usual initialisation is hardly better than an RNN; "
            "opening its forget gate by a bias is what helps.",
            "rates",
            judges.draw_initial,
        ),
        Figure(
            "rates",
            "The rate depends on W_h in an RNN, on the forget gate in an LSTM",
            "Growth of the gradient per step back over the far half of the sequence, mean and "
            "range of the networks. Left, with small weights, the LSTM's rate is ln sigmoid(b_f); "
            "the RNN's falls without bound. Right, the RNN's gradient explodes.",
            "rates",
            judges.draw_rates,
        ),
        Figure(
            "trained",
            "Gradients after training",
            "Gradient of the last step's loss in the trained networks, with respect to the hidden "
            "states of the top layer, geometric mean and range of the seeds. The LSTM loses most "
            "of it in the last steps, on the way from the hidden state into the cell.",
            "training",
            judges.draw_trained,
        ),
    ),
    tables=(
        Table("losses", "Training loss after the last update", "training", judges.table_losses),
        Table(
            "rates",
            "Growth of the gradient per step back (nats), by factor on the weights",
            "rates",
            judges.table_rates,
        ),
    ),
    metrics=lambda records: {
        "loss with one layer": judges.table_losses(records["training"])[1][0][1],
        "loss with two layers": judges.table_losses(records["training"])[1][1][1],
        "rate of LSTM minus RNN": judges.slower(records["rates"]).estimate,
    },
)
