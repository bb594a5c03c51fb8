"""How many random inputs a fuzz test tries: few in the suite, ``EIGENLAB_FUZZ=10000`` for many."""

import os

from hypothesis import HealthCheck, settings


def fuzzed(examples: int):
    """Settings of a fuzz test with so many examples, unless the environment says otherwise.

    In the suite the examples are the same each time; with ``EIGENLAB_FUZZ`` they are new ones.
    """
    return settings(
        max_examples=int(os.environ.get("EIGENLAB_FUZZ", examples)),
        deadline=None,
        derandomize="EIGENLAB_FUZZ" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
