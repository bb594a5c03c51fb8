"""Files as students hand them in: written for Colab, run for an hour, full of outputs."""

from __future__ import annotations

import json
from pathlib import Path

RECURRENT = [
    "# Problem 1",
    """\
!pip install -q wandb torchinfo
%matplotlib inline
%load_ext autoreload
""",
    """\
#@title Imports { display-mode: "form" }
import math, time
import torch as th
from torch import nn
import torch.nn.functional as F
import torchvision.transforms as T
from tqdm.notebook import tqdm
import wandb
from google.colab import drive, files
import ipywidgets as widgets
import matplotlib.pyplot as plt
""",
    "drive.mount('/content/drive')\n!wget https://example.org/data.zip\nfiles.upload()",
    """\
device = th.device("cuda:0" if th.cuda.is_available() else "cpu")
HIDDEN = 4 * 8  #@param {type:"integer"}
activations = {"tanh": th.tanh, "relu": F.relu, "identity": lambda x: x}
th.manual_seed(0)
""",
    """\
# first try
# class RNNLayer(nn.Module):
#     def forward(self, x):
#         return None
class RNNLayer(nn.Module):
    def forward(self, x):
        return x.mean(), x
""",
    """\
class RNNLayer(nn.Module):
    \"\"\"A layer.

    !pip stays in this text, and so does
    %matplotlib
    \"\"\"
    def __init__(self, input_size, hidden_size, nonlinearity=activations["tanh"]):
        super(RNNLayer, self).__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.nonlinearity = nonlinearity
        self.W_x = nn.Linear(input_size, hidden_size).cuda()
        self.W_h = nn.Linear(hidden_size, hidden_size, bias=False).to("cuda")

    def forward(self, x: th.cuda.FloatTensor, transform: T.Compose = None):
        x = x.cuda(non_blocking=True)
        print("x", x.shape, x)
        h = th.zeros(x.size(0), self.hidden_size, device="cuda")
        all_h = []
        for t in tqdm_free(range(x.size(1))):
            h = self.nonlinearity(self.W_x(x[:, t]) + self.W_h(h))
            all_h.append(h)
        th.cuda.synchronize()
        return th.stack(all_h, dim=1), h

def tqdm_free(steps):
    return steps
""",
    """\
layer = RNNLayer(2, 3).to(device)
layer(th.ones(1, 4, 2))
""",
    """\
class RecurrentRegressionModel(nn.Module):
    def __init__(self, recurrent_net, output_dim=1):
        super().__init__()
        self.recurrent_net = recurrent_net
        self.fc = nn.Linear(recurrent_net.hidden_size, output_dim)
    def forward(self, x):
        h, _ = self.recurrent_net(x)
        return self.fc(h), h
""",
    """\
def loss_fn(pred, y, last_timestep_only=False):
    if last_timestep_only:
        pred, y = pred[:, -1], y[:, -1]
    return F.mse_loss(pred, y)

def generate_batch(seq_len=10, batch_size=1):
    x = th.randn(batch_size, seq_len, 1, device=device)
    return x, x.cumsum(1) / th.arange(1, seq_len + 1, device=device).view(1, -1, 1)

def hidden_gradients(h_list, loss):
    return th.stack(th.autograd.grad(loss, h_list))
""",
    """\
%%time
for epoch in range(10**9):
    loss = train(model)
    wandb.log({"loss": loss})
""",
    "@widgets.interact(n=(1, 10))\ndef show(n):\n    plt.plot(range(n))\n    raise RuntimeError",
    "%%bash\nnvidia-smi\nclass Not python(",
    "gpu = !nvidia-smi\nshow?\n!echo it's done \\\n   && echo (",
]

CLUSTERING = [
    "import numpy as np\nfrom sklearn.cluster import KMeans\nimport gdown",
    "url = 'https://example.org/points.npz'\ngdown.download(url)\nX = np.load('points.npz')['X']",
    """\
def get_adjacency_matrix(gamma, X):
\td2 = ((X[:, None, :] - X[None, :, :]) ** 2).sum(axis=-1)
\treturn np.exp(-gamma * d2)
""",
    "A = get_adjacency_matrix(7.5, X)",
    "def get_degree_matrix(A):\n    return np.diag(A.sum(axis=1))",
    """\
def get_normalized_matrix(A):
    d = np.diag(1 / np.sqrt(A.sum(axis=1)))
    return d @ A @ d
""",
    """\
def cluster_data(M):
    U, s, Vt = np.linalg.svd(M)
    return KMeans(n_clusters=3, n_init=10, random_state=0).fit_predict(U[:, :3])
""",
    "def stochastic_matrix_converter(M):\n    return M / M.sum(axis=0)",
    "labels = cluster_data(stochastic_matrix_converter(get_normalized_matrix(A)))",
    "def accuracy(labels):\n    return (labels == truth).mean()",
]

