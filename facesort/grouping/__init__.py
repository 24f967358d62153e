"""From embeddings and decisions to people."""
