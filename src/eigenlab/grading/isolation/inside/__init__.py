"""Modules whose source text is sent into the process that runs a student's code.

They import the standard library, numpy, torch and each other, and nothing else of this package, so
that neither the checks nor the expected values are there.
"""
