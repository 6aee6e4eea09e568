"""Run folders of claude-studio: read, and planned as runs."""