NAMES = [
    "import string, unicodedata\nimport torch, torch.nn as nn, torch.nn.functional as F\n",
    """\
LETTERS = string.ascii_letters + " .,;'"
PAD = len(LETTERS)
to_index = {}
for i, c in enumerate(LETTERS):
    to_index[c] = i
all_letters = [c for c in LETTERS if c.isalpha() or c in " .,;'"]
""",
    """\
def encode_name(name):
    plain = unicodedata.normalize("NFD", name)
    return torch.tensor([to_index[c] for c in plain if c in to_index])

def make_batch(names):
    rows = [encode_name(n) for n in names]
    last_pos = torch.tensor([len(r) - 1 for r in rows])
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD), last_pos
""",
    """\
class LSTM(nn.LSTM):
    pass

class RecurrentClassifier(nn.Module):
    def __init__(self, vocab_size, rnn_size, n_categories, num_layers=1, dropout=0.0,
                 model_type="lstm"):
        super().__init__()
        kind = nn.LSTM if model_type == "lstm" else nn.RNN
        self.embedding = nn.Embedding(vocab_size, rnn_size)
        self.rnn = kind(rnn_size, rnn_size, num_layers, batch_first=True,
                        dropout=dropout if num_layers > 1 else 0)
        self.linear = nn.Linear(rnn_size, n_categories)

    def forward(self, x, last_pos):
        states, _ = self.rnn(self.embedding(x))
        return self.linear(states[torch.arange(len(x)), last_pos])
""",
    """\
def update(model, optimizer, x, last_pos, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x, last_pos), y)
    loss.backward()
    optimizer.step()
    return loss.item()

@torch.no_grad()
def accuracy(model, x, last_pos, y):
    model.eval()
    return (model(x, last_pos).argmax(1) == y).float().mean().item()
""",
]

AUTOENCODERS = [
    "import torch\nimport torch.nn as nn\nfrom torchvision import datasets, transforms",
    """\
batch_size, lr = 64, 2e-3
DEVICE = 'cuda'
mnist = datasets.MNIST('.', download=True, transform=transforms.ToTensor())
loader = torch.utils.data.DataLoader(mnist, batch_size=batch_size)
""",
    """\
class Autoencoder(nn.Module):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__()
        sizes = [input_size] + list(hidden_sizes)
        self.encoder = self.make(sizes, activation_cls)
        self.decoder = self.make(sizes[::-1], activation_cls)
        self.to(DEVICE)

    def make(self, sizes, activation_cls):
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), activation_cls()]
        return nn.Sequential(*layers[:-1])

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def get_loss(self, x):
        return ((self(x) - x) ** 2).sum(dim=1).mean()
""",
    """\
class DenoisingAutoencoder(Autoencoder):
    def __init__(self, *args, noise_std=0.5, **kwargs):
        super().__init__(*args, **kwargs)
        self.noise_std = noise_std

    def get_loss(self, x):
        noisy = x + self.noise_std * torch.randn_like(x) if self.training else x
        return ((self(noisy) - x) ** 2).sum(dim=1).mean()

class MaskedAutoencoder(Autoencoder):
    def __init__(self, *args, mask_prob=0.25, **kwargs):
        super().__init__(*args, **kwargs)
        self.mask_prob = mask_prob

    def get_loss(self, x):
        masked = x * (torch.rand_like(x) >= self.mask_prob) if self.training else x
        return ((self(masked) - x) ** 2).sum(dim=1).mean()
""",
    """\
class Experiment:
    def __init__(self, model, data, num_classes=2, lr=lr, batch_size=32, probe_epochs=50):
        self.model, self.data, self.num_classes = model, data, num_classes
        self.lr, self.batch_size, self.probe_epochs = lr, batch_size, probe_epochs

    def _features(self, x):
        self.model.eval()
        with torch.no_grad():
            return self.model.encoder(x.to(DEVICE))

    def train_probe(self):
        x, y = self.data.train
        z = self._features(x)
        probe = nn.Linear(z.shape[1], self.num_classes).cuda()
        optimizer = torch.optim.Adam(probe.parameters(), lr=self.lr)
        for epoch in range(self.probe_epochs):
            for rows in torch.randperm(len(x)).split(self.batch_size):
                loss = nn.functional.cross_entropy(probe(z[rows]), y[rows])
                optimizer.zero_grad(); loss.backward(); optimizer.step()
        return probe

    def _get_model_accuracy(self, classifier, split="test"):
        x, y = getattr(self.data, split)
        return 100 * (classifier(self._features(x)).argmax(1) == y).float().mean().item()
""",
    "model = Autoencoder(784, [128])\nfor epoch in range(1000):\n    for x, _ in loader: pass",
]


def notebook(cells, *, outputs=(), metadata=None):
    """A notebook of nbformat 4; a cell that begins with ``# `` and has one line is text."""
    built = []
    for source in cells:
        is_text = source.startswith("# ") and "\n" not in source
        cell = {"cell_type": "markdown" if is_text else "code", "metadata": {}, "source": source}
        if not is_text:
            cell |= {"execution_count": None, "outputs": list(outputs)}
        built.append(cell)
    return {
        "nbformat": 4,
        "nbformat_minor": 0,
        "metadata": {"accelerator": "GPU", "colab": {"provenance": []}, **(metadata or {})},
        "cells": built,
    }


def old_notebook(cells):
    """A notebook of nbformat 3, whose cells stand in worksheets."""
    code = [
        {"cell_type": "code", "input": s.splitlines(True), "language": "python", "outputs": []}
        for s in cells
    ]
    heading = {"cell_type": "heading", "level": 1, "source": "Problem"}
    return {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {},
        "worksheets": [{"cells": [heading, *code]}],
    }


def save(folder: Path, content, name="homework.ipynb", **options) -> Path:
    """Write a notebook (a dictionary, or a list of cells), or a script (a text)."""
    path = folder / name
    if isinstance(content, list):
        content = notebook(content, **options)
    if isinstance(content, dict):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def exported(cells) -> str:
    """A script as Colab exports it: no mark between cells, lines for the shell as they are."""
    head = (
        '# -*- coding: utf-8 -*-\n"""homework.ipynb\n\nAutomatically generated by Colab.\n\n'
        'Original file is located at\n    https://colab.research.google.com/drive/1\n"""\n\n'
        "get_ipython().system('pip install -q wandb')\n"
    )
    kept = [c for c in cells if not c.startswith(("%%", "# "))]
    return head + "\n\n".join(kept) + '\n\n"""## The end"""\n'
