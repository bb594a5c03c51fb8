"""The encoder-decoder: padding changes nothing, and decoding step by step is decoding at once."""

import pytest
import torch
from torch import nn

from eigenlab.errors import InputError
from eigenlab.recurrent.reference import lstm_loop
from eigenlab.translation import (
    PAD,
    Seq2Seq,
    bucketed_batches,
    fit_seq2seq,
    recurrent_eigenvalues,
)
from eigenlab.translation.stack import RecurrentStack

D = torch.float64
CELLS = ["rnn", "lstm", "gru"]
OPTIONS = {
    "plain": {},
    "two layers": {"num_layers": 2},
    "attention": {"attention": True},
    "bidirectional": {"bidirectional": True},
    "all": {"attention": True, "bidirectional": True, "num_layers": 2},
    "stacked": {"design": "stacked"},
}


def make(cell, option, dtype=D):
    torch.manual_seed(0)
    return Seq2Seq(20, 30, 8, cell=cell, dtype=dtype, **OPTIONS[option]).eval()


def sources(rows=5, width=7):
    torch.manual_seed(1)
    lengths = torch.randint(1, width + 1, (rows,))
    source = torch.randint(4, 20, (rows, width))
    source[torch.arange(width) >= lengths[:, None]] = PAD
    return source, lengths


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("option", OPTIONS)
def test_padding_enters_neither_states_nor_logits(cell, option):
    model, (source, lengths) = make(cell, option), sources()
    inputs = torch.randint(4, 30, (len(source), 6))
    logits = model(source, lengths, inputs)
    garbage = source.clone()
    garbage[source == PAD] = 7
    torch.testing.assert_close(model(garbage, lengths, inputs), logits, rtol=0, atol=0)
    for row, length in enumerate(lengths):
        alone = model(source[row : row + 1, :length], length[None], inputs[row : row + 1])
        torch.testing.assert_close(alone[0], logits[row], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("option", OPTIONS)
def test_one_step_at_a_time_is_all_at_once(cell, option):
    model, (source, lengths) = make(cell, option), sources()
    inputs = torch.randint(4, 30, (len(source), 9))
    encoded = model.encode(source, lengths)
    together, last, _ = model.decode(encoded, inputs)
    state, parts = encoded.state, []
    for step in range(inputs.shape[1]):
        part, state, _ = model.decode(encoded, inputs[:, step : step + 1], state, start=step)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), together)
    torch.testing.assert_close(state, last)


@pytest.mark.parametrize("option", OPTIONS)
def test_the_first_state_of_the_decoder_is_the_last_of_the_encoder(option):
    """Question 7; of an LSTM with its cell. In the stacked design it is zero (7a)."""
    model, (source, lengths) = make("lstm", option), sources()
    encoded = model.encode(source, lengths)
    if option == "stacked":
        assert not any(part.any() for part in encoded.state)
        return
    if "bidirectional" in OPTIONS[option]:
        return
    for row, length in enumerate(lengths):
        x = model.source_embedding(source[row, :length])[:, None]
        for index, layer in enumerate(model.encoder.layers):
            w_x = layer.weight_ih_l0[:, : x.shape[-1]]
            bias = layer.bias_ih_l0 + layer.bias_hh_l0
            zero = x.new_zeros(1, 8)
            x, cells = lstm_loop(x, zero, zero, w_x, layer.weight_hh_l0, bias)
            torch.testing.assert_close(encoded.state[0][index, row], x[-1, 0])
            torch.testing.assert_close(encoded.state[1][index, row], cells[-1, 0])


def test_the_stacked_design_does_not_see_what_follows():
    """7a: with the design of one layer above the other, word t is written before word t + 1 is
    read; the sequential design has read everything."""
    for design, sees in (("stacked", False), ("sequential", True)):
        torch.manual_seed(0)
        model = Seq2Seq(20, 30, 8, design=design, dtype=D).eval()
        source, inputs = torch.randint(4, 20, (1, 6)), torch.randint(4, 30, (1, 6))
        other = source.clone()
        other[0, 4] += 1 if other[0, 4] < 19 else -1
        lengths = torch.tensor([6])
        difference = (model(source, lengths, inputs) - model(other, lengths, inputs)).abs()
        assert bool(difference[0, :4].any()) == sees
        assert difference[0, 4:].any()


