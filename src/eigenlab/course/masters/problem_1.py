# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Problem 1: a recurrent network from scratch, and its gradients
#
# You write a recurrent layer, train it on a small task, and look at how its gradients travel
# through time. The parts:
#
# | part | you write | you learn |
# |---|---|---|
# | 1a | `RNNLayer` | one set of weights, applied at every step |
# | 1b | `RecurrentRegressionModel` | how to read a prediction from every state |
# | 1c | `generate_batch`, `loss_fn` | the task, and a loss at every step or at the last one |
# | 1d | `hidden_gradients` | how far the loss reaches back |
# | 1e-1g | answers | when gradients vanish or explode |
# | 1h | `LSTMLayer`, `RNN`, `LSTM` | what gates and more layers change |
#
# Replace each `raise NotImplementedError(...)` by your code and run the cell with the check below
# it. A check compares with published numbers, closed forms and PyTorch, and says what is wrong.
# Weights may be held in any number of `nn.Linear` or `nn.Parameter`.

# %%
try:
    import eigenlab
except ImportError:  # a bare kernel, such as Colab's
    import subprocess
    import sys

    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "eigenlab", "ipywidgets"], check=True
    )

# %%
import torch as th
import torch.nn.functional as F
from torch import nn

from eigenlab import plots
from eigenlab.course import GradientVisualizer
from eigenlab.grading import check

_ = th.manual_seed(0)

# %% [markdown]
# ## 1a. One recurrent layer
#
# A recurrent layer reads a sequence $x_1, \dots, x_T$ and keeps a *hidden state*:
#
# $$h_t = \sigma(W_h h_{t-1} + W_x x_t + b), \qquad h_0 = 0,$$
#
# with $W_h \in \mathbb{R}^{H \times H}$, $W_x \in \mathbb{R}^{H \times I}$, **one** bias
# $b \in \mathbb{R}^H$ and an elementwise nonlinearity $\sigma$. The same weights are used at every
# step, so a layer with $I = 2$ and $H = 3$ has $9 + 6 + 3 = 18$ parameters, however long the
# sequence is.
#
# Sequences come in batches, `x` has the shape `(B, T, input_size)`. Collect the states in a list
# `h_list` and stack them at the end: a tensor that is written in place hides the single states,
# whose gradients we want in 1d.


# %%
class RNNLayer(nn.Module):
    """One recurrent layer."""

    def __init__(self, input_size, hidden_size, nonlinearity=th.tanh):
        """
        Args:
            input_size: I, features per step
            hidden_size: H, units
            nonlinearity: elementwise function of a tensor
        """
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.nonlinearity = nonlinearity
        # TODO: the parameters W_h, W_x and one bias.
        # BEGIN SOLUTION RNNLayer.__init__
        self.from_input = nn.Linear(input_size, hidden_size, bias=False)  # W_x
        self.from_hidden = nn.Linear(hidden_size, hidden_size)  # W_h and b
        # END SOLUTION

    def forward(self, x):
        """
        Args:
            x: (B, T, input_size)

        Returns:
            all_h: the states h_1 to h_T, (B, T, hidden_size)
            last_h: h_T, (B, hidden_size)
        """
        h_list = []
        # TODO: start from zeros, (B, hidden_size); at each step compute the next state and append
        # it to h_list.
        # BEGIN SOLUTION RNNLayer.forward
        h = x.new_zeros(x.shape[0], self.hidden_size)
        for x_t in x.unbind(dim=1):
            h = self.nonlinearity(self.from_hidden(h) + self.from_input(x_t))
            h_list.append(h)
        # END SOLUTION
        self.h_list = h_list  # kept for 1d
        return th.stack(h_list, dim=1), h_list[-1]


# %%
result_1a = check("1a", RNNLayer)
result_1a

# %% [markdown]
# ## 1b. Predictions from the states
#
# A regression model reads a prediction from *every* hidden state with one linear map, without a
# nonlinearity:
#
# $$\hat y_t = W_f h_t + b_f, \qquad W_f \in \mathbb{R}^{O \times H}.$$
#
# `nn.Linear` acts on the last axis of a tensor of any shape, so one call reads all steps.


