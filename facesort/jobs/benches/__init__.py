"""Measuring: accuracy on labelled photos, sets of faces, speed, memory."""
