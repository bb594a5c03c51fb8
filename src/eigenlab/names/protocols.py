"""How the names are divided into training and test parts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError, nearest
from eigenlab.names.encoding import fold

Indices = NDArray[np.int64]
Protocol = Literal["course", "leak-free"]


class Split(NamedTuple):
    """Positions of the lines in each part, shuffled; every line is in exactly one."""

    train: Indices
    test: Indices


def spelling(name: str) -> str:
    """What makes two names the same name to a model: folded, without case and outer spaces.

    >>> spelling("Núñez") == spelling(" NUNEZ")
    True
    """
    return fold(name).lower().strip() or name


def course_split(names: Sequence[str], *, seed: int, test_fraction: float = 0.2) -> Split:
    """Shuffle the lines and cut: the course's protocol.

    A name that stands on several lines may be in both parts, so this measures memory as well as
    generalisation. The training part has ``int((1 - test_fraction) n)`` lines.

    >>> [len(part) for part in course_split(["Abe"] * 10, seed=0)]
    [8, 2]
    """
    _check(len(names), test_fraction)
    order = np.random.default_rng(seed).permutation(len(names))
    cut = int((1 - test_fraction) * len(names))
    return Split(order[:cut], order[cut:])


def leak_free_split(names: Sequence[str], *, seed: int, test_fraction: float = 0.2) -> Split:
    """Divide the distinct spellings, so that no spelling is in both parts.

    All lines of one spelling, of whichever languages, stay together and are kept: the parts have
    the population's base rates. A line counts as right when the prediction is that line's own
    language, so a spelling with two languages can be right on one of its lines at most;
    :func:`ambiguity_ceiling` says what that costs. The training part has
    ``int((1 - test_fraction) n)`` of the n spellings, not of the lines.

    >>> train, test = leak_free_split(["Abe", "ABÉ", "Ito", "Rossi", "Li"], seed=0)
    >>> bool({0, 1} <= set(train)) or bool({0, 1} <= set(test))
    True
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        groups[spelling(name)].append(index)
    _check(len(groups), test_fraction)
    # Sorted first, so that the split depends on which names there are, not on their order.
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
    """Apply the protocol called ``"course"`` or ``"leak-free"``."""
    if protocol not in PROTOCOLS:
        raise InputError(
            f"protocol '{protocol}' is unknown{nearest(str(protocol), PROTOCOLS)}; "
            f"choose {' or '.join(PROTOCOLS)}"
        )
    return PROTOCOLS[protocol](names, seed=seed, test_fraction=test_fraction)


def ambiguity_ceiling(names: Sequence[str], languages: Sequence[str]) -> float:
    """Highest accuracy that any rule from spelling to one language can have on these lines.

    The rule may know the answers: for each spelling it names the most frequent language.

    >>> ambiguity_ceiling(["Abel", "Abel", "Abel", "Ito"], ["German", "English", "German", "J"])
    0.75
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, language in zip(names, languages, strict=True):
        counts[spelling(name)][language] += 1
    return sum(max(counter.values()) for counter in counts.values()) / len(names)


def overlap(names: Sequence[str], split: Split) -> int:
    """Number of test lines whose spelling is also in the training part."""
    known = {spelling(names[index]) for index in split.train}
    return sum(spelling(names[index]) in known for index in split.test)


def _check(count: int, test_fraction: float) -> None:
    if not 0 < test_fraction < 1:
        raise InputError(f"test_fraction={test_fraction} must be between 0 and 1, both excluded")
    if not 0 < int((1 - test_fraction) * count) < count:
        raise InputError(f"{count} different names cannot be divided into two parts; give more")
