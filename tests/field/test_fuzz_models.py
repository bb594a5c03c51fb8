"""Random recurrent models: the trace equals the model's own backward pass, or it is refused."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from eigenlab.errors import InputError
from eigenlab.recurrent import trace_gradients
from fuzz import fuzzed

D = torch.float64


@st.composite
def settings_of_models(draw):
    return {
        "kind": draw(st.sampled_from(["RNN", "relu", "LSTM", "GRU"])),
        "layers": draw(st.integers(1, 3)),
        "both": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bias": draw(st.booleans()),
        "proj": draw(st.sampled_from([0, 0, 2])),
        "dropout": draw(st.sampled_from([0.0, 0.5])),
        "inputs": draw(st.integers(1, 3)),
        "hidden": draw(st.integers(3, 4)),
        "batch": draw(st.integers(1, 4)),
        "steps": draw(st.integers(1, 6)),
        "mode": draw(st.sampled_from(["plain", "packed", "chunks", "first state", "cell"])),
        "head": draw(st.sampled_from(["step", "last", "mean", "cumsum", "transposed", "squeezed"])),
        "outputs": draw(st.integers(1, 3)),
        "last_step_only": draw(st.booleans()),
        "detach": draw(st.sampled_from([False] * 5 + [True])),
        "seed": draw(st.integers(0, 2**16)),
    }


class Fuzzed(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        make = {"RNN": nn.RNN, "relu": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}[s["kind"]]
        options = {"nonlinearity": "relu"} if s["kind"] == "relu" else {}
        if s["mode"] == "cell":
            name = {"RNN": nn.RNNCell, "relu": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}
            self.recurrent = name[s["kind"]](s["inputs"], s["hidden"], s["bias"], **options)
            width = s["hidden"]
        else:
            projected = s["proj"] if s["kind"] == "LSTM" else 0
            self.recurrent = make(
                s["inputs"],
                s["hidden"],
                s["layers"],
                bias=s["bias"],
                batch_first=s["batch_first"],
                bidirectional=s["both"],
                dropout=s["dropout"] if s["layers"] > 1 else 0.0,
                **({"proj_size": projected} if projected else {}),
                **options,
            )
            width = (projected or s["hidden"]) * (2 if s["both"] else 1)
        self.head = nn.Linear(width, s["outputs"])

    def forward(self, x, lengths=None):
        """x is (B, T, I), or (T, B, I) unless batch_first; so is the prediction."""
        s, time = self.s, 1 if self.s["batch_first"] else 0
        if s["mode"] == "packed":
            packed = pack_padded_sequence(
                x, lengths, batch_first=s["batch_first"], enforce_sorted=False
            )
            out = pad_packed_sequence(self.recurrent(packed)[0], batch_first=s["batch_first"])[0]
        elif s["mode"] == "cell":
            state, outs = None, []
            for x_t in x.unbind(time):
                state = self.recurrent(x_t, state)
                outs.append(state[0] if s["kind"] == "LSTM" else state)
            out = torch.stack(outs, time)
        elif s["mode"] == "chunks" and not s["both"]:
            state, outs = None, []
            for chunk in x.split(2, dim=time):
                part, state = self.recurrent(chunk, state)
                outs.append(part)
            out = torch.cat(outs, time)
        elif s["mode"] == "first state":
            _, state = self.recurrent(x * 0)
            out, _ = self.recurrent(x.flip(time), state)
        else:
            out, _ = self.recurrent(x)
        out = out.detach() if s["detach"] else out
        head = s["head"]
        if head == "last":
            return self.head(out.select(time, -1))
        if head == "mean":
            return self.head(out.mean(time))
        if head == "cumsum":
            return self.head(out.cumsum(time))
        if head == "transposed":
            return self.head(out).transpose(0, 1)
        if head == "squeezed" and s["outputs"] == 1:
            return self.head(out).squeeze(-1)
        return self.head(out)


@fuzzed(150)
@given(settings_of_models())
def test_a_trace_is_autograd_or_a_clear_refusal(s):
    torch.manual_seed(s["seed"])
    model = Fuzzed(s).to(D)
    shape = (s["batch"], s["steps"]) if s["batch_first"] else (s["steps"], s["batch"])
    x = torch.randn(*shape, s["inputs"], dtype=D)
    lengths = torch.randint(1, s["steps"] + 1, (s["batch"],))
    lengths[0] = s["steps"]
    given_input = (x, lengths) if s["mode"] == "packed" else x
    torch.manual_seed(1)
    prediction = model(*given_input) if s["mode"] == "packed" else model(x)
    y = torch.randn(prediction.shape, dtype=D)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    time = 1 if s["batch_first"] else 0
    if s["head"] == "transposed":
        time = 1 - time
    steps = s["head"] not in ("last", "mean")
    torch.manual_seed(1)
    trace, refusal = attempt(
        model,
        given_input,
        y,
        s["last_step_only"],
        lengths=lengths if s["mode"] == "packed" and steps else None,
    )
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    if refusal:
        assert "\n" not in refusal
        assert expected_refusal(s, refusal, steps)
        return
    squared = (prediction - y).square()
    if s["mode"] == "packed" and steps:
        by_sequence = squared.movedim(time, 1).reshape(s["batch"], s["steps"], -1).mean(2)
        if s["last_step_only"]:
            loss = by_sequence[torch.arange(s["batch"]), lengths - 1].mean()
        else:
            valid = torch.arange(s["steps"]) < lengths[:, None]
            loss = by_sequence[valid].mean()
    else:
        last = s["last_step_only"] and steps  # one step of a one-step sequence is its last
        loss = squared.select(time, -1).mean() if last else squared.mean()
    assert abs(trace.loss - loss.item()) <= 1e-12 * max(1.0, abs(loss.item()))
    loss.backward()
    found = {}
    for layer, name in enumerate(trace.layer_names):
        key = name.removesuffix(" run 2").replace(" run 2", "")
        found[key] = found.get(key, 0) + trace.weight_gradients(layer)["W_h"]
    for name, value in found.items():
        torch.testing.assert_close(value, weight(model, name).grad, rtol=1e-8, atol=1e-11)
    if trace.step_losses is not None and s["steps"] <= 3:
        assert trace.pairwise_norms.isfinite().all()


def attempt(*arguments, **options):
    try:
        return trace_gradients(*arguments, **options), ""
    except InputError as error:
        return None, str(error)


def weight(model, name):
    if model.s["mode"] == "cell":
        return model.recurrent.weight_hh
    layer = name.split("layer ")[1][0] if "layer " in name else "0"
    suffix = "_reverse" if "reversed" in name else ""
    return getattr(model.recurrent, f"weight_hh_l{layer}{suffix}")


def expected_refusal(s, message, steps):
    if "does not require gradients" in message or "does not depend" in message:
        return s["detach"]
    if "last_step_only=True needs" in message:
        return s["last_step_only"] and (not steps or s["head"] == "squeezed")
    equal = s["batch"] == s["steps"] or s["outputs"] == s["steps"] or s["batch"] == 1
    equal = equal or s["mode"] in ("chunks", "first state")  # a call may be as long as the batch
    return "cannot be told apart" in message and (equal or s["head"] == "squeezed")
