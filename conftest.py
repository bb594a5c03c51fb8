"""What the collection of tests and doctests leaves out, and what all of them begin with."""

import numpy as np
import pytest
import torch

#: Masters of notebooks are executed as notebooks, by tests/course.
collect_ignore_glob = ["src/eigenlab/course/masters/*"]


@pytest.fixture(autouse=True)
def seeded():
    """Estimators without ``random_state`` draw from global generators: the same for each test."""
    np.random.seed(0)  # noqa: NPY002 (scikit-learn's global generator)
    torch.manual_seed(0)
