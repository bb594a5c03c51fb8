"""What has been read when a word is written, and how much can be right if no more is known."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

from eigenlab.translation import PhrasebookPair

#: Status of a target word when it is written.
READ, UNREAD, ALONE = "read", "not yet read", "no counterpart"
STATUSES = (READ, UNREAD, ALONE)
#: Classes of sentences: which side is longer, and the order of the words.
ENGLISH_LENGTHS = ("longer", "same length", "shorter")
CLASSES = tuple(
    f"English {length}, {order}"
    for length in ENGLISH_LENGTHS
    for order in ("monotone", "reordered")
)
#: All classes together.
ALL = "all"
#: (source, target) as indices or words, each with its end.
Encoded = tuple[Sequence[Hashable], Sequence[Hashable]]


def sentence_class(pair: PhrasebookPair) -> str:
    """Which side is longer, and whether words are reordered.

    >>> from eigenlab.translation import phrasebook
    >>> sentence_class(phrasebook(2)[1])  # Le compramos el libro a Tomás. / We buy Tomás the book.
    'English shorter, reordered'
    """
    difference = pair.target_length - pair.source_length
    length = ENGLISH_LENGTHS[0 if difference > 0 else 1 if difference == 0 else 2]
    return f"English {length}, {pair.word_order}"


def distances(pair: PhrasebookPair) -> list[int | None]:
    """From each target token, its end included, to the last source token that it translates.

    Step t of the decoder writes token t and, in the stacked design, has read source tokens 0 to t.
    A distance above 0 is therefore how many more tokens it would have to read. ``None`` marks words
    without a counterpart, such as *do*.

    >>> from eigenlab.translation import phrasebook
    >>> distances(phrasebook(2)[1])  # We buy Tomás the book . <end>
    [1, 0, 3, -1, -1, 1, 1]
    """
    last: dict[int, int] = {pair.target_length: pair.source_length}
    for source, target in pair.alignment:
        last[target] = max(source, last.get(target, source))
    return [last[t] - t if t in last else None for t in range(pair.target_length + 1)]


def status(distance: int | None) -> str:
    """Whether what a word translates has been read at the step that writes it."""
    return ALONE if distance is None else READ if distance <= 0 else UNREAD


def read_at(step: int, stacked: bool, length: int) -> int:
    """How many source tokens the decoder knows at a step, counted from 0."""
    return min(step + 1, length) if stacked else length


def most_words(
    pairs: Sequence[Encoded], groups: Sequence[Sequence[Hashable]], *, stacked: bool
) -> Counter[Hashable]:
    """How many words of each group a decoder can get right under teacher forcing (question 7a).

    A decoder writes one word for all steps at which it knows the same: the source tokens it has
    read and the target words before. The words written most often there are therefore the most
    that any decoder can get right, whatever its size and training.

    Args:
        pairs: encoded pairs, each side with its end.
        groups: group of each target token, its end included.
        stacked: whether t source tokens have been read at step t, else all.

    >>> pairs = [("no veo", "I see"), ("no ve", "she sees"), ("no va", "he goes")]
    >>> encoded = [(tuple(s.split()), tuple(t.split())) for s, t in pairs]
    >>> most_words(encoded, [("first", "second")] * 3, stacked=True)
    Counter({'second': 3, 'first': 1})
    """
    written: defaultdict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for (source, target), kinds in zip(pairs, groups, strict=True):
        for step, (word, kind) in enumerate(zip(target, kinds, strict=True)):
            known = tuple(source[: read_at(step, stacked, len(source))]), tuple(target[:step])
            written[kind, known][word] += 1
    most: Counter[Hashable] = Counter()
    for (kind, _), words in written.items():  # type: ignore[misc]
        most[kind] += max(words.values())
    return most


def most_sentences(pairs: Sequence[Encoded], *, stacked: bool, step: int = 0) -> int:
    """How many sentences a decoder can write without an error, word by word (question 7a).

    V(pairs that agree in all that is known) = max over the next word of the sum of V over what is
    read next: a decoder that writes the most probable word, or any other, chooses one word for all
    of them and is wrong on the others. It holds for one translation per sentence that is written
    from left to right; a beam search may return to words that it has written.

    Args:
        pairs: encoded pairs, each side with its end, that agree in the first ``step`` words.
        stacked: whether t source tokens have been read at step t, else all.
        step: words that have been written. Default: ``0``.

    >>> pairs = [("no veo", "I see"), ("no ve", "she sees"), ("no va", "he goes")]
    >>> encoded = [(tuple(s.split()), tuple(t.split())) for s, t in pairs]
    >>> most_sentences(encoded, stacked=True), most_sentences(encoded, stacked=False)
    (1, 3)
    """
    total = 0
    for known in _grouped(pairs, lambda p: tuple(p[0][: read_at(step, stacked, len(p[0]))])):
        total += max(
            len(same)
            if len(same[0][1]) == step + 1
            else most_sentences(same, stacked=stacked, step=step + 1)
            for same in _grouped(known, lambda p: p[1][step])
        )
    return total


def _grouped(pairs: Sequence[Encoded], key: Callable[[Encoded], Hashable]) -> list[list[Encoded]]:
    groups: defaultdict[Hashable, list[Encoded]] = defaultdict(list)
    for pair in pairs:
        groups[key(pair)].append(pair)
    return list(groups.values())
