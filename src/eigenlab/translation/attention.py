"""Additive attention over the states of the encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eigenlab.recurrent.layers import check_sizes


class AdditiveAttention(nn.Module):
    """Weights of the source states for each decoder state, and the context they give.

    score(h, s) = v^T tanh(W_q h + W_k s) (D. Bahdanau, K. Cho and Y. Bengio, 2015); the weights are
    its softmax over the real positions of the source, and the context is the weighted sum of the
    states. Sums over the source are matrix products, whose bits do not depend on padding.

    Args:
        hidden_size: H, width of queries and states.
        dtype: floating type of the parameters. Default: torch's default type.
        device: device of the parameters. Default: torch's default device.

    >>> attention = AdditiveAttention(4)
    >>> states = torch.randn(2, 3, 4)
    >>> valid = torch.tensor([[True, True, True], [True, False, False]])
    >>> context, weights = attention(torch.randn(2, 5, 4), attention.keys(states), states, valid)
    >>> context.shape, weights[1, :, 1:].abs().max().item()
    (torch.Size([2, 5, 4]), 0.0)
    """

    def __init__(
        self,
        hidden_size: int,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        check_sizes(hidden_size=hidden_size)
        self.query = nn.Linear(hidden_size, hidden_size, dtype=dtype, device=device)
        self.key = nn.Linear(hidden_size, hidden_size, bias=False, dtype=dtype, device=device)
        self.score = nn.Linear(hidden_size, 1, bias=False, dtype=dtype, device=device)

    def keys(self, states: Tensor) -> Tensor:
        """W_k s for all source states (B, S, H), computed once a sentence."""
        return self.key(states.contiguous())

    def forward(
        self, queries: Tensor, keys: Tensor, states: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Attend from each decoder state.

        Args:
            queries: decoder states, (B, T, H).
            keys: what :meth:`keys` made of the states, (B, S, H).
            states: source states, (B, S, H).
            valid: which positions of the source are real, bool (B, S).

        Returns:
            The contexts (B, T, H) and the weights (B, T, S), zero where the source is padding.
        """
        summed = torch.tanh(self.query(queries.contiguous()).unsqueeze(2) + keys.unsqueeze(1))
        scores = (summed * self.score.weight[0]).sum(dim=-1)  # a matrix-vector product rounds
        # differently in batches of other sizes
        scores = scores.masked_fill(~valid.unsqueeze(1), -torch.inf)
        exponentials = (scores - scores.amax(dim=-1, keepdim=True).detach()).exp()
        ones = states.new_ones(*states.shape[:2], 1)
        total = exponentials @ ones
        return exponentials @ states.contiguous() / total, exponentials / total
