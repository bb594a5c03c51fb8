"""The claims that measurement refutes, as a document."""

from __future__ import annotations

from eigenlab.experiments import load_experiment, outlines
from eigenlab.lab import Outcome

HEADING = """\
# Findings

Statements of the course that measurement refutes. Each is kept as a claim, documented as `failed`,
and shown in the report with its numbers. This page is generated from the claims by `make docs`.
"""


def findings_page() -> str:
    """Return ``docs/findings.md``: every claim documented as failed, with its explanation."""
    parts = [HEADING]
    for name in outlines():
        for claim in load_experiment(name).claims:
            if claim.documented is Outcome.FAILED:
                parts.append(
                    f"## `{claim.id}`\n\n> {claim.statement}\n\n{claim.explanation}\n\n"
                    f"Source of the claim: {claim.source}. "
                    f"Measure it: `eigenlab run {name}`.\n"
                )
    return "\n".join(parts)
