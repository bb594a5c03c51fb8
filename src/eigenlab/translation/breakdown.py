"""Quality by groups of sentences: by length, by word order, or by anything else."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from eigenlab.errors import InputError
from eigenlab.translation.phrasebook import PhrasebookPair
from eigenlab.translation.quality import Quality, bleu


def quality_by_group(
    translations: Sequence[str],
    references: Sequence[str],
    groups: Sequence[Hashable],
    *,
    lowercase: bool = False,
) -> dict[Hashable, tuple[int, Quality]]:
    """BLEU, chrF and exact matches of each group of sentences (question 7).

    Corpus BLEU is not a mean over sentences, so the BLEU of all sentences is in general not the
    mean of the groups; the exact match is, weighted by the number of sentences.

    Args:
        translations: sentences as written for people, not as tokens.
        references: as many sentences.
        groups: the group of each sentence, such as its length or :func:`word_order_class`.
        lowercase: whether case is ignored. Default: ``False``.

    Returns:
        For each group, in the order of the first sentence of each, its number of sentences and
        its quality.

    Raises:
        InputError: there is no sentence, the numbers differ, one string is given in place of
            several, an item is no string, or a group is NaN or not hashable.

    >>> found = quality_by_group(["I eat.", "I run."], ["I eat.", "I ran."], ["short", "short"])
    >>> [(group, count, quality.exact_match) for group, (count, quality) in found.items()]
    [('short', 2, 0.5)]
    """
    for name, values in (("translations", translations), ("references", references)):
        if isinstance(values, str):
            raise InputError(f"{name} is one string, {values[:40]!r}; give a list of sentences")
        for sentence in values:
            if not isinstance(sentence, str):
                raise InputError(f"{name} holds {sentence!r}, which is not a sentence")
    if not len(translations) == len(references) == len(groups) or not len(groups):
        raise InputError(
            f"there are {len(translations)} translations, {len(references)} references and "
            f"{len(groups)} groups; give as many of each, at least one"
        )
    members: dict[Hashable, list[tuple[str, str]]] = {}
    for translation, reference, group in zip(translations, references, groups, strict=True):
        if not isinstance(group, Hashable) or (isinstance(group, float) and math.isnan(group)):
            raise InputError(f"groups holds {group!r}; give a string or a number for each sentence")
        members.setdefault(group, []).append((translation, reference))
    return {
        group: (
            len(pairs),
            bleu([ours for ours, _ in pairs], [theirs for _, theirs in pairs], lowercase=lowercase),
        )
        for group, pairs in members.items()
    }


def word_order_class(pair: PhrasebookPair) -> str:
    """Return the word order of a pair, and whether its sentences have the same number of tokens.

    Args:
        pair: of the phrasebook.

    Returns:
        ``"monotone"`` or ``"reordered"``, with ``", same length"`` or ``", other length"``.

    >>> from eigenlab.translation import phrasebook
    >>> pair = phrasebook(2)[1]
    >>> pair.source, pair.target, word_order_class(pair)
    ('Le compramos el libro a Tomás.', 'We buy Tomás the book.', 'reordered, other length')
    """
    same = pair.source_length == pair.target_length
    return f"{pair.word_order}, {'same' if same else 'other'} length"
