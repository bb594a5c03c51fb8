"""What the collection of tests and doctests leaves out, and how many tests run at once."""

from __future__ import annotations

import os

#: Masters of notebooks are executed as notebooks, by tests/course.
collect_ignore_glob = ["src/eigenlab/course/masters/*"]


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a quarter of the time, tests wait for other processes."""
    return (os.cpu_count() or 1) + 1
