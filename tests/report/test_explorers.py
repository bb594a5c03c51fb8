"""Figures with sliders: every point of the grid, in order, in few bytes."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from eigenlab.errors import InputError
from eigenlab.experiments import load_experiment, outlines
from eigenlab.lab import Config, Control, NotRun, Record, explorer, run, setting
from eigenlab.report import read_run, render
from eigenlab.report.frames import frames


class Grid(Record):
    bases: tuple[float, ...]
    signs: tuple[str, ...]
    values: tuple[float, ...]


class GridConfig(Config):
    base: float = setting(2.0, "Base.")
    signs: tuple[str, ...] = setting(("+",), "Signs.")


CONTROLS = [Control("base", "bases", "base"), Control("signs", "signs", "sign")]


@explorer("Values", "Move it.", question="1e", controls=CONTROLS)
def values(record: Grid, place: int):
    circle = go.Scatter(x=[0.1, 0.2], y=[1, 2], name="always the same")
    point = go.Scatter(x=[0.123456789], y=[record.values[place]], name="moves")
    return [go.Figure([circle, point]), go.Figure([circle], {"height": 300})]


GRID = Grid(bases=(1, 2, 4), signs=("+", "-"), values=(1, -1, 2, -2, 4, -4))


def test_points_are_the_product_with_the_last_control_fastest():
    points = values.points(GRID)
    assert [tuple(point.values()) for point in points[:3]] == [(1, "+"), (1, "-"), (2, "+")]
    assert len(points) == len(GRID.values)


@pytest.mark.parametrize(
    ("config", "start"),
    [
        (GridConfig(), 2),
        (GridConfig(base=1.1), 0),
        (GridConfig(base=3.9, signs=("-",)), 5),
        (GridConfig(base=0), 0),
    ],
)
def test_the_page_starts_at_the_nearest_point(config, start):
    assert values.start(GRID, config) == start


def test_a_point_gives_the_settings_of_its_command():
    config = values.config(GridConfig(), values.points(GRID)[5])
    assert (config.base, config.signs) == (4, ("-",))


def test_frames_lead_to_the_figures_that_were_drawn():
    found = frames(values, GRID)
    content = found.content
    assert found.heights[1] == 300
    assert len(content["traces"]) == 1 + len(GRID.values), "what is the same is stored once"
    assert len(content["layouts"]) == 2
    for place, panels in enumerate(content["frames"]):
        (_, same, moves), (_, again) = panels
        assert same == again == 0
        assert content["traces"][moves]["y"] == [GRID.values[place]]
        assert content["traces"][moves]["x"] == [0.12346]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    experiment = load_experiment("gradient-flow")
    folder = tmp_path_factory.mktemp("flow")
    run(experiment, experiment.config.from_preset("smoke", weight_scale=1.25), folder=folder)
    return render([read_run(folder)])


def test_the_page_has_a_slider_for_each_setting(page):
    (figure,) = re.findall(r'<figure [^>]*class="explorer">.*?</figure>', page, re.S)
    sliders = re.findall(r'<input type="range" min="0" max="(\d+)" step="1" value="(\d+)"', figure)
    assert sliders == [("12", "7"), ("2", "0")]
    assert "<output>1.3</output>" in figure
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', figure, re.S)
    grid = json.loads(data)
    assert len(grid["frames"]) == len(grid["commands"]) == 13 * 3
    assert grid["start"] == 7 * 3
    assert grid["commands"][-1] == (
        "eigenlab run gradient-flow --preset smoke --weight-scale 4.0 --nonlinearity identity"
    )
    for panels in grid["frames"]:
        for layout, *traces in panels:
            assert 0 <= layout < len(grid["layouts"])
            assert traces
            assert max(traces) < len(grid["traces"])


def test_a_grid_that_cannot_be_drawn_leaves_the_page_as_it_is(tmp_path):
    experiment = load_experiment("gradient-flow")
    run(experiment, experiment.config.from_preset("smoke"), folder=tmp_path)
    stored = json.loads((tmp_path / "records/scales.json").read_text("utf-8"))
    stored["record"]["points"] = stored["record"]["points"][:5]
    (tmp_path / "records/scales.json").write_text(json.dumps(stored), "utf-8")
    page = render([read_run(tmp_path)])
    assert 'class="explorer"' not in page
    assert "1e.closed-form" in page


def test_a_grid_that_would_take_minutes_is_not_run_and_not_shown_for_other_settings():
    experiment = load_experiment("gradient-flow")
    (scales,) = [stage for stage in experiment.stages if stage.name == "scales"]
    with pytest.raises(NotRun, match="100 steps"):
        scales(experiment.config.from_preset("smoke", length=101))


@pytest.mark.parametrize("name", outlines())
def test_controls_name_settings_and_values(name):
    experiment = load_experiment(name)
    for item in experiment.explorers:
        assert {control.values for control in item.controls} <= set(item.record.model_fields)


def test_an_unknown_setting_or_question_is_refused():
    experiment = load_experiment("gradient-flow")
    (item,) = experiment.explorers
    with pytest.raises(InputError, match="scales"):
        replace(experiment, explorers=(replace(item, question="99z"),))
    wrong = (Control("weigth_scale", "weight_scales", "scale"),)
    with pytest.raises(InputError, match="weigth_scale"):
        replace(experiment, explorers=(replace(item, controls=wrong),))
