"""Typefaces, typesetting and the design of cards."""
