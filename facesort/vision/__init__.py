"""Detectors, embedders and face quality."""
