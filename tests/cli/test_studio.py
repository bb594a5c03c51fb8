"""``eigenlab studio`` and ``eigenlab studio export``."""

from __future__ import annotations

import socket

import pytest

from eigenlab.cli import studio
from eigenlab.cli.app import main


def test_a_port_in_use_is_one_clear_line(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["studio", "--no-browser", "--port", str(port)]) == 2
    error = capsys.readouterr().err
    assert f"127.0.0.1:{port} cannot be opened" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_is_none_is_refused(port, capsys):
    assert main(["studio", "--no-browser", "--port", port]) == 2
    assert "--port" in capsys.readouterr().err


def test_what_is_not_installed_is_named(monkeypatch, capsys):
    monkeypatch.setattr(studio, "NEEDED", ("no_such_module",))
    assert main(["studio", "--no-browser"]) == 2
    assert "pip install 'eigenlab[studio]'" in capsys.readouterr().err


def test_a_lesson_becomes_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("eigenlab.studio.export.NAMES", ())
    lesson = "/gradient-flow?length=5&hide=activation,weight_scale&title=Short"
    assert main(["studio", "export", "--out", str(tmp_path), "--lesson", lesson]) == 0
    assert str(tmp_path / "lesson-1.html") in capsys.readouterr().out.replace("\n", "")
