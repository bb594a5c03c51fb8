"""The answers to 7b and 7c."""

from __future__ import annotations

from eigenlab.experiments.teacher_forcing.records import InputsRecord
from eigenlab.lab import answer


@answer("7b")
def forced(record: InputsRecord) -> str:
    return (
        f"It is fed {' '.join(record.forced)}: the target {' '.join(record.target)}, shifted by "
        "one. Each step is given the right word before it, also where the decoder would have "
        "written another one; so all steps can be predicted in one pass. Without the shift the "
        "decoder would be shown the word that it is to predict."
    )


@answer("7c")
def free(record: InputsRecord) -> str:
    return (
        f"After emitting {' '.join(record.emitted)} it was fed {' '.join(record.free)}: its own "
        "words, shifted. The target is not known when it translates. A wrong word is therefore an "
        "input of all later steps, which training has never shown it (exposure bias)."
    )
