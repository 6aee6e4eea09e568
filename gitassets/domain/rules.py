"""The version of the rules that a run follows, which its manifest names.

A commit is judged by the rules that its own manifest names, so what was right when it was made stays right:

1. A message of gitassets says of no transition that the manifests show it where they do not, and leaves none out.
2. Also the trailers of any other commit name what it did: every approval, publication and reopen.

Along a history they only ever rise: where they could be lowered, nobody would have to follow the newer ones.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from gitassets.domain.manifest import Manifest
from gitassets.errors import GitAssetsError

TRAILERS_NAME_ALL = 2
KNOWN_RULES = 2
_NAMED = re.compile(rb'"rules"\s*:\s*(\d{1,12})')
UPGRADE_HINT = "Upgrade gitassets here: a newer one made this run, and knows what holds in it."


def follow_rules(manifest: Manifest) -> Manifest:
    """The manifest by the newest rules known here, as everything is that is written now."""
    return manifest if manifest.rules >= KNOWN_RULES else replace(manifest, rules=KNOWN_RULES)


def describe_unknown(run_id: str, rules: int) -> str:
    return f"Run {run_id} follows rules {rules}; this gitassets knows rules up to {KNOWN_RULES}"


def names_unknown(data: bytes) -> bool:
    """Whether the bytes of a manifest may name rules that are not known here, told without reading it as one."""
    return any(int(digits) > KNOWN_RULES for digits in _NAMED.findall(data))


def require_known(manifest: Manifest) -> Manifest:
    """The manifest. GitAssetsError where its run follows rules that are not known here."""
    if manifest.rules > KNOWN_RULES:
        raise GitAssetsError(describe_unknown(manifest.run_id, manifest.rules), UPGRADE_HINT)
    return manifest
