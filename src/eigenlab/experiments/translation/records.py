"""What the stages of ``translation`` measure.

Sizes: N test pairs, U logged updates, S source tokens and T target tokens (``<eos>`` included),
P points of a path, K neighbours.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured

#: The two models, as records name them.
LAST_STATE, ATTENTION = "last state", "attention"
#: Lower and upper bound of a 95 % Wilson interval.
Bounds = tuple[float, float]


class CorpusRecord(Record):
    """The sentence pairs and how they are split."""

    train: int = measured("Training pairs.", unit="pairs")
    test: int = measured("Held-out pairs.", unit="pairs")
    source_tokens: int = measured("Tokens of the Spanish vocabulary.")
    target_tokens: int = measured("Tokens of the English vocabulary.")
    with_unknown: int = measured(
        "Held-out pairs with a word that no training pair contains.", unit="pairs"
    )
    leaked: int = measured(
        "Held-out pairs whose source or target is that of a training pair.", unit="pairs"
    )
    leaked_at_random: int = measured("The same number for a random split.", unit="pairs")


class Scores(Record):
    """How good the translations of some sentences are."""

    count: int = measured("Sentences.")
    bleu: float = measured("Corpus BLEU, 0 to 100.")
    exact: int = measured("Translations equal to their reference.")
    interval: Bounds = measured("95 % interval of the share of these.")

    @property
    def exact_match(self) -> float:
        """Share of translations equal to their reference."""
        return self.exact / self.count


class Example(Record):
    """One held-out sentence and its translation."""

    source: str = measured("Spanish sentence.")
    reference: str = measured("English sentence of the phrasebook.")
    translation: str = measured("What the model wrote greedily.")


class Decoding(Record):
    """Greedy decoding and beam search, and whether their output depends on anything else."""

    greedy: Vector = measured("Log-probability of each greedy translation.", unit="nats", shape="N")
    beam: Vector = measured(
        "Log-probability of the best translation of beam search.", unit="nats", shape="N"
    )
    rescored_difference: float = measured(
        "Largest difference between the log-probability that beam search states and that of the "
        "equations written out, in float64.",
        unit="nats",
    )
    checked: int = measured("Sentences for which this and the following were measured.")
    alone_changed: int = measured(
        "Of these, translations that differ between a sentence alone and in a batch, in float64."
    )
    alone_difference: float = measured(
        "Largest difference of their log-probabilities, in float64.", unit="nats"
    )
    alone_difference_float32: float = measured(
        "Largest difference of the log-probabilities of references, alone and in a padded batch, "
        "in float32.",
        unit="nats",
    )


class FirstState(Record):
    """Whether the decoder starts from the last state of the encoder; float64."""

    difference: float = measured(
        "Largest difference between the decoder's first state and the encoder's last."
    )
    written_out_difference: float = measured(
        "Largest difference of the log-probability of a target between the model and the "
        "equations written out with the encoder's last state as the decoder's first.",
        unit="nats",
    )
    zero_difference: float = measured(
        "Largest difference between the model and the same equations with zeros as the decoder's "
        "first state.",
        unit="nats",
    )


class Neighbours(Record):
    """Words with similar embeddings."""

    weights: str = measured("Source embedding or output layer, whose rows are also embeddings.")
    word: str = measured("Word.")
    nearest: tuple[str, ...] = measured("Its nearest words, the most similar first.", shape="K")
    cosines: Vector = measured("Cosine of each with the word.", shape="K")
    initial: float = measured("Cosine of the nearest word before training, which is chance.")


class StatePath(Record):
    """Hidden states through one sentence in the principal plane."""

    encoder_labels: tuple[str, ...] = measured("Token read before each state.", shape="S")
    encoder: Matrix = measured("Coordinates of the encoder's states.", shape="S, 2")
    decoder_labels: tuple[str, ...] = measured(
        "Token written from each state; empty for the first state.", shape="P"
    )
    decoder: Matrix = measured("Coordinates of the decoder's states.", shape="P, 2")


class Gradients(Record):
    """Where the gradient of the last word before the final mark goes."""

    source: tuple[str, ...] = measured("Tokens of one source sentence.", shape="S")
    target: str = measured("Its translation in the phrasebook.")
    word: str = measured("The last word of it.")
    norms: Vector = measured("|d(-log p(word))/dh_t| at each state of the encoder.", shape="S")
    sentences: int = measured("Sentences over which the shares are averaged.")
    aligned: float = measured(
        "Mean share of the sum of these norms at the source words that the word translates."
    )
    uniform: float = measured("Mean share that equal norms would have there.")
    autograd_difference: float = measured(
        "Largest relative difference between these norms and those of autograd through the "
        "equations written out, in float64."
    )


class AttentionMap(Record):
    """Attention weights of one sentence."""

    source: tuple[str, ...] = measured("Tokens of the source.", shape="S")
    target: tuple[str, ...] = measured("Tokens of the target.", shape="T")
    weights: Matrix = measured("Weights of the source tokens by target token.", shape="T, S")


class Alignment(Record):
    """How often the heaviest source token is one that the target token translates."""

    words: int = measured("Target words with a known alignment, without the final mark.")
    attention: float = measured("Share of them.")
    uniform: float = measured("Share with uniform weights.")
    diagonal: float = measured("Share when both sentences are read at the same pace.")
    maps: tuple[AttentionMap, ...] = measured("Weights of some sentences.")


class TranslatorRecord(Record):
    """One trained model on the held-out pairs."""

    steps: Integers = measured("Logged updates.", unit="updates", shape="U")
    losses: Vector = measured("Training loss at the logged updates.", unit="nats", shape="U")
    training_seconds: float = measured("Duration of the training.", unit="s")
    greedy: Scores = measured("Scores of greedy translations.")
    beam: Scores = measured("Scores of the best translations of beam search.")
    signature: str = measured("sacreBLEU's signature.")
    by_length: dict[str, Scores] = measured("Tokens of the source -> scores of greedy ones.")
    by_order: dict[str, Scores] = measured("Word order -> scores of greedy ones.")
    is_exact: Integers = measured("1 where the greedy translation is the reference.", shape="N")
    examples: tuple[Example, ...] = measured("Some sentences, right ones and wrong ones.")
    decoding: Decoding = measured("Log-probabilities of greedy decoding and beam search.")
    first_state: FirstState = measured("The decoder's first state.")
    neighbours: tuple[Neighbours, ...] = measured("Neighbours of some words.")
    paths: tuple[StatePath, ...] = measured("Paths through some sentences.")
    explained: Vector = measured("Share of the variance along either axis of their plane.")
    eigenvalues: dict[str, dict[str, Matrix]] = measured(
        "Encoder or decoder -> initial or trained -> real and imaginary parts of the eigenvalues "
        "of W_hn, the recurrent block of the candidate state."
    )
    gradients: Gradients = measured("Gradient of the last word.")
    alignment: Alignment | None = measured("Attention and alignment; None without attention.")


class TranslationRecord(Record):
    """Both models."""

    n_pairs: int = measured("Sentence pairs, held-out ones included.", unit="pairs")
    models: dict[str, TranslatorRecord] = measured("Model -> what was measured.")
