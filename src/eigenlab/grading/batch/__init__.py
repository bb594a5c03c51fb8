"""Grade a folder of submissions; see :func:`grade`."""

from eigenlab.grading.batch.grade import Grades, Settings, grade
from eigenlab.grading.batch.submissions import Submission, find_submissions

__all__ = ["Grades", "Settings", "Submission", "find_submissions", "grade"]
