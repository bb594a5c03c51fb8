"""The live demos, by name; each is a module here with a ``DEMO``, and is imported when needed."""

from __future__ import annotations

from importlib import import_module

from eigenlab.errors import InputError, nearest
from eigenlab.studio.demos.demo import (
    Demo,
    Example,
    Goal,
    Panel,
    Preparation,
    View,
    knob,
    matters,
    option,
    power,
)

#: In the order of the course.
NAMES = (
    "gradient-flow",
    "train-rnn",
    "surnames",
    "autoencoder",
    "pca",
    "image-ladder",
    "clustering",
    "translation",
    "objective-quiz",
    "regularized-autoencoder",
)

__all__ = [
    "NAMES",
    "Demo",
    "Example",
    "Goal",
    "Panel",
    "Preparation",
    "View",
    "knob",
    "load_demo",
    "matters",
    "option",
    "power",
]


def load_demo(name: str) -> Demo:
    """Return a demo.

    Args:
        name: such as ``"gradient-flow"``.

    Raises:
        InputError: there is no such demo.

    >>> load_demo("gradient-flow").questions
    ('1d', '1e', '1g')
    """
    if name not in NAMES:
        raise InputError(
            f"demo '{name}' is unknown{nearest(name, NAMES)}; expected {', '.join(NAMES)}"
        )
    demo: Demo = import_module(f"{__name__}.{name.replace('-', '_')}").DEMO
    return demo
