"""What the stages of ``gradient-flow`` measure.

Sizes: T steps, H hidden units, P steps shown in the heat map, D distances.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured


class TracedNetwork(Record):
    """One network, traced on one batch; norms are means over the sequences."""

    loss: float = measured("Loss of the traced network.")
    hidden_norms: Vector = measured("|h_t| at each step.", shape="T")
    gradient_norms: Vector = measured("|dL/dh_t| at each step.", shape="T")
    closed_form_norms: Vector | None = measured(
        "|2 (y_hat - y) W_f W_h^(T-t)|, where the closed form applies.", shape="T"
    )
    eigenvalues: Matrix = measured("Eigenvalues of W_h as [real, imaginary].", shape="H, 2")
    spectral_radius: float = measured("Largest modulus of an eigenvalue of W_h.")
    lyapunov_exponents: Vector = measured(
        "Lyapunov exponents of the first sequence, descending.", unit="nats per step", shape="H"
    )
    term_norms: dict[str, Vector] = measured(
        "Parameter -> Frobenius norm of each step's term of its gradient.", shape="3, T"
    )


class BoundedGradient(Record):
    """|dL/dh_t| with the loss at the last step, and the product of the Jacobians' norms."""

    gradient_norms: Vector = measured("|dL/dh_t| at each step.", shape="T")
    bound: Vector = measured("Product of the norms of diag(sigma') W_h.", shape="T")


class Pairs(Record):
    """Gradients of the loss at step k with respect to the state at step t."""

    steps: Integers = measured("The steps shown, from 1.", unit="steps", shape="P")
    norms: Matrix = measured("|dL_k/dh_t|, row k and column t.", shape="P, P")


class FlowRecord(Record):
    """The chosen network, and the same weights without the nonlinearity."""

    nonlinearity: str = measured("Activation of the chosen network.")
    networks: dict[str, TracedNetwork] = measured("Nonlinearity -> network, the chosen one first.")
    bounds: dict[str, BoundedGradient] = measured("Nonlinearity -> gradient and its bound.")
    orthogonal: BoundedGradient = measured(
        "The same for a linear network whose W_h is 0.9 times an orthogonal matrix."
    )
    pairs: Pairs = measured("Pairwise gradient norms of the chosen network.")


class ScalePoint(Record):
    """One network of the grid."""

    nonlinearity: str = measured("Activation of the network.")
    networks: dict[str, TracedNetwork] = measured("Nonlinearity -> network, this one alone.")


class ScalesRecord(Record):
    """The traced network at other weight scales, with each nonlinearity on the same weights."""

    weight_scales: Vector = measured("Weight scales, ascending.", shape="G")
    nonlinearities: tuple[str, ...] = measured("Activations of the hidden units.", shape="N")
    points: tuple[ScalePoint, ...] = measured(
        "Networks: for each weight scale one of each nonlinearity."
    )


class Differences(Record):
    """Largest relative differences of traced gradients from finite differences, on one network."""

    seed: int = measured("Random seed of the weights and the data.")
    network: str = measured("Architecture of the network.")
    last_step_only: bool = measured("Whether the loss counts the last step only.")
    states: float = measured("Largest relative difference of dL/dh_t.")
    terms: float = measured("Largest relative difference of the terms of dL/dW at each step.")
    sums: float = measured(
        "Largest relative difference of the sum of the terms from the gradient used in training."
    )


class FiniteDifferencesRecord(Record):
    """Traced gradients compared with finite differences."""

    seeds: Integers = measured("Random seeds, one per network.")
    rows: tuple[Differences, ...] = measured(
        "Differences, one per network, architecture and kind of loss."
    )


class LinearNetwork(Record):
    """A linear network with a given spectral radius and the loss at the last step."""

    seed: int = measured("Random seed of the weights and the data.")
    radius: float = measured("Spectral radius of W_h.")
    closed_form_error: float = measured(
        "Largest relative difference of dL/dh_t from 2 (y_hat - y) W_f W_h^(T-t)."
    )
    gradient_ratios: Vector = measured("|dL/dh_t| / |dL/dh_T| at each step.", shape="T")
    closed_form_ratios: Vector = measured("The same ratios by the closed form.", shape="T")
    rates: Vector = measured(
        "Growth rate of |dL/dh_t| over each distance.", unit="nats per step", shape="D"
    )
    rate_errors: Vector = measured(
        "|growth rate - ln radius| over each distance.", unit="nats per step", shape="D"
    )
    log_low: float = measured("Lower bound on n (rate - ln radius).", unit="nats")
    log_high: float = measured("Upper bound on n (rate - ln radius).", unit="nats")
    eigenvalues: Matrix = measured("Eigenvalues of W_h as [real, imaginary].", shape="H, 2")


class GrowthRecord(Record):
    """Growth rates in linear networks."""

    seeds: Integers = measured("Random seeds, one per network of each radius.")
    distances: Integers = measured("Steps back from the last one.", unit="steps", shape="D")
    networks: tuple[LinearNetwork, ...] = measured("Networks, one per seed and radius.")
    shown: Integers = measured("Indices of the networks shown in figures, one per radius.")
    rate_bound: Vector = measured(
        "Bound on |rate - ln radius| over each distance, the widest of the networks shown.",
        unit="nats per step",
        shape="D",
    )
