# %%
try:
    import eigenlab
except ImportError:  # a bare kernel, as on Colab
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "eigenlab[course]"], check=True)

# %% [markdown]
# # Problem 2: Which language does a surname come from?
#
# You write a classifier that reads a surname letter by letter, train it, and look at its errors:
#
# | part | you write | you learn |
# |---|---|---|
# | letters | `encode_name` | from text to indices |
# | batches | `make_batch` | sequences of different lengths in one tensor |
# | model | `RecurrentClassifier` | to read the state at the end of each sequence |
# | training | `update`, `accuracy` | one step of gradient descent, and a fair test |
# | 2a | an answer | where such a model fails, and what it must not be used for |
#
# Write code where it says `TODO`, and run the check below it. When you are done, save the notebook
# and run `eigenlab submit problem_2.ipynb` in a terminal.

# %%
import string
import unicodedata

import numpy as np
import torch as th
import torch.nn.functional as F
from sklearn.metrics import confusion_matrix
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from eigenlab import plots
from eigenlab.data import load_names, path
from eigenlab.grading import check
from eigenlab.names import INTENDED_USE, leak_free_split
from eigenlab.statistics import wilson_interval

print(INTENDED_USE)

# %% [markdown]
# ## The names
#
# The list that comes with the package has about 2000 names of 15 languages, all of them about equally
# frequent. If the course's list of 20,074 names is on this machine (`EIGENLAB_DATA`), it is used
# instead; in that list nearly half of the names are Russian.
#
# A fifth of the names is kept for the test. Some names are in a list more than once. All lines of a
# spelling go to the same part here, so that the test has only names that the network has never seen.

# %%
dataset = "names-mini" if path("names") is None else "names"
names, languages = zip(*load_names(dataset), strict=True)
LANGUAGES = sorted(set(languages))
y = th.tensor([LANGUAGES.index(language) for language in languages])  # (n,)
train_rows, test_rows = (th.as_tensor(rows) for rows in leak_free_split(names, seed=0))

print(f"{len(names)} names of {len(LANGUAGES)} languages, {len(train_rows)} of them for training")
for row in train_rows[:5]:
    print(f"  {names[row]}: {languages[row]}")

# %% [markdown]
# ## Letters
#
# A network computes with numbers, so each letter becomes an index. The vocabulary is the plain letters
# and five more characters, 57 in all. One more index, 57, will fill the end of the shorter names in
# a batch.

# %%
LETTERS = string.ascii_letters + " .,;'"
PADDING = len(LETTERS)
VOCAB_SIZE = len(LETTERS) + 1


def letterToIndex(letter):
    """The place of a letter in LETTERS; a ValueError if it is not one of them."""
    return LETTERS.index(letter)


letterToIndex("a"), letterToIndex("Z"), letterToIndex("'")

# %% [markdown]
# Names have other characters, too. A letter with an accent is read as the plain letter, and any other
# character, such as a hyphen, is left out. `unicodedata.normalize("NFD", name)` splits each accented
# letter into the plain letter and the accent, two characters.


# %%
def encode_name(name):
    """The indices of a name's letters.

    Args:
        name: a string, such as "Núñez".

    Returns:
        (length,) tensor of type torch.long, one index for each letter: "Núñez" is read as "Nunez".
    """
    # TODO: split the accented letters, leave out what is not in LETTERS, and take the indices.
    # BEGIN SOLUTION encode_name
    decomposed = unicodedata.normalize("NFD", name)
    plain = [letter for letter in decomposed if letter in LETTERS]
    return th.tensor([letterToIndex(letter) for letter in plain], dtype=th.long)
    # END SOLUTION


# %%
result_letters = check("2-letters", encode_name)
result_letters

# %% [markdown]
# ## Batches
#
# A batch is one tensor, so all its rows must be of the same length. The shorter names are filled up
# with `PADDING` at the end, and `last_pos` says where each name really ends:
#
# | name | `x` | `last_pos` |
# |---|---|---|
# | `"ab"` | 0 1 57 57 | 1 |
# | `"abcd"` | 0 1 2 3 | 3 |


