"""A page about a class: which parts fail, which hints were given, whose code is alike."""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

import eigenlab
from eigenlab.grading.batch import similarity
from eigenlab.grading.feedback import number_text
from eigenlab.grading.file_check import DIED, FAILED, HUNG, MISSING, PASSED
from eigenlab.grading.parts import PARTS
from eigenlab.plots import DARK, HEIGHT, LIGHT, figure_script, new_chart, plotly_script, style

#: Pairs of similar submissions that are listed at most; as many as there are in a small class.
MOST_PAIRS = 30
#: Hints that are listed at most.
MOST_HINTS = 30
#: In the order in which they are stacked.
STATUSES = (PASSED, FAILED, MISSING, HUNG, DIED)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Grades of {{ graded | length }} submissions</title>
<style>
:root { color-scheme: light dark; --text: #1f2328; --page: #ffffff; --soft: #57606a;
  --rule: #d0d7de; --bad: #a40e26; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --page: #0d1117; --soft: #9198a1;
  --rule: #3d444d; --bad: #ff7b72; --link: #79c0ff; } }
body { color: var(--text); background: var(--page); font: 16px/1.5 system-ui, sans-serif;
  max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
p, td { overflow-wrap: anywhere; } .soft { color: var(--soft); } .bad { color: var(--bad); }
a { color: var(--link); }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--rule); } tr > :last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
.figure { width: 100%; } summary { cursor: pointer; color: var(--soft); }
</style>
</head>
<body>
<h1>Grades of {{ graded | length }} submissions</h1>
<p>{{ complete }} of {{ graded | length }} have passed every part; median score
{{ median }} of {{ worth }} points.{% if unreadable %} {{ unreadable | length }} more could not be
graded.{% endif %}</p>
{% if unreadable %}
<h2>Could not be graded</h2>
<details{% if unreadable | length <= 20 %} open{% endif %}>
<summary>{{ unreadable | length }} of {{ graded | length + unreadable | length }} submissions
</summary>
<div class="table"><table><tr><th>student</th><th>why</th></tr>
{% for record in unreadable %}
<tr><td class="bad">{{ record.student.name }}</td><td>{{ record.problem }}</td></tr>
{% endfor %}</table></div></details>
{% endif %}
{% for title, id, height, _ in figures %}
<h2>{{ title }}</h2>
<div class="figure" id="{{ id }}" style="height: {{ height }}px"></div>
{% endfor %}
<h2>Hints</h2>
{% if hints %}
<div class="table"><table><tr><th>part</th><th class="number">students</th><th>hint</th></tr>
{% for part, hint, count in hints[:most_hints] %}
<tr><td>{{ part }}</td><td class="number">{{ count }}</td><td>{{ hint }}</td></tr>
{% endfor %}</table></div>
{% if hints | length > most_hints %}
<p class="soft">{{ hints | length - most_hints }} less frequent hints are in grades.json.</p>
{% endif %}
{% else %}<p>No part was failed.</p>{% endif %}
<h2>Similar code</h2>
<p>This is no proof of anything: right solutions of small tasks are alike, and copied code can be
rewritten. It says where to look. The index is the share of runs of {{ length }} tokens that two
students have in common (Jaccard), after comments and names are taken away, without
{{ left_out }}. {{ compared }} submissions have enough code of their own to be compared; the median
of their pairs is {{ "%.2f" | format(middle) }}.</p>
{% if pairs %}
<div class="table"><table><tr><th>one</th><th>the other</th><th class="number">index</th></tr>
{% for one, other, index in pairs %}
<tr><td>{{ one }}</td><td>{{ other }}</td><td class="number">{{ "%.2f" | format(index) }}</td></tr>
{% endfor %}</table></div>
{% endif %}
<h2>Students</h2>
<div class="table"><table><tr><th>student</th><th class="number">score</th><th>not passed</th></tr>
{% for record in graded %}
<tr><td><a href="feedback/{{ record.student.key | urlencode }}.html">{{ record.student.name }}</a>
</td><td class="number">{{ number(record.report.score) }} of {{ number(record.report.max_score) }}
</td><td>{{ record.failed }}</td></tr>
{% endfor %}</table></div>
<p class="soft">eigenlab {{ version }}</p>
<script>{{ plotly }}</script>
<script>{{ script }}</script>
<script>
const figures = {{ data }}, themes = {{ themes }};
const dark = window.matchMedia("(prefers-color-scheme: dark)");
function draw() {
  const theme = dark.matches ? themes.dark : themes.light;
  for (const [id, figure] of Object.entries(figures)) {
    const element = document.getElementById(id);
    const layout = EigenlabFigure.layout(figure.layout, element.clientWidth, theme);
    Plotly.react(element, figure.data, layout, EigenlabFigure.config);
  }
}
dark.addEventListener("change", draw);
draw();
</script>
</body>
</html>
"""


def summary_page(records: Sequence[Mapping[str, Any]], given: Mapping[str, Sequence[str]]) -> str:
    """A page of its own about the submissions of a class.

    Args:
        records: what is stored of each.
        given: number of a problem -> code cells of the notebook that students were given.
    """
    graded = [_listed(record) for record in records if record["report"] is not None]
    scores = [record["report"]["score"] for record in graded]
    most = max((record["report"]["max_score"] for record in graded), default=0.0)
    code, notebooks = list(map(_code, graded)), [cell for cells in given.values() for cell in cells]
    compared = similarity.compare(code, notebooks, most=min(MOST_PAIRS, len(graded)))
    names = [record["student"]["name"] for record in graded]
    figures = _figures(graded, scores) if graded else []
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    what = "what most of the class has" if len(graded) >= similarity.MANY else ""
    notebook = "what the notebook for students has" if given else ""
    return environment.from_string(PAGE).render(
        graded=graded,
        complete=sum(record["report"]["passed"] for record in graded),
        median=number_text(statistics.median(scores)) if scores else "0",
        worth=number_text(most),
        unreadable=[record for record in records if record["report"] is None],
        figures=figures,
        hints=_hints(graded),
        most_hints=MOST_HINTS,
        length=similarity.LENGTH,
        left_out=" and ".join(filter(None, (notebook, what))) or "any allowance for given code",
        compared=compared.compared,
        middle=compared.median,
        pairs=[(names[a], names[b], jaccard) for a, b, jaccard in compared.pairs],
        number=number_text,
        version=eigenlab.__version__,
        plotly=Markup(plotly_script().replace("</script", "<\\/script")),
        script=Markup(figure_script()),
        data=_embedded({id: figure for _, id, _, figure in figures}),
        themes=_embedded({"light": LIGHT, "dark": DARK}),
    )


def _embedded(value: Any) -> Markup:
    return Markup(json.dumps(value).replace("<", "\\u003c"))


def _listed(record: Mapping[str, Any]) -> dict[str, Any]:
    parts = record["report"]["parts"]
    failed = [part["part"] for part in parts if part["status"] in STATUSES[1:]]
    return {**record, "failed": ", ".join(failed)}


def _code(record: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for part in record["report"]["parts"] for name, text in part["code"].items()}


def _figures(
    graded: Sequence[Mapping[str, Any]], scores: Sequence[float]
) -> list[tuple[str, str, int, Any]]:
    """Title, id, height and plotly's data of each figure."""
    figures = [
        ("How each part ended", "parts", _parts_chart(graded)),
        ("Scores", "scores", _scores_chart(scores)),
    ]
    found = []
    for title, id, chart in figures:
        drawn = json.loads(chart.to_json())
        drawn["layout"].pop("template", None)
        found.append((title, id, drawn["layout"].get("height") or HEIGHT, drawn))
    return found


