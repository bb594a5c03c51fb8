"""Addresses, differences of figures, tables, drawn texts, the guard, workers and jobs."""

from __future__ import annotations

import asyncio
import io
import itertools
import math
import os
import subprocess
import sys
import time
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.studio.address import Lesson, from_address, to_address
from eigenlab.studio.demos import NAMES, load_demo
from eigenlab.studio.demos.drawn_text import (
    format_pixels,
    parse_numbers,
    parse_pixels,
    parse_points,
)
from eigenlab.studio.demos.gradient_flow import GradientFlowSettings
from eigenlab.studio.drawing import draw, figure_json, read_upload
from eigenlab.studio.guard import Guard
from eigenlab.studio.job_view import job_curves
from eigenlab.studio.jobs import Job, Jobs
from eigenlab.studio.plot import difference
from eigenlab.studio.pool import Pool, WorkerDied
from eigenlab.studio.table import decode, figure_csv

settings = st.builds(
    GradientFlowSettings,
    weight_scale=st.floats(0.05, 3),
    cell=st.sampled_from(["RNN", "LSTM"]),
    last_step_only=st.booleans(),
    sequence=st.text(max_size=20),
    seed=st.integers(0, 99),
)
words = st.text(max_size=40)


@given(settings, words, words, st.sets(st.sampled_from(["seed", "length"])))
def test_an_address_holds_the_whole_state(chosen, title, text, hidden):
    lesson = Lesson(frozenset(hidden), title, text)
    address = to_address("/gradient-flow", chosen, lesson)
    query = dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
    assert from_address(GradientFlowSettings, query) == (chosen, lesson, [])


def test_an_address_names_what_it_has_no_room_for():
    """A server refuses requests of more than 64 kB."""
    demo = load_demo("clustering")
    table = demo.settings().replace(shape="table", table="x,y\n" + "1,2\n" * 10_000)
    assert to_address("/clustering", table) == "/clustering?shape=table&without=table"
    few = demo.settings().replace(shape="own points", points="0.5 0.25; " * 800)
    many = few.replace(points="0.5 0.25; " * 9000)
    for chosen, room in ((few, True), (many, False)):
        address = to_address("/clustering", chosen, Lesson(text="文" * 4000))
        assert len(address) <= 50_000
        settings, _, problems = from_address(
            demo.settings, dict(parse_qsl(urlsplit(address).query))
        )
        assert settings.shape == "own points"
        assert (settings == chosen, not problems) == (room, room)
    assert problems[0].startswith("points had no room in the address: give it again")


@pytest.mark.parametrize("name", NAMES)
def test_no_setting_has_a_name_that_addresses_use(name):
    assert not {"hide", "title", "text", "without", "token"} & set(
        load_demo(name).settings.model_fields
    )


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_settings_of_the_demo(name):
    demo = load_demo(name)
    assert demo.name == name
    assert len(demo.examples) >= 3
    shown = [demo.settings().replace(**example.changes) for example in demo.examples]
    assert all(a != b for a, b in itertools.combinations(shown, 2))


def patched(old, new):
    """What the browser shows after the changes."""
    changes = difference(old, new)
    if changes is None:
        return new
    data, layout = changes
    traces = [{**before, **change} for before, change in zip(old["data"], data, strict=True)]
    return {"data": traces, "layout": {**old["layout"], **(layout or {})}}


@pytest.mark.parametrize(
    "changes", [{"weight_scale": 1.3}, {"length": 20}, {"cell": "LSTM"}, {"inputs": "sine"}]
)
def test_changes_applied_to_the_old_figure_give_the_new_one(changes):
    before = draw("gradient-flow", GradientFlowSettings())
    after = draw("gradient-flow", GradientFlowSettings(**changes))
    for old, new in zip(before.panels, after.panels, strict=True):
        assert patched(old.figure, new.figure) == new.figure


def test_the_same_settings_give_the_same_view():
    chosen = GradientFlowSettings(weight_scale=1.2)
    assert draw("gradient-flow", chosen) == draw("gradient-flow", chosen)


