"""A vocabulary of words and punctuation."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from eigenlab.errors import InputError
from eigenlab.files import dump_json, read_json, write_atomic
from eigenlab.translation.checks import check_count
from eigenlab.translation.indices import SPECIAL_TOKENS, UNK, sentence_indices
from eigenlab.translation.tokens import JOINER, detokenize, normalize, tokenize


class Vocabulary:
    """The tokens a model knows, and their indices.

    Sentences are split by :func:`~eigenlab.translation.tokenize` into words and punctuation. The
    first four tokens are ``<pad>``, ``<sos>``, ``<eos>`` and ``<unk>``, with the indices ``PAD``,
    ``SOS``, ``EOS`` and ``UNK``; no text is ever encoded as the first three.

    Args:
        tokens: the tokens after these four, in the order of their indices, without duplicates.
        lowercase: whether sentences are turned into small letters before they are split.
            Default: ``False``.

    Attributes:
        tokens: every token, the special ones included.
        lowercase: as given.

    Raises:
        InputError: there is no token, a token is repeated, or one is not what
            :func:`~eigenlab.translation.tokenize` gives.

    >>> vocabulary = Vocabulary.build(["I see a dog.", "I see a cat."])
    >>> len(vocabulary), vocabulary.encode("I see a cow.")
    (10, [4, 6, 5, 3, 7])
    >>> vocabulary.decode([4, 6, 5, 3, 7])
    'I see a <unk>.'
    """

    kind: ClassVar[str] = "words"

    def __init__(self, tokens: Sequence[str], *, lowercase: bool = False) -> None:
        if isinstance(tokens, str):
            raise InputError(f"tokens is one string, {tokens[:40]!r}; give a list of tokens")
        self.lowercase = bool(lowercase)
        self.tokens = (*SPECIAL_TOKENS, *tokens)
        self._indices = {token: index for index, token in enumerate(self.tokens)}
        self._check()

    def _check(self) -> None:
        if len(self.tokens) == len(SPECIAL_TOKENS):
            raise InputError("a vocabulary needs at least one token besides the four special ones")
        repeated = [token for token, count in Counter(self.tokens).items() if count > 1]
        if repeated:
            raise InputError(f"token {repeated[0]!r} is in the vocabulary twice; list it once")
        for token in self.tokens[len(SPECIAL_TOKENS) :]:
            if not _is_token(token, self.lowercase):
                raise InputError(
                    f"{token!r} is not one token{' in small letters' * self.lowercase}; "
                    "use Vocabulary.build(sentences), or tokens that tokenize() gives"
                )

    @classmethod
    def build(
        cls,
        sentences: Iterable[str],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        lowercase: bool = False,
    ) -> Vocabulary:
        """Collect the tokens of sentences: the most frequent first, then by code point.

        The result does not depend on the order of the sentences.

        Args:
            sentences: the sentences of one language, of the training part only.
            min_count: how often a token must occur, at least 1. Default: ``1``.
            max_size: largest number of tokens, the four special ones included, so at least 5.
                Default: ``None``, no limit.
            lowercase: as in the constructor. Default: ``False``.

        Raises:
            InputError: an argument is out of range, a sentence is no string, or no token is left.

        >>> Vocabulary.build(["a b", "b c"], max_size=6).tokens[4:]
        ('b', 'a')
        """
        if isinstance(sentences, str):
            raise InputError("sentences is one string; give a list of sentences")
        check_count("min_count", min_count, 1)
        if max_size is not None:
            check_count("max_size", max_size, len(SPECIAL_TOKENS) + 1)
        counts = Counter(
            token for sentence in sentences for token in tokenize(sentence, lowercase=lowercase)
        )
        frequent = sorted(
            (token for token, count in counts.items() if count >= min_count),
            key=lambda token: (-counts[token], token),
        )
        if not frequent:
            raise InputError(
                f"no token occurs min_count={min_count} times in the sentences; "
                "give sentences with words, or a smaller min_count"
            )
        limit = None if max_size is None else max_size - len(SPECIAL_TOKENS)
        return cls(frequent[:limit], lowercase=lowercase)

    def __len__(self) -> int:
        """Number of tokens, the special ones included."""
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        """Whether a token of text (so no special one) is in the vocabulary."""
        return token in self._indices and token not in SPECIAL_TOKENS

    def __eq__(self, other: object) -> bool:
        """Whether the other one is a vocabulary with the same tokens and settings."""
        return isinstance(other, Vocabulary) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens, lowercase={self.lowercase}, {self.digest[:12]})"

    def tokenize(self, sentence: str) -> list[str]:
        """Split a sentence as this vocabulary does; unknown tokens are returned as they are."""
        return tokenize(sentence, lowercase=self.lowercase)

    def encode(self, sentence: str) -> list[int]:
        """Return the indices of the tokens of a sentence, ``UNK`` for those it does not know.

        Neither ``<sos>`` nor ``<eos>`` is added: see
        :class:`~eigenlab.translation.bucketed_batches` and
        :func:`~eigenlab.translation.teacher_forcing_inputs`.

        Args:
            sentence: a sentence; an empty one has no token.

        Raises:
            InputError: ``sentence`` is not a string.
        """
        return [self._indices.get(token, UNK) for token in self.tokenize(sentence)]

    def decode(self, indices: Iterable[Any]) -> str:
        """Return the sentence of indices, up to the first ``<eos>``; ``<unk>`` is shown.

        ``decode(encode(sentence))`` is ``normalize(sentence, lowercase=...)`` if every token is
        known.

        Args:
            indices: a list, array or tensor of indices, one axis. ``<pad>`` and ``<sos>`` are
                skipped.

        Raises:
            InputError: an index is not in the vocabulary, or there is more than one axis.
        """
        return detokenize(self.tokens[index] for index in sentence_indices(indices, len(self)))

    def unknown(self, sentence: str) -> list[str]:
        """Return the words of a sentence that are not in the vocabulary, without joiners.

        >>> Vocabulary(["a"]).unknown("a dog")
        ['dog']
        """
        pieces = self.tokenize(sentence)
        return [detokenize([token]) for token in pieces if token not in self._indices]

    @property
    def digest(self) -> str:
        """SHA-256 of tokens, their order and settings: equal only for equal vocabularies."""
        return content_digest(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data from which :func:`vocabulary_from_dict` makes the vocabulary."""
        tokens = list(self.tokens[len(SPECIAL_TOKENS) :])
        return {"kind": self.kind, "lowercase": self.lowercase, "tokens": tokens}

    def save(self, path: Path | str) -> None:
        """Write the vocabulary to ``path`` as JSON; see :func:`load_vocabulary`."""
        save_vocabulary(self.to_dict(), path)


