"""Settings of an experiment, declared once for the command line, the report and the docs."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eigenlab.errors import InputError, nearest


def setting(default: Any, description: str, *, unit: str = "", **bounds: Any) -> Any:
    """Declare a field of a :class:`Config`.

    Args:
        default: value in the preset ``course``, unless that sets another one.
        description: what the field does, one sentence.
        unit: unit of the number, such as ``"steps"``. Default: none.
        bounds: pydantic's own (``ge``, ``gt``, ``le``, ``lt``, ``min_length``, ...). They refuse
            impossible or excessive values; values that a claim does not cover belong in its scope.
    """
    return Field(default, description=description, json_schema_extra={"unit": unit}, **bounds)


class Config(BaseModel):
    """Settings of one experiment. Frozen: change a value by making a new one with ``replace``.

    >>> Config().replace(seed=3).seed
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    #: Named overrides; every experiment has ``smoke`` (seconds), ``course`` (minutes, what the
    #: assignment asks) and ``full`` (more seeds, larger sizes, real data).
    presets: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {}, "course": {}, "full": {}}

    seed: int = setting(
        0, "Random seed from which every random number of the run is derived.", ge=0
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto", "Device of the tensors; auto selects a GPU if there is one."
    )

    @classmethod
    def from_preset(cls, preset: str = "course", **overrides: Any) -> Config:
        """Build a config from a preset with some fields changed; text values are converted.

        Raises :class:`~eigenlab.errors.InputError` that lists every problem at once.
        """
        if preset not in cls.presets:
            raise InputError(
                f"preset '{preset}' is unknown{nearest(preset, cls.presets)}; "
                f"choose from {', '.join(cls.presets)}"
            )
        return cls.from_values({**cls.presets[preset], **overrides})

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Config:
        """Validate ``values``; every fault is reported in one :class:`InputError`."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            faults = error.errors()
            # A tuple with a faulty entry is also called too short.
            within = {item["loc"][0] for item in faults if len(item["loc"]) > 1}
            told = [i for i in faults if i["type"] != "too_short" or i["loc"][0] not in within]
            raise InputError("; ".join(_explain(cls, item) for item in told)) from None

    def replace(self, **changes: Any) -> Any:
        """Return a validated copy with ``changes`` applied."""
        return type(self).from_values({**self.model_dump(), **changes})


def _explain(cls: type[Config], item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"]) or "config"
    if item["type"] == "extra_forbidden":
        known = cls.model_fields
        hint = nearest(name, known) or f"; choose from {', '.join(sorted(known))}"
        return f"field '{name}' is unknown{hint}"
    return f"{name}={item['input']!r}: {item['msg'][0].lower()}{item['msg'][1:]}"
