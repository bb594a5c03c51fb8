"""Questions 1d and 1e: where the gradient goes on its way back through time."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from eigenlab.experiments import _gradient_figures as figures
from eigenlab.experiments import _gradient_judges as judges
from eigenlab.experiments import _gradient_measurements as measurements
from eigenlab.lab import Claim, Config, Experiment, Figure, Stage, Table, setting


class GradientFlowConfig(Config):
    """One network to look into, and how many random ones to check the formulas on."""

    weight_scale: float = setting(
        1.0,
        "Gain of W_h: its entries have this standard deviation over sqrt(hidden_size), so its "
        "spectral radius is about this.",
        ge=0,
        le=3,
    )
    bias_scale: float = setting(0.0, "Standard deviation of the recurrent bias.", ge=0, le=5)
    nonlinearity: Literal["tanh", "relu", "identity"] = setting(
        "tanh", "Activation of the hidden units; the same weights without one run beside it."
    )
    hidden_size: int = setting(32, "Hidden units.", unit="units", ge=2, le=256)
    length: int = setting(50, "Steps of each sequence.", unit="steps", ge=2, le=500)
    batch_size: int = setting(16, "Sequences.", unit="sequences", ge=1, le=256)
    last_step_only: bool = setting(True, "Count the loss at the last step only, or at every step.")
    n_networks: int = setting(3, "Random networks per check.", ge=1, le=50)
    growth_length: int = setting(
        400, "Steps over which growth rates are measured.", unit="steps", ge=200, le=400
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_networks": 1, "growth_length": 200, "length": 20},
        "course": {},
        "full": {"n_networks": 20, "hidden_size": 64, "length": 100},
    }


EXPERIMENT = Experiment(
    name="gradient-flow",
    title="Gradients through time",
    source=("1d", "1e"),
    summary=(
        "Training a recurrent network needs dL/dh_t, the gradient of the loss with respect to "
        "every hidden state. On its way back each step multiplies it by the Jacobian "
        "diag(sigma') W_h. Without a nonlinearity that is the same matrix every time, so after n "
        "steps the gradient is 2 (y_hat - y) W_f W_h^n, and the largest eigenvalue of W_h decides "
        "whether it vanishes or explodes. Here the traced gradients are held to derivatives found "
        "by nudging one number at a time, then to this closed form, and their growth rate to the "
        "logarithm of the spectral radius."
    ),
    config=GradientFlowConfig,
    stages=(
        Stage("flow", measurements.measure_flow),
        Stage("nudges", measurements.measure_nudges),
        Stage("growth", measurements.measure_growth),
    ),
    claims=(
        Claim(
            id="1d.hidden-gradients",
            statement="The traced dL/dh_t equals the change of the loss when h_t is nudged, for "
            "every layer, step and unit, with the loss at the last step or at every step.",
            source="question 1d",
            record="nudges",
            judge=judges.judge_states,
            explanation="Central differences in double precision with a step of 1e-5 are right to "
            "about 1e-9 here. Nudging h_t runs the rest of the sequence again from the changed "
            "state; an LSTM's cell state is held fixed, since the trace follows h.",
        ),
        Claim(
            id="1d.path-terms",
            statement="The contribution of step t to dL/dW equals the change of the loss when W is "
            "nudged at step t alone.",
            source="question 1d",
            record="nudges",
            judge=judges.judge_terms,
            explanation="One W serves every step, so dL/dW collects one term per step: "
            "(dL/dz_t) h_{t-1}^T for W_h, where z_t is what the nonlinearity receives. A term is "
            "small where dL/dh_t has vanished: that step hardly teaches.",
        ),
        Claim(
            id="1d.sum",
            statement="dL/dW is the sum of its terms over the steps.",
            source="question 1d",
            record="nudges",
            judge=judges.judge_sums,
            explanation="The chain rule over all paths; compared with the gradient that training "
            "uses.",
        ),
        Claim(
            id="1e.closed-form",
            statement="Without a nonlinearity and with the loss at the last step, dL/dh_t = "
            "2 (y_hat - y) W_f W_h^(T-t).",
            source="question 1e",
            record="growth",
            judge=judges.judge_closed_form,
            explanation="h_T depends on h_t through W_h^(T-t), y_hat on h_T through W_f, and the "
            "squared error on y_hat through 2 (y_hat - y). Each power is computed on its own; the "
            "loss is a mean over the samples.",
        ),
        Claim(
            id="1e.growth-rate",
            statement="The growth rate of |dL/dh_t| per step tends to the logarithm of the "
            "spectral radius of W_h.",
            source="question 1e",
            record="growth",
            judge=judges.judge_rate,
            explanation="Almost every vector has a part along the leading eigenvector, and that "
            "part wins. How long it takes depends on how far W_h is from normal: n times the error "
            "of the rate stays between ln of the overlap of W_f with the leading eigenvector and "
            "ln of the condition number of the eigenvectors. The measurement is held to that "
            "envelope at every distance.",
        ),
        Claim(
            id="1e.vanish-or-explode",
            statement="With a spectral radius below 1 the gradient vanishes, above 1 it explodes, "
            "at 1 it does neither.",
            source="question 1e",
            record="growth",
            judge=judges.judge_fate,
            explanation="Vanished: the first step gets less than a thousandth of the gradient of "
            "the last; exploded: more than a thousandfold. At 1 a factor remains (a random W_h is "
            "not normal), but it does not grow with the length.",
        ),
        Claim(
            id="1e.bound",
            statement="The gradient never exceeds the product of the norms of the Jacobians "
            "diag(sigma') W_h.",
            source="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063, section 2.1",
            record="flow",
            judge=judges.judge_bound,
            explanation="Norms are submultiplicative. The bound is loose, since the largest "
            "singular value of a random W_h is about twice its spectral radius: a gradient can "
            "vanish under a bound that explodes.",
        ),
    ),
    figures=(
        Figure(
            "norms",
            "Hidden state and gradient over time",
            "Forward, the hidden state stays bounded under tanh; backward from the last step, the "
            "gradient shrinks or grows by a nearly constant factor per step: a straight line on "
            "this logarithmic axis. The same weights without the nonlinearity follow the closed "
            "form (circles).",
            "flow",
            figures.draw_norms,
        ),
        Figure(
            "eigenvalues",
            "Eigenvalues of W_h",
            "Random entries of variance g^2/H fill a disc of radius about g (circular law). Inside "
            "the unit circle a direction is forgotten, outside it is amplified.",
            "flow",
            figures.draw_eigenvalues,
        ),
        Figure(
            "pairs",
            "Which step's loss reaches which state",
            "Row k is the loss at step k, column t the hidden state at step t. The colour is "
            "logarithmic: away from the diagonal the gradient fades (or explodes). Blank: the "
            "loss cannot depend on a later state.",
            "flow",
            figures.draw_pairs,
        ),
        Figure(
            "terms",
            "What each step contributes to the gradient of the weights",
            "Terms of dL/dW_h, dL/dW_x and dL/db by step; their sums are the gradients. When the "
            "gradient vanishes only the last steps count.",
            "flow",
            figures.draw_terms,
        ),
        Figure(
            "bound",
            "The gradient and its bound",
            "The product of the spectral norms of diag(sigma') W_h bounds the gradient from above. "
            "It says that a gradient cannot explode; it cannot say that it will.",
            "flow",
            figures.draw_bound,
        ),
        Figure(
            "growth",
            "Linear networks: the spectral radius decides",
            "Gradient of the last step's loss in linear networks with a given spectral radius, "
            "relative to its value at the last step: traced (lines) and by the closed form "
            "(circles). Each step back multiplies it by about the spectral radius.",
            "growth",
            figures.draw_growth,
        ),
        Figure(
            "spectra",
            "Eigenvalues of those networks",
            "One eigenvalue outside the unit circle is enough to explode.",
            "growth",
            figures.draw_spectra,
        ),
        Figure(
            "rates",
            "The growth rate tends to ln of the spectral radius",
            "How far the rate measured over n steps is from ln of the spectral radius. The grey "
            "line is the bound proven from W_f and the eigenvectors; it falls as 1/n, and the "
            "measured distance with it.",
            "growth",
            figures.draw_rates,
        ),
    ),
    tables=(
        Table("nudges", "Largest relative difference from nudging", "nudges", judges.table_nudges),
    ),
    metrics=lambda records: judges.metrics(records["flow"]),
)
