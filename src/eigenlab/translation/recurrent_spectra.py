"""Eigenvalues of the recurrent weights of encoder and decoder."""

from __future__ import annotations

from torch import Tensor

from eigenlab.spectrum import eigenvalues
from eigenlab.translation.seq2seq import Seq2Seq

#: Recurrent blocks of each cell, in the order in which torch stacks them.
BLOCKS = {
    "rnn": ("W_h",),
    "gru": ("W_hr", "W_hz", "W_hn"),
    "lstm": ("W_hi", "W_hf", "W_hg", "W_ho"),
}


def recurrent_eigenvalues(model: Seq2Seq) -> dict[str, dict[str, Tensor]]:
    """Eigenvalues of every recurrent block of encoder and decoder (question 7).

    A tanh RNN has one block W_h. A GRU has W_hr (reset gate), W_hz (update gate) and W_hn (the
    candidate state, the counterpart of W_h), an LSTM W_hi, W_hf, W_hg (the candidate) and W_ho.

    Args:
        model: the encoder-decoder.

    Returns:
        Part -> block -> (H,) complex128, largest magnitude first. Parts are ``"encoder"``,
        ``"reversed encoder"`` if there is one, and ``"decoder"``; with several layers
        ``"encoder, layer 1"`` and so on, the bottom one first.

    >>> found = recurrent_eigenvalues(Seq2Seq(20, 30, 8))
    >>> {part: list(blocks) for part, blocks in found.items()}
    {'encoder': ['W_hr', 'W_hz', 'W_hn'], 'decoder': ['W_hr', 'W_hz', 'W_hn']}
    """
    stacks = {
        "encoder": model.encoder,
        "reversed encoder": model.reversed_encoder,
        "decoder": model.decoder,
    }
    names = BLOCKS[model.cell]
    found = {}
    for part, stack in stacks.items():
        if stack is None:
            continue
        for number, layer in enumerate(stack.layers, 1):
            weight = layer.get_parameter("W_h" if model.cell == "rnn" else "weight_hh_l0")
            label = part if len(stack.layers) == 1 else f"{part}, layer {number}"
            blocks = weight.detach().chunk(len(names))
            found[label] = dict(zip(names, map(eigenvalues, blocks), strict=True))
    return found
