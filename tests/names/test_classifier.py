import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks

from eigenlab.errors import Cancelled, InputError
from eigenlab.names import (
    ABSTAINED,
    INTENDED_USE,
    CharacterNGramClassifier,
    NameClassifier,
    UnreadableCharactersWarning,
    fold,
    shift_priors,
)
from eigenlab.names.ensemble import mean_probabilities
from eigenlab.names.fitting import hold_out, repeat_weights
from eigenlab.names.temperature import fit_temperature
from eigenlab.reporter import Reporter
from eigenlab.training import derive_seed

RUSSIAN = [a + b for a in ("Iv", "Petr", "Orl", "Pavl", "Sok", "Mor") for b in ("ov", "anov", "in")]
ITALIAN = [
    a + b for a in ("Ross", "Bianc", "Verd", "Cont", "Ricc", "Gall") for b in ("i", "ini", "o")
]
NAMES, LANGUAGES = RUSSIAN + ITALIAN, ["Russian"] * 18 + ["Italian"] * 18
SMALL = {
    "random_state": 0,
    "rnn_size": 12,
    "n_members": 2,
    "n_epochs": 15,
    "batch_size": 4,
    "calibration_fraction": 0.2,
}


@pytest.fixture(scope="module")
def fitted():
    return NameClassifier(**SMALL).fit(NAMES, LANGUAGES)


@pytest.mark.parametrize("estimator", [NameClassifier(), CharacterNGramClassifier()])
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_valid_tag_types,
    ],
)
def test_scikit_learn_conventions(estimator, check):
    check(type(estimator).__name__, clone(estimator))


def test_predict_before_fit_is_an_error():
    with pytest.raises(NotFittedError):
        NameClassifier().predict(["Abe"])


def test_fit_changes_neither_the_parameters_nor_the_global_generator(fitted):
    assert fitted.get_params() == NameClassifier(**SMALL).get_params()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    NameClassifier(**{**SMALL, "n_epochs": 1}).fit(NAMES, LANGUAGES)
    assert torch.equal(torch.rand(3), expected)


def test_it_learns_endings(fitted):
    new = ["Smirnov", "Kuzanov", "Antonov", "Monti", "Paolini", "Tasso"]
    assert fitted.predict(new).tolist() == ["Russian"] * 3 + ["Italian"] * 3
    assert fitted.score(NAMES, LANGUAGES) > 0.9


@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "rnn", "bidirectional": False, "max_ngram": 1},
        {"num_layers": 2, "max_ngram": 2},
    ],
)
def test_every_model_type_learns(settings):
    model = NameClassifier(**{**SMALL, "n_epochs": 25, **settings}).fit(NAMES, LANGUAGES)
    assert model.score(NAMES, LANGUAGES) > 0.9


def test_the_same_seed_gives_the_same_answers(fitted):
    again = NameClassifier(**SMALL).fit(NAMES, LANGUAGES).predict_proba(NAMES)
    other = (
        NameClassifier(**{**SMALL, "random_state": 1}).fit(NAMES, LANGUAGES).predict_proba(NAMES)
    )
    np.testing.assert_array_equal(again, fitted.predict_proba(NAMES))
    assert np.abs(other - again).max() > 1e-4


def test_the_learning_curve_has_one_point_per_epoch():
    model = NameClassifier(**SMALL).fit(NAMES, LANGUAGES, validation=(NAMES, LANGUAGES))
    steps, accuracy = model.history_.curve("validation_accuracy")
    assert len(steps) == 15
    assert accuracy[-1] > 0.9


def test_a_fit_can_be_cancelled_and_continued(tmp_path):
    class Impatient(Reporter):
        def metrics(self, values, *, step):
            if step > 20:
                self.cancel()

    with pytest.raises(Cancelled):
        NameClassifier(**SMALL).fit(
            NAMES, LANGUAGES, reporter=Impatient(), checkpoint=tmp_path / "part"
        )
    resumed = NameClassifier(**SMALL).fit(NAMES, LANGUAGES, checkpoint=tmp_path / "part")
    whole = NameClassifier(**SMALL).fit(NAMES, LANGUAGES)
    np.testing.assert_array_equal(resumed.predict_proba(NAMES), whole.predict_proba(NAMES))


