# %%
try:
    import eigenlab
except ImportError:  # a bare kernel, as on Colab
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "eigenlab[course]"], check=True)

# %% [markdown]
# # Problem 7: Translating with an encoder and a decoder
#
# An encoder reads a sentence word by word; a decoder writes its translation. In the *sequential* design
# the encoder's last state is the first state of the decoder. This notebook has no code to write: it runs
# two small experiments on generated sentence pairs and asks why translators are built and trained as
# they are. Answer each question in the empty cell that follows it.

# %%
from eigenlab.experiments import load_experiment
from eigenlab.lab import run
from eigenlab.reporter import Reporter


class Printer(Reporter):
    """Prints the name of each stage as it begins."""

    def stage(self, name):
        print("measuring:", name)


def measure(name, **settings):
    """Run an experiment at its smallest preset; settings replace those of the preset."""
    experiment = load_experiment(name)
    return run(experiment, experiment.config.from_preset("smoke", **settings), reporter=Printer())


def show(result, name):
    """Draw a figure of the result, as the report does."""
    figure = next(figure for figure in result.experiment.figures if figure.name == name)
    record = next(r for r in result.records.values() if isinstance(r, figure.record))
    figure(record).update_layout(title=figure.title).show()
    print(figure.caption_for(result.config))


# %% [markdown]
# ## 7a. A decoder stacked on the encoder
#
# A student proposes to stack the decoder on the encoder like a second layer: step $t$ of the decoder
# reads the encoder's state $h_t$. The figures show which source tokens the output at each step depends
# on: the norm of $\partial \text{logits}_t / \partial e_s$, where $e_s$ is the embedding of source token
# $s$, in networks with random weights.

# %%
result = measure("stacking-design")
show(result, "stacked")
show(result, "sequential")

# %% [markdown]
# **7a.** Why is the stacked design a bad one for translation? Give an example of a sentence that it must
# get wrong, and say what happens where the translation is longer or shorter than the source.

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# The stacked decoder has to write word $t$ before it has read what follows word $t$ of the source (the
# upper right triangle of the first figure is empty), and languages order their words differently. Take
# "the black cat" and "the black dog" translated into Spanish: the noun comes second, "el gato negro" and
# "el perro negro", but at step 2 both sources have been read up to "black", so the decoder writes the
# same word for both, and one is wrong. The lengths do not fit either: after the end of the source there
# is no state to read, and a shorter translation ends before the source has been read. In the sequential
# design, every step depends on every source token.

# %% [markdown]
# ## 7b. What the decoder is fed in training
#
# The decoder models $p(y_1, \dots, y_n \mid x) = \prod_t p(y_t \mid y_1, \dots, y_{t-1}, x)$ and is trained
# by the loss $L = -\sum_t \ln p(y_t \mid y_1, \dots, y_{t-1}, x)$. Step $t$ needs the word before as its
# input; `<sos>` and `<eos>` mark start and end of a sentence.

# %% [markdown]
# **7b.** The target is "I see a dog". What is the decoder fed at each step in training, and what is it to
# predict there? Why is it not fed its own words?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# It is fed `<sos>` I see a dog and is to predict I see a dog `<eos>`: the input is the target, shifted by
# one. Each step is given the right word before it, also where the decoder would have written another one
# (teacher forcing). All steps can then be predicted in one pass, and early in training, when its own
# words are nearly random, later steps still see sensible inputs. Without the shift the decoder would be
# shown the word that it is to predict.

# %% [markdown]
# ## 7c. What it is fed when it translates

# %% [markdown]
# **7c.** The decoder translates the same sentence and has emitted "I saw a dog". What was it fed? Why can
# one wrong word lead to more of them, although the decoder is good at predicting the next word?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# It was fed `<sos>` I saw a dog: its own words, shifted, since the target is not known when it translates.
# A wrong word is an input of all later steps. Training has shown the decoder right words only, so it is
# now in a situation that it has never learned to handle (exposure bias), and more errors follow.

# %% [markdown]
# The experiment measures how surprising the right words are to a small decoder, position by position,
# if it is fed the target or its own words.

# %%
result = measure("teacher-forcing")
show(result, "loss")

# %% tags=["solution"]
fed = next(table for table in result.experiment.tables if table.name == "fed")
columns, rows = fed(result.records["inputs"])
for row in [columns, *rows]:
    print("".join(f"{cell:<36}" if i == 0 else f"{cell:<10}" for i, cell in enumerate(row)))