def test_a_table_holds_what_is_drawn():
    figure = go.Figure(go.Scatter(x=np.arange(3), y=np.array([0.5, np.nan, 2.0]), name="a"))
    figure.add_heatmap(z=[[1, 2], [3, 4]], x=["p", "q"], y=[10, 20])
    assert figure_csv(figure_json(figure)).splitlines() == [
        "trace,x,y,z",
        "a,0,0.5,",
        "a,1,,",
        "a,2,2.0,",
        "trace 2,p,10,1",
        "trace 2,q,10,2",
        "trace 2,p,20,3",
        "trace 2,q,20,4",
    ]


def test_a_table_holds_no_formula_of_a_spreadsheet():
    figure = {"data": [{"name": "=cmd()", "x": ["+1"], "y": [-1]}], "layout": {}}
    assert figure_csv(figure).splitlines()[1] == "'=cmd(),'+1,-1,"


def test_binary_arrays_are_decoded():
    array = np.arange(6.0).reshape(2, 3)
    drawn = figure_json(go.Figure(go.Heatmap(z=array)))["data"][0]["z"]
    np.testing.assert_array_equal(decode(drawn), array)


@given(st.lists(st.integers(0, 15), min_size=784, max_size=784))
def test_pictures_survive_their_text(levels):
    rows = [[level / 15 for level in levels[k : k + 28]] for k in range(0, 784, 28)]
    assert parse_pixels(format_pixels(rows)) == rows


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (lambda text: parse_numbers(text, name="x", fewest=2, most=3), "1"),
        (lambda text: parse_numbers(text, name="x", fewest=2, most=3), "1 2 3 4"),
        (lambda text: parse_numbers(text, name="x", fewest=1, most=3), "nan"),
        (lambda text: parse_numbers(text, name="x", fewest=1, most=3), "1e7"),
        (lambda text: parse_numbers(text, name="x", fewest=1, most=3), "__import__('os')"),
        (parse_points, "1 2; 3"),
        (parse_pixels, "f" * 783),
        (parse_pixels, "x" * 784),
    ],
)
def test_texts_that_are_no_drawing_are_refused(parse, text):
    with pytest.raises(InputError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_an_upload_is_numbers_and_nothing_else():
    text = read_upload("../../etc/x.csv", b"<img src=x onerror=alert(1)>,b\n1,2\n3,4\n")
    assert text.splitlines() == ["<img src=x onerror=alert(1)>,b", "1,2", "3,4"]
    with pytest.raises(InputError) as caught:
        read_upload("points.csv", b"no numbers here\n")
    assert "/tmp" not in str(caught.value)


def test_a_parquet_file_is_uploaded_as_its_numbers():
    pandas, stream = pytest.importorskip("pandas"), io.BytesIO()
    table = pandas.DataFrame({"height": [1.5, np.nan], "weight": [60, 62], "name": ["A", "B"]})
    table.to_parquet(stream)
    text = read_upload("people.parquet", stream.getvalue())
    assert text.splitlines() == ["height,weight", "1.5,60", ",62"]


def answer(headers, token="", query="", kind="http"):
    """Status of a request behind the guard; 101 where a web socket passes."""
    sent = []

    async def app(scope, receive, send):
        sent.append(101)
        if kind == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        sent.append(message)

    scope = {
        "type": kind,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "query_string": query.encode(),
    }
    asyncio.run(Guard(app, token)(scope, None, send))
    return sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"host": "127.0.0.1:8765"}, True),
        ({"host": "localhost:8765", "origin": "http://localhost:8765"}, True),
        ({"host": "[::1]:8765"}, True),
        ({"host": "evil.example:8765"}, False),
        ({"host": "127.0.0.1:8765", "origin": "http://evil.example"}, False),
        ({"host": "127.0.0.1:8765", "origin": "http://127.0.0.1:9999"}, False),
        ({}, False),
    ],
)
def test_only_pages_of_this_machine_are_served(kind, headers, passes):
    assert (answer(headers, kind=kind)[0] == 101) is passes