# %%
class RecurrentRegressionModel(nn.Module):
    """Reads a prediction from every hidden state."""

    def __init__(self, recurrent_net, output_dim=1):
        """
        Args:
            recurrent_net: returns (all_h, ...) and has the attribute hidden_size
            output_dim: O, numbers predicted per step
        """
        super().__init__()
        self.recurrent_net = recurrent_net
        self.output_dim = output_dim
        # TODO: the readout, W_f and b_f.
        # BEGIN SOLUTION RecurrentRegressionModel.__init__
        self.readout = nn.Linear(recurrent_net.hidden_size, output_dim)
        # END SOLUTION

    def forward(self, x):
        """
        Args:
            x: (B, T, input_size)

        Returns:
            out: predictions at every step, (B, T, output_dim)
            all_h: hidden states, (B, T, hidden_size)
        """
        # TODO: run the recurrent network and read its states.
        # BEGIN SOLUTION RecurrentRegressionModel.forward
        all_h, _ = self.recurrent_net(x)
        return self.readout(all_h), all_h
        # END SOLUTION


# %%
result_1b = check("1b", RecurrentRegressionModel)
result_1b

# %% [markdown]
# ## 1c. The task and the loss
#
# The inputs are independent standard normal numbers; the target is their *running average*
#
# $$y_t = \frac{1}{t} \sum_{s=1}^{t} x_s .$$
#
# To predict it, a network has to remember all inputs and to know the time.


# %%
def generate_batch(seq_len=10, batch_size=1):
    """
    Returns:
        data: standard normal numbers, (batch_size, seq_len, 1)
        target: their running average, (batch_size, seq_len, 1)
    """
    # TODO: th.cumsum sums along an axis.
    # BEGIN SOLUTION generate_batch
    data = th.randn(batch_size, seq_len, 1)
    steps = th.arange(1, seq_len + 1).view(1, seq_len, 1)
    return data, th.cumsum(data, dim=1) / steps
    # END SOLUTION


# %%
result_data = check("1c-data", generate_batch)
result_data

# %% [markdown]
# The loss is the mean squared error, either over every step or at the last step only:
#
# $$L = \frac{1}{BT} \sum_{b,t} (\hat y_{bt} - y_{bt})^2, \qquad
# L_T = \frac{1}{B} \sum_{b} (\hat y_{bT} - y_{bT})^2 .$$


# %%
def loss_fn(pred, y, last_timestep_only=False):
    """
    Args:
        pred: predictions, (B, T, 1)
        y: targets, (B, T, 1)
        last_timestep_only: whether only the step T counts

    Returns:
        the mean squared error, a tensor without axes
    """
    # TODO: time is the axis 1.
    # BEGIN SOLUTION loss_fn
    if last_timestep_only:
        pred, y = pred[:, -1], y[:, -1]
    return F.mse_loss(pred, y)
    # END SOLUTION


# %%
result_1c = check("1c", loss_fn)
result_1c

# %% [markdown]
# ## 1d. Gradients through time
#
# A state $h_t$ moves the loss through its own prediction *and* through every later state. The
# chain rule collects all paths from the last step to the first:
#
# $$\frac{\partial L}{\partial h_t} = \frac{\partial L_t}{\partial h_t}
# + \frac{\partial L}{\partial h_{t+1}} \frac{\partial h_{t+1}}{\partial h_t},
# \qquad \frac{\partial h_{t+1}}{\partial h_t} = \operatorname{diag}(\sigma'(a_{t+1}))\, W_h .$$
#
# Autograd does this for you, if you ask for the gradient of the very tensors that the next step
# has read: those in `h_list`. Either call `h.retain_grad()` on each of them, then
# `loss.backward()`, and read `h.grad`; or use `th.autograd.grad`. (The gradient of the stacked
# `all_h` is another one: nothing that comes later reads this copy except the readout, so that it
# holds only the first of the two terms.)


