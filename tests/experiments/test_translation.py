"""Question 7: what the experiment measures is what its names say."""

import math

import pytest
import torch

from eigenlab.experiments import load_experiment
from eigenlab.experiments.phrasebook_corpus import PhrasebookCorpus
from eigenlab.experiments.translation import inside, measure
from eigenlab.experiments.translation.claims import exact_difference
from eigenlab.experiments.translation.records import ATTENTION, LAST_STATE
from eigenlab.experiments.translation.written_out import written_out
from eigenlab.lab import Outcome
from eigenlab.translation import EOS, SOS

EXPERIMENT = load_experiment("translation")
CONFIG = EXPERIMENT.config.from_preset("smoke")
FULL = EXPERIMENT.config.from_preset("full")


@pytest.fixture(scope="module")
def record(smoke):
    return smoke("translation").result.record(measure.translation.record)


@pytest.fixture(scope="module")
def corpus():
    return PhrasebookCorpus.generate(200, 40, seed=0, max_tokens=6)


def outcome(claim, record, config=None):
    return EXPERIMENT.claim(claim).evaluate(record, config).outcome


@pytest.mark.parametrize("claim", ["7.first-state", "7.company", "7.log-probability", "7.gradient"])
def test_claims_about_the_equations_hold_of_any_training(record, claim):
    assert outcome(claim, record) is Outcome.HELD


def test_short_trainings_are_measured_and_not_claimed(smoke):
    result = smoke("translation").result
    outcomes = {claim.id: claim.outcome for claim in result.claims}
    for name in ("7.attention", "7.alignment", "7.beam", "7.exact-match", "7.split"):
        assert outcomes[name] is Outcome.NOT_CLAIMED
    assert result.as_documented


@pytest.mark.parametrize("claim", ["7.attention", "7.alignment", "7.beam"])
def test_claims_about_learning_apply_to_the_course_and_to_a_long_training(record, claim):
    """And to no short training on long sentences, which 550 updates do not teach."""
    course = EXPERIMENT.config.from_preset("course")
    for config in (course, FULL):
        assert outcome(claim, record, config) is not Outcome.NOT_CLAIMED
    assert outcome(claim, record, course.replace(max_tokens=20)) is Outcome.NOT_CLAIMED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"models/attention/greedy/count": 1000, "models/attention/greedy/exact": 990}, "held"),
        ({"models/attention/greedy/count": 1000, "models/attention/greedy/exact": 989}, "failed"),
    ],
)
def test_exact_match_is_claimed_of_the_full_preset_only(record, changes, expected):
    changed = record.replaced(changes)
    assert outcome("7.exact-match", changed, FULL) == expected
    assert outcome("7.exact-match", changed, CONFIG) is Outcome.NOT_CLAIMED


def test_attention_must_win_on_the_same_sentences(record):
    """8 of 40 more: the discordant pairs decide, here 8 to 0."""
    ones = {f"models/attention/is_exact/{k}": 1 for k in range(8)}
    zeros = {"models/attention/is_exact/*": 0, "models/last state/is_exact/*": 0}
    won = record.replaced({**zeros, **ones})
    assert exact_difference(won).estimate == pytest.approx(0.2)
    assert outcome("7.attention", won) is Outcome.HELD
    assert outcome("7.attention", record.replaced(zeros)) is Outcome.FAILED


def test_beam_search_must_win_more_sentences_than_it_loses(record):
    greedy = {"models/*/decoding/greedy/*": -2.0}
    better = record.replaced({**greedy, "models/*/decoding/beam/*": -1.0})
    assert outcome("7.beam", better) is Outcome.HELD
    # One large gain among small losses.
    lost = better.replaced({"models/*/decoding/beam/*": -2.1, "models/*/decoding/beam/0": 100.0})
    assert outcome("7.beam", lost) is Outcome.FAILED
    alike = record.replaced({**greedy, "models/*/decoding/beam/*": -2.0})
    assert outcome("7.beam", alike) is Outcome.FAILED
    unknown = better.replaced({"models/*/decoding/beam/0": math.nan})
    assert outcome("7.beam", unknown) is Outcome.FAILED


# ---------------------------------------------------------------------- the measurements


@pytest.mark.parametrize("name", measure.MODELS)
def test_a_decoder_that_starts_elsewhere_is_seen(corpus, name):
    """A model whose decoder is handed twice the encoder's last state."""
    model = measure.build(CONFIG, corpus, name, torch.float64).eval()
    right = inside.first_state(model, corpus)
    assert right.difference == 0.0
    assert right.written_out_difference < 1e-12
    forward = model.decoder.forward
    model.decoder.forward = lambda x, state=None, lengths=None: forward(
        x, tuple(2 * part for part in state), lengths
    )
    wrong = inside.first_state(model, corpus)
    assert wrong.written_out_difference > 1e-3


def test_the_equations_written_out_are_torchs_modules(corpus):
    """The GRU of encoder and decoder once more, as torch.nn runs them (no attention)."""
    model = measure.build(CONFIG, corpus, LAST_STATE, torch.float64).eval()
    source, target = inside.encoded(corpus, corpus.test[0])
    found = written_out(model, source, target, sos=SOS, eos=EOS)
    with torch.no_grad():
        read, last = model.encoder.layers[0](model.source_embedding(torch.tensor([*source, EOS])))
        hidden, _ = model.decoder.layers[0](
            model.target_embedding(torch.tensor([SOS, *target])), last
        )
        scores = model.output(hidden).log_softmax(-1)
        chosen = scores[torch.arange(len(target) + 1), torch.tensor([*target, EOS])]
        assert torch.allclose(torch.stack(found.states), read, atol=1e-12)
        assert torch.allclose(found.log_probabilities, chosen, atol=1e-12)


def test_shared_sentences_are_counted_without_case_and_marks(corpus):
    first = corpus.train[0]
    again = first._replace(source=first.source.upper() + "!", target="something else")
    assert measure.count_shared(corpus.train, [again]) == 1
    assert measure.count_shared(corpus.train, corpus.test) == 0
    assert measure.count_shared(corpus.train, corpus.train) == len(corpus.train)


def test_numbers_of_groups_add_up(record):
    for model in record.models.values():
        for groups in (model.by_length, model.by_order):
            assert sum(found.count for found in groups.values()) == model.greedy.count == 40
            assert sum(found.exact for found in groups.values()) == model.greedy.exact
        assert sum(model.is_exact) == model.greedy.exact
        assert model.signature.startswith("nrefs:1|case:mixed|")
        wrong = [e for e in model.examples if e.translation != e.reference]
        assert 0 < len(wrong) <= measure.EXAMPLES


def test_alignment_leaves_out_the_final_mark(corpus):
    model = measure.build(CONFIG, corpus, ATTENTION, torch.float64).eval()
    words = sum(
        len({j for _, j in pair.alignment if j < pair.target_length - 1}) for pair in corpus.test
    )
    assert inside.alignment(model, corpus).words == words


def test_training_moves_the_eigenvalues_and_lowers_the_loss(record):
    for model in record.models.values():
        assert model.losses[-1] < model.losses[0]
        for stages in model.eigenvalues.values():
            assert len(stages["initial"]) == len(stages["trained"]) == CONFIG.hidden_size
            assert stages["initial"] != stages["trained"]
    assert record.models[LAST_STATE].alignment is None


def test_tables_name_both_models(record):
    rows = {table.name: table(record)[1] for table in EXPERIMENT.tables if table.name != "pairs"}
    assert [row[0] for row in rows["quality"]] == [LAST_STATE] * 2 + [ATTENTION] * 2
    assert len(rows["inside"]) == 9
