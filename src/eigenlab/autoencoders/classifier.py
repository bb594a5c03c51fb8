"""The linear classifier that a probe returns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier: logits ``features @ weight.T + bias``.

    Args:
        weight: (n_classes, n_features).
        bias: (n_classes,).

    >>> import torch
    >>> probe = LinearProbe(torch.tensor([[-1.0], [1.0]]), torch.zeros(2))
    >>> probe.accuracy(torch.tensor([[-2.0], [3.0]]), torch.tensor([0, 1]))
    1.0
    """

    weight: Tensor
    bias: Tensor

    def logits(self, features: Tensor) -> Tensor:
        """Return (n, n_classes) unnormalised log probabilities.

        Args:
            features: (n, n_features).
        """
        return features @ self.weight.T + self.bias

    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """Return the fraction of samples whose largest logit is that of their label, in [0, 1].

        Args:
            features: (n, n_features).
            labels: (n,) integers in 0...n_classes-1.
        """
        predicted = self.logits(features).argmax(1)
        # On the CPU, since not every device has float64.
        return (predicted.cpu() == labels.cpu()).double().mean().item()
