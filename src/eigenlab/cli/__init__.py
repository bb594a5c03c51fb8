"""The command line. Importing it costs no torch, so that ``eigenlab --help`` answers at once."""

from eigenlab.cli.app import main

__all__ = ["main"]
