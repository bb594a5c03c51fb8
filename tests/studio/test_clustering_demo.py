"""The clustering demo: its numbers, its Python lines, and inputs that people type."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from eigenlab.errors import InputError
from eigenlab.graphs import rbf_affinity, symmetric_normalize, two_circles
from eigenlab.studio.demos import load_demo
from eigenlab.studio.demos.clustering import draw
from eigenlab.studio.demos.clustering_figures import COVERED, _uncovered
from eigenlab.studio.demos.clustering_graph import Distances, SinglePrecisionGraph
from eigenlab.studio.demos.clustering_methods import ClusteringSettings, points_of
from eigenlab.studio.demos.clustering_points import parse_points, table_points
from eigenlab.studio.demos.formula import evaluate
from eigenlab.studio.drawing import figure_json
from eigenlab.studio.plot import difference
from studio.demo_checks import check_same

PAIR = "0 0; 0.1 0; 0 0.1; 9 9; 9.1 9; 9 9.1"


def drawn_labels(figure, X):
    """The cluster of each row of X, by the trace that holds its point."""
    cluster = {
        point: number
        for number, trace in enumerate(figure.data)
        for point in zip(np.asarray(trace.x).tolist(), np.asarray(trace.y).tolist(), strict=True)
    }
    return [cluster[tuple(point)] for point in X.tolist()]


def test_the_eigengap_is_that_of_the_whole_spectrum_by_lapack():
    X, truth = two_circles(300, 0)
    values = np.linalg.eigvalsh(symmetric_normalize(rbf_affinity(X, 60.0)))[::-1]
    view = draw(ClusteringSettings(n_points=300, gamma=60))
    assert view.numbers["eigengap"] == pytest.approx(values[1] - values[2], abs=1e-8)
    assert view.numbers["ari_stochastic"] == 1
    assert view.numbers["ari_kmeans"] < 0.05
    # What is drawn are the true rings, up to their names.
    assert adjusted_rand_score(truth, drawn_labels(view.panels[2].figure, X)) == 1


def test_two_far_pairs_of_points_are_two_components():
    """Without a link between two parts, 1 is a double eigenvalue; each part's next one is 0."""
    view = draw(ClusteringSettings(shape="own points", points="0 0; 0 0; 50 0; 50 0", gamma=1))
    assert view.numbers["near_one"] == 2
    assert view.numbers["eigengap"] == pytest.approx(1)
    assert view.numbers["cut_stochastic"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("example", load_demo("clustering").examples, ids=lambda e: e.label)
def test_the_python_lines_leave_the_numbers(example):
    settings = ClusteringSettings(**{**example.changes, "n_points": 300})
    _check_python(settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"shape": "own points", "points": PAIR},
        {"shape": "table", "standardize": True},
        {"shape": "moons", "standardize": True, "n_points": 100},
        {"shape": "own points", "points": "0 0; 1 1", "n_clusters": 2},
    ],
)
def test_the_python_lines_leave_the_numbers_of_own_data(settings):
    _check_python(ClusteringSettings(**settings))


def _check_python(settings, abs=1e-9):
    view = draw(settings)
    names = {}
    exec(view.python, names)
    for name, value in view.numbers.items():
        assert float(names[name]) == pytest.approx(value, nan_ok=True, abs=abs), name


def test_the_same_settings_give_the_same_view_and_a_slider_changes_only_numbers():
    settings = ClusteringSettings(n_points=200)
    first, second, moved = (
        draw(settings),
        draw(settings),
        draw(settings.replace(gamma=8.0, steps=100)),
    )
    assert first.sentence == second.sentence
    for a, b, c in zip(first.panels, second.panels, moved.panels, strict=True):
        assert difference(figure_json(a.figure), figure_json(b.figure)) == (
            [{}] * len(a.figure.data),
            None,
        )
        assert difference(figure_json(a.figure), figure_json(c.figure)) is not None, a.name


