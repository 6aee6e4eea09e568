"""Every call of git, and every reader of git's own files."""
