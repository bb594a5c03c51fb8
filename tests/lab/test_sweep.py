"""Sweeps over an experiment whose outcome is known: the width that was configured."""

import pytest

from eigenlab.errors import InputError
from eigenlab.lab import grid, load_result, sweep
from toy_paths import TRAINED, load

EXPERIMENT = load("trainable", TRAINED)
WIDTHS = [2, 3, 4, 5]


def widths(results):
    return [result.records["prepare"].width for result in results]


def same(one, other):
    return str(one.records) == str(other.records)


def test_results_come_in_the_order_of_the_points():
    results = list(sweep(EXPERIMENT, grid(width=WIDTHS), n_jobs=1))
    assert widths(results) == WIDTHS
    assert [result.config.width for result in results] == WIDTHS


def test_results_come_one_by_one():
    results = sweep(EXPERIMENT, grid(width=WIDTHS), n_jobs=1)
    assert next(results).config.width == 2
    results.close()


def test_two_processes_give_the_same_results_in_the_same_order(tmp_path):
    alone = list(sweep(EXPERIMENT, grid(width=WIDTHS), n_jobs=1))
    together = list(sweep(EXPERIMENT, grid(width=WIDTHS), n_jobs=2, folder=tmp_path))
    assert widths(together) == WIDTHS
    assert all(result.experiment is EXPERIMENT for result in together)
    losses = [
        [value for _, value in result.records["fit"].losses] for result in (*alone, *together)
    ]
    # another number of threads may round sums another way
    for one, other in zip(losses[:4], losses[4:], strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000", "001", "002", "003"]
    for index, result in enumerate(together):
        assert same(load_result(tmp_path / f"{index:03d}", EXPERIMENT), result)


def test_an_interrupted_sweep_resumes(tmp_path):
    points = grid(width=WIDTHS)
    begun = sweep(EXPERIMENT, points, n_jobs=1, folder=tmp_path)
    first = next(begun)
    begun.close()
    left = (tmp_path / "000" / "records" / "fit.json").stat().st_mtime_ns
    results = list(sweep(EXPERIMENT, points, n_jobs=1, folder=tmp_path, resume=True))
    assert widths(results) == WIDTHS
    assert same(results[0], first)
    assert (tmp_path / "000" / "records" / "fit.json").stat().st_mtime_ns == left
    with pytest.raises(InputError, match="already holds a run"):
        list(sweep(EXPERIMENT, points, n_jobs=1, folder=tmp_path))


def test_all_points_are_checked_before_the_first_runs(tmp_path):
    with pytest.raises(InputError, match="width=0"):
        sweep(EXPERIMENT, [{"width": 2}, {"width": 0}], folder=tmp_path)
    with pytest.raises(InputError, match="points is empty"):
        sweep(EXPERIMENT, [])
    assert not list(tmp_path.iterdir())


def test_points_override_the_base():
    base = EXPERIMENT.config(width=7, rate=0.01)
    (result,) = sweep(EXPERIMENT, [{"rate": 0.02}], base=base, n_jobs=1)
    assert (result.config.width, result.config.rate) == (7, 0.02)


def test_grid_varies_the_last_axis_fastest():
    assert grid(a=[1, 2], b="xy") == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]
    assert grid() == [{}]
