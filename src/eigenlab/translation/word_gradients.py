"""Where the gradient of one target word goes in the source sentence."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.recurrent import trace_gradients
from eigenlab.translation.inspection import one_pair
from eigenlab.translation.seq2seq import Seq2Seq


def word_gradients(
    model: Seq2Seq, source: Sequence[int], target: Sequence[int], *, word: int = -1
) -> dict[str, Tensor]:
    """Norms of d(-log p(word))/dh_t at every state of encoder and decoder (question 7).

    The word is written under teacher forcing, and p is its probability given the source and the
    words before it. The gradients are those of the top layers, over every path: through the
    states that follow and, with attention, through the states that the decoder attends to.

    Args:
        model: in evaluation mode.
        source: indices of the S source tokens, as ``Vocabulary.encode`` gives them.
        target: indices of the T target tokens.
        word: place of the word in ``target``, negative ones from the end; T is its ``<eos>``.
            Default: ``-1``, the last token.

    Returns:
        ``"encoder"`` (S + 1,), the state after each source token, ``<eos>`` last;
        ``"reversed encoder"`` (S + 1,) in the same order, of a bidirectional encoder; and
        ``"decoder"`` (T + 1,), the state after each step: step t writes token t. It is 0 for the
        steps after the word.

    Raises:
        InputError: the model is in training mode, an index is not a token of its vocabularies, or
            there is no such word.

    >>> norms = word_gradients(Seq2Seq(20, 30, 8).eval(), [5, 6], [7, 8, 9])
    >>> norms["encoder"].shape, norms["decoder"][3].item()
    (torch.Size([3]), 0.0)
    """
    pair = one_pair(model, source, target)
    count = pair.target.shape[1] - 1
    if not -count <= word <= count:
        raise InputError(
            f"word={word} is not in the target of {count} tokens; expected {-count} to {count}, "
            f"{count} being <eos>"
        )
    place = word if word >= 0 else count + word

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(logits[:, place], target[:, place])

    def norms(part: str) -> Tensor:
        trace = trace_gradients(
            model,
            (pair.source, pair.lengths, pair.inputs),
            pair.target,
            loss=loss,
            recurrent=part,
            batch_first=True,
        )
        return trace.gradient_norms[-1]

    found = {"encoder": norms("encoder")}
    if model.reversed_encoder is not None:
        found["reversed encoder"] = norms("reversed_encoder").flip(0)
    found["decoder"] = norms("decoder")
    return found
