"""A sitting in which the user is asked who is who, and every answer is kept at once."""
