"""Render a timeline into a video."""
