"""Hostile or broken sources, checked in confined processes.

Each source defines ``loss_fn``, part 1c, whose right solution is in :data:`RIGHT`; the other part
that is checked beside it shows that an attack costs its own part only.
"""

from __future__ import annotations

import sys
import textwrap

import pytest

from eigenlab.grading.isolation import Limits, Outcome, Report, Template, check_source

RIGHT = """
import torch

def loss_fn(pred, y, last_timestep_only=False):
    if last_timestep_only:
        pred, y = pred[:, -1], y[:, -1]
    return ((pred - y) ** 2).mean()

def get_normalized_matrix(A):
    d = A.sum(axis=1)
    return A / (d[:, None] * d) ** 0.5
"""
SHORT = Limits(cpu=4, memory=1 << 30)
linux = pytest.mark.skipif(sys.platform != "linux", reason="a layer of Linux")


def run(template: Template, source: str, parts=("1c", "5d"), limits=SHORT, **options) -> Report:
    """The checks of a source below the right solutions."""
    text = RIGHT + textwrap.dedent(source)
    return check_source(text, list(parts), limits=limits, template=template, **options)


def with_body(body: str) -> str:
    """The source of a ``loss_fn``."""
    source = textwrap.indent(textwrap.dedent(body), "    ")
    return f"def loss_fn(pred, y, last_timestep_only=False):\n{source}"


def attacked(template: Template, body: str, **options) -> Outcome:
    """The outcome of 1c whose body is ``body``; 5d beside it passes."""
    report = run(template, with_body(body), **options)
    assert report.outcomes[1].status == "passed", report
    return report.outcomes[0]


def attacked_alone(template: Template, body: str, **options) -> Outcome:
    """The outcome of 1c whose body is ``body``."""
    return run(template, with_body(body), ["1c"], **options).outcomes[0]


def works(template: Template, *bodies: str) -> list[str]:
    """What functions return, as text, or the names of the exceptions that they raise."""
    functions = "".join(
        f"def body_{number}():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
        for number, body in enumerate(bodies)
    )
    source = f"""
{functions}
def loss_fn(pred, y, last_timestep_only=False):
    found = []
    for number in range({len(bodies)}):
        try:
            found.append(str(globals()[f"body_{{number}}"]()))
        except BaseException as error:
            found.append(type(error).__name__)
    raise RuntimeError("<" + "|".join(found) + ">")
"""
    (outcome,) = run(template, source, ["1c"]).outcomes
    assert outcome.status == "failed", outcome
    return outcome.result.hint.partition("<")[2].partition(">")[0].split("|")
