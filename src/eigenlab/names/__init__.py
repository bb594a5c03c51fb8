"""The language of origin of a surname: recurrent classifier, baselines, protocols, audit.

>>> from eigenlab.names import fold
>>> fold("Núñez")
'Nunez'
"""

from eigenlab.names.auditing import audit
from eigenlab.names.card import model_card
from eigenlab.names.checks import UnreadableCharactersWarning
from eigenlab.names.classifier import ABSTAINED, NameClassifier
from eigenlab.names.encoding import (
    ALPHABET,
    PADDING,
    VOCABULARY_SIZE,
    encode_name,
    encode_names,
    fold,
)
from eigenlab.names.intended_use import INTENDED_USE
from eigenlab.names.metrics import evaluate
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
]
