"""The language of origin of a surname: recurrent classifier, baselines, protocols, audit.

Names are loaded on first use, so ``from eigenlab.names import INTENDED_USE`` costs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eigenlab.names.auditing import audit
    from eigenlab.names.card import model_card
    from eigenlab.names.classifier import ABSTAINED, NameClassifier, UnreadableCharactersWarning
    from eigenlab.names.encoding import (
        ALPHABET,
        PADDING,
        VOCABULARY_SIZE,
        encode_name,
        encode_names,
        fold,
    )
    from eigenlab.names.intended_use import INTENDED_USE
    from eigenlab.names.metrics import evaluate, wilson_interval
    from eigenlab.names.module import RecurrentClassifier
    from eigenlab.names.ngrams import CharacterNGramClassifier
    from eigenlab.names.priors import shift_priors
    from eigenlab.names.protocols import (
        Split,
        ambiguity_ceiling,
        course_split,
        leak_free_split,
        split_names,
    )

_HOME = {
    "ABSTAINED": "classifier",
    "ALPHABET": "encoding",
    "CharacterNGramClassifier": "ngrams",
    "INTENDED_USE": "intended_use",
    "NameClassifier": "classifier",
    "PADDING": "encoding",
    "RecurrentClassifier": "module",
    "Split": "protocols",
    "UnreadableCharactersWarning": "classifier",
    "VOCABULARY_SIZE": "encoding",
    "ambiguity_ceiling": "protocols",
    "audit": "auditing",
    "course_split": "protocols",
    "encode_name": "encoding",
    "encode_names": "encoding",
    "evaluate": "metrics",
    "fold": "encoding",
    "leak_free_split": "protocols",
    "model_card": "card",
    "shift_priors": "priors",
    "split_names": "protocols",
    "wilson_interval": "metrics",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'eigenlab.names' has no attribute '{name}'")
    value = getattr(import_module(f"eigenlab.names.{_HOME[name]}"), name)
    globals()[name] = value
    return value


__all__ = [
    "ABSTAINED",
    "ALPHABET",
    "INTENDED_USE",
    "PADDING",
    "VOCABULARY_SIZE",
    "CharacterNGramClassifier",
    "NameClassifier",
    "RecurrentClassifier",
    "Split",
    "UnreadableCharactersWarning",
    "ambiguity_ceiling",
    "audit",
    "course_split",
    "encode_name",
    "encode_names",
    "evaluate",
    "fold",
    "leak_free_split",
    "model_card",
    "shift_priors",
    "split_names",
    "wilson_interval",
]
