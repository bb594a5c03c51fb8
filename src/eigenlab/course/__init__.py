"""The course's coding problems as notebooks, and the tools that they use."""

from eigenlab.course.visualizer import GradientVisualizer

__all__ = ["GradientVisualizer"]
