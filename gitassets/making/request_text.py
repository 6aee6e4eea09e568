"""Find the text of a request: what is to be spoken or shown of a segment."""

from __future__ import annotations

from gitassets.domain.manifest import Address, Kind, Manifest
from gitassets.domain.pronunciation import replace_words
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.script_text import find_shown_text, find_spoken_text
from gitassets.providers.registry import embedded_providers, resolve_name
from gitassets.runs.project import Project


def find_request_text(project: Project, manifest: Manifest, address: Address) -> str:
    """Return the words for a request. What is spoken has the pronunciations of the settings."""
    text, rules = manifest.segments[address.segment].paragraph_text, find_script_rules(manifest)
    if address.kind is not Kind.AUDIO:
        return find_shown_text(text, rules)
    return replace_words(find_spoken_text(text, rules), project.settings.say)


def find_texts_around(project: Project, manifest: Manifest, address: Address, provider: str) -> tuple[str, str]:
    """Return what is spoken right before and right after this narration; nothing if its provider has no use for it."""
    if address.kind is not Kind.AUDIO or resolve_name(provider) in embedded_providers(Kind.AUDIO):
        return "", ""
    neighbours = (Address(address.segment + step, Kind.AUDIO) for step in (-1, 1))
    before, after = (
        find_request_text(project, manifest, one) if one.segment in manifest.segments else "" for one in neighbours
    )
    return before, after
