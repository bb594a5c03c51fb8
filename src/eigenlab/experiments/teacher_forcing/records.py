"""What the stages of ``teacher-forcing`` measure.

Sizes: T target tokens, P positions, D distances from the first error.
"""

from __future__ import annotations

from eigenlab.lab import Integers, Matrix, Record, Vector, measured

#: What the decoders are fed in training.
TEACHER, SCHEDULED, OWN = "teacher forcing", "scheduled sampling", "own words only"

Words = tuple[str, ...]


class InputsRecord(Record):
    """The inputs of the text's example, and what a step's prediction depends on."""

    target: Words = measured("Target sentence of the example.")
    emitted: Words = measured("What the decoder of the example emitted.")
    forced: Words = measured("Inputs under teacher forcing.")
    free: Words = measured("Inputs when the decoder runs freely.")
    forced_in_batch: Words = measured("The first, from a padded batch of indices.")
    free_in_batch: Words = measured("The second, from a padded batch of indices.")
    changes: Matrix = measured(
        "Largest change of the logits of step s (column) when word t of the target (row) is "
        "replaced, under teacher forcing, in an untrained decoder in float64.",
        shape="T, T",
    )
    one_pass: float = measured(
        "Largest difference between the logits of all steps in one pass and step by step."
    )


class Curves(Record):
    """Teacher-forced and free-running predictions of the same tokens, averaged in groups."""

    tokens: Integers = measured("Tokens of each group.", shape="P")
    forced_accuracy: Vector = measured("Share of correct tokens, teacher-forced.", shape="P")
    free_accuracy: Vector = measured("Share of correct tokens, free-running.", shape="P")
    forced_loss: Vector = measured("Mean -log p of the token, forced.", unit="nats", shape="P")
    free_loss: Vector = measured("Mean -log p of the token, free.", unit="nats", shape="P")


class Example(Record):
    """A held-out sentence, as the decoder is fed in both ways."""

    source: str = measured("Spanish sentence.")
    target: Words = measured("Its translation.")
    emitted: Words = measured("What the decoder emitted greedily.")
    forced_inputs: Words = measured("Inputs under teacher forcing.")
    forced_predictions: Words = measured("Most probable words under teacher forcing.")
    free_inputs: Words = measured("Inputs when the decoder runs freely.")


class Training(Record):
    """One trained translator on the held-out pairs."""

    fed: str = measured("What the decoder was fed in training.")
    seed: int = measured("Random seed of weights and batches.")
    loss: float = measured("Last logged training loss.", unit="nats per token")
    sentences: int = measured("Held-out sentences.")
    exact_match: float = measured("Share of greedy translations equal to the reference.")
    forced_exact: float = measured("Share of sentences whose every token is predicted, forced.")
    first_errors_differ: int = measured(
        "Sentences whose inputs or predictions differ up to the first wrong token."
    )
    bleu: float = measured("BLEU of the greedy translations.", unit="points")
    forced_bleu: float = measured(
        "BLEU of the words predicted under teacher forcing.", unit="points"
    )
    signature: str = measured("sacreBLEU's signature.")
    everywhere: Curves = measured("All tokens, one group.")
    after: Curves = measured("All tokens after the first wrong one, one group.")
    by_position: Curves = measured("Tokens by position, from 1.")
    by_distance: Curves = measured("Tokens by distance from the first wrong one, from 1.")
    example: Example | None = measured("A sentence with an error, where there is one.")


class TrainedRecord(Record):
    """All trainings."""

    seeds: Integers = measured("Random seeds, one per training of each kind.")
    updates: int = measured("Updates of each training.", unit="updates")
    train_pairs: int = measured("Training pairs.", unit="pairs")
    runs: tuple[Training, ...] = measured("Trainings, one per kind and seed.")
