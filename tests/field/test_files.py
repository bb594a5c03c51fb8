"""MNIST is read wherever other programs keep it, and damaged files are told by their fault.

torchvision: https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.MNIST.html
(``MNIST/raw``). Kaggle: https://www.kaggle.com/datasets/hojjatk/mnist-dataset (``*.idx3-ubyte``,
and folders of the same name). gzip members and padding: RFC 1952, section 2.2.
"""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from eigenlab.data import dataset, load_mnist, path, read_idx, verify
from eigenlab.errors import DataError

IMAGES = (np.arange(3 * 28 * 28) % 251).astype(np.uint8).reshape(3, 28, 28)
LABELS = np.array([7, 2, 1], dtype=np.uint8)


def idx(values):
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


LAYOUTS = {
    "own": ("mnist/", "{}", True),
    "torchvision": ("MNIST/raw/", "{}", False),
    "torchvision, compressed": ("MNIST/raw/", "{}", True),
    "inside MNIST": ("raw/", "{}", False),
    "inside MNIST/raw": ("", "{}", False),
    "Kaggle": ("", "{.}", False),
    "Kaggle, compressed": ("", "{.}", True),
    "Kaggle in folders": ("", "{}/{}", False),
    "Kaggle, in a folder mnist": ("mnist/", "{.}", False),
}


def keep(folder, layout):
    place, form, packed = LAYOUTS[layout]
    for name, values in (("t10k-images-idx3-ubyte", IMAGES), ("t10k-labels-idx1-ubyte", LABELS)):
        relative = form.replace("{.}", name.replace("-idx", ".idx")).replace("{}", name)
        file = folder / (place + relative + ".gz" * packed)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(idx(values)) if packed else idx(values))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_mnist_is_found_in_the_layouts_of_other_programs(tmp_path, layout):
    keep(tmp_path, layout)
    images, labels = load_mnist("test", tmp_path)
    np.testing.assert_array_equal(images, IMAGES)
    assert labels.tolist() == [7, 2, 1]


def test_both_forms_beside_each_other_as_in_the_kaggle_archive(tmp_path):
    keep(tmp_path, "Kaggle")
    keep(tmp_path, "Kaggle in folders")
    assert load_mnist("test", tmp_path)[1].tolist() == [7, 2, 1]


def test_torchvisions_folder_is_found_by_the_environment(tmp_path, monkeypatch):
    keep(tmp_path, "torchvision, compressed")
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    assert path("mnist") == tmp_path / "MNIST" / "raw"


def test_a_missing_file_is_named_with_its_spellings(tmp_path):
    keep(tmp_path, "Kaggle")
    with pytest.raises(DataError, match=r"lacks the file train-images-idx3-ubyte; expected .*\.gz"):
        load_mnist("train", tmp_path)


def test_a_folder_without_mnist_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match="holds no folder 'mnist'"):
        load_mnist("test", tmp_path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(idx(LABELS)) + b"junk", "4 bytes that are not gzip follow"),
        (gzip.compress(idx(LABELS))[:-5], "truncated inside its gzip stream"),
        (gzip.compress(idx(LABELS))[:-8] + bytes(8), "damaged inside its gzip stream"),
        (gzip.compress(idx(LABELS) + b"junk"), "has bytes after its end"),
    ],
    ids=["junk", "truncated", "damaged", "longer"],  # the bytes hold the time of compression
)
def test_damage_is_told_by_its_kind(tmp_path, content, told):
    (tmp_path / "labels").write_bytes(content)
    with pytest.raises(DataError, match=told):
        read_idx(tmp_path / "labels")


def test_padding_and_several_members_are_no_damage(tmp_path):
    content = idx(LABELS)
    (tmp_path / "labels").write_bytes(
        gzip.compress(content[:5]) + gzip.compress(content[5:]) + bytes(512)
    )
    assert read_idx(tmp_path / "labels").tolist() == [7, 2, 1]


MNIST = Path(os.environ.get("EIGENLAB_DATA", "")) / "mnist"
KAGGLE = {
    "hyphen": "{name}",
    "point": "{dotted}",
    "folders": "{dotted}/{dotted}",
    "folders of hyphens": "{name}/{dotted}",
}


# https://www.kaggle.com/datasets/hojjatk/mnist-dataset holds the decompressed files, whose bytes
# are those of the compressed ones, so that claims measured on either are the same.
@pytest.mark.skipif(
    not (MNIST / "t10k-labels-idx1-ubyte.gz").is_file(), reason="MNIST is not on this machine"
)
@pytest.mark.parametrize("layout", KAGGLE)
def test_decompressed_mnist_is_the_same_data(layout, tmp_path, monkeypatch):
    for file in sorted(MNIST.glob("*.gz")):
        name = file.stem
        place = KAGGLE[layout].format(name=name, dotted=name.replace("-idx", ".idx"))
        (tmp_path / "mnist" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mnist" / place).write_bytes(gzip.decompress(file.read_bytes()))
    expected = load_mnist("test", root=MNIST)
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    for found, right in zip(load_mnist("test"), expected, strict=True):
        np.testing.assert_array_equal(found, right)
    assert verify("mnist") == []
    altered = next((tmp_path / "mnist").rglob("t10k-labels*ubyte"))
    if altered.is_dir():
        altered = next(path for path in altered.iterdir())
    content = bytearray(altered.read_bytes())
    content[-1] ^= 1
    altered.write_bytes(content)
    with pytest.raises(DataError, match="is altered: SHA-256"):
        load_mnist("test")


def test_decompressed_files_of_another_size_are_named(tmp_path, monkeypatch):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for file in dataset("mnist").files:
        (folder / file.spellings[3]).write_bytes(b"\0\0\x08\x01\0\0\0\0")
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"idx3-ubyte is truncated: 8 bytes, expected 47040016"):
        load_mnist("train")