def test_attention_weights_sum_to_one_over_real_positions():
    model, (source, lengths) = make("gru", "attention"), sources()
    _, _, weights = model.decode(model.encode(source, lengths), torch.randint(4, 30, (5, 3)))
    torch.testing.assert_close(weights.sum(-1), torch.ones(5, 3, dtype=D))
    assert (weights[source.eq(PAD)[:, None].expand_as(weights)] == 0).all()


@pytest.mark.parametrize("cell", CELLS)
def test_training_leaves_the_padding_gate_closed(cell):
    """The constant weights of the LSTM's padding input have no gradient."""
    torch.manual_seed(0)
    stack = RecurrentStack(cell, 8, 8, 2, dtype=D)
    inputs, lengths = torch.randn(4, 6, 8, dtype=D), torch.tensor([6, 1, 3, 4])
    states, last = stack(inputs, lengths=lengths)
    (states[:, :1].square().sum() + sum(part.square().sum() for part in last)).backward()
    if cell == "lstm":
        for layer in stack.layers:
            assert (layer.weight_ih_l0.grad[:, 8:] == 0).all()
            assert layer.weight_ih_l0.grad[:, :8].any()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("option", OPTIONS)
def test_gradients_equal_finite_differences(cell, option):
    model, (source, lengths) = make(cell, option), sources(2, 3)
    inputs = torch.randint(4, 30, (2, 3))
    targets = torch.randint(4, 30, (2, 3))

    def loss():
        return nn.functional.cross_entropy(
            model(source, lengths, inputs).flatten(0, 1), targets.flatten()
        )

    loss().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        flat = parameter.data.view(-1)
        place = int(parameter.grad.view(-1).abs().argmax())
        kept, ends = flat[place].item(), []
        for sign in (1, -1):
            flat[place] = kept + sign * 1e-6
            with torch.no_grad():
                ends.append(loss().item())
        flat[place] = kept
        measured = (ends[0] - ends[1]) / 2e-6
        assert parameter.grad.view(-1)[place].item() == pytest.approx(measured, rel=1e-4, abs=1e-8)


def test_wrong_arguments_are_named():
    wrong = {
        "cell='elman'": {"cell": "elman"},
        "design='side'": {"design": "side"},
        "dropout=": {"dropout": 1.0},
        "would show it what follows": {"design": "stacked", "attention": True},
    }
    for message, options in wrong.items():
        with pytest.raises(InputError, match=message):
            Seq2Seq(5, 5, 8, **options)
    model = Seq2Seq(20, 30, 8)
    with pytest.raises(InputError, match="lengths"):
        model(torch.ones(2, 3, dtype=torch.long), torch.tensor([0, 3]), torch.ones(2, 1).long())


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("options", [{}, {"attention": True, "bidirectional": True}])
def test_training_in_bfloat16_loses_what_float32_loses(cell, options):
    """Each product is off by up to 2^-8 of itself; losses of the order of 1 by some hundredths."""
    sources = [[3 + (i * k) % 17 for k in range(1, 2 + i % 6)] for i in range(40)]
    targets = [[3 + (i + k) % 9 for k in range(2 + (i * 5) % 7)] for i in range(40)]
    batches = bucketed_batches(sources, targets, batch_size=8, seed=0)
    losses = []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        model = Seq2Seq(20, 12, 16, cell=cell, num_layers=2, **options)
        history = fit_seq2seq(model, batches, steps=40, learning_rate=0.01, precision=precision)
        losses.append([loss for _, loss in history.losses])
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_tanh_networks_begin_with_eigenvalues_on_the_unit_circle():
    model = Seq2Seq(20, 30, 16, cell="rnn", bidirectional=True, num_layers=2)
    for blocks in recurrent_eigenvalues(model).values():
        assert torch.allclose(blocks["W_h"].abs(), torch.ones(16, dtype=torch.float64), atol=1e-5)
