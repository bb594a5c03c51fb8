"""A vocabulary of subwords, through the sentencepiece library; and reading either vocabulary."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

from eigenlab.errors import InputError
from eigenlab.translation.checks import check_count
from eigenlab.translation.indices import SPECIAL_TOKENS, UNK, sentence_indices
from eigenlab.translation.tokens import normalize
from eigenlab.translation.vocabulary import (
    Vocabulary,
    content_digest,
    read_vocabulary,
    save_vocabulary,
)


class SubwordVocabulary:
    """A vocabulary of parts of words, with the interface of :class:`Vocabulary`.

    Frequent words are one token, rare ones several, so that few are unknown. Needs sentencepiece:
    ``pip install 'eigenlab[translation]'``. Source: Kudo and Richardson (2018), "SentencePiece".

    Args:
        model: a sentencepiece model with the four special tokens at the indices ``PAD``, ``SOS``,
            ``EOS`` and ``UNK``, as :meth:`build` trains it.
        lowercase: whether sentences are turned into small letters first. Default: ``False``.

    Attributes:
        tokens: every token, the special ones included; ``▁`` is a space.
        lowercase: as given.

    Raises:
        InputError: sentencepiece is not installed, or ``model`` is not such a model.
    """

    kind: ClassVar[str] = "subwords"

    def __init__(self, model: bytes, *, lowercase: bool = False) -> None:
        self.lowercase = bool(lowercase)
        self.model = model
        self._processor = _processor(model)
        self.tokens = tuple(
            self._processor.id_to_piece(index) for index in range(self._processor.get_piece_size())
        )
        if self.tokens[: len(SPECIAL_TOKENS)] != SPECIAL_TOKENS:
            raise InputError(
                f"the sentencepiece model begins with {self.tokens[:4]}, expected "
                f"{SPECIAL_TOKENS}; train it with SubwordVocabulary.build"
            )

    @classmethod
    def build(
        cls,
        sentences: Iterable[str],
        *,
        size: int = 8000,
        method: Literal["unigram", "bpe"] = "unigram",
        lowercase: bool = False,
    ) -> SubwordVocabulary:
        """Train a vocabulary on sentences.

        Args:
            sentences: the sentences of one language, of the training part only.
            size: number of tokens, the four special ones included; fewer are kept if the sentences
                do not support as many. Default: ``8000``.
            method: ``"unigram"`` or ``"bpe"``. Default: ``"unigram"``.
            lowercase: as in the constructor. Default: ``False``.

        Raises:
            InputError: sentencepiece is not installed or cannot train on these sentences.
        """
        if isinstance(sentences, str):
            raise InputError("sentences is one string; give a list of sentences")
        if method not in ("unigram", "bpe"):
            raise InputError(f"method='{method}' is unknown; choose 'unigram' or 'bpe'")
        check_count("size", size, len(SPECIAL_TOKENS) + 1)
        texts = [normalize(sentence, lowercase=lowercase) for sentence in sentences]
        trained = io.BytesIO()
        try:
            _sentencepiece().SentencePieceTrainer.train(
                sentence_iterator=iter(text for text in texts if text),
                model_writer=trained,
                vocab_size=size,
                model_type=method,
                hard_vocab_limit=False,
                character_coverage=1.0,
                normalization_rule_name="identity",
                max_sentence_length=1 << 20,
                num_threads=1,  # the pieces must not depend on the machine
                minloglevel=2,
                pad_id=0,
                bos_id=1,
                eos_id=2,
                unk_id=3,
                pad_piece="<pad>",
                bos_piece="<sos>",
                eos_piece="<eos>",
                unk_piece="<unk>",
            )
        except (RuntimeError, OSError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise InputError(f"sentencepiece cannot train with size={size}: {reason}") from None
        return cls(trained.getvalue(), lowercase=lowercase)

    def __len__(self) -> int:
        """Number of tokens, the special ones included."""
        return len(self.tokens)

    def __eq__(self, other: object) -> bool:
        """Whether the other one is a subword vocabulary with the same model and settings."""
        return isinstance(other, SubwordVocabulary) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"SubwordVocabulary({len(self)} tokens, lowercase={self.lowercase}, {self.digest[:12]})"
        )

    def tokenize(self, sentence: str) -> list[str]:
        """Split a sentence into subwords; unknown characters are returned as they are."""
        return list(self._processor.encode(self._text(sentence), out_type=str))

    def encode(self, sentence: str) -> list[int]:
        """Return the indices of the subwords of a sentence, as :meth:`Vocabulary.encode`."""
        return list(self._processor.encode(self._text(sentence), out_type=int))

    def decode(self, indices: Iterable[Any]) -> str:
        """Return the sentence of indices, as :meth:`Vocabulary.decode`."""
        kept = sentence_indices(indices, len(self))
        text = "".join(self.tokens[index] for index in kept)
        return " ".join(text.replace("▁", " ").split())

    def unknown(self, sentence: str) -> list[str]:
        """Return the pieces of a sentence that are not in the vocabulary."""
        pieces, indices = self.tokenize(sentence), self.encode(sentence)
        return [
            piece.strip("▁") for piece, index in zip(pieces, indices, strict=True) if index == UNK
        ]

    @property
    def digest(self) -> str:
        """SHA-256 of model and settings: equal only for equal vocabularies."""
        return content_digest(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data from which :func:`vocabulary_from_dict` makes the vocabulary."""
        model = base64.b64encode(self.model).decode()
        return {"kind": self.kind, "lowercase": self.lowercase, "model": model}

    def save(self, path: Path | str) -> None:
        """Write the vocabulary to ``path`` as JSON; see :func:`load_vocabulary`."""
        save_vocabulary(self.to_dict(), path)

    def _text(self, sentence: str) -> str:
        # sentencepiece writes ▁ for a space; one in the text would come back as a space.
        return normalize(sentence, lowercase=self.lowercase).replace("▁", "_")


