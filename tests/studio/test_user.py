"""What pages do with their settings, without a browser: forms, addresses, lessons."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("nicegui.testing")

from fastapi import Request
from nicegui import ui
from nicegui.functions.navigate import History
from nicegui.testing import user_simulation

from eigenlab.studio.demo_page import demo_page
from eigenlab.studio.demos import load_demo
from eigenlab.studio.jobs import Jobs


class Here:
    """Draws in this process."""

    async def run(self, function, *arguments, listener=None):
        return function(*arguments)


@asynccontextmanager
async def visitor(monkeypatch):
    """A user of one demo, and the addresses that the page has pushed."""
    pushed = []
    monkeypatch.setattr(History, "push", lambda self, address: pushed.append(address))
    async with user_simulation() as user:

        @ui.page("/gradient-flow")
        def page(request: Request) -> None:
            jobs = Jobs(Here)
            demo_page(load_demo("gradient-flow"), Here(), jobs, dict(request.query_params))

        yield user, pushed


def visit(monkeypatch, story):
    async def main():
        async with visitor(monkeypatch) as (user, pushed):
            await story(user, pushed)

    asyncio.run(main())


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
        (number,) = (
            item
            for item in user.find(kind=ui.number).elements
            if "weight scale" in item.props["aria-label"]
        )
        number.set_value(99)
        await user.should_see("weight_scale=99")
        assert pushed == []
        number.set_value(0.5)
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
