"""BLEU and chrF through sacreBLEU, with the signature that makes them comparable."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eigenlab.errors import InputError

#: Words in a row that BLEU compares, at most.
ORDER = 4
#: Scripts that separate no words by spaces, and that of Chinese among them.
HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
UNSPACED = f"{HAN}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"


@dataclass(frozen=True)
class Quality:
    """How close translations are to their references.

    Args:
        bleu: corpus BLEU, 0 to 100.
        chrf: corpus chrF2, 0 to 100.
        exact_match: share of translations equal to their reference.
        signature: of sacreBLEU's BLEU: tokenisation, case and version, and the order if not 4.
    """

    bleu: float
    chrf: float
    exact_match: float
    signature: str

    @property
    def rank(self) -> float:
        """What orders models: BLEU, and where it is equal to 1e-4, as at 0, chrF."""
        return self.bleu + 1e-6 * self.chrf


def bleu(
    translations: Sequence[str],
    references: Sequence[str],
    *,
    lowercase: bool = False,
    tokenize: str | None = None,
) -> Quality:
    """BLEU and chrF of translations with one reference each (M. Post, 2018; M. Popovic, 2015).

    BLEU compares up to four words in a row. Where no reference has four, it is undefined, and the
    largest number that one has takes the place of four, and is added to the signature, as in
    ``order:2``.

    Args:
        translations: sentences as written for people, not as tokens.
        references: as many sentences.
        lowercase: whether case is ignored. Default: ``False``.
        tokenize: sacreBLEU's tokenisation; ``"none"`` for sentences that are split by blanks
            already. Default: ``None``, ``"13a"``; but where most letters of the references are of
            a script without spaces between words, ``"zh"`` for Chinese and ``"char"`` for others.

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
    tokenize = tokenize or _tokenization(references)
    by_words = BLEU(lowercase=lowercase, tokenize=tokenize, force=True)
    # Not sacreBLEU's effective_order, which is that of the translations: one word each for
    # references of two would be compared as single words.
    longest = max(1, *(len(by_words.tokenizer(text).split()) for text in references))
    if longest < ORDER:
        by_words = BLEU(lowercase=lowercase, tokenize=tokenize, force=True, max_ngram_order=longest)
    by_characters = CHRF(lowercase=lowercase)
    pairs = list(zip(translations, references, strict=True))
    return Quality(
        # Rounding may take it above 100.
        min(by_words.corpus_score(list(translations), [list(references)]).score, 100.0),
        by_characters.corpus_score(list(translations), [list(references)]).score,
        sum(a == b for a, b in pairs) / len(pairs),
        str(by_words.get_signature()) + f"|order:{longest}" * (longest < ORDER),
    )


def _tokenization(references: Sequence[str]) -> str:
    """The tokenisation that finds words, or characters where no spaces separate the words."""
    text = "".join(references)
    letters = sum(map(str.isalpha, text))
    if len(re.findall(f"[{UNSPACED}]", text)) * 2 <= letters:
        return "13a"
    return (
        "zh"
        if len(re.findall(f"[{HAN}]", text)) == len(re.findall(f"[{UNSPACED}]", text))
        else "char"
    )
