"""Questions in a folder for somebody without facesort, and answers from files."""
