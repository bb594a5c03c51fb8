"""What the documents say is executed, and where they point exists."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import eigenlab.experiments
from eigenlab.cli import main
from eigenlab.experiments import load_experiment, outlines
from eigenlab.lab import Outcome, run
from eigenlab.report import findings_page, questions_page

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
            keep = named[:2] if named[:1] in (["run"], ["data"], ["names"]) else named[:1]
            assert main([*keep, "--help"]) == 0


def test_the_experiments_of_the_readme_are_those_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", text, re.M)
    assert listed == [(name, ", ".join(outline.questions)) for name, outline in outlines().items()]


def test_the_worked_example_of_contributing_is_an_experiment(monkeypatch, tmp_path, capsys):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    package = tmp_path / "more" / "growth"
    package.mkdir(parents=True)
    modules = re.findall(r"^`(\w+\.py)`\n\n```python\n(.*?)^```$", text, re.M | re.S)
    for name, code in modules:
        (package / name).write_text(code, encoding="utf-8")
    assert len(modules) == 6
    path = [*eigenlab.experiments.__path__, str(package.parent)]
    monkeypatch.setattr(eigenlab.experiments, "__path__", path)
    experiment = load_experiment("growth")
    for preset in experiment.config.presets:
        out = str(tmp_path / preset)
        assert main(["reproduce", "--only", "0a", "--preset", preset, "--out", out]) == 0
        assert "0a.growth-rate" in (tmp_path / preset / "index.html").read_text(encoding="utf-8")
    assert "held" in capsys.readouterr().out
    assert main(["run", "growth", "--steps", "3", "--out", str(tmp_path / "short")]) == 0
    assert "not claimed here" in capsys.readouterr().out
    (claim,) = experiment.claims
    result = run(experiment, experiment.config())
    (changes,) = claim.counterexamples
    record = result.records["growth"].replaced(changes)
    assert claim.evaluate(record).outcome is Outcome.FAILED
    for name in [name for name in sys.modules if name.startswith("eigenlab.experiments.growth")]:
        del sys.modules[name]


def test_the_page_of_questions_is_what_the_experiments_say():
    written = (ROOT / "docs/questions.md").read_text(encoding="utf-8")
    assert written == questions_page(), "run: make docs"


def test_findings_are_exactly_the_claims_documented_as_failed():
    written = (ROOT / "docs/findings.md").read_text(encoding="utf-8")
    assert written == findings_page(), "run: make docs"
    failed = {
        claim.id
        for name in outlines()
        for claim in load_experiment(name).claims
        if claim.documented is Outcome.FAILED
    }
    assert set(re.findall(r"^## `([^`]+)`$", written, re.M)) == failed
