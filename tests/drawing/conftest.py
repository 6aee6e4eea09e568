"""The fixtures of the card provider, which draws with the same fonts."""

from __future__ import annotations

from tests.providers.conftest import only_fonts as only_fonts
