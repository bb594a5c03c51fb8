"""graph-clustering: its claims hold, and its measurements agree with independent ones."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from eigenlab.experiments import load_experiment
from eigenlab.experiments.graph_clustering import measure
from eigenlab.experiments.graph_clustering.clusterings import NORMALIZATIONS, graph_labels
from eigenlab.experiments.graph_clustering.records import GammaRecord, GrowthRecord
from eigenlab.graphs import SpectralClustering, rbf_affinity, stretched_blobs, two_moons
from eigenlab.lab import Outcome, run

pytestmark = pytest.mark.slow

EXPERIMENT = load_experiment("graph-clustering")
SMOKE = EXPERIMENT.config.from_preset("smoke")


@pytest.fixture(scope="module")
def result():
    return run(EXPERIMENT, SMOKE.replace(gamma_sweep=True, growth_sizes=(2000, 10_000)))


def test_every_claim_is_as_documented(result):
    found = {claim.id: claim.outcome for claim in result.claims}
    assert found == {claim.id: claim.documented for claim in EXPERIMENT.claims}


@pytest.mark.parametrize("kind", [GammaRecord, GrowthRecord])
def test_a_wrong_number_refutes_a_claim_that_smoke_does_not_measure(result, kind):
    claims = [claim for claim in EXPERIMENT.claims if claim.record is kind]
    assert claims
    for claim in claims:
        for changes in claim.counterexamples:
            assert claim.evaluate(result.record(kind).replaced(changes)).outcome is Outcome.FAILED


@pytest.mark.parametrize("n", [300, 500, 2000])
def test_shared_eigenproblems_give_the_clusters_of_separate_estimators(n):
    """300 points have a vector of an outlier to skip, and so have M of 2000."""
    X, _ = stretched_blobs(n)
    found = graph_labels(X, 3, 7.5, 0, min_participations=(1, 2))
    for least, labels in zip((1, 2), found, strict=True):
        for name in NORMALIZATIONS:
            model = SpectralClustering(
                3,
                gamma=7.5,
                normalization=name,
                min_cluster_size=least,
                eigen_tol=1e-5,
                random_state=0,
            ).fit(X)
            assert adjusted_rand_score(labels[name], model.labels_) == 1, (least, name)


def test_every_stage_measures_with_the_gamma_asked_for():
    config = SMOKE.replace(
        n_samples=100,
        gamma=5.0,
        gamma_sweep=True,
        gammas=(2.0,),
        outlier_sizes=(60,),
        n_shape_samples=60,
        walk_length=10,
        growth_sizes=(60, 80),
        max_neighbor_points=0,
    )
    low, high = config.replace(gamma=0.05), config
    assert measure.gamma(high).gammas == (2.0, 5.0)
    assert measure.course(high).adjacency != measure.course(low).adjacency
    assert measure.walk(high).distance != measure.walk(low).distance
    widths = {name: shape.gamma for name, shape in measure.shapes(high).shapes.items()}
    assert widths["two moons"] == pytest.approx(20 * 5 / 7.5)
    for stage in (measure.outliers, measure.growth):
        assert _without_seconds(stage(high)) != _without_seconds(stage(low)), stage.name


def _without_seconds(record):
    return repr([row.model_dump(exclude={"complete": {"seconds"}}) for row in record.rows])


def test_mean_affinities_of_blocks(result):
    record = result.record(measure.course.record)
    X, truth = stretched_blobs()
    A = rbf_affinity(X, 7.5)[
        np.ix_(np.argsort(truth, kind="stable"), np.argsort(truth, kind="stable"))
    ]
    n_blocks = len(record.adjacency)
    first, last = len(A) // n_blocks, -(-len(A) // n_blocks)
    assert record.adjacency[0][0] == pytest.approx(A[:first, :first].mean(), abs=1e-6)
    assert record.adjacency[-1][0] == pytest.approx(A[-last:, :first].mean(), abs=1e-6)


def test_noise_spreads_points_about_their_shape():
    exact, _ = two_moons(100, noise_scale=0.0)
    usual, _ = two_moons(100)
    double, _ = two_moons(100, noise_scale=2.0)
    np.testing.assert_allclose(double - exact, 2 * (usual - exact), atol=1e-12)


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("5g.separates", {"n_samples": 1500}),
        ("5f.skipped-vectors", {"outlier_sizes": (300,)}),
        ("5g.any-width", {"gammas": (5.0, 6.0)}),
        ("5g.walk", {"walk_length": 50}),
        ("5g.many-points", {"n_neighbors": 20}),
    ],
)
def test_other_settings_are_another_question(claim, changes):
    chosen = EXPERIMENT.claim(claim)
    assert chosen.scope(SMOKE) == ""
    assert chosen.scope(SMOKE.replace(**changes)).startswith("it applies to")
