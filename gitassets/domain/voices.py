"""The voices that speak narration."""

from __future__ import annotations

from msgspec import Struct


class Voice(Struct, frozen=True, kw_only=True):
    """A voice by the name to ask for it.

    `language` is a code such as `en` or `ja`, empty if unknown. `id` is what the service calls it, if that differs.
    """

    name: str
    language: str = ""
    id: str = ""
    note: str = ""
