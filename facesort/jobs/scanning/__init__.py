"""Scanning: what is on disk against what the catalog knows, and what must be looked at."""
