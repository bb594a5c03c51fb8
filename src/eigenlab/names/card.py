"""Model cards in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FAMILIARITY_WORDS = {
    "same language": "Names trained with the same language",
    "other language": "Names trained with another language only",
    "new": "Names not in training",
}


def model_card(record: Mapping[str, Any], *, title: str = "Language of origin of a name") -> str:
    """Write the model card of an audit in Markdown (question 2a).

    The sections are those of Mitchell et al. 2019, arXiv:1810.03993.

    Args:
        record: what :func:`~eigenlab.names.audit` returned.
        title: first heading. Default: ``'Language of origin of a name'``.

    Returns:
        Markdown text.
    """
    overall = record["overall"]
    low, high = overall["interval"]
    lines = [
        f"# {title}",
        "",
        f"**{record['intended_use']}**",
        "",
        "## What was measured",
        "",
        f"- {overall['names']} test names, {len(record['training'])} languages, "
        f"{sum(record['training'].values())} training names.",
        f"- Accuracy {overall['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%}), "
        f"macro-F1 {overall['macro_f1']:.1%}.",
        f"- Calibration error {overall['calibration_error']:.1%} "
        f"({overall['reliability']['bins']} equal-width bins), "
        f"negative log likelihood {overall['nll']:.3f} nats.",
        *(
            f"- {FAMILIARITY_WORDS[label]}: {part['accuracy']:.1%} of {part['count']}."
            for label, part in record["seen"].items()
            if part["count"]
        ),
        "",
        "## Who is misclassified",
        "",
        "| language | training names | test names | recall | 95 % interval |",
        "|---|---:|---:|---:|---|",
    ]
    for label, row in sorted(overall["recall"].items(), key=lambda item: item[1]["recall"] or 0.0):
        if row["count"]:
            bounds = " to ".join(f"{bound:.0%}" for bound in row["interval"])
            lines.append(
                f"| {label} | {record['training'].get(label, 0)} | {row['count']} "
                f"| {row['recall']:.0%} | {bounds} |"
            )
    lines += ["", "Most frequent errors:", ""]
    lines += [
        f"- {row['true']} taken for {row['predicted']}: {row['count']} ({row['share']:.0%})"
        for row in record["confusions"][:5]
    ]
    lines += ["", "## Another population", ""]
    lines += [
        f"- {label}: accuracy {shift['uncorrected']['accuracy']:.1%} as trained, "
        f"{shift['corrected']['accuracy']:.1%} with its base rates given as `priors`."
        for label, shift in record["populations"].items()
    ]
    lines += ["", "## When it may abstain", ""]
    lines += [
        f"- answers {row['coverage']:.0%} of names: {row['accuracy']:.1%} right"
        for row in record["abstention"]
    ]
    lines += [
        "",
        "## Not for",
        "",
        "Decisions about people. Families move, marry, translate and choose their names; one name",
        "belongs to many languages. The table above shows where the error is largest.",
        "",
    ]
    return "\n".join(lines)
