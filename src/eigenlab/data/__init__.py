"""Datasets: what they are, where they are, and whether they are whole.

Importing this room imports neither torch nor anything that talks to a network.
"""

from eigenlab.data.catalogue import Dataset, File, Mirror, dataset, datasets
from eigenlab.data.download import fetch
from eigenlab.data.idx import load_mnist, read_idx
from eigenlab.data.lookup import Finding, Status, cache_folder, find, path, status, verify
from eigenlab.data.surnames import load_names

__all__ = [
    "Dataset",
    "File",
    "Finding",
    "Mirror",
    "Status",
    "cache_folder",
    "dataset",
    "datasets",
    "fetch",
    "find",
    "load_mnist",
    "load_names",
    "path",
    "read_idx",
    "status",
    "verify",
]
