"""Datasets: the catalogue, look-up and verification of files, downloads, and tables in files.

Importing this package imports neither torch nor a network client.
"""

from eigenlab.data.catalogue import Dataset, File, Mirror, dataset, datasets
from eigenlab.data.comparison import Finding
from eigenlab.data.download import fetch
from eigenlab.data.idx import load_mnist, read_idx
from eigenlab.data.images import load_pixels
from eigenlab.data.locations import cache_folder
from eigenlab.data.lookup import Status, find, path, status, verify
from eigenlab.data.surnames import load_names
from eigenlab.data.tables import Table, read_table

__all__ = [
    "Dataset",
    "File",
    "Finding",
    "Mirror",
    "Status",
    "Table",
    "cache_folder",
    "dataset",
    "datasets",
    "fetch",
    "find",
    "load_mnist",
    "load_names",
    "load_pixels",
    "path",
    "read_idx",
    "read_table",
    "status",
    "verify",
]
