"""A translator to fit to one's own sentence pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import TrainingHistory, derive_seed, resolve_device
from eigenlab.training.storage import read_model, write_model
from eigenlab.translation.batches import bucketed_batches
from eigenlab.translation.beam import beam_search
from eigenlab.translation.corpora import as_pairs
from eigenlab.translation.decoding import Translation, greedy_decode
from eigenlab.translation.fitting import fit_seq2seq
from eigenlab.translation.indices import EOS, PAD
from eigenlab.translation.quality import Quality, bleu
from eigenlab.translation.seq2seq import Seq2Seq
from eigenlab.translation.splits import split_pairs
from eigenlab.translation.stack import Cell
from eigenlab.translation.vocabulary import Vocabulary

FORMAT = "eigenlab.translation.Translator/1"
DECODED_TOGETHER = 64
"""Sentences that are decoded at a time, similar lengths together."""


class Translator(BaseEstimator):
    """A recurrent encoder-decoder with its vocabularies, fitted to sentence pairs.

    A translation does not depend on the sentences that are translated with it: in float32 up to
    rounding, and in practice to the last bit where ``hidden_size`` is a multiple of 8.

    Args:
        hidden_size: units of each layer and size of the embeddings. Default: ``256``.
        cell: ``"rnn"``, ``"lstm"`` or ``"gru"``. Default: ``"gru"``.
        num_layers: layers of encoder and decoder. Default: ``1``.
        attention: whether the decoder attends to the encoder's states. Default: ``True``.
        bidirectional: whether the encoder reads in both directions. Default: ``True``.
        dropout: probability in [0, 1) by which units are dropped in training. Default: ``0.2``.
        n_epochs: passes over the pairs, at least 1. Default: ``10``.
        batch_size: pairs per update. Default: ``128``.
        learning_rate: the highest. Default: ``0.002``.
        label_smoothing: share of the probability spread over all tokens. Default: ``0.1``.
        min_count: how often a word must occur to be known. Default: ``1``.
        max_words: most known words on each side. Default: ``None``, no limit.
        lowercase: whether case is ignored. Default: ``False``.
        validation_fraction: share of the pairs, sharing no sentence with the others, by whose BLEU
            the best epoch is chosen; 0 keeps the last. Default: ``0.05``.
        max_length: most tokens of a translation. Default: ``100``.
        random_state: int or None. Seed of the weights, the batches and the split. Default:
            ``None``.
        device: ``"cpu"``, ``"cuda"`` or ``"auto"``. Default: ``"cpu"``.

    Attributes:
        source_vocabulary_: of the sources.
        target_vocabulary_: of the targets.
        model_: the fitted :class:`Seq2Seq`, in evaluation mode.
        history_: losses and evaluations of the training.

    >>> pairs = [("Veo un perro.", "I see a dog."), ("Veo un gato.", "I see a cat.")] * 8
    >>> translator = Translator(16, n_epochs=60, validation_fraction=0, random_state=0)
    >>> translator = translator.set_params(learning_rate=0.01, dropout=0.0, attention=False)
    >>> translator.fit(pairs).translate(["Veo un gato.", ""])
    ['I see a cat.', '']
    """

    model_: Seq2Seq
    source_vocabulary_: Vocabulary
    target_vocabulary_: Vocabulary
    history_: TrainingHistory

    def __init__(
        self,
        hidden_size: int = 256,
        *,
        cell: Cell = "gru",
        num_layers: int = 1,
        attention: bool = True,
        bidirectional: bool = True,
        dropout: float = 0.2,
        n_epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.002,
        label_smoothing: float = 0.1,
        min_count: int = 1,
        max_words: int | None = None,
        lowercase: bool = False,
        validation_fraction: float = 0.05,
        max_length: int = 100,
        random_state: int | None = None,
        device: str = "cpu",
    ) -> None:
        self.hidden_size = hidden_size
        self.cell = cell
        self.num_layers = num_layers
        self.attention = attention
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.min_count = min_count
        self.max_words = max_words
        self.lowercase = lowercase
        self.validation_fraction = validation_fraction
        self.max_length = max_length
        self.random_state = random_state
        self.device = device

    def fit(
        self,
        X: Iterable[Any],
        y: Any = None,
        *,
        reporter: Reporter = SILENT,
        checkpoint: Path | None = None,
    ) -> Translator:
        """Fit to sentence pairs.

        Args:
            X: (source, target) pairs of strings.
            y: ignored. Default: ``None``.
            reporter: receives progress and may cancel. Default: ``SILENT``.
            checkpoint: path prefix from which an interrupted training continues. Default:
                ``None``.

        Raises:
            InputError: there is no pair, an item is not one, or a parameter does not fit.
        """
        pairs = [(pair.source, pair.target) for pair in as_pairs(X)]
        self._check_parameters(len(pairs))
        seed = self._seed()
        train, held_out = self._split(pairs, seed)
        sources, targets = zip(*train, strict=True)
        self.source_vocabulary_ = self._vocabulary(sources)
        self.target_vocabulary_ = self._vocabulary(targets)
        device = resolve_device(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "weights"))
            self.model_ = self._build().to(device)
        batches = bucketed_batches(
            [self.source_vocabulary_.encode(sentence) for sentence in sources],
            [self.target_vocabulary_.encode(sentence) for sentence in targets],
            batch_size=self.batch_size,
            seed=derive_seed(seed, "batches"),
            device=device,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "dropout"))
            self.history_ = fit_seq2seq(
                self.model_,
                batches,
                steps=self.n_epochs * batches.steps_per_epoch,
                learning_rate=self.learning_rate,
                label_smoothing=self.label_smoothing,
                evaluate=self._evaluation(held_out) if held_out else None,
                monitor="bleu" if held_out else None,
                reporter=reporter,
                checkpoint=checkpoint,
            )
        self.model_.eval()
        return self

    def translate(self, X: Sequence[str], *, beam_size: int = 1, penalty: float = 0.0) -> list[str]:
        """Translate sentences.

        Args:
            X: sentences; an empty one gives an empty one.
            beam_size: 1 for greedy decoding, more for beam search. Default: ``1``.
            penalty: exponent of the length penalty of beam search. Default: ``0.0``.

        Returns:
            A translation for each, in order.
        """
        return [
            self.target_vocabulary_.decode(found[0].tokens) if found else ""
            for found in self.candidates(X, beam_size=beam_size, penalty=penalty)
        ]

    def candidates(
        self, X: Sequence[str], *, beam_size: int = 1, n_best: int = 1, penalty: float = 0.0
    ) -> list[list[Translation]]:
        """Translate sentences; several translations each, with scores and attention.

        Args:
            X: sentences.
            beam_size: 1 for greedy decoding, more for beam search. Default: ``1``.
            n_best: translations of each, at most ``beam_size``. Default: ``1``.
            penalty: exponent of the length penalty. Default: ``0.0``.

        Returns:
            A list for each sentence, the best first; empty for an empty sentence.
        """
        check_is_fitted(self, "model_")
        sentences = [X] if isinstance(X, str) else list(X)
        if isinstance(X, str):
            raise InputError("X is one string; expected a list of sentences, e.g. [sentence]")
        encoded = [self.source_vocabulary_.encode(sentence) for sentence in sentences]
        rows = [row for row, indices in enumerate(encoded) if indices]
        rows.sort(key=lambda row: len(encoded[row]))
        found: list[list[Translation]] = [[] for _ in sentences]
        device = next(self.model_.parameters()).device
        for start in range(0, len(rows), DECODED_TOGETHER):
            part = rows[start : start + DECODED_TOGETHER]
            batch = _padded([encoded[row] for row in part], device)
            for row, translations in zip(
                part, self._decoded(batch, beam_size, n_best, penalty), strict=True
            ):
                found[row] = translations
        return found

    def _decoded(
        self, batch: tuple[Tensor, Tensor], beam_size: int, n_best: int, penalty: float
    ) -> list[list[Translation]]:
        if beam_size == 1 and n_best == 1:
            return [
                [found] for found in greedy_decode(self.model_, *batch, max_length=self.max_length)
            ]
        return beam_search(
            self.model_,
            *batch,
            beam_size=beam_size,
            n_best=n_best,
            penalty=penalty,
            max_length=self.max_length,
        )

    def score(self, X: Iterable[Any], y: Any = None) -> float:
        """BLEU of the translations of pairs, in [0, 1]; see :meth:`quality`.

        Args:
            X: (source, target) pairs.
            y: ignored. Default: ``None``.
        """
        return self.quality(X).bleu / 100

    def quality(self, X: Iterable[Any], *, beam_size: int = 1, penalty: float = 0.0) -> Quality:
        """BLEU, chrF, exact matches and sacreBLEU's signature on pairs.

        Args:
            X: (source, target) pairs.
            beam_size: see :meth:`translate`. Default: ``1``.
            penalty: see :meth:`translate`. Default: ``0.0``.
        """
        pairs = as_pairs(X)
        written = self.translate([p.source for p in pairs], beam_size=beam_size, penalty=penalty)
        return bleu(written, [p.target for p in pairs], lowercase=self.lowercase)

    def save(self, path: Path | str) -> None:
        """Write the fitted translator to one safetensors file, with JSON in its header.

        Args:
            path: the file.
        """
        check_is_fitted(self, "model_")
        described = {
            "parameters": self.get_params(),
            "source_vocabulary": self.source_vocabulary_.to_dict(),
            "target_vocabulary": self.target_vocabulary_.to_dict(),
        }
        description = dump_json(described, indent=None)
        write_model(path, self.model_.state_dict(), format=FORMAT, description=description)

    @classmethod
    def load(cls, path: Path | str) -> Translator:
        """Read a translator that :meth:`save` wrote; its translations are the same.

        Args:
            path: the file.

        Raises:
            InputError: the file is missing, damaged, or not of a Translator.
        """
        weights, header = read_model(path, format=FORMAT)
        described = load_json(header["description"])
        try:
            translator = cls(**described["parameters"])
            for side in ("source", "target"):
                content = described[f"{side}_vocabulary"]
                vocabulary = Vocabulary(content["tokens"], lowercase=content["lowercase"])
                setattr(translator, f"{side}_vocabulary_", vocabulary)
            translator.model_ = translator._build()
            translator.model_.load_state_dict(weights)
            translator.model_.eval()
        except (KeyError, TypeError, RuntimeError) as error:
            raise InputError(f"{path} does not hold this version's Translator: {error}") from None
        return translator

    def _build(self) -> Seq2Seq:
        return Seq2Seq(
            len(self.source_vocabulary_),
            len(self.target_vocabulary_),
            self.hidden_size,
            cell=self.cell,
            num_layers=self.num_layers,
            attention=self.attention,
            bidirectional=self.bidirectional,
            dropout=self.dropout,
        )

    def _vocabulary(self, sentences: Sequence[str]) -> Vocabulary:
        return Vocabulary.build(
            sentences,
            min_count=self.min_count,
            max_size=self.max_words,
            lowercase=self.lowercase,
        )

    def _seed(self) -> int:
        if self.random_state is None:
            return int(np.random.default_rng().integers(2**31))
        return int(self.random_state)

    def _split(
        self, pairs: list[tuple[str, str]], seed: int
    ) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        count = round(self.validation_fraction * len(pairs))
        if count == 0:
            return pairs, []
        split = split_pairs(pairs, test=count, seed=derive_seed(seed, "split"))
        return [pairs[i] for i in split.train], [pairs[i] for i in split.test]

    def _evaluation(self, held_out: list[tuple[str, str]]) -> Any:
        sources, references = zip(*held_out, strict=True)

        def evaluate(model: Seq2Seq) -> Mapping[str, float]:
            found = bleu(self.translate(sources), references, lowercase=self.lowercase)
            return {"bleu": found.bleu, "exact_match": found.exact_match}

        return evaluate

    def _check_parameters(self, n_pairs: int) -> None:
        if n_pairs == 0:
            raise InputError("X holds no pair; give (source, target) pairs of strings")
        for name in ("n_epochs", "batch_size", "max_length"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name}={value!r} must be an integer of at least 1")
        if not isinstance(self.random_state, Integral | None):
            raise InputError(f"random_state={self.random_state!r} must be an integer or None")
        if not 0 <= self.validation_fraction < 1:
            raise InputError(f"validation_fraction={self.validation_fraction!r} must be in [0, 1)")


def _padded(encoded: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows of indices, each ended by ``<eos>``, and their lengths."""
    lengths = torch.tensor([len(indices) + 1 for indices in encoded])
    rows = torch.full((len(encoded), int(lengths.max())), PAD)
    for row, indices in enumerate(encoded):
        rows[row, : len(indices) + 1] = torch.tensor([*indices, EOS])
    return rows.to(device), lengths.to(device)
