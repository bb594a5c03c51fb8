import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.names import RecurrentClassifier, encode_names
from eigenlab.names.ngram_embedding import NGramRecurrentClassifier, NGramVocabulary


def test_the_vocabulary_is_counted_by_hand():
    """abab: bigrams ^a ab ba ab b_, trigrams ^^a ^ab aba bab ab_; only "ab" occurs twice."""
    assert NGramVocabulary.learn(["abab"], 3, min_count=2).ngrams == ["ab"]
    assert NGramVocabulary.learn(["abab"], 3, min_count=1).ngrams == sorted(
        ["^a", "ab", "ba", "b ", "^^a", "^ab", "aba", "bab", "ab "]
    )


def test_each_letter_has_the_ngrams_that_end_there():
    vocabulary = NGramVocabulary(["^a", "ab", "^ab", "^^a", "b "], max_length=3)
    x, last_pos = vocabulary.encode(["ab", "b"])
    assert x.tolist() == [
        [[0, 1, 4], [1, 2, 3], [52, 5, 0]],
        [[1, 0, 0], [52, 5, 0], [57, 0, 0]],
    ]
    assert last_pos.tolist() == [2, 1]


def test_letters_alone_are_the_plain_encoding_of_the_capitalised_name():
    vocabulary = NGramVocabulary.learn(["ab", "c"], max_length=1)
    assert vocabulary.ngrams == []
    assert torch.equal(vocabulary.encode(["ab", "c"])[0], encode_names(["Ab", "C"])[0])


def test_with_zero_ngram_embeddings_it_is_the_plain_network():
    torch.manual_seed(0)
    plain = RecurrentClassifier(58, 6, 3)
    torch.manual_seed(0)
    rich = NGramRecurrentClassifier(2, 58, 6, 3).eval()
    rich.ngram_embedding.weight.data.zero_()
    x, last_pos = NGramVocabulary(["ab", "^a"], 2).encode(["ab", "cab"])
    torch.testing.assert_close(rich(x, last_pos), plain(x[..., 0], last_pos))


def test_ngrams_are_dropped_whole_and_keep_their_mean():
    torch.manual_seed(0)
    model = NGramRecurrentClassifier(1, 58, 6, 3, ngram_dropout=0.75)
    model.embedding.weight.data.zero_()
    x, _ = NGramVocabulary(["ab"], 2).encode(["ab"] * 4000)
    added = model.embed(x)[:, 1] / model.ngram_embedding.weight[1]
    assert set(added.round().unique().tolist()) == {0.0, 4.0}  # all six features or none
    assert (added.std(dim=1) < 1e-4).all()
    assert added.mean().item() == pytest.approx(1.0, abs=0.12)  # five standard errors


def test_invalid_dropout_is_refused():
    with pytest.raises(InputError, match="ngram_dropout=1"):
        NGramRecurrentClassifier(1, 58, 6, 3, ngram_dropout=1)