# %%
def hidden_gradients(h_list, loss):
    """
    Args:
        h_list: the states h_1 to h_T as the recurrence computed them, each (B, H)
        loss: a scalar that depends on them

    Returns:
        dL/dh_t over every path, (T, B, H)
    """
    # TODO
    # BEGIN SOLUTION hidden_gradients
    return th.stack(th.autograd.grad(loss, h_list, retain_graph=True))
    # END SOLUTION


# %%
result_1d = check("1d", hidden_gradients)
result_1d

# %% [markdown]
# With your layer, model, loss and gradients, here is where the gradient of the last step's loss
# goes in a network that has not been trained:

# %%
if result_1a and result_1b and result_1c and result_data and result_1d:
    layer = RNNLayer(1, 32)
    model = RecurrentRegressionModel(layer)
    x, y = generate_batch(seq_len=30, batch_size=32)
    chart = plots.norms_chart()
    for index, last in enumerate((True, False)):
        prediction, all_h = model(x)
        found = hidden_gradients(layer.h_list, loss_fn(prediction, y, last_timestep_only=last))
        plots.add_norms(
            chart,
            all_h.norm(dim=-1).mean(dim=0).tolist(),
            found.norm(dim=-1).mean(dim=1).tolist(),
            "loss at the last step" if last else "loss at every step",
            index=index,
        )
    chart.show()
else:
    print("First pass 1a to 1d.")

# %% [markdown]
# ### A tool to look at gradients
#
# Four panels: the hidden states of one sequence; $|h_t|$ and $|\partial L / \partial h_t|$ over
# time; the eigenvalues of $W_h$ beside the unit circle; and $|\partial L_k / \partial h_t|$, the
# gradient of each single step's loss with respect to each state. The sliders multiply the weights
# and biases of a *copy* of your layer, change the activation, the length, the loss and the data.
# Move them before you answer 1e to 1g.

# %%
if result_1a:
    GradientVisualizer(
        lambda hidden_size: RNNLayer(1, hidden_size), last_step_only=True
    ).create_visualization()
else:
    print("First pass 1a. Meanwhile, a network of random weights:")
    GradientVisualizer(last_step_only=True).create_visualization()

# %% [markdown]
# ## 1e. Without a nonlinearity
#
# Set the activation to `identity` and the loss to the last step only. What is
# $\partial L / \partial h_t$ in closed form? Under what conditions does it vanish or explode, and
# what do the eigenvalues of $W_h$ have to do with it?

# %% [markdown] tags=["student"]
# *Your answer:*

# %% [markdown] tags=["solution"]
# At the last step the loss depends on the state through the prediction alone, so
# $\partial L / \partial h_T = 2(\hat y - y) W_f$. Without a nonlinearity
# $\partial h_{t+1} / \partial h_t = W_h$, and the chain rule multiplies one such factor for each
# step back: $\partial L / \partial h_t = 2(\hat y - y) W_f W_h^{T-t}$. In a basis of eigenvectors
# the power multiplies each component by the power of its eigenvalue, so the norm changes per step
# by a factor that tends to the spectral radius $\rho$, the largest modulus of an eigenvalue. The
# gradient vanishes if $\rho < 1$ and explodes if $\rho > 1$ and $W_f$ has a component along the
# leading eigenvector; at $\rho = 1$ it does neither, if $W_h$ can be diagonalised.

# %% [markdown]
# The closed form (circles) beside your gradients, for two spectral radii. $W_h$ and $W_f$ are read
# off as the Jacobians $\partial h_2 / \partial h_1$ and $\partial \hat y_T / \partial h_T$, which
# in a linear network are these matrices.

