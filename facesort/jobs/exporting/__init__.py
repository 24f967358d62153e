"""What is written for others: albums of photos, files of vectors."""
