"""The questions of the course, their equations and their claims, as a document."""

from __future__ import annotations

from pathlib import Path

import eigenlab
from eigenlab.experiments import load_experiment, outlines
from eigenlab.experiments.questions import QUESTIONS, find_equation, formulas

HEADING = """\
# Questions

The questions of the course in our own words, each with the function that implements its equation,
the experiment that answers it, and its claims. `eigenlab show 1e` prints the same with line numbers
and outcomes. This page is generated from the sources by `make docs`.
"""


def questions_page() -> str:
    """Return ``docs/questions.md``: every question with its equations, experiments and claims."""
    root = Path(eigenlab.__file__).parents[1]
    experiments = {name: load_experiment(name) for name in outlines()}
    parts = [HEADING]
    for question in QUESTIONS:
        lines = [f"## {question.id}\n", f"{question.text}\n"]
        lines += [f"$$\n{formula}\n$$\n" for formula in formulas(question.id)]
        for name in question.equations:
            path = find_equation(name)[1].relative_to(root).as_posix()
            lines.append(f"- equation: `{name.partition(':')[2]}` in [{path}](../src/{path})")
        for name, experiment in experiments.items():
            if question.id in experiment.questions:
                lines.append(f"- experiment: `eigenlab run {name}`")
                lines += [
                    f"- claim `{claim.id}` ({claim.documented}): {claim.statement}"
                    for claim in experiment.claims
                    if claim.question == question.id
                ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
