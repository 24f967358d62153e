"""Accuracy measures: vectors or labels in, numbers out."""
