"""Run a student's code in confined processes; see :func:`check_source`."""

from eigenlab.grading.isolation.checks import Outcome, Report, check_source, describe
from eigenlab.grading.isolation.limits import Limits
from eigenlab.grading.isolation.process import Template

__all__ = ["Limits", "Outcome", "Report", "Template", "check_source", "describe"]
