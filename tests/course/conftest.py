"""A master for tests, and notebooks as students leave them."""

from __future__ import annotations

import pytest

MASTER = '''\
# %% [markdown]
# # A toy problem
#
# Double a number: $y = 2 x$.

# %%
from eigenlab.grading import check


def double(x):
    """Twice x."""
    # TODO: multiply.
    # BEGIN SOLUTION double
    y = x * 2

    return y
    # END SOLUTION


# %%
# BEGIN SOLUTION
scale = 2
# END SOLUTION

# %% [markdown]
# **9a.** Why is it twice as large?

# %% [markdown] tags=["student"]
# *Your answer.*

# %% [markdown] tags=["solution"]
# Because of the factor.

# %% tags=["hide-input"]
check("5b", double)
'''


@pytest.fixture
def master(tmp_path):
    """Write a master, the one above or a changed one."""

    def write(old="", new=""):
        assert old in MASTER
        path = tmp_path / "problem_9.py"
        path.write_text(MASTER.replace(old, new, 1) if old else MASTER, encoding="utf-8")
        return path

    return write
