"""Faces hold no mathematics: one offline page made from run folders."""