# %%
def make_batch(names):
    """Encode names as one tensor.

    Args:
        names: a list of B strings.

    Returns:
        x: (B, T) tensor of type torch.long, where T is the length of the longest encoded name
        last_pos: (B,) tensor of type torch.long, the index of each name's last letter
    """
    # TODO: encode_name for each name; pad_sequence puts rows of different lengths into one tensor.
    # BEGIN SOLUTION make_batch
    rows = [encode_name(name) for name in names]
    x = pad_sequence(rows, batch_first=True, padding_value=PADDING)
    last_pos = th.tensor([len(row) - 1 for row in rows])
    return x, last_pos
    # END SOLUTION


# %%
result_batch = check("2-batch", make_batch)
result_batch

# %%
if result_letters and result_batch:
    x, last_pos = make_batch(names)
    print("x:", tuple(x.shape), " last_pos:", tuple(last_pos.shape))
    print(names[0], x[0].tolist(), last_pos[0].item())
else:
    print("First pass letters and batches.")

# %% [markdown]
# ## The model
#
# Each index is turned into a vector of `rnn_size` numbers (`nn.Embedding`), recurrent layers read
# these vectors from left to right, and a linear layer turns the state after the *last letter* into
# one number for each language, the logits:
#
# $$e_t = E_{x_t}, \qquad h_t = \mathrm{RNN}(h_{t-1}, e_t), \qquad z = W h_{\text{last}} + b.$$
#
# The softmax of the logits is the probability of each language. `F.cross_entropy` takes the logits
# and computes it itself, so the model returns $z$.
#
# Names of a batch end at different steps. The states after the end of a name have read padding, so
# the state has to be taken at `last_pos` of each row, and not in the last column.
#
# Dropout sets numbers to zero at random in training, so that the network does not rely on single
# features of the few names it has seen. The argument `dropout` of `nn.LSTM` acts between its layers
# only; with one layer, apply an `nn.Dropout` to the embedding and to the last state.


