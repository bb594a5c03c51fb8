"""Translation: vocabularies, corpora, splits without leaks, batches, decoder inputs.

>>> from eigenlab.translation import teacher_forcing_inputs
>>> teacher_forcing_inputs(["I", "see", "a", "dog"])
['<sos>', 'I', 'see', 'a', 'dog']
"""

from eigenlab.translation.batches import PairBatch, bucketed_batches
from eigenlab.translation.beam import beam_search, length_penalty
from eigenlab.translation.corpora import (
    SentencePair,
    as_pairs,
    load_multi30k,
    load_spa_eng,
    read_pairs,
)
from eigenlab.translation.decoding import Translation, greedy_decode, sample
from eigenlab.translation.exposure import Exposure, Fed, exposure
from eigenlab.translation.fitting import fit_seq2seq, translation_loss
from eigenlab.translation.indices import EOS, PAD, SOS, SPECIAL_TOKENS, UNK
from eigenlab.translation.inputs import free_running_inputs, teacher_forcing_inputs
from eigenlab.translation.phrasebook import PhrasebookPair, phrasebook
from eigenlab.translation.quality import Quality, bleu
from eigenlab.translation.scheduled import scheduled_sampling_inputs, with_forced_tokens
from eigenlab.translation.seq2seq import Seq2Seq
from eigenlab.translation.splits import Leaks, PairSplit, count_leaks, sentence_key, split_pairs
from eigenlab.translation.subwords import (
    SubwordVocabulary,
    load_vocabulary,
    vocabulary_from_dict,
)
from eigenlab.translation.tokens import JOINER, detokenize, normalize, tokenize
from eigenlab.translation.translator import IncompleteTranslationWarning, Translator
from eigenlab.translation.vocabulary import Vocabulary

__all__ = [
    "EOS",
    "JOINER",
    "PAD",
    "SOS",
    "SPECIAL_TOKENS",
    "UNK",
    "Exposure",
    "Fed",
    "IncompleteTranslationWarning",
    "Leaks",
    "PairBatch",
    "PairSplit",
    "PhrasebookPair",
    "Quality",
    "SentencePair",
    "Seq2Seq",
    "SubwordVocabulary",
    "Translation",
    "Translator",
    "Vocabulary",
    "as_pairs",
    "beam_search",
    "bleu",
    "bucketed_batches",
    "count_leaks",
    "detokenize",
    "exposure",
    "fit_seq2seq",
    "free_running_inputs",
    "greedy_decode",
    "length_penalty",
    "load_multi30k",
    "load_spa_eng",
    "load_vocabulary",
    "normalize",
    "phrasebook",
    "read_pairs",
    "sample",
    "scheduled_sampling_inputs",
    "sentence_key",
    "split_pairs",
    "teacher_forcing_inputs",
    "tokenize",
    "translation_loss",
    "vocabulary_from_dict",
    "with_forced_tokens",
]