@pytest.mark.parametrize(
    ("query", "cookie", "passes"),
    [
        ("token=secret", "", True),
        ("", "eigenlab-token=secret", True),
        ("", "", False),
        ("token=secre", "", False),
        ("token=", "eigenlab-token=", False),
        ("token=%C3%A9", "", False),
    ],
)
def test_another_host_needs_the_token(query, cookie, passes):
    headers = {"host": "192.168.1.5:8765", "cookie": cookie}
    sent = answer(headers, token="secret", query=query)
    assert (sent[0] == 101) is passes
    if query == "token=secret":
        (cookie,) = (value for name, value in sent[1]["headers"] if name == b"set-cookie")
        assert b"HttpOnly" in cookie
        assert b"SameSite=Strict" in cookie


def die(reporter=None):
    os._exit(1)


def wait(seconds, reporter=None):
    if reporter is not None:
        reporter.stage("waiting")
        reporter.progress(1, 4, "a quarter")
        reporter.metrics({"loss": 0.5}, step=1)
    time.sleep(seconds)
    return os.getpid()


@pytest.fixture(scope="module")
def pool():
    workers = Pool(1)
    yield workers
    workers.close()


def test_a_worker_that_dies_is_replaced_and_named(pool):
    async def main():
        first = await pool.run(wait, 0)
        with pytest.raises(WorkerDied, match="replaced"):
            await pool.run(die)
        return first, await pool.run(wait, 0)

    first, second = asyncio.run(main())
    assert first != second


def test_cancelling_ends_the_work(pool):
    async def main():
        begin = time.monotonic()
        task = asyncio.create_task(pool.run(wait, 60))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await pool.run(wait, 0)
        return time.monotonic() - begin

    assert asyncio.run(main()) < 30


def test_a_job_reports_and_can_be_cancelled(pool):
    async def main():
        jobs = Jobs(lambda: pool)
        job = jobs.start("a", "Wait", wait, 60)
        assert jobs.start("a", "Wait", wait, 60) is job
        for _ in range(600):
            await asyncio.sleep(0.05)
            if job.curves:
                break
        assert (job.stage, job.done, job.total) == ("waiting", 1, 4)
        assert job.curves == {"loss": ([1], [0.5])}
        assert job.seconds_left >= 0
        jobs.cancel(job)
        await asyncio.sleep(0.3)
        finished = jobs.start("b", "Die", die)
        while finished.active:
            await asyncio.sleep(0.05)
        return job.status, finished.status, finished.problem

    cancelled, failed, problem = asyncio.run(main())
    assert (cancelled, failed) == ("cancelled", "failed")
    assert "replaced" in problem


def test_workers_import_no_user_interface():
    code = (
        "import sys; import eigenlab.studio.drawing, eigenlab.studio.results, eigenlab.studio.pool;"
        "print([name for name in ('nicegui', 'fastapi', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loss_and_accuracy_of_a_job_have_axes_of_their_own():
    job = Job("key", "Train")
    job.curves = {
        "training loss": ([1, 2, 3], [200.0, 2.0, 0.02]),
        "test accuracy": ([1, 3], [0.1, 0.9]),
        "test loss": ([1, 3], [300.0, math.nan]),
    }
    figure = job_curves(job)
    axes = {trace.name: trace.yaxis for trace in figure.data}
    assert axes == {"training loss": "y", "test loss": "y", "test accuracy": "y2"}
    assert figure.layout.yaxis2.type is None
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
    assert figure.layout.xaxis.anchor == "y2"
    # A loss that is not finite is a gap on a linear axis, and an accuracy is never logarithmic.
    assert figure.layout.yaxis.type is None
    job.curves["test loss"] = ([1, 3], [300.0, 3.0])
    assert job_curves(job).layout.yaxis.type == "log"
