"""graph-clustering: its claims hold, and each is refuted by a record that says otherwise."""

import copy

import numpy as np
import pytest

from eigenlab.experiments import graph_clustering
from eigenlab.lab import Outcome

EXPERIMENT = graph_clustering.EXPERIMENT


@pytest.fixture(scope="module")
def result():
    config = EXPERIMENT.config.from_preset("smoke")
    return EXPERIMENT.run(config.replace(gamma_sweep=True, most_points=10_000))


def test_every_claim_is_as_documented(result):
    found = {claim.id: claim.outcome for claim in result.claims}
    assert found == {claim.id: claim.documented for claim in EXPERIMENT.claims}


def mixed(variant):
    """Move half of the first true cluster into the next found one."""

    def change(record):
        table = np.array(record["variants"][variant]["confusion"])
        best = table[0].argmax()
        half = table[0, best] // 2
        table[0, best] -= half
        table[0, (best + 1) % 3] += half
        record["variants"][variant]["confusion"] = table.tolist()

    return change


def put(*path, value):
    def change(record):
        for key in path[:-1]:
            record = record[key]
        record[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("5a.raw-fails", put("variants", "raw points", "confusion", value=np.eye(3).tolist())),
        ("5b.undirected", put("matrices", "asymmetry", value=1e-3)),
        ("5b.undirected", put("matrices", "affinity_shape", value=[2000, 2])),
        ("5b.undirected", put("matrices", "least_affinity", value=-1e-9)),
        ("5b.undirected", put("matrices", "diagonal_error", value=0.1)),
        ("5c.degrees", put("matrices", "degree_error", value=1e-3)),
        ("5d.leading", put("matrices", "largest_eigenvalue", value=1.001)),
        ("5d.leading", put("matrices", "leading_residual", value=1e-3)),
        ("5e.better-information", put("variants", "symmetric", "nmi", value=0.1)),
        ("5e.better-information", put("variants", "symmetric", "completeness", value=0.1)),
        ("5e.mixed", mixed("symmetric")),
        ("5e.lone-point", put("spectra", "symmetric", "participation", 2, value=1500.0)),
        ("5e.lone-point", put("spectra", "stochastic", "participation", 1, value=1.0)),
        ("5e.lone-point", put("lonely_degree", value=60.0)),
        ("5e.fourth-vector", mixed("symmetric, 4 vectors")),
        ("5e.no-loops", mixed("symmetric, no loops")),
        ("5e.passed-over", put("rows", 1, "rows", 1, value=0.6)),
        ("5f.columns", put("matrices", "column_sum_error", value=1e-3)),
        ("5f.columns", put("matrices", "least_entry_stochastic", value=-1.0)),
        ("5f.separates", mixed("stochastic")),
        ("5f.any-width", put("rows", -1, "stochastic", value=0.5)),
        ("5f.walk", put("distance", 3, value=20.0)),
        ("5f.walk", put("total_error", value=1e-3)),
        ("5f.many-points", put("rows", -1, "complete", "ari", value=0.9)),
        ("5f.many-points", put("rows", -1, "complete", "largest_residual", value=1e-5)),
        ("5f.many-points", put("rows", -1, "neighbours", "ari", value=0.99)),
        ("5g.separates", mixed("rows")),
        ("5g.restarts", put("starts", "rows", "ten starts", 0, value=0.5)),
        ("5g.restarts", put("starts", "stochastic", "one start", 0, value=0.5)),
    ],
)
def test_a_wrong_number_refutes_its_claim(result, claim, change):
    chosen = EXPERIMENT.claim(claim)
    record = copy.deepcopy(dict(result.records[chosen.record]))
    change(record)
    assert chosen.evaluate(record).outcome is Outcome.FAILED


def test_the_failed_claim_would_hold_if_its_number_did(result):
    chosen = EXPERIMENT.claim("5e.better-rand")
    record = copy.deepcopy(dict(result.records["course"]))
    record["variants"]["symmetric"]["ari"] = 0.9
    assert chosen.evaluate(record).outcome is Outcome.HELD
