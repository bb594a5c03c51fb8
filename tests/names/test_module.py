import pytest
import torch
from torch import nn

from eigenlab.errors import InputError
from eigenlab.names import RecurrentClassifier, encode_names

KEYS = ["weight_ih_l{}", "weight_hh_l{}", "bias_ih_l{}", "bias_hh_l{}"]
NAMES = ["Li", "Abel", "Papadopoulos", "Ito"]


@pytest.mark.parametrize("model_type", ["rnn", "lstm"])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_state_dict_is_that_of_the_question(model_type, num_layers):
    model = RecurrentClassifier(58, 7, 5, num_layers, 0.1, model_type)
    layers = [f"{model_type}.{key.format(n)}" for n in range(num_layers) for key in KEYS]
    expected = ["embedding.weight", *layers, "output.weight", "output.bias"]
    assert list(model.state_dict()) == expected


class Plain(nn.Module):
    """The same network with padded instead of packed sequences."""

    def __init__(self, kind, width, classes, layers):
        super().__init__()
        self.embedding = nn.Embedding(58, width)
        layer = {"rnn": nn.RNN, "lstm": nn.LSTM}[kind](width, width, layers, batch_first=True)
        self.add_module(kind, layer)
        self.layer = [layer]
        self.output = nn.Linear(width, classes)

    def forward(self, x, last_pos):
        states = self.layer[0](self.embedding(x))[0]
        return self.output(states[torch.arange(len(x)), last_pos])


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_same_seed_gives_the_same_weights_logits_and_gradients_as_plain_torch(kind, layers):
    torch.manual_seed(0)
    plain = Plain(kind, 6, 4, layers).double()
    torch.manual_seed(0)
    ours = RecurrentClassifier(58, 6, 4, layers, model_type=kind).double()
    for name, value in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value)
    x, last_pos = encode_names(NAMES)
    torch.testing.assert_close(ours(x, last_pos), plain(x, last_pos))
    for model in (ours, plain):
        model(x, last_pos).square().sum().backward()
    gradients = dict(plain.named_parameters())
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name].grad)


def test_the_network_written_out_by_hand():
    torch.manual_seed(0)
    model = RecurrentClassifier(58, 3, 2).double()
    w = model.state_dict()
    h = torch.zeros(3, dtype=torch.float64)
    for symbol in (26, 1):
        h = torch.tanh(
            w["rnn.weight_ih_l0"] @ w["embedding.weight"][symbol]
            + w["rnn.bias_ih_l0"]
            + w["rnn.weight_hh_l0"] @ h
            + w["rnn.bias_hh_l0"]
        )
    logits = model(torch.tensor([[26, 1, 57, 57]]), torch.tensor([1]))
    torch.testing.assert_close(logits[0], w["output.weight"] @ h + w["output.bias"])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_logits_do_not_depend_on_padding_or_on_the_other_names(bidirectional):
    torch.manual_seed(1)
    model = RecurrentClassifier(58, 5, 3, bidirectional=bidirectional).double()
    x, last_pos = encode_names(NAMES)
    together = model(x, last_pos)
    for row, name in enumerate(NAMES):
        torch.testing.assert_close(model(*encode_names([name]))[0], together[row])


def test_the_output_layer_gets_the_final_state_of_each_direction():
    """Forward at the last letter, backward at the first, in this order."""
    torch.manual_seed(2)
    model = RecurrentClassifier(58, 4, 3, bidirectional=True)
    x, last_pos = encode_names(["Abel"])
    states = model.recurrent(model.embedding(x))[0][0]
    read = torch.cat([states[3, :4], states[0, 4:]])
    torch.testing.assert_close(model(x, last_pos)[0], model.output(read))


def test_dropout_acts_in_training_only():
    model = RecurrentClassifier(58, 16, 3, dropout=0.5)
    batch = encode_names(NAMES)
    assert not torch.equal(model(*batch), model(*batch))
    model.eval()
    assert torch.equal(model(*batch), model(*batch))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rnn_size": 0}, "rnn_size=0"),
        ({"num_layers": 0}, "num_layers=0"),
        ({"dropout": 1.0}, "dropout=1.0"),
        ({"model_type": "lstn"}, "did you mean 'lstm'"),
    ],
)
def test_invalid_parameters_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        RecurrentClassifier(**{"vocab_size": 58, "rnn_size": 4, "n_categories": 3, **settings})
