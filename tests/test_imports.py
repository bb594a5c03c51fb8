"""Import times: importing one library does not import the others."""

from __future__ import annotations

import subprocess
import sys

LIBRARIES = (
    "eigenlab.autoencoders",
    "eigenlab.graphs",
    "eigenlab.linear",
    "eigenlab.names",
    "eigenlab.recurrent",
    "eigenlab.spectrum",
    "eigenlab.training",
    "eigenlab.translation",
)
ABOVE = ("pydantic", "plotly", "cyclopts", "rich", "jinja2", "eigenlab.lab", "eigenlab.cli")


def imported(statement: str, *, watch: tuple[str, ...]) -> list[str]:
    """The modules of ``watch`` that are loaded after ``statement`` in a fresh interpreter."""
    script = f"import sys\n{statement}\nprint(*[name for name in {watch!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_libraries_import_nothing_of_the_layers_above():
    # scikit-learn itself loads rich, for its progress bars.
    others = imported("import sklearn.cluster", watch=ABOVE)
    everything = "\n".join(f"import {library}" for library in LIBRARIES)
    assert [name for name in imported(everything, watch=ABOVE) if name not in others] == []


def test_the_package_itself_imports_nothing():
    assert imported("import eigenlab", watch=("torch", "numpy", *ABOVE)) == []


def test_data_is_found_without_torch():
    assert imported("import eigenlab.data", watch=("torch", "requests", *ABOVE)) == []


def test_statistics_imports_scipy_only_when_called():
    assert imported("import eigenlab.statistics", watch=("numpy", "scipy", "torch")) == []


def test_the_watch_sees_what_is_there():
    assert imported("import eigenlab.lab", watch=ABOVE) == ["pydantic", "eigenlab.lab"]