def test_probabilities_are_probabilities(fitted):
    p = fitted.predict_proba(["Rossov", "Ivi"])
    assert p.shape == (2, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)


def test_probabilities_do_not_depend_on_the_other_names(fitted):
    together = fitted.predict_proba(["Li", "Konstantinopolitanski", "Abe"])
    alone = [fitted.predict_proba([name])[0] for name in ("Li", "Konstantinopolitanski", "Abe")]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_case_and_marks_do_not_matter(fitted):
    rows = fitted.predict_proba(["Rossi", "ROSSI", "rossi", " Róssì "])
    np.testing.assert_array_equal(rows, np.tile(rows[0], (4, 1)))


def test_a_name_of_5000_letters_is_read_to_its_end(fitted):
    long = "ab" * 2500
    p = fitted.predict_proba([long, "Rossi", long[:-1] + "i"])
    assert np.isfinite(p).all()
    assert not np.array_equal(p[0], p[2])
    np.testing.assert_allclose(p[1], fitted.predict_proba(["Rossi"])[0], rtol=1e-5)


@pytest.mark.parametrize("name", ["", "Пушкин", "山田", "1234", "-/-", "\x00", "😀", "  ", ". ,"])
def test_an_unreadable_name_is_listed_with_its_position(fitted, name):
    with pytest.warns(UnreadableCharactersWarning, match=r"1 of 2 rows hold no letter .*X\[1\]"):
        assert fitted.predict(["Rossi", name]).tolist() == ["Italian", ABSTAINED]
    with pytest.raises(InputError, match=r"X\[1\]"):
        clone_with(fitted, unreadable="error").predict(["Rossi", name])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("Rossi", "X is one string"),
        ([b"Rossi"], r"X\[0\].*bytes"),
        ([1.5], r"X\[0\].*float"),
        (7, "X is a int"),
        (np.array([["Rossi"]]), "X has 2 axes"),
    ],
)
def test_input_that_is_not_a_list_of_names_is_refused(fitted, names, message):
    with pytest.raises(InputError, match=message):
        fitted.predict(names)


