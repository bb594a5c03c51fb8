"""``eigenlab doctor``: check the installation and suggest solutions."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import eigenlab
from eigenlab.cli.terminal import output, print_json
from eigenlab.errors import EigenlabError

MIN_FREE = 2e9  # bytes; enough for checkpoints, runs and the largest dataset


@dataclass(frozen=True)
class Finding:
    """One line of the check. ``advice`` says what to do unless ``state`` is ``ok``."""

    topic: str
    value: str
    state: Literal["ok", "note", "problem"] = "ok"
    advice: str = ""


def report(*, json: bool = False) -> int:
    """Print the findings; 0 when the installation is usable, else 1."""
    findings = examine()
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        marks = {"ok": "[green]✓[/]", "note": "[yellow]·[/]", "problem": "[bold red]✗[/]"}
        console = output()
        for finding in findings:
            console.print(marks[finding.state], end=" ")
            console.print(f"{finding.topic}: {finding.value}", markup=False, soft_wrap=True)
            if finding.advice:
                console.print(f"    {finding.advice}", markup=False, soft_wrap=True)
    return 1 if any(finding.state == "problem" for finding in findings) else 0


def examine() -> list[Finding]:
    """Check everything; raises nothing and changes nothing."""
    findings = [
        Finding("eigenlab", eigenlab.__version__),
        Finding("Python", f"{sys.version.split()[0]} ({sys.executable})"),
        *_packages(),
        *_torch(),
    ]
    return [*findings, *_storage(), *_data()]


def _packages() -> list[Finding]:
    """The declared dependencies, as installed for this Python."""
    from packaging.requirements import Requirement

    try:
        declared = [Requirement(text) for text in metadata.requires("eigenlab") or []]
    except metadata.PackageNotFoundError:
        return [Finding("packages", "eigenlab is not installed", "problem", "pip install -e .")]
    versions, findings = [], []
    for need in declared:
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            findings.append(Finding(need.name, "missing", "problem", f"pip install '{need}'"))
            continue
        if need.specifier.contains(found, prereleases=True):
            versions.append(f"{need.name} {found}")
        else:
            advice = f"eigenlab is tested with '{need}'; pip install '{need}'"
            findings.append(Finding(need.name, found, "note", advice))
    return [Finding("packages", ", ".join(versions)), *findings]


def _torch() -> list[Finding]:
    try:
        import torch
    except Exception as error:  # a broken binary raises OSError, ImportError, ...
        advice = "reinstall it: pip install --force-reinstall torch"
        return [Finding("torch", f"cannot be imported ({error})", "problem", advice)]
    cuda = torch.version.cuda
    findings = [Finding("torch build", f"CUDA {cuda}" if cuda else "CPU")]
    if torch.cuda.is_available():
        findings.append(Finding("device", torch.cuda.get_device_name(0)))
    elif torch.backends.mps.is_available():
        findings.append(Finding("device", "Apple GPU (mps)"))
    elif cuda:
        findings.append(
            Finding(
                "device",
                "CPU; the CUDA build finds no GPU",
                "note",
                "check the driver with nvidia-smi; everything also runs on the CPU",
            )
        )
    else:
        findings.append(Finding("device", "CPU"))
    threads, cores = torch.get_num_threads(), os.cpu_count() or 1
    if threads > cores:
        advice = f"more threads than cores make torch slow; set OMP_NUM_THREADS={cores}"
        return [*findings, Finding("threads", f"{threads} on {cores} cores", "note", advice)]
    return [*findings, Finding("threads", f"{threads} on {cores} cores")]


def _storage() -> list[Finding]:
    from eigenlab.data import cache_folder

    findings = []
    cache = cache_folder()
    existing = _existing(cache)
    if os.access(existing, os.W_OK):
        findings.append(Finding("data cache", f"{cache} (writable)"))
    else:
        advice = (
            "set EIGENLAB_CACHE to a folder that you may write to, or EIGENLAB_DATA to your data"
        )
        findings.append(Finding("data cache", f"{cache} is read-only", "note", advice))
    for label, place in (("disk of the cache", existing), ("disk here", Path.cwd())):
        free = shutil.disk_usage(place).free
        state: Literal["ok", "note"] = "ok" if free > MIN_FREE else "note"
        advice = "" if free > MIN_FREE else "free some space: runs and datasets need about 2 GB"
        findings.append(Finding(label, f"{free / 1e9:.1f} GB free", state, advice))
    return findings


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _data() -> list[Finding]:
    from eigenlab import data

    try:
        states = data.status()
    except EigenlabError as error:
        return [Finding("datasets", str(error), "problem", "see `eigenlab data --help`")]
    findings = []
    for state in states:
        topic = f"dataset {state.name}"
        if state.folder is None:
            advice = (
                f"optional; `eigenlab data fetch {state.name}`, or set EIGENLAB_DATA to a folder "
                f"that holds {state.name}/"
            )
            findings.append(Finding(topic, "not on this machine", "note", advice))
        elif state.findings:
            advice = f"{state.findings[0]}; `eigenlab data verify {state.name}` lists everything"
            findings.append(Finding(topic, f"{state.folder} is damaged", "problem", advice))
        else:
            findings.append(Finding(topic, f"{state.folder} ({state.place})"))
    return findings
