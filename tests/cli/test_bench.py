"""Benchmarks are found in a checkout, and missed with a clear word anywhere else."""

from __future__ import annotations

import pytest

from eigenlab.cli import bench
from eigenlab.errors import InputError


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    root = tmp_path / "benchmarks"
    root.mkdir()
    (root / "fast_thing.py").write_text(
        '"""How fast.\n\nMore."""\nif __name__ == "__main__":\n    raise SystemExit(3)\n'
    )
    (root / "_helper.py").write_text('"""Not one."""\n__main__ = 0\n')
    (root / "library.py").write_text('"""Not one."""\n')
    monkeypatch.setattr(bench, "folder", lambda: root)


@pytest.mark.usefixtures("checkout")
def test_benchmarks_are_listed_with_their_first_line(call):
    shown = call("bench")
    assert shown.status == 0
    assert shown.out.split() == ["fast-thing", "How", "fast."]


@pytest.mark.usefixtures("checkout")
def test_a_benchmark_runs_and_its_status_is_returned(call):
    assert call("bench", "fast-thing").status == 3


@pytest.mark.usefixtures("checkout")
def test_the_nearest_benchmark_is_suggested(call):
    shown = call("bench", "fast-think")
    assert shown.status == 2
    assert "did you mean 'fast-thing'?" in shown.err


def test_outside_a_checkout_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "a/b/c/d/bench.py"))
    with pytest.raises(InputError, match="source checkout"):
        bench.folder()
