import numpy as np
import torch

from eigenlab.names import RecurrentClassifier
from eigenlab.names.ensemble import Ensemble, cross_entropy, mean_probabilities, predict_logits
from eigenlab.names.ngram_embedding import NGramVocabulary


def small(members=2):
    torch.manual_seed(0)
    vocabulary = NGramVocabulary([], max_length=1)
    return Ensemble([RecurrentClassifier(58, 5, 3) for _ in range(members)], vocabulary, 3)


def test_base_rates_are_corrected_in_evaluation_mode_only():
    model = small()
    shift = torch.tensor([0.5, -1.0, 0.0])
    model.log_shift.copy_(shift)
    batch = model.vocabulary.encode(["abe", "li"])
    plain = model.train()(*batch)
    torch.testing.assert_close(model.eval()(*batch), plain + shift)
    # Bayes' rule for each member: p(y | x) times the ratio of base rates, normalised.
    expected = torch.softmax(plain, -1) * shift.exp()
    expected = (expected / expected.sum(-1, keepdim=True)).mean(0)
    answers = mean_probabilities(model(*batch).detach())
    np.testing.assert_allclose(answers, expected.detach().numpy(), rtol=1e-5)


def test_logits_are_in_the_order_of_the_names():
    model = small()
    names = ["konstantinopolitanski", "li", "abe", "papadopoulos", "ito"]
    together = predict_logits(model, names, torch.device("cpu"))
    for place, name in enumerate(names):
        alone = predict_logits(model, [name], torch.device("cpu"))
        torch.testing.assert_close(together[:, place], alone[:, 0])


def test_the_loss_is_the_weighted_mean_over_members_and_names():
    model = small().double()
    x, last_pos = model.vocabulary.encode(["abe", "li"])
    labels, weights = torch.tensor([2, 0]), torch.tensor([0.5, 1.5], dtype=torch.float64)
    losses = -torch.log_softmax(model(x, last_pos), -1)[:, [0, 1], labels]
    expected = (losses * weights).sum() / 4
    torch.testing.assert_close(cross_entropy(model, (x, last_pos, labels, weights)), expected)
