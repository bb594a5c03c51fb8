"""The answer to 7a."""

from __future__ import annotations

from eigenlab.experiments.stacking_design.reading import ALL, READ, UNREAD
from eigenlab.experiments.stacking_design.records import LimitsRecord
from eigenlab.lab import answer


@answer("7a", figure="stacked")
def stacked(record: LimitsRecord) -> str:
    unread, read, whole = record.words[UNREAD], record.words[READ], record.sentences[ALL]
    return (
        "Because the decoder has to write word t before it has read what follows word t of the "
        "source, and languages order their words differently. Where two sentences agree in all "
        "that has been read and written and go on differently, one of them must come out wrong. "
        f"Counted over {record.n_pairs:,} test pairs, no such decoder can write more than "
        f"{100 * unread.share:.0f} % of the words whose counterpart has not been read (of the "
        f"others {100 * read.share:.0f} %), nor more than {100 * whole.share:.0f} % of the "
        "sentences. The lengths do not fit either: after the end of the source there is no state "
        "to read, and a shorter translation ends before the source is read."
    )
