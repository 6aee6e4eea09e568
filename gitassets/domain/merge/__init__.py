"""Merge manifests and their values three-way."""
