"""The page: self-contained, escaped, reproducible, accessible."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from eigenlab.lab import Check, Claim, ClaimResult, Outcome, Record, run
from eigenlab.report import collect, command_for, python_for, render
from eigenlab.report.page import (
    ERROR,
    FAILED,
    FINDING,
    HELD,
    NOT_CLAIMED,
    NOT_RUN,
    UNEXPECTED,
    _Claim,
    _Table,
    verdict,
)

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Collects what the tests ask about, and checks that tags are balanced."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(page)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    def of(self, *names):
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
def folder(toy, tmp_path):
    run(toy, toy.config.from_preset("course"), folder=tmp_path / "runs" / "toy")
    return tmp_path


@pytest.fixture
def page(folder):
    return render(collect(folder))


def test_the_page_makes_no_request(page):
    outline = Outline(page)
    for attributes in outline.of("script", "img", "iframe", "source", "video"):
        assert "src" not in attributes
    assert [a["href"] for a in outline.of("link")] == ["data:,"]
    assert all(a["href"].startswith("#") for a in outline.of("a"))
    style = re.search(r"<style>(.*?)</style>", page, re.S).group(1)
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [a["content"] for a in outline.of("meta") if "http-equiv" in a]
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_plotly_is_there_once(page):
    assert page.count("plotly.js v") == 1


def test_the_page_has_at_most_the_size_of_a_mail_attachment(page):
    assert len(page.encode()) < 7_000_000


def test_text_is_escaped_everywhere(page):
    assert "<script>alert" not in page
    assert "alert('x')</script>" not in page
    assert "It counts and averages. <script>alert('x')</script> & \"quotes\"" in Outline(page).text


def test_the_same_results_give_the_same_page(folder, page):
    assert render(collect(folder)) == page


def test_identifiers_are_unique_and_links_lead_somewhere(page):
    outline = Outline(page)
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in outline.of("a")} <= set(ids)
    labels = {
        attributes["aria-labelledby"]
        for _, attributes in outline.tags
        if "aria-labelledby" in attributes
    }
    assert labels <= set(ids)


def test_headings_descend_without_gaps(page):
    levels = [int(tag[1]) for tag, _ in Outline(page).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_claim_shows_statement_outcome_evidence_and_source(page):
    text = Outline(page).text
    assert "2 held" in text
    assert "1 failed as documented: findings" in text
    assert "9b.large ✗ failed, as documented The mean of the sizes is at least ten." in text
    assert "mean 2 ≥ 10 ✗ no The text says ten; the mean is two." in text
    assert "mean 2 = 2 ± 1e-9 ✓ yes" in text
    assert "Source: 9b (course) · 3 seeds" in text


def test_the_figure_has_a_label_and_carries_no_theme_of_its_own(page):
    (plot,) = [a for a in Outline(page).of("div") if a.get("class") == "plot"]
    assert plot["role"] == "img"
    assert plot["aria-label"] == "Sizes. The 2 sizes that are averaged."
    blocks = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)
    figure, themes = (json.loads(block) for block in blocks)
    assert figure["data"][0]["y"] == [1.0, 3.0]
    assert "template" not in figure["layout"]
    assert set(themes) == {"light", "dark"}


def test_the_page_says_how_to_run_it_again(page):
    text = Outline(page).text
    assert "eigenlab run toy --preset course" in text
    assert 'load_experiment("toy")' in text


def test_the_command_and_the_python_lines_rebuild_the_config(toy):
    from eigenlab.cli.app import build

    config = toy.config.from_preset("full", seed=3, loud=True, sizes=(1.0, 2.5))
    command = command_for("toy", config)
    assert command == "eigenlab run toy --preset full --seed 3 --loud --sizes 1.0 2.5"
    words = command.split()[1:]
    _, bound, _ = build(words).parse_args(words)
    given = {key: value for key, value in bound.arguments.items() if key != "preset"}
    assert toy.config.from_preset("full", **given) == config
    scope = {}
    exec(python_for("toy", config).partition("result =")[0], scope)
    assert scope["config"] == config


def test_a_stopped_run_is_shown_as_such(folder):
    (folder / "runs/toy/result.json").unlink()
    (folder / "runs/toy/records/average.json").unlink()
    text = Outline(render(collect(folder))).text
    assert "Unfinished." in text
    assert "Not run: its stage has not run" in text


def test_an_error_is_shown_with_its_reason(toy, tmp_path):
    run(toy, toy.config(kind="broken"), folder=tmp_path / "runs" / "toy")
    text = Outline(render(collect(tmp_path))).text
    assert "2 ended in an error" in text
    assert "Error: RuntimeError: the toy broke <script>" in text


def test_a_figure_that_cannot_be_drawn_does_not_affect_the_others(folder, monkeypatch):
    def fail(*_args, **_options):
        raise ValueError("no such axis")

    monkeypatch.setattr("eigenlab.plots.line", fail)
    text = Outline(render(collect(folder))).text
    assert "This figure could not be drawn (ValueError: no such axis)" in text
    assert "The mean of the sizes is two." in text


def test_a_page_without_figures_carries_no_plotly(toy, tmp_path):
    run(toy, toy.config(kind="absent"), folder=tmp_path)
    page = render(collect(tmp_path))
    assert "plotly.js v" not in page
    assert "the toy was asked to be absent" in Outline(page).text


@pytest.mark.parametrize(
    ("documented", "outcome", "expected"),
    [
        (Outcome.HELD, Outcome.HELD, HELD),
        (Outcome.HELD, Outcome.FAILED, FAILED),
        (Outcome.FAILED, Outcome.FAILED, FINDING),
        (Outcome.FAILED, Outcome.HELD, UNEXPECTED),
        (Outcome.HELD, Outcome.NOT_RUN, NOT_RUN),
        (Outcome.FAILED, Outcome.ERROR, ERROR),
        (Outcome.FAILED, Outcome.NOT_CLAIMED, NOT_CLAIMED),
    ],
)
def test_the_verdict_weighs_the_outcome_against_the_documentation(documented, outcome, expected):
    claim = Claim("9a.x", "", "", Record, lambda _: [], documented=documented)
    assert verdict(claim, ClaimResult("9a.x", outcome)) is expected


def test_many_checks_are_folded_but_never_one_that_does_not_hold():
    checks = tuple(Check(f"number {i}", float(i), "<", 20.0) for i in range(30))
    claim = Claim("9a.x", "", "", Record, lambda _: [])
    shown, folded = _Claim(claim, ClaimResult("9a.x", Outcome.FAILED, checks), "x").evidence
    assert all(check.holds for check in folded)
    assert {check.label for check in shown} >= {f"number {i}" for i in range(20, 30)}
    assert len(shown) + len(folded) == 30
    assert shown[0].label == "number 0"


def test_columns_of_numbers_are_aligned_as_numbers():
    rows = [[1, "7.4", "a", None, "5 of 9", "12 %"], [0.5, "-3e-4", 2, 1.0, "1", "3%"]]
    aligned = _Table("t", list("abcdef"), rows).alignment
    assert aligned == ["number", "number", "", "number", "", "number"]


def test_an_experiment_that_left_no_run_is_named_with_its_reason(folder):
    notes = {
        "toy": {"status": "finished", "reason": ""},
        "late": {"status": "not reached", "reason": ""},
        "lost": {"status": "failed", "reason": "its data is <gone>"},
    }
    text = Outline(render(collect(folder), notes)).text
    assert "late was not measured: not reached." in text
    assert "lost was not measured: its data is <gone>." in text
    assert "toy was not measured" not in text


def test_a_claim_on_a_question_that_is_not_listed_is_shown(folder):
    (found,) = collect(folder)
    experiment = replace(found.experiment, questions=("9z",))
    page = render([replace(found, result=replace(found.result, experiment=experiment))])
    for claim in experiment.claims:
        assert f">{claim.id}</a>" in page
