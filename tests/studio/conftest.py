"""A studio that serves, and a browser that opens it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from eigenlab.experiments import load_experiment
from eigenlab.lab import run


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """A folder like that of a report, with one short run."""
    folder = tmp_path_factory.mktemp("studio") / "report"
    experiment = load_experiment("gradient-flow")
    config = experiment.config.from_preset("smoke")
    run(experiment, config, folder=folder / "runs" / "gradient-flow")
    return folder


@contextmanager
def serving(folder, *options):
    """The address of a studio in a process of its own."""
    command = [sys.executable, "-m", "eigenlab", "studio", "--no-browser", "--port", "0"]
    environment = {**os.environ, "EIGENLAB_CACHE": str(folder.parent / "cache")}
    with subprocess.Popen(
        [*command, "--folder", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder.parent,
        env=environment,
    ) as process:
        try:
            line = process.stdout.readline()
            assert "http://" in line, line + process.stdout.read()
            yield line.split()[2]
        finally:
            process.terminate()
            process.communicate(timeout=30)


@pytest.fixture(scope="session")
def studio(report):
    with serving(report) as address:
        yield address.rstrip("/")


@pytest.fixture(scope="module")  # while it is open, asyncio has a running loop
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("there is no chromium; install it, or name one in CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Tab:
    """A page whose console errors and requests are kept."""

    def __init__(self, context, address):
        self.page = context.new_page()
        self.address, self.errors, self.foreign = address, [], []
        self.page.set_default_timeout(60_000)  # on a busy machine
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        context.route("**/*", self._route)

    def _console(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def _route(self, route):
        """Cut the network: only this machine answers."""
        url = urlsplit(route.request.url)
        if url.hostname == "127.0.0.1" or url.scheme in ("data", "blob"):
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def open(self, path):
        self.page.goto(self.address + path)
        return self.page

    def drawn(self, panel, trace=0, axis="y"):
        """Numbers that plotly has drawn."""
        find = f"document.querySelector('[data-panel={panel}]')"
        self.page.wait_for_function(f"{find} && {find}._fullData")
        return self.page.evaluate(f"Array.from({find}._fullData[{trace}].{axis})")

    def shows(self, expected, panel, trace=0, axis="y"):
        """Whether plotly comes to draw these numbers; a picture follows its address."""
        for _ in range(200):
            found = self.drawn(panel, trace, axis)
            if found == pytest.approx(expected, rel=1e-9):
                return True
            self.page.wait_for_timeout(100)
        return found == pytest.approx(expected, rel=1e-9)


@pytest.fixture
def tab(browser, studio):
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    opened = Tab(context, studio)
    yield opened
    context.close()
    assert opened.errors == []
    assert opened.foreign == []
