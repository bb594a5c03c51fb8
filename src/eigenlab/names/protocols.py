"""Splits of the names into a training and a test part."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError, nearest
from eigenlab.names.checks import as_rows
from eigenlab.names.encoding import spelling

Indices = NDArray[np.int64]
Protocol = Literal["course", "leak-free"]


class Split(NamedTuple):
    """Indices of the lines in each part, in random order; every line is in exactly one part.

    Args:
        train: indices of the training lines, int64.
        test: indices of the test lines, int64.
    """

    train: Indices
    test: Indices


def course_split(names: Sequence[str], *, seed: int, test_fraction: float = 0.2) -> Split:
    """Split the lines at random, as in question 2.

    A name that is on several lines may be in both parts, so the test accuracy measures memorisation
    as well as generalisation. The training part has ``int((1 - test_fraction) n)`` lines.

    Args:
        names: names of the n lines.
        seed: random seed of the permutation.
        test_fraction: share of the lines in the test part, between 0 and 1. Default: ``0.2``.

    Raises:
        InputError: ``test_fraction`` is out of range, or a part would be empty.

    >>> [len(part) for part in course_split(["Abe"] * 10, seed=0)]
    [8, 2]
    """
    _check_sizes(len(names), test_fraction)
    order = np.random.default_rng(seed).permutation(len(names))
    cut = int((1 - test_fraction) * len(names))
    return Split(order[:cut], order[cut:])


def leak_free_split(names: Sequence[str], *, seed: int, test_fraction: float = 0.2) -> Split:
    """Split the distinct spellings at random, so that no spelling is in both parts (question 2).

    All lines of a spelling, of whichever language, stay together, so both parts have the base rates
    of the population. The training part has ``int((1 - test_fraction) n)`` of the n spellings, not
    of the lines. A spelling of two languages can be classified correctly on the lines of one of
    them at most; :func:`ambiguity_ceiling` measures this.

    Args:
        names: names of the lines.
        seed: random seed of the permutations.
        test_fraction: share of the spellings in the test part, between 0 and 1. Default: ``0.2``.

    Raises:
        InputError: ``test_fraction`` is out of range, or a part would be empty.

    >>> train, test = leak_free_split(["Abe", "ABÉ", "Ito", "Rossi", "Li"], seed=0)
    >>> bool({0, 1} <= set(train)) or bool({0, 1} <= set(test))
    True
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(as_rows(names, "names")):
        groups[spelling(name)].append(index)
    _check_sizes(len(groups), test_fraction)
    # Sorted, so that the split does not depend on the order of the names.
    spellings = sorted(groups)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(spellings))
    cut = int((1 - test_fraction) * len(spellings))
    train, test = (
        generator.permutation([line for place in part for line in groups[spellings[place]]])
        for part in (order[:cut], order[cut:])
    )
    return Split(train, test)


PROTOCOLS: dict[Protocol, Callable[..., Split]] = {
    "course": course_split,
    "leak-free": leak_free_split,
}


def split_names(
    protocol: Protocol, names: Sequence[str], *, seed: int, test_fraction: float = 0.2
) -> Split:
    """Split names by the protocol called ``"course"`` or ``"leak-free"``.

    Args:
        protocol: ``"course"``, see :func:`course_split`, or ``"leak-free"``, see
            :func:`leak_free_split`.
        names: names of the lines.
        seed: random seed.
        test_fraction: share of the test part, between 0 and 1. Default: ``0.2``.

    Raises:
        InputError: ``protocol`` is unknown, or as the function of the protocol.

    >>> [len(part) for part in split_names("course", ["Abe"] * 10, seed=0)]
    [8, 2]
    """
    if protocol not in PROTOCOLS:
        raise InputError(
            f"protocol '{protocol}' is unknown{nearest(str(protocol), PROTOCOLS)}; "
            f"choose {' or '.join(PROTOCOLS)}"
        )
    return PROTOCOLS[protocol](names, seed=seed, test_fraction=test_fraction)


def ambiguity_ceiling(names: Sequence[str], languages: Sequence[str]) -> float:
    """Highest accuracy of any function from spelling to language on these lines (question 2).

    It is reached by the function that returns the most frequent language of each spelling.

    Args:
        names: names of the lines, at least one.
        languages: language of each line.

    Returns:
        A share of the lines, in (0, 1].

    >>> ambiguity_ceiling(["Abel", "Abel", "Abel", "Ito"], ["German", "English", "German", "J"])
    0.75
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, language in zip(as_rows(names, "names"), languages, strict=True):
        counts[spelling(name)][language] += 1
    return sum(max(counter.values()) for counter in counts.values()) / len(names)


def overlap(names: Sequence[str], split: Split) -> int:
    """Return the number of test lines whose spelling is also in the training part."""
    known = {spelling(names[index]) for index in split.train}
    return sum(spelling(names[index]) in known for index in split.test)


def _check_sizes(count: int, test_fraction: float) -> None:
    if not 0 < test_fraction < 1:
        raise InputError(f"test_fraction={test_fraction} must be between 0 and 1, both excluded")
    if not 0 < int((1 - test_fraction) * count) < count:
        raise InputError(f"{count} different names cannot be divided into two parts; give more")
