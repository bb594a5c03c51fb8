"""The studio's web server."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import socket
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from nicegui import ui

from eigenlab.errors import InputError
from eigenlab.plots import figure_script, plotly_script
from eigenlab.studio import results
from eigenlab.studio.check_page import check_page
from eigenlab.studio.demo_page import demo_page
from eigenlab.studio.demos import NAMES, load_demo
from eigenlab.studio.experiment_page import experiments_page, load_page, run_page
from eigenlab.studio.guard import LOOPBACK, Guard
from eigenlab.studio.home import home_page
from eigenlab.studio.jobs import Jobs
from eigenlab.studio.options import Options
from eigenlab.studio.pool import Pool
from eigenlab.studio.runs_page import compare_page, report_page, runs_page

ONE_YEAR = "public, max-age=31536000, immutable"


def serve(options: Options, ready: Callable[[str], Any] | None) -> None:
    """Serve until interrupted (see :func:`eigenlab.studio.serve`)."""
    token = options.token
    if options.host not in LOOPBACK and not token:
        token = secrets.token_urlsafe(24)
    listener = _listen(options.host, options.port)
    port = listener.getsockname()[1]
    shown = f"[{options.host}]" if ":" in options.host else options.host
    address = f"http://{shown}:{port}/" + (f"?token={token}" if token else "")
    pools = Pools()
    pools.quick  # noqa: B018  starts the workers
    _load_all()
    app = _application(pools, options.folder, lambda: ready(address) if ready else None)
    config = uvicorn.Config(
        Guard(app, token), log_level="warning", ws_max_size=2**20, server_header=False
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        pools.close()
        listener.close()


def _load_all() -> None:
    """Import the demos before the first visitor comes, and make garbage collection rare.

    A look at the objects of all modules and pages keeps every visitor waiting for 0.3 s.
    """
    for name in NAMES:
        load_demo(name)
    gc.collect()
    gc.freeze()  # the modules stay
    gc.set_threshold(700, 10, 100)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{host}:{port} cannot be opened: {reason}; choose another --port, or 0 for a free one"
        ) from None
    return listener


class Pools:
    """The worker processes: some that draw, one that trains, started when first needed."""

    def __init__(self) -> None:
        self._quick: Pool | None = None
        self._long: Pool | None = None

    @property
    def quick(self) -> Pool:
        """For pictures that take less than half a second."""
        if self._quick is None:
            workers = max(1, min(4, os.cpu_count() or 1))
            self._quick = Pool(workers, warm="eigenlab.studio.demos.gradient_flow")
        return self._quick

    @property
    def long(self) -> Pool:
        """For trainings and runs, one at a time."""
        if self._long is None:
            self._long = Pool(1)  # on one thread, as `eigenlab run`: the same numbers
        return self._long

    def close(self) -> None:
        """End all workers."""
        for pool in (self._quick, self._long):
            if pool is not None:
                pool.close()


def _application(pools: Pools, folder: Path, ready: Callable[[], Any]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        asyncio.get_running_loop().call_soon(ready)
        yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    _scripts(app)
    _documents(app, pools, folder)
    _pages(pools, Jobs(lambda: pools.long), folder)
    # Tailwind's script looks at all elements after each change, also at 10,000 points of a picture.
    ui.run_with(
        app,
        title="eigenlab studio",
        favicon="λ",
        dark=None,
        tailwind=False,
        show_welcome_message=False,
    )
    return app


def _scripts(app: FastAPI) -> None:
    scripts = {
        "plotly.js": plotly_script(),
        "figure.js": figure_script() + "window.EigenlabFigure = EigenlabFigure;",
    }

    @app.get("/assets/{name}")
    def script(name: str) -> Response:
        if name not in scripts:
            return Response(status_code=404)
        headers = {"Cache-Control": ONE_YEAR if name == "plotly.js" else "no-cache"}
        return Response(scripts[name], media_type="text/javascript", headers=headers)


def _pages(pools: Pools, jobs: Jobs, folder: Path) -> None:
    @ui.page("/")
    def home() -> None:
        home_page(pools.quick, folder)

    @ui.page("/experiments")
    def experiments() -> None:
        experiments_page()

    @ui.page("/experiments/{name}")
    def experiment(name: str, request: Request) -> None:
        load_page(name, jobs, pools.quick, dict(request.query_params))

    @ui.page("/report")
    def report() -> None:
        report_page(folder, pools.quick)

    @ui.page("/runs")
    def runs() -> None:
        runs_page(folder, jobs, pools.quick)

    @ui.page("/check")
    def check() -> None:
        check_page(jobs)

    @ui.page("/compare")
    def compare(first: str = "", second: str = "") -> None:
        compare_page(folder, pools.quick, first, second)

    @ui.page("/runs/{name}")
    def one_run(name: str) -> None:
        run_page(name, folder, pools.quick)

    def add_demo(name: str) -> None:
        @ui.page(f"/{name}")
        def page(request: Request) -> None:
            demo_page(load_demo(name), pools.quick, jobs, dict(request.query_params))

    for name in NAMES:
        add_demo(name)


def _documents(app: FastAPI, pools: Pools, folder: Path) -> None:
    """Pages that are complete documents of their own."""

    @app.get("/report/index.html")
    def whole_report() -> Response:
        path = folder / "index.html"
        if not path.is_file():
            return Response("There is no report yet.", status_code=404)
        return HTMLResponse(path.read_text(encoding="utf-8"))

    @app.get("/runs/{name}/report")
    async def report_of_run(name: str) -> Response:
        found = await pools.quick.run(results.page, folder, name)
        if found is None:
            return Response("There is no run of this name.", status_code=404)
        return HTMLResponse(found)