# %%
if result_1a and result_1b and result_1c and result_data and result_1d:
    T, H = 30, 16
    x, y = generate_batch(seq_len=T, batch_size=32)
    chart = plots.norms_chart()
    for index, radius in enumerate((0.7, 1.3)):
        layer = RNNLayer(1, H, nonlinearity=lambda a: a)
        model = RecurrentRegressionModel(layer)

        layer(th.ones(1, 2, 1))
        h_1, h_2 = layer.h_list
        rows = [th.autograd.grad(unit, h_1, retain_graph=True)[0] for unit in h_2[0]]
        W_h = th.cat(rows)
        factor = radius / th.linalg.eigvals(W_h).abs().max()
        W_h = factor * W_h
        with th.no_grad():
            for parameter in layer.parameters():
                parameter.mul_(factor)

        prediction, all_h = model(x)
        loss = loss_fn(prediction, y, last_timestep_only=True)
        found = hidden_gradients(layer.h_list, loss)
        label = f"spectral radius {radius:g}"
        norms = all_h.norm(dim=-1).mean(dim=0), found.norm(dim=-1).mean(dim=1)
        plots.add_norms(chart, norms[0].tolist(), norms[1].tolist(), label, index=index)

        W_f = th.autograd.grad(prediction[0, -1, 0], layer.h_list[-1], retain_graph=True)[0][:1]
        gradient = 2 * (prediction - y)[:, -1].detach() / len(x) @ W_f
        closed_form = []
        for _ in range(T):
            closed_form.insert(0, gradient.norm(dim=-1).mean().item())
            gradient = gradient @ W_h
        plots.add_closed_form(
            chart, range(1, T + 1), closed_form, index=2 * index + 1, legend=index == 0
        )
    chart.show()
else:
    print("First pass 1a to 1d.")

# %% [markdown]
# ## 1f. With a nonlinearity
#
# Change the activation to `tanh` and to `relu`, and move the weight scale. With which of the two
# do gradients vanish, and explode, more often? What happens to the hidden states? Why?

# %% [markdown] tags=["student"]
# *Your answer:*

# %% [markdown] tags=["solution"]
# tanh is bounded, so the hidden states cannot explode, and its slope is at most 1, so every step
# back also multiplies by a number below 1: gradients vanish more often than without it, and explode
# later. They can explode, though: with large enough weights a tanh network is chaotic, its states
# bounded but not close to zero. ReLU has the slope 1 or 0. About half of its units are active, so
# that its threshold is a weight scale near $\sqrt 2$ instead of 1; above it, states and gradients
# explode together, since nothing bounds them.

# %% [markdown]
# ## 1g. A loss at every step
#
# Clear "loss at the last step only". Is the gradient at early steps large now? Does this mean that
# the network can learn a dependence over many steps? Look at the fourth panel.

# %% [markdown] tags=["student"]
# *Your answer:*

# %% [markdown] tags=["solution"]
# The total gradient $\partial L / \partial h_t = \sum_{k \ge t} \partial L_k / \partial h_t$ is
# large at every step, since the losses of step $t$ and of its neighbours always contribute: the
# diagonal of the fourth panel. The gradient of a single loss still decays away from the diagonal,
# so the loss of a late step reaches early states no better than before. A loss at every step helps
# where it adds targets, or where early targets are easier versions of late ones (as in the running
# average); it does not carry a gradient further.

# %% [markdown]
# ## 1h. LSTM and stacked layers
#
# An LSTM keeps a second state, the *cell* $c_t$, which is multiplied by a gate instead of a
# matrix:
#
# $$\begin{aligned}
# i_t &= \operatorname{sigmoid}(W_{hi} h_{t-1} + W_{xi} x_t + b_i) &
# f_t &= \operatorname{sigmoid}(W_{hf} h_{t-1} + W_{xf} x_t + b_f) \\
# g_t &= \tanh(W_{hg} h_{t-1} + W_{xg} x_t + b_g) &
# o_t &= \operatorname{sigmoid}(W_{ho} h_{t-1} + W_{xo} x_t + b_o) \\
# c_t &= f_t \odot c_{t-1} + i_t \odot g_t &
# h_t &= o_t \odot \tanh(c_t)
# \end{aligned}$$
#
# Each gate has **one** bias. Compute the four of them in one product, if you like.


