"""What an import costs: a researcher who wants one room pays for that room only."""

from __future__ import annotations

import subprocess
import sys

import pytest

SYSTEMS = (
    "eigenlab.autoencoders",
    "eigenlab.graphs",
    "eigenlab.linear",
    "eigenlab.names",
    "eigenlab.recurrent",
    "eigenlab.spectrum",
    "eigenlab.training",
)
FACES = ("pydantic", "plotly", "cyclopts", "rich", "jinja2", "eigenlab.lab", "eigenlab.cli")


def imported(statement: str, *, watch: tuple[str, ...]) -> list[str]:
    """The modules of ``watch`` that are loaded after ``statement`` in a fresh interpreter."""
    script = f"import sys\n{statement}\nprint(*[name for name in {watch!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_imports_no_face(system):
    # scikit-learn itself loads rich, for its progress bars.
    others = imported("import sklearn.cluster", watch=FACES)
    assert [face for face in imported(f"import {system}", watch=FACES) if face not in others] == []


def test_the_package_itself_imports_nothing():
    assert imported("import eigenlab", watch=("torch", "numpy", *FACES)) == []


def test_data_is_found_without_torch():
    assert imported("import eigenlab.data", watch=("torch", "requests", *FACES)) == []


def test_the_watch_sees_what_is_there():
    assert imported("import eigenlab.lab", watch=FACES) == ["pydantic", "eigenlab.lab"]
