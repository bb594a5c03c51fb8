"""The studio in a real browser: every page opens, controls move the numbers, nothing leaves."""

from __future__ import annotations

import math
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch

from eigenlab.graphs import random_walk, rbf_affinity, two_circles
from eigenlab.recurrent import gaussian_rnn, running_average, trace_gradients
from eigenlab.studio.demos import NAMES, load_demo
from eigenlab.training import generator

pytestmark = pytest.mark.slow

SENTENCE = ".sentence"
PAGES = ["/", "/check", "/experiments", "/report", "/runs", "/runs/report-gradient-flow"]
PAGES += ["/experiments/gradient-flow", "/compare?first=report-gradient-flow&second=x"]


def wait_for_sentence(page, words):
    page.wait_for_function(
        "words => document.querySelector('.sentence').innerText.includes(words)", arg=words
    )


def traced(**settings):
    """|dL/dh_t| of the demo's network, from the library."""
    model = gaussian_rnn(
        settings.pop("hidden_size", 32),
        weight_scale=settings.pop("weight_scale", 1.0),
        nonlinearity=settings.pop("activation", "tanh"),
        generator=generator(0, "flow", "network"),
    )
    x, y = running_average(
        2, settings.pop("length", 50), generator=generator(0, "flow", "data"), dtype=torch.float64
    )
    assert not settings
    return trace_gradients(model, x, y, last_step_only=True).gradient_norms[0].tolist()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [1300, 390])
def test_every_page_opens_and_fits_the_screen(tab, path, width):
    tab.page.set_viewport_size({"width": width, "height": 800})
    page = tab.open(path)
    page.wait_for_selector("h1, [role=heading]")
    page.wait_for_timeout(600)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "Traceback" not in page.content()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_demo_opens_light_and_dark(tab, name, scheme):
    tab.page.emulate_media(color_scheme=scheme)
    page = tab.open(f"/{name}")
    page.wait_for_function("document.querySelector('.sentence').innerText != 'Drawing …'")
    if load_demo(name).preparation is None:
        page.wait_for_selector(".plot .main-svg")
    else:
        page.wait_for_selector(".result button")
    is_dark = page.evaluate("document.body.classList.contains('body--dark')")
    assert is_dark == (scheme == "dark")
    unlabelled = "b => !b.innerText.trim() && !b.getAttribute('aria-label')"
    count = f"[...document.querySelectorAll('button')].filter({unlabelled}).length"
    assert page.evaluate(count) == 0


def test_a_slider_moves_the_numbers_to_those_of_the_library(tab):
    page = tab.open("/gradient-flow")
    wait_for_sentence(page, "Spectral radius 1.06")
    assert tab.shows(traced(), "norms", 1)
    page.locator("[type=range][aria-label='weight scale']").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    wait_for_sentence(page, "Spectral radius 1.12")
    assert tab.shows(traced(weight_scale=1.05), "norms", 1)
    page.wait_for_url("**/gradient-flow?weight_scale=1.05")


def test_a_slider_and_its_number_show_the_same(tab):
    page = tab.open("/clustering?gamma=10")
    wait_for_sentence(page, "gamma 10:")
    number = page.get_by_label("gamma, as a number")
    slider = page.locator("[type=range][aria-label='gamma']")

    def shown():
        return number.input_value(), slider.input_value(), slider.get_attribute("aria-valuetext")

    assert shown() == ("10", "1", "10")
    number.fill("1")
    wait_for_sentence(page, "gamma 1:")
    assert shown() == ("1", "0", "1")
    number.fill("5000")
    page.wait_for_function("document.body.innerText.includes('gamma=5000: input should be')")
    assert shown() == ("5000", "0", "1")
    slider.focus()
    page.keyboard.press("End")
    wait_for_sentence(page, "gamma 100:")
    assert shown() == ("100", "2", "100")
    page.go_back()
    wait_for_sentence(page, "gamma 1:")
    assert shown() == ("1", "0", "1")


