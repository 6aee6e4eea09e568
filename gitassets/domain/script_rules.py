"""The rules by which a run reads its script, named by its manifest as `script_rules`.

1. Blank lines separate paragraphs, and all words of a paragraph are spoken and shown. Runs that name no rules go by
   these, and so do all runs of claude-studio.
2. A paragraph consists of Markdown blocks (see markdown_blocks.py): a fence is part of one paragraph, and code, tables
   and footnotes are not narration. The manifest's `code` says what becomes of code.
3. The name of a speaker whom the front matter lists, at the start of a paragraph and before a colon, is not spoken. A
   run goes by these rules only if its script lists speakers: others read the same by those before.

Takes record the hash of their text, so what the rules make of a text must never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from gitassets.domain.manifest import Manifest

BLOCKS, SPEAKERS = 2, 3
NEWEST_RULES = SPEAKERS
_RULES, _CODE = "script_rules", "code"


class CodeUse(StrEnum):
    """What becomes of the code in a script, besides being shown on cards."""

    SPOKEN = "spoken"
    SKIPPED = "skipped"
    CAPTION = "caption"
    """Not spoken, but shown in the captions."""


class ScriptRules(Struct, frozen=True):
    """How to read the texts of a run."""

    version: int = 1
    code: CodeUse = CodeUse.SKIPPED

    @property
    def have_blocks(self) -> bool:
        return self.version >= BLOCKS

    @property
    def have_speakers(self) -> bool:
        return self.version >= SPEAKERS


FIRST_SCRIPT_RULES = ScriptRules()


def find_script_rules(manifest: Manifest) -> ScriptRules:
    """Return the rules that the manifest names. A value that makes no sense counts as none."""
    version, code = manifest.extra.get(_RULES), manifest.extra.get(_CODE)
    if not isinstance(version, int) or isinstance(version, bool) or version < BLOCKS:
        return FIRST_SCRIPT_RULES
    return ScriptRules(version, next((one for one in CodeUse if one == code), CodeUse.SKIPPED))


def record_script_rules(rules: ScriptRules) -> Mapping[str, Any]:
    """Return the manifest's keys for these rules."""
    return {_RULES: rules.version, _CODE: rules.code.value} if rules.have_blocks else {}
