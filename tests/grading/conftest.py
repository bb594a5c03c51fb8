"""One process to copy for all tests of confined code: it takes seconds to start."""

from __future__ import annotations

import pytest

from eigenlab.grading.isolation import Template


@pytest.fixture(scope="session")
def template():
    with Template() as found:
        yield found
