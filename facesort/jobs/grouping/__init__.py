"""Grouping what is stored: read, computed, published."""
