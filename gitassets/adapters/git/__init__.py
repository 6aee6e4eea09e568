"""The only users of git."""
