"""Validation of records, and reading them back."""

import math

import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json
from eigenlab.lab import Matrix, Record, Vector, measured


class Inner(Record):
    values: Vector = measured("Numbers.", shape="N")


class Outer(Record):
    name: str = measured("A name.")
    steps: Vector = measured("Numbers.", shape="T")
    table: Matrix = measured("Numbers.", shape="T, 2")
    by_name: dict[str, Vector] = measured("Numbers.", shape="K, T")
    inner: tuple[Inner, ...] = measured("Records.", default=())


GOOD = {
    "name": "x",
    "steps": [1.0, math.nan],
    "table": [[1, 2], [3, math.inf]],
    "by_name": {"a": [1, 2]},
    "inner": [{"values": [0.5]}],
}


def test_what_is_stored_comes_back():
    record = Outer(**GOOD)
    again = Outer.read(load_json(dump_json(record.plain())), "outer.json")
    assert str(again) == str(record)
    assert again.inner[0].values == (0.5,)
    assert math.isnan(again.steps[1])


@pytest.mark.parametrize("array", [np.array([0.5, 1.0]), torch.tensor([0.5, 1.0]), (0.5, 1)])
def test_arrays_and_tensors_become_tuples(array):
    assert Inner(values=array).values == (0.5, 1.0)


def test_scalars_of_arrays_become_numbers():
    record = Outer(**{**GOOD, "steps": [np.float64(1), torch.tensor(2.0)]})
    assert [type(value) for value in record.steps] == [float, float]


def test_a_record_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Inner(values=[1.0]).values = (2.0,)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"steps": [1.0]}, r"table has shape \(2, 2\); expected \(T, 2\) with T = 1"),
        ({"table": [[1], [2]]}, r"table has shape \(2, 1\); expected \(T, 2\) with 2 = 2"),
        ({"table": [[1, 2], [3]]}, "table has rows of different lengths"),
        ({"by_name": {"a": [1]}}, r"by_name has shape \(1, 1\); expected \(K, T\) with T = 2"),
        ({"steps": "nonsense"}, "steps: input should be a valid tuple"),
        ({"inner": [{"value": []}]}, r"inner\.0\.values: field required"),
        ({"more": 1}, "more: extra inputs are not permitted"),
    ],
)
def test_a_record_of_another_kind_is_reported_in_one_line(change, told):
    with pytest.raises(InputError, match=told) as caught:
        Outer.read({**GOOD, **change}, "outer.json")
    message = str(caught.value)
    assert message.startswith("outer.json: ")
    assert message.endswith("it was altered or written by another version")
    assert "\n" not in message


def test_single_numbers_are_replaced_in_a_copy():
    record = Outer(**GOOD)
    changed = record.replaced({"inner/*/values/-1": 9.0, "table/*/1": lambda old: 2 * old})
    assert changed.inner[0].values == (9.0,)
    assert changed.table == ((1.0, 4.0), (3.0, math.inf))
    assert record.inner[0].values == (0.5,)
    with pytest.raises(InputError, match="'by_name/b' names 'b'"):
        record.replaced({"by_name/b": []})
