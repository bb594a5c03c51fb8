"""The claims of ``gradient-flow``, each above the function that judges it."""

from __future__ import annotations

import math

from eigenlab.experiments.gradient_flow.records import (
    FiniteDifferencesRecord,
    FlowRecord,
    GrowthRecord,
    LinearNetwork,
)
from eigenlab.lab import Check, above, applies_to, at_most, below, claim, close
from eigenlab.statistics import worst

#: Relative to the largest entry. A central difference with step 1e-5 has an error of about 2e-11 of
#: the loss, and the largest term of a lower LSTM layer may be as small as 1e-4 of the loss.
FINITE_DIFFERENCE_TOLERANCE = 1e-6
#: Relative, float64. A product of n matrices rounds n times: 400 steps x 32 terms x 1e-16 ~ 1e-12,
#: and the condition number of the eigenvectors (up to a few thousand) may multiply it.
CLOSED_FORM_TOLERANCE = 1e-8
#: Nats per step, at the longest distance (at least 199 steps). Theory leaves ln(condition
#: number)/n, about 0.03 at n = 200.
RATE_TOLERANCE = 0.05
#: A gradient vanishes when its norm at the first step is less than a thousandth of that at the last
#: step, and explodes when it is more than a thousand times as large.
DECADES = 3.0
#: Over shorter distances the transient of a non-normal matrix is still visible.
LONG = applies_to(growth_length=(200, None), hidden_size=(2, 256))


@claim(
    "1d.hidden-gradients",
    "The traced dL/dh_t equals its finite difference, for every layer, step and unit, with the "
    "loss at the last step or at every step.",
    source="question 1d",
    explanation="Central differences in double precision with a step of 1e-5 are accurate to "
    "about 1e-9 here. The rest of the sequence is computed again from the perturbed h_t; an "
    "LSTM's cell state is held fixed, since the trace follows h.",
    refutes=["the gradient of the step before", "half of the gradient"],
    counterexamples=[{"rows/3/states": 2.0}],  # as a missing factor would give
)
def hidden_gradients(record: FiniteDifferencesRecord) -> list[Check]:
    return _largest(record, "states", "dL/dh_t")


@claim(
    "1d.path-terms",
    "The contribution of step t to dL/dW equals the finite difference of the loss when W is "
    "perturbed at step t alone.",
    source="question 1d",
    explanation="One W serves every step, so dL/dW collects one term per step: (dL/dz_t) "
    "h_{t-1}^T for W_h, where z_t is the argument of the nonlinearity. A term is small where "
    "dL/dh_t has vanished: that step contributes little to the update.",
    refutes=["the terms of the step before", "the mean over the steps for the term of each"],
    counterexamples=[{"rows/-1/terms": math.nan}],
)
def path_terms(record: FiniteDifferencesRecord) -> list[Check]:
    return _largest(record, "terms", "terms of dL/dW")


@claim(
    "1d.sum",
    "dL/dW is the sum of its terms over the steps.",
    source="question 1d",
    explanation="The chain rule over all paths; compared with the gradient that training uses.",
    refutes=["no term of the first step"],
    counterexamples=[{"rows/0/sums": 1e-3}],
)
def sum_of_terms(record: FiniteDifferencesRecord) -> list[Check]:
    return _largest(record, "sums", "sum of the terms")


def _largest(record: FiniteDifferencesRecord, field: str, quantity: str) -> list[Check]:
    return [
        at_most(
            f"{quantity}, {name}: largest relative difference",
            worst(getattr(row, field) for row in record.rows if row.network == name),
            FINITE_DIFFERENCE_TOLERANCE,
        )
        for name in dict.fromkeys(row.network for row in record.rows)
    ]


@claim(
    "1e.closed-form",
    "Without a nonlinearity and with the loss at the last step, dL/dh_t = "
    "2 (y_hat - y) W_f W_h^(T-t).",
    source="question 1e",
    explanation="h_T depends on h_t through W_h^(T-t), y_hat on h_T through W_f, and the squared "
    "error on y_hat through 2 (y_hat - y). The powers are built by repeated squaring; the loss is "
    "a mean over the samples.",
    scope=applies_to(growth_length=(2, 400), hidden_size=(1, 256)),
    refutes=["W_h transposed", "one power of W_h too many", "no factor 2"],
    counterexamples=[{"networks/0/closed_form_error": 1e-6}],
)
def closed_form(record: GrowthRecord) -> list[Check]:
    return [
        at_most(
            f"spectral radius {radius:g}: largest relative difference",
            worst(network.closed_form_error for network in networks),
            CLOSED_FORM_TOLERANCE,
        )
        for radius, networks in _by_radius(record)
    ]


