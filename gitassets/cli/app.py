"""The application with every command."""

from __future__ import annotations

from gitassets.cli.parts import make_app

app = make_app(())
