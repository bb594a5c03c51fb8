"""Checks of students' solutions of the course's coding problems.

>>> from eigenlab.grading import check
>>> import numpy as np
>>> def get_adjacency_matrix(gamma, X):
...     return np.exp(gamma * ((X[:, None] - X[None]) ** 2).sum(axis=-1))  # lacks a minus sign
>>> check("5b", get_adjacency_matrix)
5b get_adjacency_matrix: NOT passed, max error 4.1e+01
  get_adjacency_matrix(gamma=0.7, X): the sign of the exponent: distant points come out close.
"""

from eigenlab.grading import autoencoders as _autoencoders  # noqa: F401  registers its parts
from eigenlab.grading import clustering as _clustering  # noqa: F401
from eigenlab.grading import corruption as _corruption  # noqa: F401
from eigenlab.grading import probes as _probes  # noqa: F401
from eigenlab.grading import recurrent as _recurrent  # noqa: F401
from eigenlab.grading import stacked as _stacked  # noqa: F401
from eigenlab.grading import surname_letters as _surname_letters  # noqa: F401
from eigenlab.grading import surname_network as _surname_network  # noqa: F401
from eigenlab.grading import surname_training as _surname_training  # noqa: F401
from eigenlab.grading.comparison import Comparison
from eigenlab.grading.parts import MIME, PARTS, CheckResult, Part, check, parts
from eigenlab.grading.source import definitions

__all__ = ["MIME", "PARTS", "CheckResult", "Comparison", "Part", "check", "definitions", "parts"]
