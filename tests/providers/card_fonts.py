"""System fonts available to a test: none, or the small ones in fonts/."""

from __future__ import annotations

from pathlib import Path

FONTS = Path(__file__).parent / "fonts"