# %%
class LSTMLayer(nn.Module):
    """One LSTM layer."""

    def __init__(self, input_size, hidden_size):
        """
        Args:
            input_size: I, features per step
            hidden_size: H, units
        """
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        # TODO: W_h, W_x and b of the gates i, f, g and o.
        # BEGIN SOLUTION LSTMLayer.__init__
        self.from_input = nn.Linear(input_size, 4 * hidden_size, bias=False)
        self.from_hidden = nn.Linear(hidden_size, 4 * hidden_size)
        # END SOLUTION

    def forward(self, x, hc0=None):
        """
        Args:
            x: (B, T, input_size)
            hc0: the first states (h_0, c_0), each (B, hidden_size); None for zeros

        Returns:
            all_h: the hidden states h_1 to h_T, (B, T, hidden_size)
            (h_last, c_last): h_T and c_T, each (B, hidden_size)
        """
        h_list = []
        # TODO: start from hc0 or zeros; compute gates, cell and state at each step, and append the
        # state to h_list.
        # BEGIN SOLUTION LSTMLayer.forward
        zeros = x.new_zeros(x.shape[0], self.hidden_size)
        h, c = (zeros, zeros) if hc0 is None else hc0
        for x_t in x.unbind(dim=1):
            i, f, g, o = (self.from_hidden(h) + self.from_input(x_t)).chunk(4, dim=-1)
            c = th.sigmoid(f) * c + th.sigmoid(i) * th.tanh(g)
            h = th.sigmoid(o) * th.tanh(c)
            h_list.append(h)
        # END SOLUTION
        self.h_list = h_list
        return th.stack(h_list, dim=1), (h, c)


# %%
result_lstm_layer = check("1h-lstm-layer", LSTMLayer)
result_lstm_layer

# %% [markdown]
# Layers can be stacked: layer $l$ reads the hidden states of layer $l - 1$ as its inputs, at every
# step. Hold the layers in an `nn.ModuleList`; in a plain list their parameters would not be found.


# %%
class RNN(nn.Module):
    """Several RNNLayer on top of each other."""

    def __init__(self, input_size, hidden_size, num_layers):
        """
        Args:
            input_size: I, features per step
            hidden_size: H, units of each layer
            num_layers: L, at least 1
        """
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        # TODO: the layers.
        # BEGIN SOLUTION RNN.__init__
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(RNNLayer(size, hidden_size) for size in sizes)
        # END SOLUTION

    def forward(self, x):
        """
        Args:
            x: (B, T, input_size)

        Returns:
            last_layer_h: every state of the top layer, (B, T, hidden_size)
            last_step_h: the last state of every layer, (num_layers, B, hidden_size)
        """
        # TODO
        # BEGIN SOLUTION RNN.forward
        last_steps = []
        for layer in self.layers:
            x, last_h = layer(x)
            last_steps.append(last_h)
        return x, th.stack(last_steps)
        # END SOLUTION


# %%
result_rnn = check("1h-rnn", RNN)
result_rnn


# %%
class LSTM(nn.Module):
    """Several LSTMLayer on top of each other."""

    def __init__(self, input_size, hidden_size, num_layers):
        """
        Args:
            input_size: I, features per step
            hidden_size: H, units of each layer
            num_layers: L, at least 1
        """
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        # TODO: the layers.
        # BEGIN SOLUTION LSTM.__init__
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(LSTMLayer(size, hidden_size) for size in sizes)
        # END SOLUTION

    def forward(self, x, hc0=None):
        """
        Args:
            x: (B, T, input_size)
            hc0: the first states (h_0, c_0), each (num_layers, B, hidden_size); None for zeros

        Returns:
            last_layer_h: every hidden state of the top layer, (B, T, hidden_size)
            (last_step_h, last_step_c): the last states of every layer, each
                (num_layers, B, hidden_size)
        """
        # TODO
        # BEGIN SOLUTION LSTM.forward
        h_list, c_list = [], []
        for index, layer in enumerate(self.layers):
            first = None if hc0 is None else (hc0[0][index], hc0[1][index])
            x, (h, c) = layer(x, first)
            h_list.append(h)
            c_list.append(c)
        return x, (th.stack(h_list), th.stack(c_list))
        # END SOLUTION


