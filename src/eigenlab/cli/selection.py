"""Selection of experiments by question, as the assignment writes them, or by name."""

from __future__ import annotations

import re

from eigenlab.errors import InputError, nearest
from eigenlab.experiments import outlines

#: A question with a part in Roman numerals: 3a-ii, 3a.ii, 3aii, 3a(ii).
_PART = re.compile(r"(\d[a-z]'?)[-. ]?\(?(?:i{1,3}|iv|v)\)?")


def question_of(text: str) -> str:
    """The id of a question, as the experiments write it.

    >>> [question_of(text) for text in ("5F", "3a-ii", "3a’", "q1e", "1.e", "1")]
    ['5f', '3a', "3a'", '1e', '1e', '1']
    """
    plain = re.sub("[’′`]", "'", text.strip().lower())
    plain = re.sub(r"^(question|q)[ .]?", "", plain)
    part = _PART.fullmatch(plain)
    return part[1] if part else re.sub(r"^(\d)[-. ]([a-z]'?)$", r"\1\2", plain)


def select(only: str | None) -> list[str]:
    """Experiments that answer the questions in ``only`` (``1`` means 1a to 1h); None means all.

    >>> select("1e,2")
    ['gradient-flow', 'surnames']
    """
    known = outlines()
    if only is None:
        return list(known)
    chosen: set[str] = set()
    for part in (part.strip() for part in only.split(",") if part.strip()):
        question = question_of(part)
        matches = {
            name
            for name, outline in known.items()
            if part == name or (question and any(q.startswith(question) for q in outline.questions))
        }
        if not matches:
            questions = sorted({q for outline in known.values() for q in outline.questions})
            words = [*questions, *sorted({q[:1] for q in questions}), *known]
            raise InputError(
                f"--only {part}: no experiment answers that question{nearest(part, words)}; "
                f"choose from {', '.join(questions)}"
            )
        chosen |= matches
    if not chosen:
        raise InputError("--only is empty; give question numbers such as 1,2 or 1e")
    return [name for name in known if name in chosen]
