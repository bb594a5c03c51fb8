"""The course's problems as notebooks: built for students, and handed in by them.

A master is a script in the percent format of jupytext, with marked solutions. :func:`build_course`
makes of each a notebook for students and one with solutions; :func:`submit` collects a student's
notebook and the results of its checks. :class:`GradientVisualizer` is the tool of problem 1. All
need ``pip install 'eigenlab[course]'``.
"""

from eigenlab.course.build import build_course, build_notebooks, masters
from eigenlab.course.process import Process, read_process
from eigenlab.course.submission import Submission, collect, submit
from eigenlab.course.visualizer import GradientVisualizer

__all__ = [
    "GradientVisualizer",
    "Process",
    "Submission",
    "build_course",
    "build_notebooks",
    "collect",
    "masters",
    "read_process",
    "submit",
]
