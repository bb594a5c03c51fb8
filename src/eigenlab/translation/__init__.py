"""Translation: vocabularies, corpora, splits without leaks, batches, decoder inputs.

>>> from eigenlab.translation import teacher_forcing_inputs
>>> teacher_forcing_inputs(["I", "see", "a", "dog"])
['<sos>', 'I', 'see', 'a', 'dog']
"""

from eigenlab.translation.batches import PairBatch, bucketed_batches
from eigenlab.translation.corpora import (
    SentencePair,
    as_pairs,
    load_multi30k,
    load_spa_eng,
    read_pairs,
)
from eigenlab.translation.indices import EOS, PAD, SOS, SPECIAL_TOKENS, UNK
from eigenlab.translation.inputs import free_running_inputs, teacher_forcing_inputs
from eigenlab.translation.phrasebook import PhrasebookPair, phrasebook
from eigenlab.translation.splits import Leaks, PairSplit, count_leaks, sentence_key, split_pairs
from eigenlab.translation.subwords import (
    SubwordVocabulary,
    load_vocabulary,
    vocabulary_from_dict,
)
from eigenlab.translation.tokens import JOINER, detokenize, normalize, tokenize
from eigenlab.translation.vocabulary import Vocabulary

__all__ = [
    "EOS",
    "JOINER",
    "PAD",
    "SOS",
    "SPECIAL_TOKENS",
    "UNK",
    "Leaks",
    "PairBatch",
    "PairSplit",
    "PhrasebookPair",
    "SentencePair",
    "SubwordVocabulary",
    "Vocabulary",
    "as_pairs",
    "bucketed_batches",
    "count_leaks",
    "detokenize",
    "free_running_inputs",
    "load_multi30k",
    "load_spa_eng",
    "load_vocabulary",
    "normalize",
    "phrasebook",
    "read_pairs",
    "sentence_key",
    "split_pairs",
    "teacher_forcing_inputs",
    "tokenize",
    "vocabulary_from_dict",
]
