"""Translation: vocabularies, corpora, splits without leaks, batches, decoder inputs.

>>> from eigenlab.translation import teacher_forcing_inputs
>>> teacher_forcing_inputs(["I", "see", "a", "dog"])
['<sos>', 'I', 'see', 'a', 'dog']
"""

from eigenlab.translation.attention_map import (
    AlignmentAgreement,
    alignment_agreement,
    attention_map,
)
from eigenlab.translation.batches import PairBatch, bucketed_batches, pad_sentences
from eigenlab.translation.beam import beam_search, length_penalty
from eigenlab.translation.breakdown import quality_by_group, word_order_class
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
from eigenlab.translation.neighbours import nearest_words
from eigenlab.translation.phrasebook import PhrasebookPair, phrasebook
from eigenlab.translation.quality import Quality, bleu
from eigenlab.translation.recurrent_spectra import recurrent_eigenvalues
from eigenlab.translation.scheduled import scheduled_sampling_inputs, with_forced_tokens
from eigenlab.translation.seq2seq import Seq2Seq
from eigenlab.translation.splits import Leaks, PairSplit, count_leaks, sentence_key, split_pairs
from eigenlab.translation.state_paths import (
    PlanePaths,
    SentenceStates,
    project_paths,
    sentence_states,
)
from eigenlab.translation.subwords import (
    SubwordVocabulary,
    load_vocabulary,
    vocabulary_from_dict,
)
from eigenlab.translation.tokens import JOINER, detokenize, normalize, tokenize
from eigenlab.translation.translator import IncompleteTranslationWarning, Translator
from eigenlab.translation.vocabulary import Vocabulary
from eigenlab.translation.word_gradients import word_gradients

__all__ = [
    "EOS",
    "JOINER",
    "PAD",
    "SOS",
    "SPECIAL_TOKENS",
    "UNK",
    "AlignmentAgreement",
    "Exposure",
    "Fed",
    "IncompleteTranslationWarning",
    "Leaks",
    "PairBatch",
    "PairSplit",
    "PhrasebookPair",
    "PlanePaths",
    "Quality",
    "SentencePair",
    "SentenceStates",
    "Seq2Seq",
    "SubwordVocabulary",
    "Translation",
    "Translator",
    "Vocabulary",
    "alignment_agreement",
    "as_pairs",
    "attention_map",
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
    "nearest_words",
    "normalize",
    "pad_sentences",
    "phrasebook",
    "project_paths",
    "quality_by_group",
    "read_pairs",
    "recurrent_eigenvalues",
    "sample",
    "scheduled_sampling_inputs",
    "sentence_key",
    "sentence_states",
    "split_pairs",
    "teacher_forcing_inputs",
    "tokenize",
    "translation_loss",
    "vocabulary_from_dict",
    "with_forced_tokens",
    "word_gradients",
    "word_order_class",
]
