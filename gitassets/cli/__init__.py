"""Parses the command line, calls one action, renders its result."""
