"""Which system fonts a test finds: none, or the small ones beside this file."""

from __future__ import annotations

from pathlib import Path

FONTS = Path(__file__).parent / "fonts"
