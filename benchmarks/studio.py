"""The studio in headless Chromium: from a moved slider to the redrawn picture, and under load.

    python benchmarks/studio.py [latency] [render] [start] [memory] [tabs]

``latency`` presses the arrow key on a slider and waits until the pictures that change are drawn,
those in sight and all of them: step by step in one direction, where the page has computed the next
picture ahead, and to and fro, where it has not;
``render`` times, in the same page and in turn, what the studio does with a new figure beside a
plain full re-render (``Plotly.newPlot``); ``start`` the first page; ``memory`` a thousand moves;
``tabs`` ten tabs at once, and the light pages for fifty visitors. It needs playwright and Chromium.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

from _side_by_side import RESULTS, store
from eigenlab.files import read_json

#: Page: settings of the goal, slider that is moved, and the picture that the page is scrolled to:
#: those at the top of clustering show clusters, which seldom change.
CASES = {
    "gradient-flow": ("length=100&hidden_size=32", "weight scale", ""),
    "clustering": ("n_points=2000", "gamma", "spectrum"),
}
MOVES = 40
PAUSE = 1000  # milliseconds between two moves: a single one, not a drag
DRAWN = ".plot .main-svg"

_WATCH = """() => {
  window.drawn = window.seen = 0;
  const inSight = (plot) => {
    const { top, bottom } = plot.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };
  for (const plot of document.querySelectorAll('.plot'))
    plot.on('plotly_afterplot', () => {
      window.drawn = performance.now();
      if (inSight(plot)) window.seen = window.drawn;
    });
  const press = () => { window.pressed = performance.now(); window.drawn = window.seen = 0; };
  addEventListener('keydown', press, true);
}"""
_RENDER = """async (full) => {
  const plots = [...document.querySelectorAll('.plot')];
  const begin = performance.now();
  for (const plot of plots) {
    const data = structuredClone(plot.data);
    const layout = Object.assign({}, plot.layout);
    await (full ? Plotly.newPlot(plot, data, layout) : Plotly.react(plot, data, layout));
  }
  return performance.now() - begin;
}"""


@contextmanager
def studio() -> Iterator[tuple[str, int]]:
    """The address and process number of a studio."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "eigenlab", "studio", "--no-browser", "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[2].rstrip("/"), process.pid
        finally:
            process.terminate()
            process.wait()


def summary(samples: list[float]) -> dict[str, Any]:
    """Median, 95th percentile and the samples, in milliseconds."""
    ordered = sorted(samples)
    cuts = quantiles(ordered, n=20)
    return {"p50_ms": cuts[9], "p95_ms": cuts[18], "samples_ms": [round(s, 2) for s in samples]}


