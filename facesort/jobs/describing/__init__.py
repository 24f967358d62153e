"""The few faces that stand for a person, and the vectors made of them."""
