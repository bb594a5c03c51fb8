"""What a stage measured: frozen, validated, and the same in memory as on disk.

A record is the evidence that claims, figures and tables read. Its fields are numbers, strings,
tuples, dicts and further records; tensors and arrays are converted when it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eigenlab.errors import InputError
from eigenlab.files import dump_json, load_json

Vector = tuple[float, ...]
Matrix = tuple[tuple[float, ...], ...]
Integers = tuple[int, ...]


def measured(description: str, *, unit: str = "", shape: str = "", **options: Any) -> Any:
    """Declare a field of a :class:`Record`.

    Args:
        description: what was measured, one sentence.
        unit: unit of the numbers, such as ``"nats per step"``.
        shape: sizes of the axes of nested tuples, such as ``"T, H"``. A letter stands for the same
            size in every field of a record; a number is that size.
        options: further options of :func:`pydantic.Field`, such as ``default``.
    """
    return Field(
        **options, description=description, json_schema_extra={"unit": unit, "shape": shape}
    )


class Record(BaseModel):
    """Base of every record.

    A record that averages over random seeds lists them in a field ``seeds``.

    Raises :class:`pydantic.ValidationError` for a missing, unknown or ill-shaped field;
    :meth:`read` tells the same in one line.

    >>> class Growth(Record):
    ...     distances: Integers = measured("How many steps back.", unit="steps", shape="D")
    ...     rates: Vector = measured("Growth rate.", unit="nats per step", shape="D")
    >>> import torch
    >>> Growth(distances=(1, 2), rates=torch.tensor([0.5, 0.25])).rates
    (0.5, 0.25)
    >>> Growth.read({"distances": [1, 2], "rates": [0.5]}, "growth.json")
    Traceback (most recent call last):
    ...
    eigenlab.errors.InputError: growth.json: rates has shape (1,); expected (D) with D = 2; ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    @model_validator(mode="before")
    @classmethod
    def _convert_arrays(cls, values: Any) -> Any:
        return _without_arrays(values)

    @model_validator(mode="after")
    def _check_shapes(self) -> Self:
        sizes: dict[str, int] = {}
        for name, field in type(self).model_fields.items():
            extra = field.json_schema_extra
            letters = str(extra.get("shape", "")) if isinstance(extra, dict) else ""
            value = getattr(self, name)
            if letters and value is not None:
                _check_shape(name, value, [part.strip() for part in letters.split(",")], sizes)
        return self

    @classmethod
    def read(cls, stored: Any, place: str) -> Self:
        """Return the record that was stored as plain data.

        Args:
            stored: what :meth:`plain` gave, read back from JSON.
            place: where it was read, for the message.

        Raises:
            InputError: a field is missing, unknown, of another type or of another shape.
        """
        try:
            return cls.model_validate(stored)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            problem = first["msg"].removeprefix("Value error, ")
            problem = f"{field + ': ' if field else ''}{problem[0].lower()}{problem[1:]}"
            raise InputError(
                f"{place}: {problem}; it was altered or written by another version"
            ) from None

    def plain(self) -> dict[str, Any]:
        """Return the record as dicts, lists, numbers and strings, ready for JSON."""
        return self.model_dump()

    def replaced(self, changes: Mapping[str, Any]) -> Self:
        """Return a validated copy in which single numbers are replaced.

        Args:
            changes: path -> new value, or a function of the old one. A path names fields, keys and
                places, separated by ``/``; ``*`` stands for every entry and ``-1`` for the last.

        >>> class Growth(Record):
        ...     rates: Vector = measured("Growth rate.", unit="nats per step")
        >>> Growth(rates=(0.5, 0.25)).replaced({"rates/-1": 9.0, "rates/0": lambda rate: 2 * rate})
        Growth(rates=(1.0, 9.0))
        """
        content = load_json(dump_json(self.plain(), indent=None))
        for path, value in changes.items():
            _replace(content, path.split("/"), value, path)
        return type(self).model_validate(content)


def _without_arrays(value: Any) -> Any:
    """``value`` with tensors, arrays and numpy scalars as lists and numbers."""
    if isinstance(value, Mapping):
        return {key: _without_arrays(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(item) for item in value]
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return value.tolist() if hasattr(value, "tolist") else value


def _check_shape(name: str, value: Any, letters: list[str], sizes: dict[str, int]) -> None:
    shape = _shape(name, value, len(letters))
    for letter, size in zip(letters, shape, strict=True):
        due = int(letter) if letter.isdigit() else sizes.setdefault(letter, size)
        if size != due:
            raise ValueError(
                f"{name} has shape {shape}; expected ({', '.join(letters)}) with {letter} = {due}"
            )


def _shape(name: str, value: Any, n_axes: int) -> tuple[int, ...]:
    """Sizes of the first ``n_axes`` axes of nested tuples, which must not be ragged."""
    if n_axes == 0:
        return ()
    if not isinstance(value, tuple | list | dict):
        raise ValueError(f"{name} lacks {n_axes} of its axes")
    entries = list(value.values()) if isinstance(value, dict) else list(value)
    shapes = [_shape(name, entry, n_axes - 1) for entry in entries]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError(f"{name} has rows of different lengths")
    return (len(entries), *(shapes[0] if shapes else (0,) * (n_axes - 1)))


def _replace(content: Any, path: list[str], value: Any, whole: str) -> None:
    key, *rest = path
    if key == "*":
        places = list(content) if isinstance(content, dict) else list(range(len(content)))
    elif isinstance(content, list):
        places = [int(key)]
    else:
        places = [key]
    for place in places:
        if isinstance(content, dict) and place not in content:
            raise InputError(f"changes: '{whole}' names '{place}', which the record does not hold")
        if rest:
            _replace(content[place], rest, value, whole)
        else:
            content[place] = value(content[place]) if callable(value) else value
