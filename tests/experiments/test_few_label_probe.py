import os

import numpy as np
import pytest
import torch

from eigenlab.errors import DataError
from eigenlab.experiments import load_experiment
from eigenlab.experiments.few_label_probe import encoders, measure
from eigenlab.experiments.few_label_probe.claims import _five_seeds, over_images
from eigenlab.experiments.few_label_probe.records import DigitsRecord, MnistRecord
from eigenlab.lab import Context, NotRun, Outcome, run
from eigenlab.statistics import wilson_interval

pytestmark = pytest.mark.slow

EXPERIMENT = load_experiment("few-label-probe")
COURSE = EXPERIMENT.config.from_preset("course")


def made(kind, means, judged, n_seeds=5, n_images=10_000):
    """Five seeds per encoder that differ by 0.002 around a mean, the same for all encoders."""
    content = _five_seeds(means, n_images)
    content["seeds"] = range(n_seeds)
    content["probes"] = [probe for probe in content["probes"] if probe["seed"] < n_seeds]
    return kind(
        n_updates=1,
        judged=judged,
        n_labels=200,
        label_counts=[200],
        n_features=dict.fromkeys(encoders.ENCODERS, 3),
        training_seconds={name: [1.0] for name in encoders.TRAINED},
        n_threads=1,
        image_shape=(1, 2),
        strips={"image": [[0.0, 1.0]]},
        plane=[[0.0, 1.0]],
        plane_labels=[3],
        **content,
    )


CNN = "warped, convolutional"


@pytest.mark.parametrize(
    ("claim", "means", "outcome"),
    [
        ("3a'.course-bar", {"masked": 0.81}, "held"),
        ("3a'.course-bar", {"masked": 0.791}, "failed"),  # the mean is above, its interval is not
        ("3a'.course-bar", {CNN: 0.93}, "failed"),  # another encoder
        ("3a'.ninety", {CNN: 0.91}, "held"),
        ("3a'.ninety", {CNN: 0.89}, "failed"),
        ("3a'.above-baselines", {"warped": 0.71}, "held"),
        ("3a'.above-baselines", {"warped": 0.71, "raw pixels": 0.72}, "failed"),
        ("3a'.above-baselines", {"warped": 0.71, "PCA": 0.72}, "held"),  # compared on MNIST only
        ("3a'.above-baselines-mnist", {CNN: 0.71, "masked": 0.71, "PCA": 0.72}, "failed"),
        ("3a'.above-baselines-mnist", {CNN: 0.71, "masked": 0.71}, "held"),
        ("3a'.above-baselines-mnist", {CNN: 0.71, "masked": 0.71, "random": 0.71}, "failed"),
    ],
)
def test_claims_follow_their_numbers(claim, means, outcome):
    claim = EXPERIMENT.claim(claim)
    judged = "warped" if claim.record is DigitsRecord else CNN
    assert claim.evaluate(made(claim.record, means, judged)).outcome == outcome


@pytest.mark.parametrize("claim", EXPERIMENT.claims, ids=lambda claim: claim.id)
def test_every_claim_holds_on_good_numbers_and_is_refuted_by_its_counterexamples(claim):
    """Also where no MNIST is at hand."""
    judged = "warped" if claim.record is DigitsRecord else CNN
    record = made(claim.record, {judged: 0.93, "masked": 0.85}, judged)
    assert claim.evaluate(record, COURSE).outcome is Outcome.HELD
    for changes in claim.counterexamples:
        assert claim.evaluate(record.replaced(changes), COURSE).outcome is Outcome.FAILED


