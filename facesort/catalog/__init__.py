"""The SQLite catalog. SQL lives only here."""
