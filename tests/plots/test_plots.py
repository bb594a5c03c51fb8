import itertools
import json
import math

import numpy as np
import pytest

from eigenlab import plots


def relative_luminance(color):
    """WCAG 2 relative luminance of ``#rrggbb``."""

    def linear(channel):
        c = channel / 255
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    r, g, b = (linear(int(color[k : k + 2], 16)) for k in (1, 3, 5))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    light, dark = sorted((relative_luminance(a), relative_luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_curve_of_one_figure_differs_in_more_than_colour():
    styles = [plots.style(k) for k in range(49)]
    assert len(set(styles)) == 49
    for a, b in itertools.combinations(styles[:7], 2):
        assert a.color != b.color
        assert a.dash != b.dash
        assert a.symbol != b.symbol


def test_the_same_colour_comes_back_with_another_dash_and_marker():
    for a, b in itertools.combinations(range(0, 49, 7), 2):
        assert plots.style(a).color == plots.style(b).color
        assert plots.style(a).dash != plots.style(b).dash
        assert plots.style(a).symbol != plots.style(b).symbol


@pytest.mark.parametrize(
    ("template", "background", "least"),
    [(plots.LIGHT, "#ffffff", 7.0), (plots.DARK, "#0d1117", 7.0)]
    + [(plots.NEUTRAL, paper, 3.0) for paper in ("#ffffff", "#0d1117")],
)
def test_text_is_readable_on_its_background(template, background, least):
    """WCAG 2.2: 7 is AAA for text; 3 is the least for large text and graphics."""
    assert contrast(template["layout"]["font"]["color"], background) >= least


def test_templates_are_plain_data_with_a_transparent_paper():
    for template in (plots.NEUTRAL, plots.LIGHT, plots.DARK):
        assert json.loads(json.dumps(template)) == template
        assert template["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"


def test_a_figure_leaves_colours_of_text_to_the_template():
    """Otherwise a page could not restyle it for its background."""
    layout = plots.new_chart("t", "loss", title="T").to_plotly_json()["layout"]
    layout.pop("template")
    assert "color" not in json.dumps(layout)


def test_log_axes_are_declared_and_gaps_replace_what_they_cannot_show():
    chart = plots.new_chart("t", "norm", log_y=True)
    plots.line(chart, [1, 2, 3, 4], [1.0, 0.0, -1.0, math.inf], "a")
    assert chart.layout.yaxis.type == "log"
    assert list(chart.data[0].y) == [1.0, None, None, None]


def test_curves_take_the_next_style_and_a_band_that_of_its_curve():
    chart = plots.new_chart("t", "norm")
    plots.line(chart, [0, 1], [1, 2], "a")
    plots.band(chart, [0, 1], [0, 1], [2, 3], "range of a")
    plots.line(chart, [0, 1], [2, 3], "b")
    plots.points(chart, [0], [1], "c", low=[0.5], high=[2.5])
    colors = [trace.line.color or trace.marker.color for trace in chart.data]
    assert colors == [plots.COLORS[0], plots.COLORS[0], plots.COLORS[1], plots.COLORS[2]]
    assert chart.data[3].error_y.array == (1.5,)
    assert chart.data[3].error_y.arrayminus == (0.5,)


def test_a_band_encloses_its_region_and_omits_points_that_cannot_be_drawn():
    chart = plots.new_chart("t", "norm", log_y=True)
    plots.band(chart, [1, 2, 3], [1.0, 0.0, 3.0], [2.0, 2.0, 4.0], "range", index=0, legend=False)
    assert chart.data[0].showlegend is False
    assert list(chart.data[0].x) == [1, 3, 3, 1]
    assert list(chart.data[0].y) == [1.0, 3.0, 4.0, 2.0]


@pytest.mark.parametrize(("log", "place"), [(False, 100.0), (True, 2.0)])
def test_the_words_of_a_reference_line_are_at_the_line(log, place):
    """On a log axis plotly places shapes by value but annotations by decimal logarithm."""
    chart = plots.new_chart("t", "norm", log_x=log, log_y=log)
    plots.reference(chart, y=100.0, text="bound")
    plots.reference(chart, x=100.0, text="bound")
    assert chart.layout.shapes[0].y0 == chart.layout.shapes[1].x0 == 100.0
    assert chart.layout.annotations[0].y == chart.layout.annotations[1].x == place


def test_a_log_heat_map_shows_logarithms_and_tells_the_values():
    chart = plots.heatmap(
        [[1.0, 100.0], [0.0, 1e-3]],
        x_title="t",
        y_title="k",
        value_title="norm",
        log=True,
    )
    trace = chart.data[0]
    np.testing.assert_array_equal(trace.z, [[0.0, 2.0], [np.nan, -3.0]])
    np.testing.assert_array_equal(trace.customdata, [[1.0, 100.0], [np.nan, 1e-3]])
    assert trace.colorbar.ticktext[-1] == "10<sup>−3</sup>"
    assert chart.layout.yaxis.autorange == "reversed"


def test_a_heat_map_around_a_centre_uses_the_diverging_scale():
    plain = plots.heatmap([[0.0]], x_title="x", y_title="y", value_title="v")
    around = plots.heatmap([[0.0]], x_title="x", y_title="y", value_title="v", center=0.0)
    assert plain.data[0].colorscale != around.data[0].colorscale
    assert around.data[0].zmid == 0.0


def test_an_empty_heat_map_is_an_empty_labelled_figure():
    chart = plots.heatmap([], x_title="x", y_title="y", value_title="v", log=True)
    assert chart.data[0].z.size == 0
    assert chart.layout.xaxis.title.text == "x"
