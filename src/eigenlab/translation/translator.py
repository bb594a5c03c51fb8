"""A translator to fit to one's own sentence pairs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
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
from eigenlab.training import (
    TrainingDiverged,
    TrainingHistory,
    derive_seed,
    resolve_device,
    resolve_precision,
)
from eigenlab.training.device import present_or_cpu
from eigenlab.training.precision import Precision
from eigenlab.training.storage import read_model, write_model
from eigenlab.translation.batches import pad_sentences
from eigenlab.translation.beam import beam_search, check_search
from eigenlab.translation.checks import check_count
from eigenlab.translation.corpora import as_pairs
from eigenlab.translation.decoding import Translation, greedy_decode
from eigenlab.translation.fitting import fit_seq2seq
from eigenlab.translation.quality import Quality, bleu
from eigenlab.translation.resuming import (
    digest_of_pairs,
    identified_batches,
    refuse_other_checkpoint,
    stored_weights,
)
from eigenlab.translation.sentences import as_sentences
from eigenlab.translation.seq2seq import Design, Seq2Seq
from eigenlab.translation.splits import count_leaks, split_pairs
from eigenlab.translation.stack import Cell
from eigenlab.translation.subwords import SubwordVocabulary, vocabulary_from_dict
from eigenlab.translation.vocabulary import Vocabulary

FORMAT = "eigenlab.translation.Translator/2"
SIDES = ("source", "target")
DECODED_TOGETHER = 64
"""Sentences that are decoded at a time, similar lengths together."""

Pairs = list[tuple[str, str]]


class IncompleteTranslationWarning(UserWarning):
    """A translation was cut at ``max_length`` tokens before the model ended it."""


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
        design: ``"sequential"``, the decoder starts when the encoder has read the source; or
            ``"stacked"``, without attention and in one direction, the design of question 7a.
            Default: ``"sequential"``.
        dropout: probability in [0, 1) by which units are dropped in training. Default: ``0.2``.
        n_epochs: passes over the pairs, at least 1. Default: ``10``.
        batch_size: pairs per update. Default: ``128``.
        learning_rate: the highest. Default: ``0.002``.
        label_smoothing: share of the probability spread over all tokens. Default: ``0.1``.
        precision: of the matrix products in training: ``"float32"``; ``"bfloat16"``, twice as fast
            where the hardware has it; or ``"auto"``, the latter where it has. Translating is in
            float32. Default: ``"float32"``.
        min_count: how often a word must occur to be known. Default: ``1``.
        max_words: most known words on each side. Default: ``None``, no limit.
        subwords: tokens of each side if words are split into parts, through sentencepiece (see
            :class:`SubwordVocabulary`); instead of ``min_count`` and ``max_words``. Default:
            ``None``, whole words.
        lowercase: whether case is ignored. Default: ``False``.
        validation_fraction: share of the pairs, sharing no sentence with the others, by whose BLEU
            the best epoch is chosen; 0, or a share of less than half a pair, keeps the last epoch.
            Default: ``0.05``.
        max_length: most tokens of a translation. Default: ``100``.
        random_state: int or None. Seed of the weights, the batches and the split. Default:
            ``None``.
        device: ``"cpu"``, ``"cuda"`` or ``"auto"``. Default: ``"cpu"``.

    Attributes:
        source_vocabulary_: of the sources.
        target_vocabulary_: of the targets.
        model_: the fitted :class:`Seq2Seq`, in evaluation mode.
        history_: losses and evaluations of the training.
        held_out_: the pairs by whose BLEU the epoch was chosen; not stored in a file.

    >>> pairs = [("Veo un perro.", "I see a dog."), ("Veo un gato.", "I see a cat.")] * 8
    >>> translator = Translator(16, n_epochs=60, validation_fraction=0, random_state=0)
    >>> translator = translator.set_params(learning_rate=0.01, dropout=0.0, attention=False)
    >>> translator.fit(pairs).translate(["Veo un gato.", ""])
    ['I see a cat.', '']
    """

    model_: Seq2Seq
    source_vocabulary_: Vocabulary | SubwordVocabulary
    target_vocabulary_: Vocabulary | SubwordVocabulary
    history_: TrainingHistory
    held_out_: Pairs

    def __init__(
        self,
        hidden_size: int = 256,
        *,
        cell: Cell = "gru",
        num_layers: int = 1,
        attention: bool = True,
        bidirectional: bool = True,
        design: Design = "sequential",
        dropout: float = 0.2,
        n_epochs: int = 10,
        batch_size: int = 128,
        learning_rate: float = 0.002,
        label_smoothing: float = 0.1,
        precision: Precision = "float32",
        min_count: int = 1,
        max_words: int | None = None,
        subwords: int | None = None,
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
        self.design = design
        self.dropout = dropout
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.precision = precision
        self.min_count = min_count
        self.max_words = max_words
        self.subwords = subwords
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
        validation: Iterable[Any] | None = None,
        reporter: Reporter = SILENT,
        checkpoint: Path | None = None,
    ) -> Translator:
        """Fit to sentence pairs.

        Args:
            X: (source, target) pairs of strings, neither of them empty; duplicates are kept, and
                never are some of them held out and others trained on.
            y: ignored. Default: ``None``.
            validation: pairs by whose BLEU the best epoch is chosen, such as those of a standard
                split. Default: ``None``, ``validation_fraction`` of ``X``.
            reporter: receives progress and may cancel. Default: ``SILENT``.
            checkpoint: path prefix of the files from which an interrupted training continues; needs
                an integer ``random_state``. Default: ``None``.

        Raises:
            InputError: there is no pair, an item is not one, a parameter does not fit, or the
                checkpoint is of another training: other pairs, vocabularies or parameters.
            TrainingDiverged: the loss is not finite; the translator then has the weights of the
                last checkpoint, which the message names, or of its best epoch, and without either
                it is not fitted. Or the loss ends far above that of an untrained model; the
                translator is then not fitted.
        """
        pairs = [(pair.source, pair.target) for pair in as_pairs(X)]
        self._check_parameters(len(pairs), checkpoint)
        seed = self._seed()
        if validation is None:
            train, held_out = self._split(pairs, seed, reporter)
        else:
            train = pairs
            held_out = [(pair.source, pair.target) for pair in as_pairs(validation)]
            _report_split(train, held_out, reporter)
        sources, targets = zip(*train, strict=True)
        source, target = self._vocabulary(sources), self._vocabulary(targets)
        reporter.message(f"vocabularies: {len(source)} source and {len(target)} target tokens")
        device = resolve_device(self.device)
        precision = resolve_precision(self.precision, device)
        reporter.message(f"matrix products in {precision}")
        forked = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=forked):
            torch.manual_seed(derive_seed(seed, "weights"))
            model = self._build(len(source), len(target)).to(device)
        identity = {
            **{name: value for name, value in self.get_params().items() if name != "device"},
            "pairs": digest_of_pairs(train, held_out),
            "source vocabulary": source.digest,
            "target vocabulary": target.digest,
        }
        if checkpoint is not None:
            refuse_other_checkpoint(checkpoint, identity)
        batches = identified_batches(
            [source.encode(sentence) for sentence in sources],
            [target.encode(sentence) for sentence in targets],
            batch_size=self.batch_size,
            seed=derive_seed(seed, "batches"),
            device=device,
            identity=identity,
        )
        self.source_vocabulary_, self.target_vocabulary_, self.model_ = source, target, model
        self._digests = (source.digest, target.digest)
        self.held_out_ = held_out
        self.__dict__.pop("history_", None)  # of an earlier fit
        best: dict[str, Tensor] = {}
        try:
            with torch.random.fork_rng(devices=forked):
                torch.manual_seed(derive_seed(seed, "dropout"))
                self.history_ = fit_seq2seq(
                    model,
                    batches,
                    steps=self.n_epochs * batches.steps_per_epoch,
                    learning_rate=self.learning_rate,
                    label_smoothing=self.label_smoothing,
                    precision=precision,
                    evaluate=self._evaluation(held_out, best) if held_out else None,
                    monitor="rank" if held_out else None,
                    reporter=reporter,
                    checkpoint=checkpoint,
                )
        except TrainingDiverged as error:
            raise TrainingDiverged(f"{error}; {self._recover(checkpoint, best)}") from None
        finally:
            model.eval()
        self._refuse_divergence()
        return self

    def _refuse_divergence(self) -> None:
        """Raise if the loss is finite, but far above that of giving all tokens the same chance."""
        last = [loss for _, loss in self.history_.losses[-10:]]
        mean, uniform = sum(last) / len(last), math.log(len(self.target_vocabulary_))
        if mean > 2 * uniform:
            del self.model_
            raise TrainingDiverged(
                f"training diverged: the last losses are {mean:.4g} in the mean, those of giving "
                f"all {len(self.target_vocabulary_)} tokens the same chance {uniform:.4g}; lower "
                f"learning_rate={self.learning_rate}; the translator is not fitted"
            )

    def _recover(self, checkpoint: Path | None, best: dict[str, Tensor]) -> str:
        """Go back to the last good weights, of the checkpoint or of the best epoch; say which."""
        found = stored_weights(checkpoint)
        if found is not None:
            file, step, weights = found
            self.model_.load_state_dict(weights)
            return (
                f"the last good checkpoint is {file}, after step {step}; the translator has its "
                "weights"
            )
        if best:
            self.model_.load_state_dict(best)
            return "the translator has the weights of its best epoch"
        del self.model_
        return "no checkpoint had been written, so the translator is not fitted"

    def translate(self, X: Iterable[str], *, beam_size: int = 1, penalty: float = 0.0) -> list[str]:
        """Translate sentences.

        A word that is not in the vocabulary is read as ``<unk>``: the translation can only guess
        it. :meth:`unknown` lists these words.

        Args:
            X: sentences: a list, a generator, an array, a series or a data frame with one column;
                an empty one gives an empty one.
            beam_size: 1 for greedy decoding, more for beam search. Default: ``1``.
            penalty: exponent of the length penalty of beam search. Default: ``0.0``.

        Returns:
            A translation for each, in order.

        Raises:
            InputError: ``X`` is one string, an item is not a string, or a number does not fit.

        Warns:
            IncompleteTranslationWarning: a translation was cut at ``max_length`` tokens; see
                ``is_cut`` of :meth:`candidates`.
        """
        texts, cut = self._texts(X, beam_size, penalty)
        if cut:
            shown = ", ".join(map(str, cut[:5])) + ", ..." * (len(cut) > 5)
            warnings.warn(
                f"max_length={self.max_length} tokens cut {len(cut)} of {len(texts)} translations, "
                f"those of X[i] for i = {shown}; raise max_length if they should be longer",
                IncompleteTranslationWarning,
                stacklevel=2,
            )
        return texts

    def _texts(
        self, X: Iterable[str], beam_size: int, penalty: float
    ) -> tuple[list[str], list[int]]:
        """Translations, and the places of those that were cut at ``max_length``."""
        lists = self.candidates(X, beam_size=beam_size, penalty=penalty)
        texts = [
            self.target_vocabulary_.decode(found[0].tokens) if found else "" for found in lists
        ]
        return texts, [i for i, found in enumerate(lists) if found and found[0].is_cut]

    def unknown(self, X: Iterable[str]) -> list[list[str]]:
        """Words of sentences that are not in the vocabulary, which the model reads as ``<unk>``.

        Args:
            X: sentences, as in :meth:`translate`.

        Returns:
            A list for each sentence, in the order of its words.
        """
        check_is_fitted(self, "model_")
        return [self.source_vocabulary_.unknown(sentence) for sentence in as_sentences(X)]

    def candidates(
        self, X: Iterable[str], *, beam_size: int = 1, n_best: int = 1, penalty: float = 0.0
    ) -> list[list[Translation]]:
        """Translate sentences; several translations each, with scores and attention.

        Args:
            X: sentences, as in :meth:`translate`.
            beam_size: 1 for greedy decoding, more for beam search. Default: ``1``.
            n_best: translations of each, at most ``beam_size``. Default: ``1``.
            penalty: exponent of the length penalty. Default: ``0.0``.

        Returns:
            A list for each sentence, the best first; empty for an empty sentence.

        Raises:
            InputError: as :meth:`translate`.
        """
        check_is_fitted(self, "model_")
        check_search(beam_size, n_best, penalty)
        sentences = as_sentences(X)
        encoded = [self.source_vocabulary_.encode(sentence) for sentence in sentences]
        rows = [row for row, indices in enumerate(encoded) if indices]
        rows.sort(key=lambda row: len(encoded[row]))
        found: list[list[Translation]] = [[] for _ in sentences]
        device = next(self.model_.parameters()).device
        for start in range(0, len(rows), DECODED_TOGETHER):
            part = rows[start : start + DECODED_TOGETHER]
            batch = pad_sentences([encoded[row] for row in part], device)
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
        written, _ = self._texts([p.source for p in pairs], beam_size, penalty)
        return bleu(written, [p.target for p in pairs], lowercase=self.lowercase)

    def save(self, path: Path | str) -> None:
        """Write the fitted translator to one safetensors file, with JSON in its header.

        Args:
            path: the file.

        Raises:
            InputError: a vocabulary is not the one that the translator was fitted with.
        """
        check_is_fitted(self, "model_")
        for side, digest in zip(SIDES, self._digests, strict=True):
            self._check_vocabulary(side, digest, "the translator")
        described = {
            "parameters": self.get_params(),
            "source_vocabulary": self.source_vocabulary_.to_dict(),
            "target_vocabulary": self.target_vocabulary_.to_dict(),
        }
        # The digests are among the tensors, so that a header of another file is found out.
        tensors = {
            **self.model_.state_dict(),
            **{
                f"{side}_vocabulary": torch.tensor(list(bytes.fromhex(digest)), dtype=torch.uint8)
                for side, digest in zip(SIDES, self._digests, strict=True)
            },
        }
        write_model(path, tensors, format=FORMAT, description=dump_json(described, indent=None))

    @classmethod
    def load(cls, path: Path | str) -> Translator:
        """Read a translator that :meth:`save` wrote; its translations are the same.

        Where the device of the training is not present, as a GPU on a laptop, ``device`` is
        ``"cpu"``.

        Args:
            path: the file.

        Raises:
            InputError: the file is missing, damaged, or not of a Translator, or holds another
                vocabulary than that of its weights; or sentencepiece is needed and not installed.
        """
        weights, header = read_model(path, format=FORMAT)
        try:
            described = load_json(header["description"])
            translator = cls(**described["parameters"])
            translator._digests = tuple(  # type: ignore[assignment]
                _digest(weights.pop(f"{side}_vocabulary")) for side in SIDES
            )
            for side, digest in zip(SIDES, translator._digests, strict=True):
                vocabulary = vocabulary_from_dict(described[f"{side}_vocabulary"])
                setattr(translator, f"{side}_vocabulary_", vocabulary)
                translator._check_vocabulary(side, digest, str(path))
            model = translator._build(
                len(translator.source_vocabulary_), len(translator.target_vocabulary_)
            )
            model.load_state_dict(weights)
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            if isinstance(error, InputError) and str(path) in str(error):
                raise
            raise InputError(f"{path} does not hold this version's Translator: {error}") from None
        translator.device = present_or_cpu(translator.device)
        translator.model_ = model.to(resolve_device(translator.device)).eval()
        return translator

    def _check_vocabulary(self, side: str, digest: str, owner: str) -> None:
        vocabulary: Vocabulary | SubwordVocabulary = getattr(self, f"{side}_vocabulary_")
        if vocabulary.digest != digest:
            raise InputError(
                f"{owner} holds a {side} vocabulary with digest {vocabulary.digest}, but its "
                f"weights were fitted with the one of digest {digest}; use that one"
            )

    def _build(self, source_size: int, target_size: int) -> Seq2Seq:
        return Seq2Seq(
            source_size,
            target_size,
            self.hidden_size,
            cell=self.cell,
            num_layers=self.num_layers,
            attention=self.attention,
            bidirectional=self.bidirectional,
            design=self.design,
            dropout=self.dropout,
        )

    def _vocabulary(self, sentences: Sequence[str]) -> Vocabulary | SubwordVocabulary:
        if self.subwords is not None:
            return SubwordVocabulary.build(sentences, size=self.subwords, lowercase=self.lowercase)
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

    def _split(self, pairs: Pairs, seed: int, reporter: Reporter) -> tuple[Pairs, Pairs]:
        count = round(self.validation_fraction * len(pairs))
        if count == 0:
            reporter.message(f"none of {len(pairs)} pairs is held out")
            return pairs, []
        try:
            split = split_pairs(pairs, test=count, seed=derive_seed(seed, "split"))
        except InputError as error:
            raise InputError(
                f"validation_fraction={self.validation_fraction} cannot be held out: {error}; "
                "or use validation_fraction=0"
            ) from None
        train, held_out = ([pairs[i] for i in part] for part in (split.train, split.test))
        _report_split(train, held_out, reporter, at_random=split.random_leaks.either)
        return train, held_out

    def _evaluation(self, held_out: Pairs, best: dict[str, Tensor]) -> Any:
        """What evaluates the model after each epoch and keeps the best weights in ``best``."""
        sources, references = zip(*held_out, strict=True)
        highest = -math.inf

        def evaluate(model: Seq2Seq) -> Mapping[str, float]:
            nonlocal highest
            written, _ = self._texts(sources, 1, 0.0)
            found = bleu(written, references, lowercase=self.lowercase)
            if found.rank > highest:
                highest = found.rank
                best.update({k: v.detach().clone() for k, v in model.state_dict().items()})
            return {"bleu": found.bleu, "exact_match": found.exact_match, "rank": found.rank}

        return evaluate

    def _check_parameters(self, n_pairs: int, checkpoint: Path | None) -> None:
        if n_pairs == 0:
            raise InputError("X holds no pair; give (source, target) pairs of strings")
        for name in ("n_epochs", "batch_size", "max_length"):
            check_count(name, getattr(self, name), 1)
        if not isinstance(self.random_state, Integral | None):
            raise InputError(f"random_state={self.random_state!r} must be an integer or None")
        if checkpoint is not None and self.random_state is None:
            raise InputError(
                "random_state=None makes each training another one, which no checkpoint continues; "
                "give an integer"
            )
        for name in ("validation_fraction", "label_smoothing"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not 0 <= float(value) < 1:
                raise InputError(f"{name}={value!r} must be in [0, 1)")
        rate: object = self.learning_rate
        if not isinstance(rate, Real) or not 0 < float(rate) < math.inf:
            raise InputError(f"learning_rate={self.learning_rate!r} must be a positive number")
        if self.subwords is not None and (self.min_count, self.max_words) != (1, None):
            raise InputError(
                f"subwords={self.subwords!r} replaces min_count={self.min_count!r} and max_words="
                f"{self.max_words!r}; leave these at 1 and None"
            )


def _report_split(
    train: Pairs, held_out: Pairs, reporter: Reporter, at_random: int | None = None
) -> None:
    leaked = count_leaks(train, held_out).either
    random = "" if at_random is None else f" (of a random split, {at_random} would)"
    reporter.message(
        f"{len(train) + len(held_out)} pairs: {len(train)} to train on and {len(held_out)} held "
        f"out, of which {leaked} share a sentence with the former{random}"
    )


def _digest(stored: Tensor) -> str:
    return bytes(stored.tolist()).hex()
