"""Recognising faces on single pictures, in a library or not."""
