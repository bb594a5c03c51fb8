"""The language of origin of a surname: recurrent classifier, baselines, protocols, audit.

>>> from eigenlab.names import fold
>>> fold("Núñez")
'Nunez'
"""

from eigenlab.names.auditing import audit
from eigenlab.names.card import model_card
from eigenlab.names.checks import ABSTAINED, UnreadableCharactersWarning, is_readable
from eigenlab.names.classifier import NameClassifier
from eigenlab.names.encoding import (
    ALPHABET,
    PADDING,
    VOCABULARY_SIZE,
    encode_name,
    encode_names,
    fold,
    spelling,
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
    "is_readable",
    "leak_free_split",
    "model_card",
    "shift_priors",
    "spelling",
    "split_names",
]
