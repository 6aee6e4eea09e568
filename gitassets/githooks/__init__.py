"""Serve the calls of git: check commits, commit messages and pushes, and merge manifests."""
