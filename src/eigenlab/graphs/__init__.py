"""Graphs, their spectrum and their clusters."""