def opened(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(address)
    page.wait_for_selector(DRAWN)
    page.wait_for_timeout(3000)
    return page


#: Keys pressed in turn: the first few in one direction, or back with every second one.
WAYS = {
    "onward": ["ArrowRight"] * 10 + ["ArrowLeft"] * 10,
    "to and fro": ["ArrowRight", "ArrowLeft"],
}


def latency(browser: Browser, address: str, _: int) -> dict[str, Any]:
    """From the key press to the last picture drawn, of those in sight and of all."""
    rows: dict[str, Any] = {}
    for name, (query, label, panel) in CASES.items():
        page = opened(browser, f"{address}/{name}?{query}")
        page.locator(f"[type=range][aria-label='{label}']").focus()
        if panel:
            page.evaluate(
                "name => document.querySelector(`[data-panel=${name}]`).scrollIntoView()", panel
            )
        page.evaluate(_WATCH)
        rows[name] = {"query": query, "slider": label, "moves": MOVES}
        for way, keys in WAYS.items():
            seen, drawn = [], []
            for move in range(MOVES + 5):
                page.keyboard.press(keys[move % len(keys)])
                page.wait_for_timeout(PAUSE)
                if move >= 5:
                    seen.append(page.evaluate("window.seen - window.pressed"))
                    drawn.append(page.evaluate("window.drawn - window.pressed"))
            rows[name][way] = {
                "in sight": summary([each for each in seen if each > 0]),
                "all": summary([each for each in drawn if each > 0]),
            }
        page.close()
    return rows


def render(browser: Browser, address: str, _: int) -> dict[str, Any]:
    """The same figures drawn in place and anew, in turn."""
    rows = {}
    for name, (query, *_) in CASES.items():
        page = opened(browser, f"{address}/{name}?{query}")
        samples: dict[str, list[float]] = {"in place": [], "anew": []}
        for _round in range(20):
            for way, full in (("in place", False), ("anew", True)):
                samples[way].append(page.evaluate(_RENDER, full))
        ratios = sorted(a / b for a, b in zip(samples["anew"], samples["in place"], strict=True))
        rows[name] = {way: summary(values) for way, values in samples.items()}
        rows[name]["ratio"] = ratios[len(ratios) // 2]
        page.close()
    return rows


def start(browser: Browser, address: str, _: int) -> dict[str, Any]:
    """From the address to the first picture of a new visitor, nothing cached."""
    rows = {}
    for path in ("/", "/gradient-flow"):
        samples = []
        for _round in range(8):
            context = browser.new_context()
            page = context.new_page()
            begin = time.perf_counter()
            page.goto(address + path)
            page.wait_for_selector(DRAWN)
            samples.append(1e3 * (time.perf_counter() - begin))
            context.close()
        rows[path] = summary(samples)
    return rows


def memory(browser: Browser, address: str, process: int) -> dict[str, Any]:
    """Resident memory of server and workers, and the heap of the page, while a slider moves."""
    page = opened(browser, f"{address}/gradient-flow")
    page.locator("[type=range][aria-label='weight scale']").focus()
    rows = []
    for move in range(1001):
        if move % 100 == 0:
            heap = page.evaluate("performance.memory ? performance.memory.usedJSHeapSize : 0")
            rows.append({"moves": move, "resident_mb": resident(process), "heap_mb": heap / 1e6})
        page.keyboard.press("ArrowRight" if move % 60 < 30 else "ArrowLeft")
        page.wait_for_timeout(120)
    page.close()
    return {"rows": rows}


def resident(process: int) -> float:
    """Of a process and its children, in megabytes."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (int(entry.name) == process or parent(entry) == process):
            pages = int((entry / "statm").read_text().split()[1])
            total += pages * os.sysconf("SC_PAGE_SIZE")
    return total / 1e6


def parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return -1


def tabs(browser: Browser, address: str, _: int) -> dict[str, Any]:
    """Ten tabs whose sliders move in turn without pause; fifty visitors of the light pages."""
    pages = [opened(browser, f"{address}/gradient-flow") for _ in range(10)]
    for page in pages:
        page.evaluate(_WATCH)
        page.locator("[type=range][aria-label='weight scale']").focus()
    samples = []
    for _round in range(8):
        for page in pages:
            page.keyboard.press("ArrowRight")
        for page in pages:
            page.wait_for_function("window.drawn > 0")
            samples.append(page.evaluate("window.drawn - window.pressed"))
        pages[0].wait_for_timeout(300)
    for page in pages:
        page.close()
    return {
        "ten tabs": summary(samples),
        "fifty visitors": {p: visits(address + p) for p in ("/", "/runs", "/experiments")},
    }


def visits(url: str, visitors: int = 50, rounds: int = 4) -> dict[str, Any]:
    """Fifty visitors who each open a page within the same ten seconds."""

    def visit() -> float:
        begin = time.perf_counter()
        with urlopen(url) as answer:
            answer.read()
        return 1e3 * (time.perf_counter() - begin)

    async def visitor(number: int) -> list[float]:
        found = []
        for _round in range(rounds):
            await asyncio.sleep(10 / rounds * ((number * 7919 % visitors) / visitors))
            found.append(await asyncio.to_thread(visit))
        return found

    async def all_visitors() -> list[list[float]]:
        return await asyncio.gather(*map(visitor, range(visitors)))

    with ThreadPoolExecutor(1) as other:  # this thread has playwright's event loop
        found = other.submit(asyncio.run, all_visitors()).result()
    return summary([sample for samples in found for sample in samples])


PARTS = {"latency": latency, "render": render, "start": start, "memory": memory, "tabs": tabs}


def main() -> None:
    chosen = sys.argv[1:] or list(PARTS)
    path = RESULTS / "studio.json"
    parts = read_json(path)["parts"] if path.exists() else {}
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright, studio() as (address, process):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in chosen:
            parts[name] = PARTS[name](browser, address, process)
            print(name, brief(parts[name]), flush=True)
        version = browser.version
        browser.close()
    store("studio", {"chromium": version, "parts": parts})


def brief(found: Any) -> Any:
    """Without the single samples."""
    if isinstance(found, dict):
        return {k: brief(v) for k, v in found.items() if k != "samples_ms"}
    return round(found, 1) if isinstance(found, float) else found


if __name__ == "__main__":
    main()
