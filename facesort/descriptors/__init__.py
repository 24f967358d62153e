"""What stands for many vectors: coresets of a person's faces, and vectors of 128 bytes."""