def vocabulary_from_dict(content: dict[str, Any]) -> Vocabulary | SubwordVocabulary:
    """Return the vocabulary whose ``to_dict`` is ``content``.

    Raises:
        InputError: ``content`` is not the content of a vocabulary, or sentencepiece is needed and
            not installed.

    >>> vocabulary_from_dict(Vocabulary(["dog"]).to_dict()) == Vocabulary(["dog"])
    True
    """
    try:
        kind, lowercase = content["kind"], content["lowercase"]
        if kind == Vocabulary.kind:
            return Vocabulary(content["tokens"], lowercase=lowercase)
        if kind == SubwordVocabulary.kind:
            model = base64.b64decode(content["model"], validate=True)
            return SubwordVocabulary(model, lowercase=lowercase)
    except (KeyError, TypeError, binascii.Error) as error:
        raise InputError(f"this is not the content of a vocabulary: {error!r}") from None
    raise InputError(f"the vocabulary has kind {kind!r}; expected 'words' or 'subwords'")


def load_vocabulary(path: Path | str) -> Vocabulary | SubwordVocabulary:
    """Read a vocabulary that ``save`` wrote.

    Args:
        path: path of the JSON file.

    Raises:
        InputError: the file does not exist, holds no vocabulary or was altered.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Vocabulary(["dog"]).save(Path(folder) / "english.json")
    ...     load_vocabulary(Path(folder) / "english.json").encode("dog")
    [4]
    """
    return vocabulary_from_dict(read_vocabulary(path))


def _sentencepiece() -> Any:
    try:
        import sentencepiece
    except ModuleNotFoundError:
        raise InputError(
            "SubwordVocabulary needs sentencepiece; run: pip install 'eigenlab[translation]'"
        ) from None
    return sentencepiece


def _processor(model: bytes) -> Any:
    library = _sentencepiece()
    try:
        processor = library.SentencePieceProcessor()
        processor.load_from_serialized_proto(model)
    except (RuntimeError, TypeError) as error:
        raise InputError(f"this is not a sentencepiece model: {error}") from None
    return processor