@claim(
    "1e.growth-rate",
    "The growth rate of |dL/dh_t| per step tends to the logarithm of the spectral radius of W_h.",
    source="question 1e",
    explanation="Almost every vector has a component along the leading eigenvector, which "
    "dominates after many steps. The rate of convergence depends on how far W_h is from normal: n "
    "times the error of the rate stays between ln of the overlap of W_f with the leading "
    "eigenvector and ln of the condition number of the eigenvectors. The measurement is compared "
    "with these bounds at every distance.",
    scope=LONG,
    refutes=["the spectral norm for the spectral radius"],
    counterexamples=[
        {"networks/2/rates/-1": 0.1, "networks/2/rate_errors/-1": 0.1},
        {"networks/1/log_low": 1.0},
    ],
)
def growth_rate(record: GrowthRecord) -> list[Check]:
    distances = record.distances
    eighth = distances.index(distances[-1] // 8)
    near, far = (
        math.fsum(network.rate_errors[place] for network in record.networks)
        for place in (eighth, -1)
    )
    return [
        *(
            at_most(
                f"spectral radius {radius:g}: |rate - ln rho| at distance {distances[-1]}",
                worst(network.rate_errors[-1] for network in networks),
                RATE_TOLERANCE,
                unit="nats per step",
            )
            for radius, networks in _by_radius(record)
        ),
        at_most("mean error at the longest distance over that at an eighth of it", far / near, 0.5),
        at_most(
            "largest distance outside the proven bounds",
            worst(_excess(network, distances) for network in record.networks),
            1e-6,
            unit="nats",
        ),
    ]


def _excess(network: LinearNetwork, distances: tuple[int, ...]) -> float:
    """How far n (rate - ln rho) leaves its bounds at any distance n."""
    drift = [
        distance * (rate - math.log(network.radius))
        for distance, rate in zip(distances, network.rates, strict=True)
    ]
    below_low = [network.log_low - value for value in drift]
    above_high = [value - network.log_high for value in drift]
    return worst([0.0, *below_low, *above_high])


@claim(
    "1e.vanish-or-explode",
    "With a spectral radius below 1 the gradient vanishes, above 1 it explodes; at 1, where W_h "
    "can be diagonalised, it does neither.",
    source="question 1e",
    explanation="A gradient has vanished if its norm at the first step is less than a thousandth "
    "of that at the last step, and exploded if it is more than a thousand times as large. At 1 a "
    "factor remains (a random W_h is not normal), but it does not grow with the length; with a "
    "Jordan block of size m, which random matrices do not have, it would grow like n^(m - 1). With "
    "a radius very near 1 more steps are needed.",
    scope=LONG,
    refutes=[
        "the spectral norm for the spectral radius",
        "the first step for the last",
        "the loss at every step",
    ],
    counterexamples=[
        {"networks/1/gradient_ratios/0": 1.0},
        {"networks/2/gradient_ratios/0": 1e9},
    ],
)
def vanish_or_explode(record: GrowthRecord) -> list[Check]:
    checks = []
    for radius, networks in _by_radius(record):
        decades = [math.log10(network.gradient_ratios[0]) for network in networks]
        label = f"spectral radius {radius:g}: log10 |dL/dh_1| / |dL/dh_T|"
        if radius < 1:
            check = below(f"{label}, largest", worst(decades), -DECADES, unit="decades")
        elif radius > 1:
            smallest = -worst(-d for d in decades)
            check = above(f"{label}, smallest", smallest, DECADES, unit="decades")
        else:
            farthest = worst(abs(d) for d in decades)
            label = f"{label}, farthest from 0"
            check = close(label, farthest, 0.0, tolerance=DECADES, unit="decades")
        checks.append(check)
    return checks


def _by_radius(record: GrowthRecord) -> list[tuple[float, list[LinearNetwork]]]:
    """The networks of each spectral radius, ascending."""
    radii = sorted({network.radius for network in record.networks})
    return [(r, [n for n in record.networks if n.radius == r]) for r in radii]


@claim(
    "1e.bound",
    "The gradient never exceeds the product of the norms of the Jacobians diag(sigma') W_h, and is "
    "equal to it in a linear network whose W_h is a multiple of an orthogonal matrix.",
    source="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063, section 2.1",
    origin="ours",
    explanation="Norms are submultiplicative. The bound is loose, since the largest singular value "
    "of a random W_h is about twice its spectral radius: a gradient can vanish under a bound that "
    "explodes.",
    refutes=["a bound 1e9 times as large", "one Jacobian fewer", "the norm of Frobenius"],
    counterexamples=[
        {"bounds/tanh/gradient_norms/0": 1e30},
        {"orthogonal/bound/*": lambda value: 1.001 * value},
    ],
)
def bound(record: FlowRecord) -> list[Check]:
    exact = record.orthogonal
    return [
        *(
            at_most(
                f"{name}: largest |dL/dh_t| over its bound",
                worst(
                    norm / limit if limit > 0 else norm
                    for norm, limit in zip(case.gradient_norms, case.bound, strict=True)
                ),
                1 + 1e-9,
            )
            for name, case in record.bounds.items()
        ),
        at_most(
            "0.9 times orthogonal, linear: largest | |dL/dh_t| / bound - 1|",
            worst(
                abs(norm / limit - 1)
                for norm, limit in zip(exact.gradient_norms, exact.bound, strict=True)
            ),
            1e-10,
        ),
    ]