@given(name=st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_a_prediction_or_an_input_error(fitted, name):
    quiet = clone_with(fitted, unreadable="ignore")
    if any(letter.isalpha() for letter in fold(name)):
        assert quiet.predict([name])[0] in ("Russian", "Italian")
    else:
        assert quiet.predict([name])[0] == ABSTAINED


def test_letters_outside_the_alphabet_give_a_warning_or_an_error(fitted):
    with pytest.warns(UnreadableCharactersWarning, match=r"1 of 2 names .*\(Ж\).*'StrauЖ'"):
        fitted.predict(["Rossi", "StrauЖ"])
    with pytest.raises(InputError, match="spell them out"):
        clone_with(fitted, unreadable="error").predict(["StrauЖ"])
    assert clone_with(fitted, unreadable="ignore").predict(["StrauЖ"]).shape == (1,)


def clone_with(model, **settings):
    """The same trained network with other parameters for prediction."""
    other = clone(model).set_params(**settings)
    for attribute in ("model_", "classes_", "class_prior_", "temperature_"):
        setattr(other, attribute, getattr(model, attribute))
    return other


def test_an_empty_list_gives_an_empty_prediction(fitted):
    assert fitted.predict([]).shape == (0,)
    assert fitted.predict_proba([]).shape == (0, 2)
    assert fitted.top_k([]) == []


def test_top_k_is_sorted_and_limited_to_the_classes(fitted):
    ((first, second),) = fitted.top_k(["Rossi"], k=5)
    assert first[0] == "Italian"
    assert first[1] + second[1] == pytest.approx(1)
    assert first[1] >= second[1]
    with pytest.raises(InputError, match="k=0"):
        fitted.top_k(["Rossi"], k=0)


def test_priors_reweight_by_bayes_rule(fitted):
    names = ["Rossov", "Ivi", "Marin"]
    plain = fitted.predict_proba(names)
    moved = clone_with(fitted, priors={"Italian": 9, "Russian": 1}).predict_proba(names)
    np.testing.assert_allclose(moved, shift_priors(plain, [0.5, 0.5], [0.9, 0.1]), rtol=1e-12)
    only = clone_with(fitted, priors=[0, 1]).predict(names)
    assert only.tolist() == ["Russian"] * 3
    with pytest.raises(InputError, match="did you mean 'Italian'"):
        clone_with(fitted, priors={"Italia": 1, "Russian": 1}).predict(names)


def test_predict_abstains_below_the_threshold(fitted):
    confidence = fitted.predict_proba(NAMES).max(axis=1)
    threshold = float(np.median(confidence))
    answers = clone_with(fitted, abstain_below=threshold).predict(NAMES)
    np.testing.assert_array_equal(answers == ABSTAINED, confidence < threshold)
    assert (clone_with(fitted, abstain_below=1.0).predict(NAMES) == ABSTAINED).mean() > 0.9
    with pytest.raises(InputError, match="abstain_below=2"):
        clone_with(fitted, abstain_below=2).predict(NAMES)


def test_repeated_names_are_discounted_and_base_rates_corrected():
    """Nine copies of a name have the weight of three; predictions have the prior of the lines."""
    np.testing.assert_allclose(
        repeat_weights(["a"] * 9 + ["b"], [0] * 9 + [1], 0.5), np.array([1 / 3] * 9 + [1]) / 0.4
    )
    model = NameClassifier(**{**SMALL, "calibration_fraction": 0})
    model.fit(["Rossi"] * 9 + ["Ivanov"], ["Italian"] * 9 + ["Russian"])
    expected = np.log([9 / (9 / 3), 1 / 1]) + np.log(0.4)
    np.testing.assert_allclose(model.model_.log_shift, expected, rtol=1e-5)
    plain = NameClassifier(**{**SMALL, "repeat_discount": 0}).fit(NAMES, LANGUAGES)
    np.testing.assert_allclose(plain.model_.log_shift, 0, atol=1e-7)


def test_probabilities_are_finite_when_a_language_is_held_out_entirely():
    names, languages = [*NAMES, "Kim"], [*LANGUAGES, "Korean"]
    taken = next(
        seed
        for seed in range(100)
        if 36 in hold_out(names, 0.3, seed=derive_seed(seed, "calibration"))[1]
    )
    settings = {**SMALL, "calibration_fraction": 0.3, "random_state": taken, "n_epochs": 1}
    assert np.isfinite(NameClassifier(**settings).fit(names, languages).predict_proba(names)).all()


def test_the_temperature_of_overconfident_logits_is_found():
    """Labels drawn from softmax(z), logits reported as 2.5 z: the right temperature is 2.5."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(20_000, 5, generator=generator) * 2
    labels = torch.multinomial(torch.softmax(z, 1), 1, generator=generator)[:, 0]
    assert fit_temperature(2.5 * z[None], labels) == pytest.approx(2.5, rel=0.05)


def test_members_are_averaged_as_probabilities():
    logits = torch.tensor([[[0.0, 0.0]], [[np.log(3.0), 0.0]]])
    np.testing.assert_allclose(mean_probabilities(logits), [[(0.5 + 0.75) / 2, 0.375]])


def test_calibration_holds_out_spellings():
    kept, held_out = hold_out([*NAMES, *NAMES], 0.2, seed=0)
    assert not {NAMES[i % 36] for i in kept} & {NAMES[i % 36] for i in held_out}
    assert len(held_out) > 0
    assert hold_out(NAMES, 0, seed=0)[1].size == 0


def test_a_saved_classifier_is_loaded_with_the_same_predictions(fitted, tmp_path):
    model = clone_with(fitted, priors={"Italian": 2.0, "Russian": 1.0}, abstain_below=0.6)
    model.save(tmp_path / "names.safetensors")
    loaded = NameClassifier.load(tmp_path / "names.safetensors")
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.predict_proba(NAMES), model.predict_proba(NAMES))
    assert loaded.predict(NAMES).tolist() == model.predict(NAMES).tolist()


def test_a_classifier_of_an_absent_gpu_is_loaded_on_the_cpu(fitted, tmp_path):
    model = clone_with(fitted, device="cpu")
    model.device = "cuda:99"
    model.save(tmp_path / "names.safetensors")
    loaded = NameClassifier.load(tmp_path / "names.safetensors")
    assert loaded.device == "cpu"
    np.testing.assert_array_equal(loaded.predict_proba(NAMES), fitted.predict_proba(NAMES))


def test_a_random_state_may_be_a_generator_and_is_not_saved(tmp_path):
    state = np.random.RandomState(0)
    settings = {**SMALL, "n_epochs": 1, "random_state": state}
    models = [NameClassifier(**settings).fit(NAMES, LANGUAGES) for _ in range(2)]
    first, second = (model.predict_proba(NAMES) for model in models)
    assert np.abs(first - second).max() > 1e-6
    models[0].save(tmp_path / "names.safetensors")
    loaded = NameClassifier.load(tmp_path / "names.safetensors")
    assert loaded.random_state is None
    np.testing.assert_array_equal(loaded.predict_proba(NAMES), first)


def test_the_file_is_safetensors_and_carries_the_intended_use(fitted, tmp_path):
    fitted.save(tmp_path / "names.safetensors")
    raw = (tmp_path / "names.safetensors").read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    assert header["__metadata__"]["intended_use"] == INTENDED_USE


def test_damaged_and_foreign_files_are_refused(fitted, tmp_path):
    path = tmp_path / "names.safetensors"
    fitted.save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="not a complete safetensors file"):
        NameClassifier.load(path)
    with pytest.raises(InputError, match="does not exist"):
        NameClassifier.load(tmp_path / "absent")
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="expected 'eigenlab"):
        NameClassifier.load(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("names", "languages", "message"),
    [
        (["Abe"], ["J", "K"], "X has 1 names but y 2"),
        (["Abe", "Ito"], ["J", "J"], "give at least two"),
        (["Abe", "Ito"], [1, 2], "must be strings"),
        (["Abe", "Li"], ["J", "?"], "stands for abstaining"),
        (["Abe", ""], ["J", "K"], r"X\[1\]"),
        ([], [], "give at least two"),
    ],
)
def test_invalid_training_names_are_refused(names, languages, message):
    with pytest.raises(InputError, match=message):
        NameClassifier(calibration_fraction=0).fit(names, languages)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_members": 0}, "n_members=0"),
        ({"n_epochs": 0}, "n_epochs=0"),
        ({"calibration_fraction": 1.0}, "calibration_fraction=1.0"),
        ({"unreadable": "worn"}, "did you mean 'warn'"),
        ({"model_type": "gru"}, "choose rnn or lstm"),
        ({"dropout": -1}, "dropout=-1"),
        ({"priors": {"Italian": 1}}, "priors lack Russian"),
    ],
)
def test_invalid_parameters_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        NameClassifier(**settings).fit(NAMES, LANGUAGES)


def test_the_ngram_baseline_learns_endings_and_ignores_case():
    model = CharacterNGramClassifier().fit(NAMES, LANGUAGES)
    assert model.predict(["smirnov", "MONTI"]).tolist() == ["Russian", "Italian"]
    np.testing.assert_allclose(model.predict_proba(["Abe"]).sum(), 1)
    with pytest.warns(UnreadableCharactersWarning, match="hold no letter"):
        assert model.predict(["", "Conti"]).tolist() == [ABSTAINED, "Italian"]


def test_ngrams_include_the_beginning_and_the_end_of_a_name():
    model = CharacterNGramClassifier().fit(["Abe", "Ito"], ["J", "K"])
    assert {" a", "e ", "be ", " abe "} <= set(model.pipeline_[0].vocabulary_)