def _is_token(token: object, lowercase: bool) -> bool:
    """Whether :func:`tokenize` can give ``token``; splits at an apostrophe are not checked."""
    if not isinstance(token, str):
        return False
    core = token.removeprefix(JOINER).removesuffix(JOINER)
    if "'" in core:
        return " " not in core and normalize(core, lowercase=lowercase) == core
    return tokenize(core, lowercase=lowercase) == [core]


FORMAT = "eigenlab.translation.Vocabulary/1"


def content_digest(content: dict[str, Any]) -> str:
    """SHA-256 of the content of a vocabulary, 64 hexadecimal digits."""
    return hashlib.sha256(dump_json(content, indent=None).encode()).hexdigest()


def save_vocabulary(content: dict[str, Any], path: Path | str) -> None:
    """Write the content of a vocabulary with its digest."""
    whole = {"format": FORMAT, "digest": content_digest(content), **content}
    write_atomic(Path(path), dump_json(whole))


def read_vocabulary(path: Path | str) -> dict[str, Any]:
    """Return what :func:`save_vocabulary` wrote; refuse any other file, and an altered one."""
    whole = read_json(Path(path))
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        found = whole.get("format") if isinstance(whole, dict) else type(whole).__name__
        raise InputError(f"{path} has format {found!r}, expected '{FORMAT}'")
    content = {name: value for name, value in whole.items() if name not in ("format", "digest")}
    if content_digest(content) != whole.get("digest"):
        raise InputError(f"{path} was altered: its content does not have the digest it states")
    return content
