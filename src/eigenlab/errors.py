"""Errors that are raised for invalid input, unusable data and cancelled work.

Every message names the argument, the value given, the value expected and a solution. The command
line prints ``str(error)`` on one line, without a traceback, and exits with status 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EigenlabError(Exception):
    """Base class of the errors that eigenlab raises."""


class InputError(EigenlabError, ValueError):
    """An argument has the wrong type, shape, range or name. Also a ``ValueError``."""


class DataError(EigenlabError):
    """A dataset is missing, truncated, altered or unreadable."""


class Cancelled(EigenlabError):
    """The work was cancelled. Finished parts are kept, and the work can be resumed."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'X'?)"`` for the closest known word, or an empty string.

    >>> nearest("gradient-flw", ["gradient-flow", "surnames"])
    " (did you mean 'gradient-flow'?)"
    >>> nearest("zzz", ["gradient-flow"])
    ''
    """
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
