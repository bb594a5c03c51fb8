"""The answer to 7."""

from __future__ import annotations

from eigenlab.experiments.translation.records import ATTENTION, LAST_STATE, TranslationRecord
from eigenlab.lab import answer


@answer(
    "7",
    figure="by-length",
)
def translated(record: TranslationRecord) -> str:
    last, attending = (record.models[name].greedy for name in (LAST_STATE, ATTENTION))
    found = record.models[ATTENTION].alignment
    aligned = (
        ""
        if found is None
        else (
            f" The heaviest source word is one that the word translates in "
            f"{100 * found.attention:.0f} % of the cases (uniform weights: "
            f"{100 * found.uniform:.0f} %)."
        )
    )
    return (
        "The last state of the encoder is all that the decoder knows of the source, a vector of "
        "fixed length for sentences of any length. Trained alike on "
        f"{record.n_pairs:,} pairs, the last state alone translates "
        f"{100 * last.exact_match:.1f} % of the held-out sentences exactly (BLEU {last.bleu:.1f}), "
        f"and with attention to all states {100 * attending.exact_match:.1f} % "
        f"({attending.bleu:.1f})." + aligned
    )
