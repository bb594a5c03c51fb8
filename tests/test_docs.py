"""What the documents say is executed, and where they point exists."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from eigenlab.cli import main
from eigenlab.experiments import TABLE, Row, load_experiment
from eigenlab.lab import Outcome
from eigenlab.report import findings_page

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [body for kind, body in BLOCK.findall(text) if kind == language]


def anchor(heading: str) -> str:
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.strip().replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = BLOCK.sub("", document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        place, _, fragment = target.partition("#")
        file = (document.parent / place) if place else document
        assert file.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
            assert fragment in {anchor(heading) for heading in headings}, target


@pytest.mark.parametrize(
    "document",
    [d for d in map(str, DOCUMENTS) if "CONTRIBUTING" not in d and blocks(d, "python")],
    ids=lambda path: Path(path).name,
)
def test_the_python_of_a_document_runs(document, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    scope = {"__name__": "document"}
    for code in blocks(document, "python"):
        exec(compile(code, document, "exec"), scope)


def test_the_commands_of_the_readme_exist():
    commands = [
        line.partition("#")[0].split()
        for code in blocks("README.md", "sh")
        for line in code.splitlines()
        if line.startswith(("eigenlab ", "make "))
    ]
    assert len(commands) >= 4
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for program, *words in commands:
        if program == "make":
            assert words[0] in targets
        else:
            named = [word for word in words if not word.startswith("-")]
            keep = named[:2] if named[0] in ("run", "data", "names") else named[:1]
            assert main([*keep, "--help"]) == 0


def test_the_experiments_of_the_readme_are_those_of_the_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, row in TABLE.items():
        assert f"| `{name}` | {', '.join(row.source)} |" in text, name


def test_the_worked_example_of_contributing_is_an_experiment(monkeypatch, tmp_path, capsys):
    source, row = blocks("CONTRIBUTING.md", "python")
    module = types.ModuleType("eigenlab.experiments.growth")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, "growth.py", "exec"), module.__dict__)
    rows = eval("{" + row + "}", {"Row": Row})
    monkeypatch.setitem(TABLE, "growth", rows["growth"])
    experiment = load_experiment("growth")
    assert (experiment.title, experiment.source) == (rows["growth"].title, rows["growth"].source)
    monkeypatch.chdir(tmp_path)
    for preset in experiment.config.presets:
        assert main(["reproduce", "--only", "0a", "--preset", preset, "--out", preset]) == 0
        assert "0a.growth-rate" in (tmp_path / preset / "index.html").read_text(encoding="utf-8")
    assert "held" in capsys.readouterr().out


def test_findings_are_exactly_the_claims_documented_as_failed():
    written = (ROOT / "docs/findings.md").read_text(encoding="utf-8")
    assert written == findings_page(), "run: make docs"
    failed = {
        claim.id
        for name in TABLE
        for claim in load_experiment(name).claims
        if claim.documented is Outcome.FAILED
    }
    assert set(re.findall(r"^## `([^`]+)`$", written, re.M)) == failed
