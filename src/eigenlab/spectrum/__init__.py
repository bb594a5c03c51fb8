"""Eigen-tools."""
