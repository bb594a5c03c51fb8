"""How many random inputs a fuzz test tries: few in the suite, ``EIGENLAB_FUZZ=10000`` for many."""

import os

from hypothesis import HealthCheck, settings


def fuzzed(examples: int):
    """Settings of a fuzz test with so many examples, unless the environment says otherwise."""
    return settings(
        max_examples=int(os.environ.get("EIGENLAB_FUZZ", examples)),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
