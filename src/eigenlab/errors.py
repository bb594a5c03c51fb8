"""What a user may see when something is wrong.

Every message names the argument, what came, what was expected and what to do next. Faces print
``str(error)`` on one line and exit with status 2; nobody meets a traceback for their own mistake.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EigenlabError(Exception):
    """Base of every error that eigenlab raises on purpose."""


class InputError(EigenlabError, ValueError):
    """An argument has the wrong type, shape, range or name. Also a ``ValueError``."""


class DataError(EigenlabError):
    """A dataset is missing, truncated, altered or unreadable."""


class Cancelled(EigenlabError):
    """The user asked to stop. What was measured so far is kept and can be resumed."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'X'?)"`` for the closest known word, or an empty string.

    >>> nearest("gradient-flw", ["gradient-flow", "surnames"])
    " (did you mean 'gradient-flow'?)"
    >>> nearest("zzz", ["gradient-flow"])
    ''
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
