"""The documentation site: its examples run, and its pages are complete."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import sys
from pathlib import Path

import plotly.graph_objects as go
import pytest

import eigenlab

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs/site"))
build = importlib.import_module("build")
examples = importlib.import_module("examples")
sys.path.pop(0)

LONGEST = 40  # lines
PACKAGES = [f"eigenlab.{name}" for name in build.public_modules()]


def test_every_example_is_in_the_gallery_and_in_the_list_of_the_repository():
    files = sorted(file.stem for file in examples.FOLDER.glob("*.py"))
    assert sorted(examples.NAMES) == files
    listed = re.findall(
        r"^- \[(.+)\]\((\w+)\.py\)$", (examples.FOLDER / "README.md").read_text("utf-8"), re.M
    )
    assert listed == [(examples.read(name).title, name) for name in examples.NAMES]


@pytest.mark.parametrize("name", examples.NAMES)
def test_an_example_is_short_and_runs_without_warnings(name):
    example = examples.read(name)
    assert example.title
    assert example.text
    assert len(example.code.splitlines()) <= LONGEST
    printed, figures = examples.run(name)
    assert printed
    assert figures
    page = build.example_page(example, printed, figures)
    assert example.code in page
    assert page.count("application/json") == len(figures)


def test_a_figure_cannot_end_its_script():
    figure = go.Figure(layout={"title": "</script><b>"})
    html = examples.figure_html(figure)
    assert html.count("</script>") == 1
    data = re.search(r'json">(.*)</script>', html)[1]
    assert json.loads(data)["layout"]["title"]["text"] == "</script><b>"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_reference_has_every_public_name(package):
    page = build.reference_page(package)
    names = set(re.findall(rf"^\.\. auto\w+:: {package}\.(\w+)$", page, re.M))
    assert names >= set(getattr(importlib.import_module(package), "__all__", ()))
    assert names


def test_the_reference_has_every_package():
    packages = {module.name for module in pkgutil.iter_modules(eigenlab.__path__) if module.ispkg}
    assert {f"eigenlab.{name}" for name in packages - {"cli"}} <= set(PACKAGES)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](tables.md#what-is-read)", "[a](tables.md#what-is-read)"),
        ("[a](../CONTRIBUTING.md)", "[a](contributing.md)"),
        ("[a](examples/README.md)", "[a](examples/index.md)"),
        ("[a](examples/two_rings.py)", "[a](examples/two_rings.md)"),
        ("[a](https://example.org)", "[a](https://example.org)"),
        ("[a](#section)", "[a](#section)"),
        ("![a](images/gradient-flow.png)", "![a](images/gradient-flow.png)"),
        (
            "[`a`](../src/eigenlab/files.py)",
            '<a href="source/src/eigenlab/files.py.html"><code>a</code></a>',
        ),
        ("```\n[a](../nowhere.md)\n```", "```\n[a](../nowhere.md)\n```"),
    ],
)
def test_links_of_the_repository_become_links_of_the_site(link, expected):
    assert build.Links().rewrite(link, "docs/traces.md") == expected


def test_a_link_that_leads_nowhere_stops_the_build():
    with pytest.raises(SystemExit, match=r"docs/traces\.md: the link to \.\./nowhere\.md"):
        build.Links().rewrite("[a](../nowhere.md)", "docs/traces.md")


def test_notebooks_share_the_plotly_of_the_site(monkeypatch, tmp_path):
    monkeypatch.setattr(build, "SOURCE", tmp_path / "source")
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path / "solutions")
    build.copy_notebooks()
    assert "without" in (tmp_path / "source/notebooks/index.md").read_text("utf-8")
    figure = go.Figure(go.Scatter(y=[1, 2])).to_plotly_json()
    figure["data"][0]["y"] = [1, 2]
    data = {
        "application/vnd.plotly.v1+json": {**figure, "config": {}},
        "text/html": "<script>every cell holds plotly.js</script>",
    }
    shown = {"output_type": "display_data", "metadata": {}, "data": data}
    code = {"cell_type": "code", "source": "", "metadata": {}, "outputs": [shown]}
    text = {
        "cell_type": "markdown",
        "source": ["# 1a\n", "[gone](nowhere.md) [self](one.ipynb)"],
        "metadata": {},
    }
    notebook = {"cells": [text, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions/one.ipynb").write_text(json.dumps(notebook), "utf-8")
    build.copy_notebooks()
    copy = json.loads((tmp_path / "source/notebooks/one.ipynb").read_text("utf-8"))
    assert copy["cells"][0]["source"] == "# 1a\ngone [self](one.ipynb)"
    (output,) = copy["cells"][1]["outputs"]
    assert list(output["data"]) == ["text/html"]
    assert output["data"]["text/html"].startswith('<div class="plot"')
    assert "\none\n" in (tmp_path / "source/notebooks/index.md").read_text("utf-8")
