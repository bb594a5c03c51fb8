import gzip
import os
import struct

import numpy as np
import pytest

from eigenlab.data import load_mnist, read_idx
from eigenlab.errors import DataError, InputError

LABELS = np.array([5, 0, 4, 1], dtype=np.uint8)
IMAGES = (np.arange(4 * 28 * 28) % 251).astype(np.uint8).reshape(4, 28, 28)


def idx(values, code=0x08):
    """Write the format by its description: magic, big-endian sizes, elements in C order."""
    header = struct.pack(f">HBB{values.ndim}I", 0, code, values.ndim, *values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


def mnist(folder, images=IMAGES, labels=LABELS, prefix="train"):
    (folder / "mnist").mkdir(exist_ok=True)
    for name, values in (("images-idx3", images), ("labels-idx1", labels)):
        file = folder / "mnist" / f"{prefix}-{name}-ubyte.gz"
        file.write_bytes(gzip.compress(idx(values)))
    return folder


@pytest.mark.parametrize(
    ("code", "dtype"),
    [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_type_is_read_back(tmp_path, code, dtype, packed):
    values = np.arange(-6, 6).astype(dtype).reshape(2, 3, 2)
    content = idx(values, code)
    (tmp_path / "f").write_bytes(gzip.compress(content) if packed else content)
    read = read_idx(tmp_path / "f")
    assert read.dtype == values.dtype
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (idx(IMAGES)[:-1], "is truncated: 3151 bytes after decompression.*needs 3152"),
        (idx(IMAGES) + b"x", "has bytes after its end"),
        (idx(IMAGES)[:9], "is truncated: 9 bytes, the header of 3 dimensions has 16"),
        (b"\0\0", "is truncated: 2 bytes"),
        (b"", "is truncated: 0 bytes"),
        (b"\x89PNG" + idx(LABELS), "magic number is 0x89504e47, expected"),
        (b"\0\0\x07\x01" + idx(LABELS), "magic number is 0x00000701"),
        (struct.pack(">HBB4I", 0, 8, 4, 0, *3 * [2**32 - 1]), r"holds shape \(0, 4294967295"),
        (gzip.compress(idx(IMAGES))[:-12], "truncated inside its gzip stream"),
    ],
    ids=range(9),  # the last bytes hold the time of compression
)
def test_a_damaged_file_is_an_error_with_the_reason(tmp_path, content, match):
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(DataError, match=f"broken.*{match}"):
        read_idx(tmp_path / "broken")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="nowhere cannot be read: No such file"):
        read_idx(tmp_path / "nowhere")


def test_images_and_labels_are_read_from_the_users_own_folder(tmp_path):
    images, labels = load_mnist("train", mnist(tmp_path))
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert labels.dtype == np.int64


def test_files_without_gzip_are_read_too(tmp_path):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS))
    assert load_mnist("test", tmp_path)[0].shape == (4, 28, 28)


def test_files_that_do_not_match_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds 4 images but .* 3 labels"):
        load_mnist("train", mnist(tmp_path, labels=LABELS[:3]))
    with pytest.raises(DataError, match=r"holds uint8 of shape \(4,\), expected bytes in 3"):
        load_mnist("train", mnist(tmp_path, images=LABELS))
    with pytest.raises(DataError, match="images of 27 x 28 pixels, expected 28 x 28"):
        load_mnist("train", mnist(tmp_path, images=IMAGES[:, 1:]))


def test_labels_that_are_not_digits_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds label 200"):
        load_mnist("train", mnist(tmp_path, labels=np.array([0, 200, 3, 1], np.uint8)))


def test_an_unknown_split_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="split='valid' is unknown"):
        load_mnist("valid", tmp_path)


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("EIGENLAB_DATA", ""), "mnist")),
    reason="EIGENLAB_DATA does not hold mnist",
)
def test_real_mnist_has_its_published_counts():
    """LeCun's page: 60,000 and 10,000 images, the first training label is 5."""
    images, labels = load_mnist("train")
    assert (images.shape, labels[0]) == ((60000, 28, 28), 5)
    assert load_mnist("test")[0].shape == (10000, 28, 28)
