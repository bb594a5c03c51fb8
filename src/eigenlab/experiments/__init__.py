"""The questions of the course, one module each, listed in one table.

To add an experiment, write a module with an ``EXPERIMENT`` and add its row here. The table holds
what ``eigenlab list`` prints, so listing imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from eigenlab.errors import InputError, nearest
from eigenlab.lab.experiment import Experiment


class Row(NamedTuple):
    """One line of the table: module below ``eigenlab.experiments``, title, course questions."""

    module: str
    title: str
    source: tuple[str, ...]


TABLE: dict[str, Row] = {
    "rnn-layer": Row("rnn_layer", "A recurrent layer by hand", ("1a", "1b", "1c")),
    "gradient-flow": Row("gradient_flow", "Gradients through time", ("1d", "1e")),
    "gradient-statistics": Row(
        "gradient_statistics", "Vanishing and exploding, counted", ("1f", "1g")
    ),
    "stacked-rnn": Row("stacked_rnn", "Two layers, and the LSTM", ("1h",)),
    "surnames": Row("surnames", "Which language does a surname come from?", ("2", "2a")),
    "pca-optimality": Row("pca_optimality", "A linear autoencoder is PCA", ("3b",)),
    "regularized-autoencoder": Row(
        "regularized_autoencoder", "What L2 regularisation adds to PCA", ("8a", "8b")
    ),
    "latent-width": Row("latent_width", "How wide must a bottleneck be?", ("3a",)),
    "few-label-probe": Row("few_label_probe", "What 200 labels are worth", ("3a'",)),
    "graph-clustering": Row(
        "graph_clustering",
        "Clusters as eigenvectors of a graph",
        ("5a", "5b", "5c", "5d", "5e", "5f", "5g"),
    ),
}


def load_experiment(name: str) -> Experiment:
    """Import and return the experiment called ``name``.

    Raises :class:`~eigenlab.errors.InputError` naming the nearest known experiment.
    """
    if name not in TABLE:
        raise InputError(
            f"experiment '{name}' is unknown{nearest(name, TABLE)}; "
            f"`eigenlab list` shows all: {', '.join(TABLE)}"
        )
    experiment = import_module(f"eigenlab.experiments.{TABLE[name].module}").EXPERIMENT
    assert isinstance(experiment, Experiment)
    return experiment


__all__ = ["TABLE", "Row", "load_experiment"]
