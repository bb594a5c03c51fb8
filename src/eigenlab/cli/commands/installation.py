"""``eigenlab doctor`` and ``eigenlab bench``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from eigenlab.cli.options import Json


def doctor(*, json: Json = False) -> int:
    """Check this installation and suggest a solution for each problem."""
    from eigenlab.cli import doctor as command

    return command.report(json=json)


def bench(*names: Annotated[str, Parameter(help="Benchmarks to run; none lists them.")]) -> int:
    """Run benchmarks of a source checkout; without a name, list them."""
    from eigenlab.cli import bench as command

    return command.run(names)
