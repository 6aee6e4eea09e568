"""Providers that make assets: one file per service behind one Protocol, listed in one registry."""
