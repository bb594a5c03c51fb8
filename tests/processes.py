"""Waiting for what another process writes."""

from __future__ import annotations

import time


def wait_for(path, process, *, contains=""):
    deadline = time.monotonic() + 60
    while not (path.exists() and contains in path.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.01)
