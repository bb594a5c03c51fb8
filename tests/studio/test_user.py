"""What pages do with their settings, without a browser: forms, addresses, lessons."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager

import pytest

pytest.importorskip("nicegui.testing")

from fastapi import Request
from nicegui import ui
from nicegui.functions.navigate import History
from nicegui.testing import user_simulation

from eigenlab.studio.demo_page import demo_page
from eigenlab.studio.demos import load_demo
from eigenlab.studio.jobs import Jobs
from eigenlab.studio.slider import Slider


class Here:
    """Draws in this process, and keeps the settings of what it has drawn."""

    idle = True

    def __init__(self):
        self.drawn = []

    async def run(self, function, *arguments, listener=None):
        self.drawn.append(arguments[-1])
        return function(*arguments)


@asynccontextmanager
async def visitor(monkeypatch):
    """A user of one demo, and the addresses that the page has pushed."""
    pushed = []
    monkeypatch.setattr(History, "push", lambda self, address: pushed.append(address))
    pool = Here()
    async with user_simulation() as user:
        user.pool = pool

        @ui.page("/gradient-flow")
        def page(request: Request) -> None:
            jobs = Jobs(Here)
            demo_page(load_demo("gradient-flow"), pool, jobs, dict(request.query_params))

        yield user, pushed


def visit(monkeypatch, story):
    async def main():
        async with visitor(monkeypatch) as (user, pushed):
            await story(user, pushed)

    asyncio.run(main())


@contextmanager
def weight_scale(user):
    """The slider of this setting, as its events find it."""
    (slider,) = (item for item in user.find(kind=Slider).elements if item.title == "weight scale")
    with slider:
        yield slider


def test_a_wrong_sequence_is_named_and_does_not_enter_the_address(monkeypatch):
    async def story(user, pushed):
        await user.open("/gradient-flow?inputs=own")
        await user.should_see("step 10 to step 1")
        user.find(kind=ui.input, content="sequence").clear().type("1, 2, 3")
        await user.should_see("step 3 to step 1")
        user.find(kind=ui.input, content="sequence").clear().type("1, two")
        await user.should_see("'two' is no number")
        user.find("Reset").click()
        await user.should_not_see("'two' is no number")
        assert pushed[-1] == "/gradient-flow"
        assert "/gradient-flow?inputs=own&sequence=1%2C+2%2C+3" in pushed

    visit(monkeypatch, story)


def test_a_number_out_of_range_is_refused_beside_its_control(monkeypatch):
    async def story(user, pushed):
        await user.open("/gradient-flow")
        await user.should_see("Spectral radius 1.06")
        with weight_scale(user) as slider:
            slider.type(99)
        await user.should_see("weight_scale=99")
        assert pushed == []
        with weight_scale(user) as slider:
            slider.type(0.5)
        await user.should_see("Spectral radius 0.53")
        await user.should_not_see("weight_scale=99")
        assert pushed == ["/gradient-flow?weight_scale=0.5"]

    visit(monkeypatch, story)


def test_a_lesson_keeps_its_words_and_lacks_its_hidden_controls(monkeypatch):
    async def story(user, pushed):
        await user.open("/gradient-flow?hide=seed,activation&title=Why&text=Look+first")
        for words in ("Why", "Look first", "Spectral radius 1.06"):
            await user.should_see(words)
        await user.should_not_see(marker="control-seed")
        await user.should_not_see(marker="control-activation")
        await user.should_see(marker="control-length")
        user.find("Reset").click()
        assert pushed[-1].endswith("?hide=activation%2Cseed&title=Why&text=Look+first")

    visit(monkeypatch, story)


def test_a_control_without_effect_is_not_shown(monkeypatch):
    async def story(user, pushed):
        await user.open("/gradient-flow?inputs=own")
        await user.should_see(marker="control-sequence")
        await user.open("/gradient-flow")
        await user.should_not_see(marker="control-sequence")

    visit(monkeypatch, story)


@pytest.mark.parametrize(("moves", "ahead"), [((1.01, 1.02), 1.03), ((0.99, 0.98), 0.97)])
def test_the_next_step_of_a_slider_is_drawn_ahead(monkeypatch, moves, ahead):
    monkeypatch.setattr("eigenlab.studio.demo_page.AHEAD_AFTER", 0)

    async def story(user, pushed):
        def scales():
            return [settings.weight_scale for settings in user.pool.drawn]

        await user.open("/gradient-flow")
        await user.should_see("Spectral radius 1.06")
        assert scales() == [1.0]
        with weight_scale(user) as slider:
            slider.slide(moves[0], final=False)
        await asyncio.sleep(0.2)
        assert scales() == [1.0, *moves]
        with weight_scale(user) as slider:
            slider.slide(moves[1], final=True)
        await user.should_see(f"Spectral radius {1.0569 * moves[1]:.2f}")
        await asyncio.sleep(0.2)
        assert scales() == [1.0, *moves, ahead]
        user.pool.idle = False
        with weight_scale(user) as slider:
            slider.slide(moves[0], final=False)
        await asyncio.sleep(0.2)
        assert scales() == [1.0, *moves, ahead, moves[0]]

    visit(monkeypatch, story)


def test_nothing_lies_beyond_the_end_of_a_slider(monkeypatch):
    monkeypatch.setattr("eigenlab.studio.demo_page.AHEAD_AFTER", 0)

    async def story(user, pushed):
        await user.open("/gradient-flow?weight_scale=2.9")
        await user.should_see("Spectral radius")
        with weight_scale(user) as slider:
            slider.slide(slider.high, final=True)
        await asyncio.sleep(0.2)
        assert [settings.weight_scale for settings in user.pool.drawn] == [2.9, slider.high]

    visit(monkeypatch, story)


@pytest.mark.parametrize("scale", ["log", "whole", "linear"])
def test_a_slider_knows_its_values(scale):
    """Positions of a logarithmic one are decimal logarithms; three digits are kept."""
    heard = []

    async def main():
        async with user_simulation() as user:

            @ui.page("/")
            def page() -> None:
                Slider(
                    "width",
                    low=0.01,
                    high=100,
                    step=0.5,
                    scale=scale,
                    value=1,
                    slid=lambda value, final: heard.append((value, final)),
                    typed=heard.append,
                )

            await user.open("/")
            (slider,) = user.find(kind=Slider).elements
            assert slider.following() is None
            slider.slide(0.5, final=False)
            slider.slide(0.5, final=True)
            value, forward = {"log": (3.16, 10.0), "whole": (0, None), "linear": (0.5, None)}[scale]
            assert heard == [(value, False), (value, True)]
            assert slider.following() == forward
            for nothing in (None, "1", float("nan"), float("inf")):
                slider.slide(nothing, final=True)
                slider.type(nothing)
            assert len(heard) == 2
            slider.type(1000)
            assert heard[2] == 1000
            assert slider.value == value  # beyond the end, it stays where it is
            slider.show(2)
            assert slider.following() is None

    asyncio.run(main())


def test_a_part_of_a_unit_is_refused_and_not_rounded(monkeypatch):
    """The number would stay as it was typed, beside a picture of another one."""

    async def story(user, pushed):
        await user.open("/gradient-flow")
        await user.should_see("Spectral radius 1.06")
        (slider,) = (s for s in user.find(kind=Slider).elements if s.title == "hidden size")
        with slider:
            slider.type(20.5)
        await user.should_see("hidden_size=20.5")
        assert pushed == []

    visit(monkeypatch, story)