def test_each_kind_of_control_changes_picture_and_address(tab):
    page = tab.open("/gradient-flow")
    wait_for_sentence(page, "Spectral radius 1.06")
    page.get_by_role("button", name="identity", exact=True).click()
    page.wait_for_url("**activation=identity*")
    assert tab.shows(traced(activation="identity"), "norms", 1)
    page.get_by_label("length (steps), as a number").fill("20")
    page.wait_for_url("**length=20*")
    page.get_by_role("switch", name="last step only").click()
    page.wait_for_url("**last_step_only=false*")
    page.get_by_role("combobox", name="inputs").click()
    page.get_by_role("option", name="own").click()
    page.wait_for_url("**inputs=own*")
    wait_for_sentence(page, "step 10 to step 1")
    page.get_by_role("textbox", name="sequence").fill("1, 2, 3")
    wait_for_sentence(page, "step 3 to step 1")
    page.get_by_role("textbox", name="sequence").fill("1, two")
    page.get_by_text("'two' is no number").wait_for()


def test_drawing_a_curve_changes_the_inputs(tab):
    page = tab.open("/gradient-flow?inputs=own&sequence=0,0,0,0")
    wait_for_sentence(page, "no gradient")
    page.locator(".pad img").scroll_into_view_if_needed()
    box = page.locator(".pad img").bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**sequence=1%2C*")
    query = parse_qs(urlsplit(page.url).query)
    assert query["sequence"][0].split(", ")[1:] == ["0", "0", "0"]
    first = float(query["sequence"][0].split(", ")[0])
    assert first == pytest.approx(1.0, abs=0.1)


def test_a_link_restores_the_state_and_back_leads_back(tab):
    page = tab.open("/gradient-flow?weight_scale=0.5&length=20")
    wait_for_sentence(page, "Spectral radius 0.53")
    assert tab.shows(traced(weight_scale=0.5, length=20), "norms", 1)
    page.get_by_role("button", name="2. It explodes").click()
    wait_for_sentence(page, "It explodes")
    page.go_back()
    wait_for_sentence(page, "Spectral radius 0.53")
    page.reload()
    wait_for_sentence(page, "Spectral radius 0.53")


def test_a_lesson_hides_controls_and_shows_its_words_as_text(tab):
    page = tab.open(
        "/gradient-flow?hide=seed,length&title=<b>Ours</b>&text=<img src=x onerror=alert(1)>"
    )
    wait_for_sentence(page, "Spectral radius")
    assert page.get_by_text("<b>Ours</b>").count() == 1
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("[type=range][aria-label='seed']").count() == 0
    assert page.locator("[type=range][aria-label='hidden size']").count() == 1


def test_what_an_address_cannot_mean_is_said(tab):
    page = tab.open("/gradient-flow?weight_scale=nine&colour=red")
    wait_for_sentence(page, "Spectral radius 1.06")
    assert page.get_by_text("weight_scale='nine'").count() == 1
    assert page.get_by_text("'colour' in the address is no setting").count() == 1


