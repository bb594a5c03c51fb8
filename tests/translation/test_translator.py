"""The translator: fitted, saved, loaded, and the same answers alone, in company and in threads."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.translation import Translator, bleu

WORDS = {"perro": "dog", "gato": "cat", "pez": "fish", "libro": "book"}
COLORS = {"negro": "black", "rojo": "red", "viejo": "old", "nuevo": "new"}
VERBS = {"Veo": "I see", "Vemos": "We see", "Tengo": "I have", "Tenemos": "We have"}
PAIRS = [
    (f"{verb} un {word} {color}.", f"{said} {'an' if tint == 'old' else 'a'} {tint} {thing}.")
    for verb, said in VERBS.items()
    for word, thing in WORDS.items()
    for color, tint in COLORS.items()
]
SHOWN = [pair for place, pair in enumerate(PAIRS) if place % 5]
UNSEEN = PAIRS[::5]


@pytest.fixture(scope="module")
def translator():
    return Translator(
        32,
        n_epochs=40,
        batch_size=16,
        learning_rate=0.01,
        dropout=0.0,
        label_smoothing=0.0,
        validation_fraction=0,
        random_state=0,
    ).fit(SHOWN)


def test_it_translates_what_it_was_not_shown(translator):
    found = translator.quality(UNSEEN)
    assert found.exact_match >= 0.9
    assert found.signature.startswith("nrefs:1|case:mixed")
    assert translator.score(UNSEEN) == found.bleu / 100


def test_answers_do_not_depend_on_company_beams_or_threads(translator):
    sentences = [source for source, _ in PAIRS] + ["", "Veo", "x", "Veo un dragón verde."]
    together = translator.translate(sentences)
    assert together == [translator.translate([sentence])[0] for sentence in sentences]
    assert together == translator.translate(sentences[::-1])[::-1]
    assert together[64] == ""
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: translator.translate(sentences), range(8)):
            assert found == together
    best = translator.translate(sentences, beam_size=4)
    lists = translator.candidates(sentences, beam_size=4, n_best=3)
    decode = translator.target_vocabulary_.decode
    assert best == [decode(found[0].tokens) if found else "" for found in lists]


def test_a_saved_translator_answers_the_same(translator, tmp_path):
    path = tmp_path / "translator.safetensors"
    translator.save(path)
    loaded = Translator.load(path)
    sentences = [source for source, _ in PAIRS]
    assert loaded.translate(sentences) == translator.translate(sentences)
    assert loaded.source_vocabulary_.digest == translator.source_vocabulary_.digest
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="not a complete safetensors file"):
        Translator.load(path)
    with pytest.raises(InputError, match="does not exist"):
        Translator.load(tmp_path / "other")


def test_the_same_seed_gives_the_same_weights_and_validation_chooses_the_best():
    options = {"n_epochs": 3, "batch_size": 8, "random_state": 3, "validation_fraction": 0.2}
    a, b = (Translator(16, **options).fit(PAIRS) for _ in range(2))
    for mine, theirs in zip(a.model_.parameters(), b.model_.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert len(a.history_.evaluations) >= 3


@pytest.mark.parametrize("sentence", ["Veo " * 500, "🐕 🐈", "אני רואה כלב", "x", "\tVeo\r"])
def test_odd_sentences(translator, sentence):
    [written] = translator.translate([sentence])
    assert isinstance(written, str)


def test_what_reaches_max_length_says_so(translator):
    translator.max_length = 2
    try:
        [[found]] = translator.candidates(["Veo un perro negro."])
    finally:
        translator.max_length = 100
    assert not found.is_complete
    assert len(found.tokens) == 2


def test_wrong_use_is_named(translator):
    with pytest.raises(InputError, match="X is one string"):
        translator.translate("Veo un perro.")
    with pytest.raises(InputError, match="holds no pair"):
        Translator().fit([])
    with pytest.raises(InputError, match=r"random_state=1\.5"):
        Translator(random_state=1.5).fit(PAIRS)
    with pytest.raises(InputError, match="n_epochs=0"):
        Translator(n_epochs=0).fit(PAIRS)
    with pytest.raises(InputError, match="validation_fraction"):
        Translator(validation_fraction=1.0).fit(PAIRS)
    with pytest.raises(InputError, match="as many of both"):
        bleu(["a"], [])


def test_bleu_is_sacrebleus():
    """Papineni et al. 2002, by hand: 4/5 words, 3/4 pairs, 2/3 triples, 1/2 of four match; a
    translation of 5 words for 6 has the brevity penalty exp(1 - 6/5)."""
    precision = (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    found = bleu(["a b c d e"], ["a b c d f"])
    assert found.bleu == pytest.approx(100 * precision)
    assert found.exact_match == 0
    short = bleu(["a b c d e"], ["a b c d f g"])
    assert short.bleu == pytest.approx(100 * precision * math.exp(1 - 6 / 5))


def test_pairs_may_be_rows_of_a_data_frame():
    pd = pytest.importorskip("pandas")
    options = {"n_epochs": 1, "validation_fraction": 0, "random_state": 0, "max_length": 5}
    frame = pd.DataFrame(PAIRS, columns=["es", "en"])
    a, b = (Translator(8, **options).fit(pairs) for pairs in (frame, PAIRS))
    [[found]], [[other]] = (model.candidates(["Veo un gato."]) for model in (a, b))
    assert found.tokens == other.tokens


def test_the_pairs_of_a_standard_split_choose_the_epoch():
    translator = Translator(16, n_epochs=6, batch_size=8, learning_rate=0.02, random_state=0)
    translator.fit(SHOWN, validation=UNSEEN)
    assert translator.held_out_ == UNSEEN
    best = max(values["bleu"] for _, values in translator.history_.evaluations)
    assert translator.quality(UNSEEN).bleu == pytest.approx(best)
    with pytest.raises(InputError, match="pair"):
        translator.fit(SHOWN, validation=["Veo un perro."])


def test_training_in_bfloat16_learns_the_same_and_translates_in_float32():
    options = {"n_epochs": 40, "batch_size": 16, "learning_rate": 0.01, "dropout": 0.0}
    translator = Translator(
        32, **options, precision="bfloat16", validation_fraction=0, random_state=0
    ).fit(SHOWN)
    assert translator.quality(UNSEEN).exact_match >= 0.9
    assert {p.dtype for p in translator.model_.parameters()} == {torch.float32}
    with pytest.raises(InputError, match="precision='half'"):
        translator.set_params(precision="half").fit(SHOWN)