def test_an_interval_over_few_test_images_is_wider():
    """Each of n images is right with all probes or with none: a proportion, by Wilson's formula."""
    for n in (500, 10_000):
        found = over_images([n // 5, 0, n - n // 5], [0.0, 0.5, 1.0])
        assert found.estimate == pytest.approx(0.8)
        assert found.bounds == pytest.approx(
            wilson_interval(n - n // 5, n).bounds, abs=0.1 / n**0.5
        )
    few = made(DigitsRecord, {"warped": 0.71}, "warped", n_images=100)
    claim = EXPERIMENT.claim("3a'.above-baselines")
    failed = [check.label for check in claim.evaluate(few).checks if not check.holds]
    assert failed == ["gain of warped over raw pixels, lower end over test images"]


def test_right_answers_are_counted_image_by_image():
    config = EXPERIMENT.config.from_preset(
        "smoke", digits_seeds=1, digits_updates=1, digits_label_counts=()
    )
    record = measure.digits(config)
    for name, gains in record.gains.items():
        trials = config.digits_seeds * config.n_draws
        for other, counts in gains.items():
            assert sum(counts) == 500
            mean = sum(j * n for j, n in enumerate(counts, -trials)) / 500 / trials
            difference = record.accuracies(name)[0] - record.accuracies(other)[0]
            assert mean == pytest.approx(difference)
        right = sum(j * n for j, n in enumerate(record.right[name])) / 500 / trials
        assert right == pytest.approx(record.accuracies(name)[0])


def test_two_seeds_decide_nothing():
    for claim in EXPERIMENT.claims:
        few = made(claim.record, {"warped": 0.9, CNN: 0.9}, "warped", n_seeds=2)
        assert claim.evaluate(few).outcome == "not run"


def test_every_figure_and_table_of_mnist_can_be_drawn():
    record = made(MnistRecord, {CNN: 0.93}, CNN)
    drawn = [figure.draw(record) for figure in EXPERIMENT.figures if figure.record is MnistRecord]
    assert len(drawn) == 3
    nan = float("nan")
    np.testing.assert_array_equal(drawn[1].data[0].customdata, [[0, 1, nan], [nan] * 3])
    (table,) = (table for table in EXPERIMENT.tables if table.record is MnistRecord)
    columns, rows = table.rows(record)
    assert rows[-1][:3] == [CNN, 3, "93.0 ± 0.4"]
    assert {len(row) for row in rows} == {len(columns)}


def test_no_test_image_is_trained_on_or_labelled():
    data = encoders.load_small_digits(COURSE)
    parts = [data.train, data.pool[0], data.test[0]]
    assert [len(part) for part in parts] == [897, 400, 500]
    from sklearn.datasets import load_digits

    every = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    together = torch.cat(parts)
    assert torch.equal(together.sum(0), every.sum(0))  # a partition: nothing twice, nothing lost
    assert len(together.unique(dim=0)) == len(every.unique(dim=0))


@pytest.fixture
def without_mnist(monkeypatch, tmp_path):
    monkeypatch.delenv("EIGENLAB_DATA", raising=False)
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path))


def test_mnist_is_left_out_where_it_was_not_asked_for(without_mnist):
    with pytest.raises(NotRun, match="eigenlab data fetch mnist"):
        measure.mnist(COURSE)
    with pytest.raises(NotRun, match="data=digits"):
        measure.mnist(COURSE.replace(data="digits"))


def test_a_missing_mnist_that_was_asked_for_is_an_error_before_any_training(
    without_mnist, monkeypatch
):
    monkeypatch.setattr(measure, "fit", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(DataError, match="eigenlab data fetch mnist"):
        run(EXPERIMENT, COURSE.replace(data="mnist"))


def test_a_resumed_stage_trains_no_encoder_again(monkeypatch, tmp_path):
    config = EXPERIMENT.config.from_preset(
        "smoke", digits_seeds=1, digits_updates=1, digits_label_counts=()
    )
    first = measure.digits(config, Context(checkpoints=tmp_path))
    (tmp_path / "seed-0-vanilla.json").unlink()
    trained = []
    original = measure.fit
    monkeypatch.setattr(
        measure,
        "fit",
        lambda model, *rest, **kw: trained.append(model) or original(model, *rest, **kw),
    )
    again = measure.digits(config, Context(checkpoints=tmp_path))
    assert len(trained) == 1
    assert again.probes == first.probes


def test_autoencoders_that_no_claim_is_about_may_have_fewer_seeds():
    config = EXPERIMENT.config.from_preset(
        "smoke", n_compared_seeds=1, digits_updates=1, digits_label_counts=()
    )
    record = measure.digits(config)
    counts = {name: len(record.accuracies(name)) for name in encoders.ENCODERS}
    compared = set(encoders.TRAINED) - {"warped"}
    assert counts == {name: 1 if name in compared else 2 for name in encoders.ENCODERS}
    assert len(record.training_seconds["warped"]) == 2
    for figure in EXPERIMENT.figures:
        if figure.record is DigitsRecord:
            assert figure.draw(record).data


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("EIGENLAB_DATA", ""), "mnist")),
    reason="EIGENLAB_DATA does not hold mnist",
)
def test_mnist_is_split_as_described():
    data = encoders.load_large_digits(COURSE)
    assert [len(x) for x in (data.train, data.pool[0], data.test[0])] == [50_000, 10_000, 10_000]
    assert 0 <= data.train.min() < data.train.max() == 1