def _parts_chart(graded: Sequence[Mapping[str, Any]]) -> go.Figure:
    count = Counter(
        (part["part"], part["status"]) for record in graded for part in record["report"]["parts"]
    )
    parts = [part for part in PARTS if any(count[part, status] for status in STATUSES)]
    chart = new_chart("number of students", "", height=max(220, 90 + 34 * len(parts)))
    for index, status in enumerate(STATUSES):
        numbers = [count[part, status] for part in parts]
        if any(numbers):
            look = style(index)
            bar = go.Bar(
                x=numbers,
                y=[f"part {part}" for part in parts],
                name=status,
                orientation="h",
                marker={"color": look.color},
            )
            chart.add_trace(bar)
    chart.update_layout(barmode="stack", legend={"traceorder": "normal"})
    chart.update_xaxes(**_whole(len(graded)))
    chart.update_yaxes(autorange="reversed")
    return chart


def _scores_chart(scores: Sequence[float]) -> go.Figure:
    count = Counter(scores)
    chart = new_chart("score (points)", "number of students", height=300)
    values = sorted(count)
    bar = go.Bar(x=values, y=[count[v] for v in values], marker={"color": style(0).color})
    chart.add_trace(bar)
    chart.update_yaxes(**_whole(max(count.values())))
    return chart


def _whole(most: int) -> dict[str, Any]:
    """Settings of an axis of numbers of students, which are whole."""
    return {"dtick": 1} if most < 5 else {}


def _hints(graded: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, int]]:
    """Part, hint and number of students, the most frequent first."""
    count = Counter(
        (part["part"], _in_general(part["hint"]))
        for record in graded
        for part in record["report"]["parts"]
        if part["status"] in STATUSES[1:]
    )
    order = {part: place for place, part in enumerate(PARTS)}
    first = sorted(count.items(), key=lambda item: (-item[1], order[item[0][0]]))
    return [(part, hint, number) for (part, hint), number in first]


def _in_general(hint: str) -> str:
    """A hint without the place in one student's file, and not longer than a line or two."""
    return re.sub(r" in \w+, (code cell \d+, )?line \d+:.*", "", hint, flags=re.DOTALL)[:300]
