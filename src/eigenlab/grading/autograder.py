"""An autograder for Gradescope: a zip file to upload, and what it runs for each submission.

https://gradescope-autograders.readthedocs.io/en/latest/specs/
"""

from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path
from typing import Any

from eigenlab.errors import EigenlabError, InputError
from eigenlab.files import dump_json, read_json, write_atomic
from eigenlab.grading.batch.one import Settings, grade_files
from eigenlab.grading.batch.submissions import graded_files
from eigenlab.grading.feedback import VISIBILITIES, gradescope_results
from eigenlab.grading.file_check import checked_points, isolated
from eigenlab.grading.own_wheel import own_wheel, zipped
from eigenlab.grading.parts import parts
from eigenlab.grading.problems import OPTIONAL, checked_aliases, problem_number

SETUP = """\
#!/usr/bin/env bash
# Run once, when Gradescope builds the autograder. AUTOGRADER is for trying it elsewhere.
set -euo pipefail
root="${{AUTOGRADER:-/autograder}}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -y
apt-get install -y --no-install-recommends python3 python3-venv
python=/usr/bin/python3
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then  # Ubuntu 22.04
  apt-get install -y --no-install-recommends python3.11 python3.11-venv
  python=/usr/bin/python3.11
fi
"$python" -m venv "$root/venv"
"$root/venv/bin/pip" install --no-cache-dir 'torch<2.14' \
  --index-url https://download.pytorch.org/whl/cpu
"$root/venv/bin/pip" install --no-cache-dir {install}
"""
RUN = """\
#!/usr/bin/env bash
# Run for each submission. AUTOGRADER and AUTOGRADER_PYTHON are for trying it elsewhere.
set -euo pipefail
root="${AUTOGRADER:-/autograder}"
cd "$root"
exec "${AUTOGRADER_PYTHON:-$root/venv/bin/python}" -m eigenlab.grading.autograder "$root"
"""


def write_bundle(
    out: str | Path, settings: Settings, *, visibility: str = "visible", install: str = ""
) -> list[Path]:
    """Write ``setup.sh``, ``run_autograder``, ``config.json``, and a zip file of them to upload.

    Args:
        out: folder to write to.
        settings: how submissions are graded.
        visibility: of the results on Gradescope, such as ``"hidden"``. Default: ``"visible"``.
        install: what pip installs, or a wheel that is put into the bundle. Default: ``""``, a wheel
            of this installation of eigenlab.

    Returns:
        what was written; the last one is the zip file.

    Raises:
        InputError: there is no such problem, part or visibility, or the wheel does not exist.
    """
    if visibility not in VISIBILITIES:
        raise InputError(f"visibility={visibility!r}; expected one of {', '.join(VISIBILITIES)}")
    if settings.problem:
        problem_number(settings.problem)
    config = dataclasses.asdict(settings) | {"visibility": visibility}
    files: dict[str, bytes] = {}
    requirement = shlex.quote(install)
    if not install or (install.endswith(".whl") and "://" not in install):
        name, content = _wheel(install) if install else own_wheel()
        files[name] = content
        requirement = f'"$root"/source/{shlex.quote(name)}'
    files |= {
        "setup.sh": SETUP.format(install=requirement).encode(),
        "run_autograder": RUN.encode(),
        "config.json": (dump_json(config) + "\n").encode(),
    }
    written = []
    for name, content in files.items():
        path = Path(out) / name
        write_atomic(path, content)
        if not name.endswith((".json", ".whl")):
            path.chmod(0o755)
        written.append(path)
    bundle = Path(out) / "autograder.zip"
    write_atomic(bundle, zipped(files, 0o755))
    return [*written, bundle]


def _wheel(path: str) -> tuple[str, bytes]:
    if not Path(path).is_file():
        raise InputError(f"install={path!r}: there is no such wheel")
    return Path(path).name, Path(path).read_bytes()


def run(root: str | Path) -> dict[str, Any]:
    """Grade ``submission`` in a folder by ``source/config.json``; write ``results/results.json``.

    A submission that cannot be graded gets a result that says why, with a score of 0.

    Args:
        root: the folder, ``/autograder`` on Gradescope.

    Returns:
        what was written.
    """
    root = Path(root)
    config = read_json(root / "source" / "config.json")
    visibility = config.pop("visibility")
    settings = Settings(**config)
    settings = dataclasses.replace(
        settings,
        aliases=checked_aliases(settings.aliases),
        points=checked_points(settings.points),
    )
    try:
        report = grade_files(
            graded_files(root / "submission"), settings, isolated(execute=settings.execute)
        )
        found = gradescope_results(report, visibility)
    except EigenlabError as error:
        words = str(error).replace(f"{root / 'submission'}/", "")
        found = _failed(f"The submission could not be graded: {words}.", settings)
    write_atomic(root / "results" / "results.json", dump_json(found) + "\n")
    return found


def _failed(words: str, settings: Settings) -> dict[str, Any]:
    """A result of 0 points that every student sees."""
    number = problem_number(settings.problem) if settings.problem else ""
    sure = settings.points.keys() - (set() if settings.execute else {"5g-labels"})
    every = [part.id for part in parts(number)] if number else []
    asked = [part for part in every if part in sure or part not in OPTIONAL]
    worth = sum(settings.points.get(part, 1.0) for part in asked) if asked else 1.0
    test = {"name": "submission", "score": 0, "max_score": worth, "status": "failed"}
    tests = [{**test, "output": words}]
    return {"score": 0, "output": words, "output_format": "text", "tests": tests}


if __name__ == "__main__":
    run(sys.argv[1])
