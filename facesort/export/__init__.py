"""From people to albums on disk."""