def test_pictures_and_numbers_can_be_taken_away(tab):
    page = tab.open("/gradient-flow")
    wait_for_sentence(page, "Spectral radius")
    for format, start in (("CSV", b"trace,x,y,z"), ("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        page.get_by_role("button", name="Download: Eigenvalues").click()
        with page.expect_download() as download:
            page.get_by_text(format, exact=True).last.click()
        with open(download.value.path(), "rb") as file:
            assert file.read(60).startswith(start)
        page.keyboard.press("Escape")


def test_no_button_of_a_picture_leads_outside(tab):
    page = tab.open("/gradient-flow")
    wait_for_sentence(page, "Spectral radius")
    page.wait_for_selector(".modebar-btn", state="attached")
    titles = page.evaluate(
        "[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title || b.title)"
    )
    assert {re.sub(r"\W+", " ", title).strip().lower() for title in titles} <= {
        "zoom",
        "pan",
        "reset axes",
        "download plot as a png",
        "download plot as png",
        "download plot",
    }
    links = page.evaluate("[...document.querySelectorAll('a[href^=http]')].map(a => a.href)")
    assert all(urlsplit(link).hostname == "127.0.0.1" for link in links)


DRAWN = """plots => plots.slice(0, 4).map(plot => {
    const full = plot._fullLayout, style = element => getComputedStyle(element);
    const shapes = [...plot.querySelectorAll('.plot path, .heatmaplayer image, .shapelayer path')];
    const words = [...plot.querySelectorAll('.main-svg text')];
    const axes = Object.keys(full).filter(key => /^[xy]axis/.test(key));
    return [plot.getAttribute('aria-label').split('. ')[0], {
        size: [plot.clientWidth, plot.clientHeight],
        ranges: axes.map(key => [key, full[key].type, full[key].range]),
        shapes: shapes.map(item => [
            item.getAttribute('d') || item.getAttribute('href'), item.getAttribute('transform'),
            style(item).stroke, style(item).fill, style(item).strokeDasharray,
        ]),
        words: words.map(item => [
            item.textContent, item.getAttribute('x'), item.getAttribute('y'),
            style(item).fill, style(item).fontSize, style(item).fontFamily,
        ]),
    }];
})"""


WIDE = """addEventListener('DOMContentLoaded', () => {
    const style = document.createElement('style');
    style.textContent = 'figure > .plot { width: 640px !important }';
    document.head.append(style);
})"""


def test_a_figure_looks_the_same_in_the_report_and_in_the_studio(tab):
    """Every stroke, colour, word and axis of figures of a run, drawn at the same width."""
    tab.page.add_init_script(WIDE)
    drawn = []
    for path in ("/runs/report-gradient-flow/report", "/runs/report-gradient-flow"):
        tab.page.emulate_media(color_scheme="light")
        page = tab.open(path)
        page.wait_for_selector("figure > .plot .main-svg")
        plots = page.locator("figure > .plot")
        for plot in plots.all()[:4]:  # the report draws what comes near
            plot.scroll_into_view_if_needed()
            plot.locator(".main-svg").first.wait_for()
        found = {}
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(500)
            for title, figure in plots.evaluate_all(DRAWN):
                found[title, scheme] = figure
        drawn.append(found)
    report, studio = drawn
    shared = report.keys() & studio.keys()  # the report orders them by question
    assert len(shared) >= 6
    assert sum(len(report[key]["shapes"]) for key in shared) > 50
    for key in shared:
        for part, expected in report[key].items():
            assert studio[key][part] == expected, (*key, part)
    title = next(iter(shared))[0]
    assert report[title, "light"]["words"] != report[title, "dark"]["words"]


def test_an_experiment_runs_is_cancelled_and_shows_its_claims(tab):
    page = tab.open("/experiments/gradient-flow")
    page.get_by_role("button", name="smoke").click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Run runs-gradient-flow: finished").wait_for(timeout=60_000)
    assert page.locator(".verdict-held").count() >= 5
    page.get_by_role("button", name="full").click()
    page.get_by_label("n networks").fill("1000")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text(": cancelled").wait_for()


def test_a_claim_says_where_it_does_not_apply(tab):
    page = tab.open("/experiments/gradient-statistics")
    page.get_by_role("button", name="smoke").click()
    page.locator(".verdict-not-claimed, .verdict-claimed").first.wait_for()
    assert page.locator(".verdict-not-claimed").count() + page.locator(".verdict-claimed").count()


NOTEBOOK = """
import numpy as np

def get_adjacency_matrix(gamma, X):
    return np.exp(gamma * ((X[:, None] - X[None]) ** 2).sum(axis=-1))  # lacks a minus sign
"""


def test_a_students_file_is_checked_and_its_mistake_named(tab):
    page = tab.open("/check")
    file = {"name": "../x.py", "mimeType": "text/x-python", "buffer": NOTEBOOK.encode()}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text("the sign of the exponent").wait_for(timeout=60_000)
    assert page.get_by_text("5b get_adjacency_matrix: failed").count() == 1
    page.wait_for_function("document.querySelector('.plot')?.data?.length === 2")
    yours, right = page.evaluate(
        "document.querySelector('.plot')._fullData.map((t) => [t.z[0][1], t.z[1][0]].map(Number))"
    )
    assert yours == pytest.approx([math.exp(0.7)] * 2)  # of the points (0, 0) and (1, 0)
    assert right == pytest.approx([math.exp(-0.7)] * 2)


def test_an_upload_that_is_no_table_is_told(tab):
    page = tab.open("/clustering?shape=table")
    page.locator("input[type=file]").first.wait_for(state="attached")
    for content in (b"", b"<img src=x onerror=alert(1)>\nno,numbers\n", b"\x00\xff\x00"):
        file = {"name": "points.csv", "mimeType": "text/csv", "buffer": content}
        page.locator("input[type=file]").first.set_input_files(file)
        page.locator(".control .problem:visible").first.wait_for()
    assert page.locator("img[src=x]").count() == 0


def test_a_network_is_trained_on_pasted_and_on_uploaded_numbers(tab):
    page = tab.open("/train-rnn?task=own+numbers&length=3&hidden_size=4&updates=50&compare=true")
    page.get_by_role("textbox", name="numbers").fill("1, two")
    page.get_by_text("numbers: 'two' is no number").wait_for()
    assert page.get_by_role("button", name="Train the network").count() == 0
    column = [k * k % 7 for k in range(20)]
    page.get_by_role("textbox", name="numbers").fill("\n".join(map(str, column)))
    page.get_by_role("button", name="Train the network").click()
    wait_for_sentence(page, "After 50 updates")
    assert tab.shows(column[17:], "predictions")
    assert len(tab.drawn("loss", 1)) == len(tab.drawn("loss", 0)) > 5
    page.get_by_role("button", name="own table").click()
    page.wait_for_url("**task=own+table*")
    rows = "".join(f"{k},{10 * value}\n" for k, value in enumerate(column))
    file = {"name": "a.csv", "mimeType": "text/csv", "buffer": b"day,sales\n" + rows.encode()}
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text("the table has 2 columns of numbers: day, sales").wait_for()
    page.get_by_role("textbox", name="column").fill("sales")
    page.get_by_role("button", name="Train the network").click()
    assert tab.shows([10 * value for value in column[17:]], "predictions")
    assert "sales" in parse_qs(urlsplit(page.url).query)["column"]
    assert "table=" not in page.url


def test_the_random_walk_is_played_and_paused_by_the_keyboard(tab):
    page = tab.open("/clustering?n_points=60&steps=0")
    wait_for_sentence(page, "gamma 30")
    steps = page.get_by_label("random walk (steps), as a number")
    page.get_by_role("button", name="Play: random walk (steps)").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("element => Number(element.value) >= 3", arg=steps.element_handle())
    page.get_by_role("button", name="Pause: random walk (steps)").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Play: random walk (steps)").wait_for()
    shown = int(steps.input_value())
    page.wait_for_url(f"**steps={shown}*")
    page.wait_for_timeout(800)
    assert int(steps.input_value()) == shown
    X, _ = two_circles(60, 0)
    probability = random_walk(rbf_affinity(X, 30.0), 0, [shown])[0]
    colours = "document.querySelector('[data-panel=walk]')._fullData[0].marker.color"
    expected = np.log10(np.maximum(probability, 1e-6))
    assert page.evaluate(f"Array.from({colours})") == pytest.approx(expected, abs=1e-5)
    # Moved by hand, it pauses.
    page.get_by_role("button", name="Play: random walk (steps)").click()
    page.get_by_role("button", name="Pause: random walk (steps)").wait_for()
    steps.fill("100")
    page.get_by_role("button", name="Play: random walk (steps)").wait_for()
    page.wait_for_url("**steps=100*")


def test_a_picture_without_room_is_drawn_when_it_has_some(tab):
    page = tab.open("/clustering?n_points=60")
    style = page.add_style_tag(content=".plot { width: 26px }")
    page.wait_for_selector("[data-panel=walk]", state="attached")
    page.wait_for_timeout(1000)
    style.evaluate("style => style.remove()")
    page.wait_for_selector("[data-panel=walk] .main-svg")
    page.wait_for_function(
        "document.querySelector('[data-panel=walk] .main-svg').clientWidth > 200"
    )