# %%
class RecurrentClassifier(nn.Module):
    """Classifies sequences of indices by the state of a recurrent network at their end."""

    def __init__(
        self, vocab_size, rnn_size, n_categories, num_layers=1, dropout=0.0, model_type="lstm"
    ):
        """
        Args:
            vocab_size: number of indices, padding included
            rnn_size: numbers in an embedding and in a hidden state
            n_categories: number of languages
            num_layers: recurrent layers, one on top of the other
            dropout: probability with which a number is set to zero in training
            model_type: "rnn" or "lstm"
        """
        super().__init__()
        # TODO: an embedding, nn.RNN or nn.LSTM with batch_first=True, a linear layer and dropout.
        # BEGIN SOLUTION RecurrentClassifier.__init__
        self.embedding = nn.Embedding(vocab_size, rnn_size)
        layer = {"rnn": nn.RNN, "lstm": nn.LSTM}[model_type]
        between = dropout if num_layers > 1 else 0.0  # with one layer there is nothing between
        self.recurrent = layer(rnn_size, rnn_size, num_layers, dropout=between, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(rnn_size, n_categories)
        # END SOLUTION

    def forward(self, x, last_pos):
        """
        Args:
            x: indices, (B, T)
            last_pos: the index of the last letter of each row, (B,)

        Returns:
            logits, (B, n_categories)
        """
        # TODO: all states of the top layer, (B, T, rnn_size); of these the one at last_pos of each
        # row, (B, rnn_size); the logits of that.
        # BEGIN SOLUTION RecurrentClassifier.forward
        states, _ = self.recurrent(self.dropout(self.embedding(x)))
        last_states = states[th.arange(len(x)), last_pos]
        return self.linear(self.dropout(last_states))
        # END SOLUTION


# %%
result_2 = check("2", RecurrentClassifier)
result_2

# %% [markdown]
# ## Training
#
# One update computes the mean cross-entropy of a batch,
#
# $$L = -\frac{1}{B} \sum_{i=1}^{B} \ln p_i(y_i), \qquad p_i = \operatorname{softmax}(z_i),$$
#
# and its gradient, and takes one step of the optimizer. PyTorch *adds* each new gradient to the one
# that is stored, so the stored one has to be cleared in every update.


# %%
def update(model, optimizer, x, last_pos, y):
    """Take one step on a batch.

    Args:
        model: returns logits, (B, n_categories), for x and last_pos.
        optimizer: an optimizer of the model's parameters.
        x: indices, (B, T).
        last_pos: index of the last letter of each row, (B,).
        y: index of the language of each row, (B,).

    Returns:
        the loss before the step, a number.
    """
    # TODO: logits, loss, gradient, step.
    # BEGIN SOLUTION update
    loss = F.cross_entropy(model(x, last_pos), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
    # END SOLUTION


# %%
result_update = check("2-update", update)
result_update

# %% [markdown]
# The prediction is the language with the largest logit. Dropout must not disturb it, so the model has
# to be in eval mode.


# %%
def accuracy(model, x, last_pos, y):
    """The share of the names whose language is predicted correctly.

    Args:
        model: returns logits, (B, n_categories), for x and last_pos; in training or in eval mode.
        x: indices, (B, T).
        last_pos: index of the last letter of each row, (B,).
        y: index of the language of each row, (B,).

    Returns:
        a number between 0 and 1.
    """
    # TODO: eval mode, logits without gradients (th.no_grad), predictions, and the share of right ones.
    # BEGIN SOLUTION accuracy
    model.eval()
    with th.no_grad():
        predicted = model(x, last_pos).argmax(dim=1)
    return (predicted == y).float().mean().item()
    # END SOLUTION


# %%
result_accuracy = check("2-accuracy", accuracy)
result_accuracy

# %%
EPOCHS = 20 if dataset == "names-mini" else 8
BATCH_SIZE = 64


def train(model_type, rows):
    """Train a new model on some of the names; returns it and the accuracies after each epoch."""
    _ = th.manual_seed(0)
    model = RecurrentClassifier(VOCAB_SIZE, 128, len(LANGUAGES), dropout=0.4, model_type=model_type)
    optimizer = th.optim.Adam(model.parameters(), lr=3e-3)
    curves = {"training": [], "test": []}
    for epoch in range(1, EPOCHS + 1):
        model.train()
        losses = [
            update(model, optimizer, x[batch], last_pos[batch], y[batch])
            for batch in rows[th.randperm(len(rows))].split(BATCH_SIZE)
        ]
        for part, part_rows in (("training", rows), ("test", test_rows)):
            curves[part].append(accuracy(model, x[part_rows], last_pos[part_rows], y[part_rows]))
        if epoch % 4 == 0:
            print(
                f"  {model_type}, epoch {epoch} of {EPOCHS}: loss {np.mean(losses):.3f}, "
                f"accuracy {curves['training'][-1]:.1%} training, {curves['test'][-1]:.1%} test"
            )
    return model, curves


ready = bool(result_letters and result_batch and result_2 and result_update and result_accuracy)

# %%
if ready:
    share = y.bincount().max().item() / len(y)
    print(f"Always the most frequent language: {share:.1%} of all names are right.")
    chart = plots.new_chart("epoch", "accuracy (share)")
    for model_type in ("rnn", "lstm"):
        model, curves = train(model_type, train_rows)
        for part, values in curves.items():
            plots.line(chart, range(1, EPOCHS + 1), values, f"{model_type}, {part} names")
    chart.show()
else:
    print("First pass all parts above.")

# %% [markdown]
# Both networks are much better on the names they were trained on: they have many more parameters than
# there are names, so they can learn single names by heart.
#
# ## Which languages are confused?
#
# Each row of the confusion matrix has the test names of one language, each column those that were
# taken for one. The diagonal is the *recall*, the share of a language's names that are recognised.


# %%
def predict(model, rows):
    """The predicted language of some of the names."""
    model.eval()
    with th.no_grad():
        return model(x[rows], last_pos[rows]).argmax(dim=1)


def show_confusion(model):
    """Draw the confusion matrix of the test names, in percent of each language."""
    counts = confusion_matrix(y[test_rows], predict(model, test_rows), labels=range(len(LANGUAGES)))
    shares = 100 * counts / counts.sum(axis=1, keepdims=True).clip(1)
    plots.heatmap(
        [[round(share) or None for share in row] for row in shares],  # blank where it is 0
        x=LANGUAGES,
        y=LANGUAGES,
        x_title="predicted language",
        y_title="true language",
        value_title="share of the true language (%)",
        height=600,
    ).show()


if ready:
    show_confusion(model)  # the LSTM, which was trained last
else:
    print("First pass all parts above.")

# %% [markdown]
# ## What the base rates of the training names do
#
# A list of names is a choice: whoever makes it decides how many names of each language it has. Train
# the same network once more, with only a tenth of the training names of every second language. The
# test names stay the same. The bars are 95 % intervals of each recall.

# %%
is_rare = th.arange(len(LANGUAGES)) % 2 == 0  # every second language
by_language = [train_rows[y[train_rows] == k] for k in range(len(LANGUAGES))]
thinned_rows = th.cat([rows[::10] if is_rare[k] else rows for k, rows in enumerate(by_language)])
truth = y[test_rows]


def recalls(predicted):
    """The recall of each language, with its 95 % interval."""
    right = [(predicted[truth == k] == k).sum().item() for k in range(len(LANGUAGES))]
    total = [(truth == k).sum().item() for k in range(len(LANGUAGES))]
    return [wilson_interval(*counts) for counts in zip(right, total, strict=True)]


if ready:
    thinned, _ = train("lstm", thinned_rows)
    print(f"{is_rare[truth].float().mean():.0%} of the test names are of a thinned-out language.")
    chart = plots.new_chart("language (* thinned out)", "recall on test names (share)", height=460)
    stars = [name + " *" * bool(is_rare[k]) for k, name in enumerate(LANGUAGES)]
    for title, trained in (("all training names", model), ("some languages thinned out", thinned)):
        predicted = predict(trained, test_rows)
        found = recalls(predicted)
        plots.points(
            chart,
            stars,
            [recall.estimate for recall in found],
            title,
            low=[recall.low for recall in found],
            high=[recall.high for recall in found],
        )
        share = is_rare[predicted].float().mean()
        print(f"  {title}: {share:.0%} are predicted to be of one.")
    chart.update_xaxes(tickangle=-60)
    chart.show()
else:
    print("First pass all parts above.")

# %% [markdown]
# ## What the model knows about the people of the list
#
# The names of the list belong to people. Compare how sure the network is of the true language of the
# names it was trained on, and of names it has not seen.

# %%
if ready:
    with th.no_grad():
        probabilities = model.eval()(x, last_pos).softmax(dim=1)
    of_truth = probabilities[th.arange(len(y)), y]
    for part, rows in (("training", train_rows), ("test", test_rows)):
        print(f"mean probability of the true language, {part} names: {of_truth[rows].mean():.2f}")
else:
    print("First pass all parts above.")

# %% [markdown]
# **2a.** For which languages does the classifier fail, and why? What do the base rates of the training
# names do to its predictions? Which information about people does it give away, and what must it not
# be used for?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# It fails for languages with few training names, and for those whose spelling is close to that of
# another language in the list, such as Spanish and Portuguese; some names belong to several languages,
# so that no model can be right for all. The predictions follow the base rates of training: a
# language that is rare in the list is predicted too rarely elsewhere, so that counts of predicted
# languages measure the list as much as the people. A name says something about its language, so that
# the model turns a list of names into a list of probable origins without anyone's consent, wrong most
# often for minorities; and it is surer of the names it was trained on, which tells who was on that
# list. A language of origin is not a person's nationality, ethnicity, religion or descent. The model
# must not be used to infer these, to select people, or to decide about them.
