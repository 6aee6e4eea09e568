"""The version of the rules that a run follows, named by its manifest.

A commit is judged by the rules that its own manifest names, so a commit valid when it was made stays valid:

1. A message written by gitassets names exactly the transitions that the manifests show.
2. In addition, the trailers of every other commit name each approval, publication and reopen.
3. In addition, the run may have music, under the key `music`, with the states and locks of every asset, and `words/`
   holds word times of narrations alone.

Along a history the version only rises: if it could be lowered, nobody would have to follow the newer rules.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from gitassets.domain.manifest import MANIFEST_NAME, MUSIC_RULES, Kind, Manifest
from gitassets.errors import GitAssetsError

TRAILERS_NAME_ALL = 2
WORDS_AND_MUSIC = MUSIC_RULES
KNOWN_RULES = MUSIC_RULES
MUSIC_KEY = Kind.MUSIC.value
_NAMED = re.compile(rb'"rules"\s*:\s*(\d{1,12})')
UPGRADE_HINT = "Upgrade gitassets here: a newer one made this run, and knows what holds in it."


def follow_rules(manifest: Manifest) -> Manifest:
    """Raise the manifest's rules to the newest known ones, which everything written now follows.

    A key that somebody else has put there under the name of the music stays theirs: such a run keeps earlier rules.
    Raise GitAssetsError if it is to have music.
    """
    needed = TRAILERS_NAME_ALL if MUSIC_KEY in manifest.extra and manifest.music is None else KNOWN_RULES
    if manifest.rules >= needed:
        return manifest
    if needed >= MUSIC_RULES and MUSIC_KEY in manifest.extra:
        raise GitAssetsError(
            f"The manifest of run {manifest.run_id} has a key {MUSIC_KEY!r} that gitassets did not write",
            f"Give that key another name in {MANIFEST_NAME}, and commit it.",
        )
    return replace(manifest, rules=needed)


def describe_unknown(run_id: str, rules: int) -> str:
    return f"Run {run_id} follows rules {rules}; this gitassets knows rules up to {KNOWN_RULES}"


def names_unknown(data: bytes) -> bool:
    """Check, without parsing, whether the bytes of a manifest may name unknown rules."""
    return any(int(digits) > KNOWN_RULES for digits in _NAMED.findall(data))


def require_known(manifest: Manifest) -> Manifest:
    """Return the manifest. Raise GitAssetsError if it follows unknown rules."""
    if manifest.rules > KNOWN_RULES:
        raise GitAssetsError(describe_unknown(manifest.run_id, manifest.rules), UPGRADE_HINT)
    return manifest
