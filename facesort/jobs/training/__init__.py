"""Training on labelled folders or confirmed people."""
