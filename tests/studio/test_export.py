"""The static site: complete without a server, and its numbers are the library's."""

from __future__ import annotations

import json
import math
import re
from html import unescape
from urllib.parse import parse_qsl

import pytest

from eigenlab.errors import InputError
from eigenlab.studio.address import from_address
from eigenlab.studio.demos import NAMES, load_demo
from eigenlab.studio.drawing import draw
from eigenlab.studio.export import export

LESSON = (
    "/gradient-flow?weight_scale=0.6&length=20&hide=activation&title=<i>Ours</i>&text=Look%0Athere"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of two lessons; the demos themselves take too long for a test."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eigenlab.studio.export.NAMES", ())
        export(folder, [LESSON, "/gradient-flow?cell=LSTM&length=10&hide=activation"])
    return folder


def grid(page):
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def test_every_position_shows_what_the_demo_draws(site):
    found = grid((site / "lesson-1.html").read_text(encoding="utf-8"))
    demo = load_demo("gradient-flow")
    scales = sorted({*demo.grid["weight_scale"], 0.6})
    assert len(found["sentences"]) == len(found["frames"]) == len(scales)
    for scale, sentence, frame in zip(scales, found["sentences"], found["frames"], strict=True):
        drawn = draw(demo.name, demo.settings(weight_scale=scale, length=20))
        assert sentence == drawn.sentence
        _, _, gradient, *_ = frame[0]
        expected = drawn.panels[0].figure["data"][1]["y"]
        assert found["traces"][gradient]["y"] == pytest.approx(expected, rel=1e-4)


def test_a_page_is_complete_and_its_words_are_text(site):
    page = (site / "lesson-1.html").read_text(encoding="utf-8")
    assert "<i>Ours" not in page
    assert "<i>Ours</i>" in unescape(page)
    assert "Look\nthere" in page
    assert "default-src 'none'" in page
    for name in re.findall(r'(?:src|href)="([^":#]+)"', page):
        assert (site / name).is_file(), name
    index = (site / "index.html").read_text(encoding="utf-8")
    assert 'href="lesson-2.html"' in index


def test_a_slider_of_the_site_moves_without_a_server(site, browser):
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto((site / "lesson-1.html").as_uri())
    page.wait_for_selector(".panel .main-svg")
    sentence = page.locator(".sentence")
    before = sentence.inner_text()
    page.locator("input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    assert sentence.inner_text() != before
    assert "Spectral radius 0.74" in sentence.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
    assert problems == []


@pytest.mark.parametrize(
    ("lesson", "message"),
    [("/nothing", "unknown"), ("/gradient-flow?weight_scale=9", "less than or equal to 3")],
)
def test_a_lesson_that_is_none_is_refused(lesson, message, tmp_path):
    with pytest.raises(InputError, match=message):
        export(tmp_path, [lesson])


@pytest.mark.parametrize(
    ("name", "query", "hidden", "moved"),
    [
        ("clustering", "n_points=100&gamma=40", ("shape", "n_clusters"), "gamma"),
        ("clustering", "n_points=100", ("gamma", "n_clusters"), "shape"),
        ("pca", "steps=100&decay=0.4", ("start", "at_saddle"), "decay"),
        ("pca", "steps=100", ("start", "decay"), "at_saddle"),
        ("regularized-autoencoder", "steps=100&lam=0.04", ("method",), "lam"),
        ("objective-quiz", "", ("layers", "loss", "optimizer"), "regularizer"),
    ],
)
def test_every_demo_with_a_grid_shows_what_it_draws(name, query, hidden, moved, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eigenlab.studio.export.NAMES", ())
        export(tmp_path, [f"/{name}?{query}&hide={','.join(hidden)}"])
    page = (tmp_path / "lesson-1.html").read_text(encoding="utf-8")
    found, demo = grid(page), load_demo(name)
    start, _, problems = from_address(demo.settings, dict(parse_qsl(query)))
    assert problems == []
    values = [value for value in demo.grid[moved] if value != getattr(start, moved)]
    (shown,) = re.findall(r'data-values="([^"]*)"', page)
    assert len(json.loads(unescape(shown))) == len(found["sentences"]) == len(values) + 1
    for value in (*values, getattr(start, moved)):
        assert draw(name, start.replace(**{moved: value})).sentence in found["sentences"]


def test_the_whole_site_is_small_enough_to_be_computed_within_a_minute():
    """About 60 ms and 60 kB for each point of a grid, at most."""
    points = [math.prod(map(len, load_demo(name).grid.values())) for name in NAMES]
    assert sum(count > 1 for count in points) >= 5
    assert sum(points) < 400


@pytest.mark.parametrize("name", NAMES)
def test_the_grid_of_a_demo_is_made_of_its_settings(name):
    demo = load_demo(name)
    for setting, values in demo.grid.items():
        assert len({demo.settings().replace(**{setting: value}) for value in values}) == len(values)
