"""The application with every command, as `gitassets --help` has it."""

from __future__ import annotations

from gitassets.cli.app import make_app

app = make_app(())
