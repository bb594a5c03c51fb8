"""BLEU and chrF through sacreBLEU, with the signature that makes them comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eigenlab.errors import InputError


@dataclass(frozen=True)
class Quality:
    """How close translations are to their references.

    Args:
        bleu: corpus BLEU, 0 to 100.
        chrf: corpus chrF2, 0 to 100.
        exact_match: share of translations equal to their reference.
        signature: of sacreBLEU's BLEU: tokenisation, case and version.
    """

    bleu: float
    chrf: float
    exact_match: float
    signature: str


def bleu(
    translations: Sequence[str],
    references: Sequence[str],
    *,
    lowercase: bool = False,
    tokenize: str = "13a",
) -> Quality:
    """BLEU and chrF of translations with one reference each (M. Post, 2018; M. Popovic, 2015).

    Args:
        translations: sentences as written for people, not as tokens.
        references: as many sentences.
        lowercase: whether case is ignored. Default: ``False``.
        tokenize: sacreBLEU's tokenisation; ``"none"`` for sentences that are split by blanks
            already. Default: ``"13a"``.

    Raises:
        InputError: there is no sentence, or their numbers differ.

    >>> found = bleu(["I see a black dog."], ["I see a black dog."])
    >>> round(found.bleu), found.exact_match, found.signature.split("|")[0]
    (100, 1.0, 'nrefs:1')
    """
    from sacrebleu.metrics import BLEU, CHRF

    if not translations or len(translations) != len(references):
        raise InputError(
            f"there are {len(translations)} translations and {len(references)} references; give as "
            "many of both, at least one"
        )
    by_words = BLEU(lowercase=lowercase, tokenize=tokenize, force=True)
    by_characters = CHRF(lowercase=lowercase)
    pairs = list(zip(translations, references, strict=True))
    return Quality(
        # Rounding may take it above 100.
        min(by_words.corpus_score(list(translations), [list(references)]).score, 100.0),
        by_characters.corpus_score(list(translations), [list(references)]).score,
        sum(a == b for a, b in pairs) / len(pairs),
        str(by_words.get_signature()),
    )
