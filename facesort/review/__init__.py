"""What to ask the user next, and what an answer changes; pure: no catalog, no pictures."""
