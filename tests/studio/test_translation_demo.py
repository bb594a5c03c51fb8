"""Translation, word by word: the numbers are the translator's, and the exercise is judged."""

from __future__ import annotations

import pytest

from eigenlab.errors import InputError
from eigenlab.reporter import SILENT
from eigenlab.studio.demos import translation as demo
from eigenlab.studio.demos.translation import TranslationSettings, draw, make
from eigenlab.translation import Translator, beam_search, exposure, pad_sentences
from studio.demo_checks import check_python_lines, check_same, check_updates_in_place, trace


@pytest.fixture(scope="module", params=["attention", "last state", "stacked"])
def trained(request, tmp_path_factory):
    """A translator of each kind that knows little: the page must be right about it all the same."""
    folder = tmp_path_factory.mktemp("translation")
    settings = TranslationSettings(model=request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "PAIRS", 300)
        patch.setattr(demo, "HELD_OUT", 20)
        make(settings, folder, SILENT)
    return settings, folder


def test_the_numbers_are_those_of_the_translator(trained):
    settings, folder = trained
    view = draw(settings, folder)
    translator = Translator.load(folder / "translator.safetensors")
    assert translator.design == ("stacked" if settings.model == "stacked" else "sequential")
    (found,) = translator.candidates([settings.sentence], beam_size=4, n_best=3)
    assert view.numbers["log_probability"] == found[0].log_probability
    assert translator.target_vocabulary_.decode(found[0].tokens) in view.sentence
    source = pad_sentences([translator.source_vocabulary_.encode(settings.sentence)])
    target, _ = pad_sentences([translator.target_vocabulary_.encode(settings.reference)])
    losses = exposure(translator.model_, *source, target)
    assert view.numbers["loss_forced"] == pytest.approx(
        float(losses.forced.loss[losses.real].sum())
    )
    check_python_lines(view)
    check_same(view, draw(settings, folder))


def test_what_is_attended_to_adds_up_to_one(trained):
    settings, folder = trained
    (panel,) = (item for item in draw(settings, folder).panels if item.name == "attention")
    columns = panel.figure.data[0].z.sum(axis=0)
    assert columns == pytest.approx([1.0] * len(columns), abs=1e-5)


@pytest.mark.parametrize("sentence", ["", "   ", "palabra " * 31])
def test_sentences_that_are_none_are_refused(trained, sentence):
    settings, folder = trained
    with pytest.raises(InputError, match="words, expected 1 to 30"):
        draw(settings.replace(sentence=sentence), folder)


@pytest.mark.parametrize("sentence", ["😀 😀", "Привет!", "q", "<img src=x onerror=alert(1)>"])
def test_unknown_words_are_named(trained, sentence):
    settings, folder = trained
    view = draw(settings.replace(sentence=sentence), folder)
    assert "has never seen" in view.sentence


@pytest.mark.parametrize(
    ("exercise", "fed", "reached", "now"),
    [
        ("7b", "<sos> I see a dog", True, "right"),
        ("7c", "<sos> I saw a dog", True, "right"),
        ("7b", "<sos> I saw a dog", False, "token 3"),
        ("7b", "I see a dog", False, "shifted by one step"),
        ("7c", "I saw a dog <eos>", False, "shifted by one step"),
        ("7b", "<sos> I", False, "2 tokens, expected 5"),
        ("7b", "", False, "no answer yet"),
    ],
)
def test_the_exercise_is_judged(trained, exercise, fed, reached, now):
    settings, folder = trained
    (goal,) = draw(settings.replace(exercise=exercise, fed=fed), folder).goals
    assert goal.reached is reached
    assert now in goal.now


@pytest.mark.parametrize("beam", [1, 3])
def test_the_tree_leads_to_the_sentence_that_is_written(trained, beam):
    """Node by node, up to the logarithm of the probability of the whole sentence."""
    settings, folder = trained
    translator = Translator.load(folder / "translator.safetensors")
    source = pad_sentences([translator.source_vocabulary_.encode(settings.sentence)])
    [[best]] = beam_search(
        translator.model_, *source, beam_size=beam, max_length=translator.max_length
    )
    view = draw(settings.replace(beam=beam), folder)
    chosen = trace(view, "tree", "the sentence that is written")
    assert list(chosen.x) == list(range(1, len(chosen.x) + 1))
    words = [label.split("<br>")[0] for label in chosen.text]
    written = [translator.target_vocabulary_.decode([token]) for token in best.tokens]
    assert words == [*written, "<eos>"] if best.is_complete else written
    assert f"({view.numbers['log_probability']:.3f} nats" in chosen.hovertext[-1]
    # At most as many go on from each step as the beam is wide, and links lead one step on.
    kept = trace(view, "tree", "kept")
    going = [
        step
        for part in (kept, chosen)
        for step, label in zip(part.x, part.text, strict=True)
        if not label.startswith("<eos>")
    ]
    assert max(going.count(step) for step in going) <= beam
    for name in ("kept", "dropped", "the sentence that is written"):
        ends = list(trace(view, "tree", f"{name}: links").x)
        assert all(b == a + 1 for a, b in zip(ends[::3], ends[1::3], strict=True))
        assert len(ends) == 3 * len(trace(view, "tree", name).x)


def test_other_sentences_move_numbers_only(trained):
    settings, folder = trained
    other = settings.replace(sentence="El gato duerme.", beam=2)
    check_updates_in_place(draw(settings, folder), draw(other, folder))