def test_the_examples_show_what_they_say():
    course = next(e for e in load_demo("clustering").examples if "course" in e.label)
    view = draw(ClusteringSettings(**course.changes))
    assert view.numbers["ari_symmetric"] < 0.9
    assert view.numbers["ari_stochastic"] > 0.98
    assert view.goals[1].reached
    assert view.command.startswith("eigenlab run graph-clustering")
    assert draw(ClusteringSettings()).numbers["ari_stochastic"] == 1
    assert draw(ClusteringSettings(gamma=3)).numbers["ari_stochastic"] < 0.1


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("", "no points"),
        ("1 2", "1 point"),
        ("1 2; nan 3", "no pair of finite numbers"),
        ("1 2; inf 3", "no pair of finite numbers"),
        ("1 2; 3", "no pair"),
        ("1 2 3; 4 5 6", "no pair"),
        ("a b", "no pair"),
        ("0 0; 1 1", "n_clusters=3 exceeds"),
        ("; ".join(["1 2"] * 2001), "at most 2000"),
    ],
)
def test_points_that_are_none_are_refused(points, message):
    with pytest.raises(InputError, match=message):
        draw(ClusteringSettings(shape="own points", points=points, n_clusters=3))


def test_equal_points_are_one_place_and_the_sentence_says_so():
    view = draw(ClusteringSettings(shape="own points", points="1 1; 1 1; 1 1; 1 1"))
    assert view.numbers["near_one"] == 1
    assert "Found 1 clusters" in view.sentence


def test_the_arms_of_the_spiral_are_found():
    spiral = next(e for e in load_demo("clustering").examples if "spiral" in e.label)
    settings = ClusteringSettings(**spiral.changes)
    view = draw(settings)
    arms = np.sin(999 * np.linspace(0, 1, settings.n_points) + 1) > 0
    X = points_of(settings).X
    assert adjusted_rand_score(arms, drawn_labels(view.panels[2].figure, X)) > 0.99
    assert "least for" in view.sentence


def test_points_near_the_largest_number_are_drawn():
    view = draw(ClusteringSettings(shape="own points", points="1e100 0; -1e100 1; 3 4"))
    assert max(max(trace.x) for trace in view.panels[0].figure.data) == 1e100


def test_far_points_are_linked_to_nothing_and_the_sentence_says_so():
    view = draw(ClusteringSettings(shape="own points", points="0 0; 1e9 0; 0 1e9; -1e9 7"))
    assert "4 of 4 points are linked to nothing but themselves" in view.sentence
    view = draw(
        ClusteringSettings(
            shape="own points", points="0 0; 1 0; 1e9 1; 1000000001 0", standardize=True, gamma=1
        )
    )
    assert math.isfinite(view.numbers["eigengap"])


def test_rows_with_missing_cells_are_left_out_and_counted():
    points = table_points("a,b\n1,2\n3,\n5,6\nNA,8\n", "")
    assert points.X.tolist() == [[1, 2], [5, 6]]
    assert points.note == "2 rows with missing values are left out"


def test_columns_are_chosen_by_name_and_by_number():
    content = "a,b,c\n1.5,2,3.5\n4,5.5,6\n"
    assert table_points(content, "c,a").X.tolist() == [[3.5, 1.5], [6, 4]]
    assert table_points(content, "2").X.tolist() == [[2], [5.5]]
    with pytest.raises(InputError, match="no such column"):
        table_points(content, "d")


def test_a_header_with_markup_is_text():
    points = table_points("<img src=x onerror=alert(1)>,b\n1.5,2\n3,4.5\n5,1\n", "")
    assert points.axes == ("‹img src=x onerror=alert(1)›", "b")
    content = "<img src=x onerror=alert(1)>,b\n1.5,2\n3,4.5\n5,1\n"
    view = draw(ClusteringSettings(shape="table", table=content))
    drawn = "".join(panel.figure.to_json() for panel in view.panels)
    assert "<img" not in drawn
    assert "<img" not in view.sentence


@pytest.mark.parametrize(
    "content", ["", "  \n", "a,b\n", "a,b\nx,y\nu,v\n", "PAR1", "a,b\n1,2,3\n"]
)
def test_a_table_that_is_none_is_refused_without_a_path(content):
    with pytest.raises(InputError) as error:
        draw(ClusteringSettings(shape="table", table=content))
    assert "/tmp" not in str(error.value)
    assert "--columns" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "t.__class__",
        "(lambda: 1)()",
        "[t for t in (1,)]",
        "t if t else 1",
        "'a' * 9",
        "open('x')",
        "sin(t, out=t)",
        "sin",
        "sin + t",
        "True",
        "1j * t",
        "t @ t",
        "t; t",
        "",
        "q + 1",
        "log(-1)",
        "1 / (t - t)",
        "9 ** 9 ** 9 ** 9",
        "10 ** 400 * t",
        "(" * 150,
        "-" * 190 + "t",
        "t" * 201,
    ],
)
def test_a_formula_that_is_no_finite_arithmetic_is_refused(text):
    if text == "-" * 190 + "t":
        assert evaluate(text, {"t": np.ones(2)}).tolist() == [1, 1]
        return
    with pytest.raises(InputError):
        evaluate(text, {"t": np.linspace(0, 1, 5)})


