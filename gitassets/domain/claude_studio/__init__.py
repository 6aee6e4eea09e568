"""Interpret run folders of claude-studio, and plan them as runs."""
