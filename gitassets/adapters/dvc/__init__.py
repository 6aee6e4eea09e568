"""The only users of DVC."""