def test_formulas_are_arithmetic():
    t = np.linspace(0, 1, 7)
    assert np.array_equal(evaluate("-2*t**2 + 7 % 4 - t/2", {"t": t}), -2 * t**2 + 3 - t / 2)
    assert np.array_equal(
        evaluate("sin(2*pi*t) * exp(-t)", {"t": t}), np.sin(2 * np.pi * t) * np.exp(-t)
    )
    assert evaluate("3", {"t": t}).tolist() == [3.0] * 7
    view = draw(
        ClusteringSettings(
            shape="formula", x_formula="floor(2*t)*9", y_formula="noise", noise=0.1, gamma=1
        )
    )
    assert view.numbers["cut_stochastic"] == pytest.approx(0, abs=1e-9)


def test_points_are_parsed_with_commas_and_line_ends():
    assert parse_points("1,2\n 3 4 ;").tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "settings", [{"shape": "stretched blobs", "n_clusters": 3, "gamma": 7.5}, {"gamma": 1.0}]
)
def test_many_points_in_single_precision_have_the_spectrum_by_lapack(settings):
    settings = ClusteringSettings(n_points=1000, seed=170, **settings)
    X = points_of(settings).X
    M = symmetric_normalize(rbf_affinity(X, settings.gamma))
    values = np.linalg.eigvalsh(M)[::-1]
    singular = np.linalg.svd(M / M.sum(axis=0), compute_uv=False)
    view = draw(settings)
    drawn = {trace.name.split(",")[0]: trace.y for trace in view.panels[4].figure.data}
    assert drawn["M"] == pytest.approx(values[:8], abs=2e-6)
    assert drawn["M_stoch"] == pytest.approx(singular[:8], abs=2e-6)
    _check_python(settings, abs=2e-6)


def test_products_in_single_precision_are_those_of_all_pairs_in_any_order_and_dimension():
    random = np.random.default_rng(0)
    for X, gamma in (
        (random.normal(size=(700, 5)), 0.3),
        (10.0 ** random.uniform(0, 9, (400, 1)), 1),
    ):
        affinity = np.exp(-gamma * ((X[:, None] - X) ** 2).sum(-1))
        graph = SinglePrecisionGraph(Distances(X), gamma)
        vectors = random.normal(size=(len(X), 3))
        assert graph.matmat(vectors) == pytest.approx(affinity @ vectors, abs=1e-4)
        assert graph.degrees == pytest.approx(affinity.sum(1), rel=1e-5)


def test_what_is_drawn_does_not_depend_on_what_was_drawn_before():
    settings = ClusteringSettings(n_points=1000, noise=1.5)
    first = draw(settings)
    for other in ({"gamma": 31.0}, {"angle": 90}, {"seed": 3}, {"n_clusters": 4}):
        draw(settings.replace(**other))
    check_same(first, draw(settings))
    assert first.numbers != draw(settings.replace(n_clusters=4)).numbers


def test_only_covered_points_of_a_cluster_are_left_out_of_the_embedding():
    settings = load_demo("clustering").settings().replace(n_points=1000)
    view = load_demo("clustering").draw(settings)
    figure = next(panel.figure for panel in view.panels if panel.name == "embedding")
    random = np.random.default_rng(0)
    places = random.normal(scale=0.5, size=(3000, 2)).astype(np.float32)
    labels = random.integers(0, 3, size=3000)
    kept = _uncovered(places, labels)
    assert len(np.unique(kept)) == len(kept) < 3000
    for cluster in range(3):
        mine = places[labels == cluster]
        drawn = places[kept[labels[kept] == cluster]]
        nearest = np.abs(mine[:, None] - drawn[None]).max(axis=2).min(axis=1)
        assert nearest.max() <= COVERED * (1 + 1e-6)
    assert sum(len(trace.x) for trace in figure.data[1:]) < 1000
