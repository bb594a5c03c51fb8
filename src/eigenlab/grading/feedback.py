"""What the check of a file found, as one page for a student, and as Gradescope's results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, StrictUndefined

import eigenlab
from eigenlab.errors import InputError
from eigenlab.grading.file_check import LEFT_OUT, PASSED, FileReport, PartReport
from eigenlab.grading.isolation import describe

#: Who may see a result on Gradescope, and when.
VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")


def error_text(part: PartReport) -> str:
    """``"max error 1.0e-07"``, ``"max error 0"``; empty if nothing was compared."""
    if not math.isfinite(part.max_error):
        return ""
    return f"max error {part.max_error:.1e}" if part.max_error else "max error 0"


def left_out_counts(report: FileReport) -> list[str]:
    """``"left out: 12 lines for the shell or IPython"``, a sentence for each reason."""
    return [f"left out: {len(found)} {reason}" for reason, found in report.left_out.items()]


def gradescope_results(report: FileReport, visibility: str = "visible") -> dict[str, Any]:
    """Content of the ``results.json`` that Gradescope reads.

    Its fields are documented on
    https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format (read as of
    January 2025). A part that is left out is no test, so that none looks passed that did not run;
    the output names it. Gradescope knows only ``passed`` and ``failed``: that a part is missing,
    hung or died is a tag. The output for the whole submission, which holds lines of the student's,
    is declared to be text; Gradescope would read it as HTML otherwise. The output of tests is text
    by default. What is printed, which Gradescope shows to instructors only, stays so.

    Args:
        report: what the check found.
        visibility: ``"visible"``, ``"hidden"``, ``"after_due_date"`` or ``"after_published"``.
            Default: ``"visible"``.

    Raises:
        InputError: there is no such visibility.
    """
    if visibility not in VISIBILITIES:
        raise InputError(f"visibility={visibility!r}; expected one of {', '.join(VISIBILITIES)}")
    left_out = [
        f"{part.part} {part.title} is left out: {part.hint}"
        for part in report.parts
        if part.status == LEFT_OUT
    ]
    tests = [
        {
            "name": part.title if part.title == part.part else f"{part.part} {part.title}",
            "number": part.part,
            "score": part.score,
            "max_score": part.max_score,
            "status": "passed" if part.status == PASSED else "failed",
            "output": "\n".join(filter(None, (part.hint or part.note, error_text(part)))),
            "tags": [f"problem {part.part[0]}", part.status],
            "visibility": visibility,
        }
        for part in report.parts
        if part.status != LEFT_OUT
    ]
    return {
        "score": report.score,
        "output": "\n".join(_sentences(report, [*left_out_counts(report), *left_out])),
        "output_format": "text",
        "visibility": visibility,
        "tests": tests,
    }


def _sentences(report: FileReport, more: Sequence[str] = ()) -> list[str]:
    """What there is to say about the file, a line each, with ``more`` before the notes."""
    return [
        *(f"run: {text}" for text in report.taken),
        *(f"not valid Python: {text}" for text in report.syntax_errors),
        *more,
        *report.notes,
        *(describe(report.layers).splitlines() if report.layers else ()),
    ]


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ report.file }}: {{ score }}</title>
<style>
:root { color-scheme: light dark; --text: #1f2328; --page: #ffffff; --soft: #57606a;
  --rule: #d0d7de; --code: #f6f8fa; --good: #116329; --bad: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --page: #0d1117; --soft: #9198a1;
  --rule: #3d444d; --code: #151b23; --good: #56d364; --bad: #ff7b72; } }
body { color: var(--text); background: var(--page); font: 16px/1.5 system-ui, sans-serif;
  max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 0;
  overflow-wrap: anywhere; }
section { border-top: 1px solid var(--rule); padding: 1rem 0; }
h2 span { color: var(--bad); } .passed h2 span { color: var(--good); }
.soft, .left h2 span, .file h2 { color: var(--soft); }
p { margin: .4rem 0; overflow-wrap: anywhere; } .said { white-space: pre-line; }
pre { background: var(--code); border: 1px solid var(--rule); border-radius: 4px; padding: .8rem;
  overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; tab-size: 4; }
summary { cursor: pointer; color: var(--soft); }
</style>
</head>
<body>
<h1>{{ report.file }}</h1>
<p>Problem {{ report.problems | join(" and ") }}: {{ score }}</p>
{% for part in report.parts %}
<section class="{{ part.status }}">
<h2><span>{{ sign(part.status) }} {{ part.status }}</span>
{{ part.part }} {{ part.title }}</h2>
{% if part.status != "left out" %}
<p class="soft">{{ number(part.score) }} of {{ number(part.max_score) }} points
{% if error_text(part) %}· {{ error_text(part) }}{% endif %}</p>
{% endif %}
{% if part.hint or part.note %}<p class="said">{{ part.hint or part.note }}</p>{% endif %}

{% for name, code in part.code.items() %}
<details{% if part.status != "passed" %} open{% endif %}><summary>{{ name }}</summary>
<pre><code>{{ code }}</code></pre></details>
{% endfor %}
{% if part.output.strip() %}
<details><summary>what it printed</summary>
<pre>{{ part.output }}</pre></details>
{% endif %}
</section>
{% endfor %}
<section>
<h2>The file</h2>
{% for sentence in sentences %}<p>{{ sentence }}</p>
{% endfor %}
{% for reason, found in report.left_out.items() %}
<details><summary>{{ found | length }} {{ reason }}</summary>
<pre>{{ found[:200] | join("\\n") }}</pre></details>
{% endfor %}
<p class="soft">eigenlab {{ version }}</p>
</section>
</body>
</html>
"""


def feedback_page(report: FileReport) -> str:
    """A page of its own, readable offline, in light and in dark: parts, errors, hints and code.

    Args:
        report: what the check found.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(PAGE).render(
        report=report,
        score=score_text(report),
        sentences=_sentences(report),
        sign=sign,
        error_text=error_text,
        number=number_text,
        version=eigenlab.__version__,
    )


def sign(status: str) -> str:
    """A sign for a part's status: ``"✓"``, ``"✗"`` or ``"○"``."""
    return {PASSED: "✓", LEFT_OUT: "○"}.get(status, "✗")


def score_text(report: FileReport) -> str:
    """``"3 of 5 points, 3 of 5 parts passed"``."""
    checked = [part for part in report.parts if part.status != LEFT_OUT]
    passed = sum(part.status == PASSED for part in checked)
    points = f"{number_text(report.score)} of {number_text(report.max_score)} points"
    return f"{points}, {passed} of {len(checked)} parts passed"


def number_text(value: float) -> str:
    """A number without a fraction of zero: ``"3"``, ``"2.5"``."""
    return f"{value:g}"
