"""Mutants of questions 7b and 7c."""

from __future__ import annotations

import torch

from eigenlab.translation import free_running_inputs, teacher_forcing_inputs
from mutants import Mutant, replaced

SMALL = {"n_seeds": 0}


def unshifted(original, words):
    """The target itself, with its end in the last place."""
    if isinstance(words, torch.Tensor):
        return words[..., : original(words).shape[-1]].clone()
    return (*words, "<eos>")


def twice(original, words):
    if isinstance(words, torch.Tensor):
        once = original(words)
        return torch.cat([once[..., :1], once[..., :-1]], dim=-1)
    once = original(words)
    return (once[0], *once[:-1])


MUTANTS = [
    Mutant(
        "the target without the shift",
        ("7b.inputs", "7b.shifted"),
        replaced(teacher_forcing_inputs, unshifted),
        SMALL,
    ),
    Mutant("shifted twice", ("7b.inputs",), replaced(teacher_forcing_inputs, twice), SMALL),
    Mutant("shifted twice", ("7c.inputs",), replaced(free_running_inputs, twice), SMALL),
    Mutant("no start symbol", ("7c.inputs",), replaced(free_running_inputs, unshifted), SMALL),
]
