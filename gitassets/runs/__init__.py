"""Runs as git, DVC and files hold them: found, read, changed in one transaction, fetched and uploaded."""
