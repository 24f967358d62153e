"""What is shown: people, faces, photos, and why."""
