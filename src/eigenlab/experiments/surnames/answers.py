"""The answers to 2 and 2a."""

from __future__ import annotations

from statistics import fmean

from eigenlab.experiments.surnames.records import MAJORITY, RNN, AccuracyRecord, AuditRecord
from eigenlab.lab import answer


@answer("2", figure="models")
def accuracy(record: AccuracyRecord) -> str:
    def mean(model: str, protocol: str) -> str:
        rows = [r for r in record.rows if (r.model, r.protocol) == (model, protocol)]
        return f"{100 * fmean(row.accuracy for row in rows):.1f} %"

    return (
        f"A tanh RNN that reads the letters classifies {mean(RNN, 'course')} of the test lines of "
        f"the course's split correctly ({mean(MAJORITY, 'course')} are of the most frequent "
        f"language), and {mean(RNN, 'leak-free')} where no spelling is in both parts. The "
        "difference measures memorisation: a list that repeats names tests names that were trained "
        "on. Some errors cannot be avoided, as some spellings belong to several languages."
    )


@answer("2a", figure="recall")
def limits(record: AuditRecord) -> str:
    audited = record.protocols["leak-free"]
    known = {
        language: row.recall
        for language, row in audited.overall.recall.items()
        if row.recall is not None
    }
    worst, best = (pick(known, key=lambda name: known[name]) for pick in (min, max))
    return (
        "It fails for the languages with few training names. On new names "
        f"{100 * known[best]:.0f} % of the {best} ones are recognised and "
        f"{100 * known[worst]:.0f} % of the {worst} ones. A name carries "
        f"{audited.information[0]:.1f} bits about its language, so that a list of names becomes "
        "a list of probable origins without anyone's consent, wrong most often for minorities. It "
        "says nothing about a person's nationality, religion or descent, and must not be used to "
        "decide about people."
    )
