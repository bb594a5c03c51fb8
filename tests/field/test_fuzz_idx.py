"""Random IDX files are read as they were written; altered ones are refused or still that array.

``EIGENLAB_FUZZ=10000`` sets how many are tried.
"""

from __future__ import annotations

import gzip
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from eigenlab.data import read_idx
from eigenlab.errors import DataError
from fuzz import fuzzed

FUZZ = fuzzed(150)
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
DTYPES = st.sampled_from(sorted(CODES))
SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
ARRAYS = DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, SHAPES))


def check_message(error):
    assert "\n" not in str(error)


def idx(values):
    code = CODES[values.dtype.str[1:]]
    header = struct.pack(f">HBB{values.ndim}I", 0, code, values.ndim, *values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


@FUZZ
@given(ARRAYS, st.booleans())
def test_a_random_array_is_read_back(tmp_path_factory, values, packed):
    file = tmp_path_factory.getbasetemp() / "array"
    file.write_bytes(gzip.compress(idx(values)) if packed else idx(values))
    read = read_idx(file)
    assert (read.dtype, read.shape) == (values.dtype, values.shape)
    assert read.tobytes() == values.tobytes()


@FUZZ
@given(ARRAYS, st.booleans(), st.data())
def test_a_cut_or_lengthened_file_is_refused(tmp_path_factory, values, packed, data):
    content = gzip.compress(idx(values)) if packed else idx(values)
    cut = data.draw(st.integers(0, len(content) - 1))
    longer = content + data.draw(st.binary(min_size=1, max_size=9).filter(any))
    for altered in (content[:cut], longer):
        file = tmp_path_factory.getbasetemp() / "altered"
        file.write_bytes(altered)
        try:
            read = read_idx(file)
        except DataError as error:
            check_message(error)
        else:
            raise AssertionError(f"read {read.shape} from {len(altered)} of {len(content)} bytes")


@FUZZ
@given(ARRAYS, st.data())
def test_a_changed_byte_in_a_gzip_file_is_never_another_array(tmp_path_factory, values, data):
    content = bytearray(gzip.compress(idx(values)))
    content[data.draw(st.integers(10, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file = tmp_path_factory.getbasetemp() / "changed"
    file.write_bytes(content)
    try:
        read = read_idx(file)
    except DataError:
        return
    np.testing.assert_array_equal(read, values)


@FUZZ
@given(st.binary(max_size=64))
def test_random_bytes_are_read_or_refused(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "bytes"
    file.write_bytes(content)
    try:
        read_idx(file)
    except DataError as error:
        check_message(error)
