"""Recurrent networks from scratch."""