# %%
result_lstm = check("1h-lstm", LSTM)
result_lstm

# %% [markdown]
# ### The gradients of an LSTM
#
# The third panel shows the eigenvalues of $\partial h_T / \partial h_{T-1}$: an LSTM has no single
# matrix $W_h$, and it remembers in $c_t$ as well.

# %%
if result_lstm_layer:
    GradientVisualizer(
        lambda hidden_size: LSTMLayer(1, hidden_size), last_step_only=True
    ).create_visualization()
else:
    print("First pass the LSTM layer.")

# %% [markdown]
# ### Training
#
# Four networks on the running average. (The course trains 5000 batches with a learning rate of
# 1e-4; fewer batches with a larger rate show the same within a minute.)


# %%
def train(model, num_batches=600, lr=3e-3, last_timestep_only=False, seq_len=10, batch_size=32):
    """Train with Adam; returns the loss of every batch."""
    optimizer = th.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for index in range(num_batches):
        x, y = generate_batch(seq_len, batch_size)
        loss = loss_fn(model(x)[0], y, last_timestep_only)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if (index + 1) % 200 == 0:
            print(f"  batch {index + 1}: loss {sum(losses[-50:]) / 50:.4f}")
    return losses


# %%
networks = {}
if result_1b and result_1c and result_data:
    if result_1a and result_rnn:
        networks |= {
            "RNN, 1 layer": lambda: RNN(1, 32, 1),
            "RNN, 2 layers": lambda: RNN(1, 32, 2),
        }
    if result_lstm_layer and result_lstm:
        networks |= {
            "LSTM, 1 layer": lambda: LSTM(1, 32, 1),
            "LSTM, 2 layers": lambda: LSTM(1, 32, 2),
        }
trained, curves = {}, {}
for name, make in networks.items():
    print(name)
    _ = th.manual_seed(0)
    trained[name] = RecurrentRegressionModel(make())
    curves[name] = train(trained[name])
if not networks:
    print("First pass 1a to 1c and the stacks of 1h.")

# %%
if curves:
    chart = plots.new_chart("batch", "loss, mean of 20 batches", log_y=True)
    for name, losses in curves.items():
        means = th.tensor(losses).view(-1, 20).mean(dim=1).tolist()
        plots.line(chart, list(range(20, len(losses) + 1, 20)), means, name)
    chart.show()
    x, y = generate_batch(seq_len=10, batch_size=1)
    chart = plots.new_chart("time step t", "value")
    steps = list(range(1, 11))
    plots.line(chart, steps, x[0, :, 0].tolist(), "input")
    plots.line(chart, steps, y[0, :, 0].tolist(), "running average")
    for name, model in trained.items():
        plots.line(chart, steps, model(x)[0][0, :, 0].tolist(), name)
    chart.show()
else:
    print("First train a network.")

# %% [markdown]
# **Question.** The running average is the sum of the inputs divided by the time. What do a second
# layer and an LSTM improve? How does the gradient in an LSTM travel back, and what sets its rate?

# %% [markdown] tags=["student"]
# *Your answer:*

# %% [markdown] tags=["solution"]
# One layer of tanh units can hold both the sum and the time in the range in which tanh is nearly
# linear; it cannot divide, and a second layer, which reads both, approximates the quotient better.
# In an LSTM the cell is multiplied by the forget gate and not by a matrix: along the cell the
# gradient changes by $\ln \operatorname{sigmoid}(b_f)$ per step where $W_h$ and $W_x$ are small, so
# a bias sets how long it remembers. As initialised this rate is close to that of a plain RNN; a
# larger forget bias makes it slower.
