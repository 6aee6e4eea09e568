"""Add the words and trailers of each decision to the message of a merge in which conflicts are settled."""

from __future__ import annotations

from collections.abc import Sequence

from gitassets.domain.commit_message import (
    CommitMessage,
    Transition,
    clean_name,
    clean_words,
    format_reviewer,
    format_trailers,
    parse_claims,
    parse_reviewers,
    parse_segments,
    split_trailers,
)
from gitassets.domain.conflict import CONFLICT
from gitassets.domain.manifest import Manifest


def add_decision(text: str, decision: CommitMessage, before: Manifest) -> str:
    """Add one decision, made on the manifest `before`, to the message `text`.

    Earlier decisions stay named only if `before` still holds them: the merge of the file may have been restarted.
    """
    paragraphs, others = split_trailers(text)
    words = clean_words(decision.words)
    said = [_ascribe(decision.what, words)] if words else []
    claims = [*_list_kept(parse_claims(text), before), *decision.transitions]
    segments = tuple(sorted({*parse_segments(text), *decision.segments}))
    reviewers = dict.fromkeys(filter(None, (*parse_reviewers(text), clean_name(decision.reviewed_by))))
    trailers = [*format_trailers(decision.run_id, claims, segments), *map(format_reviewer, reviewers)]
    return "\n\n".join([*paragraphs, *said, "\n".join([*trailers, *others])]) + "\n"


def _list_kept(claims: Sequence[Transition], before: Manifest) -> list[Transition]:
    stands = {one.address: one.after for one in claims}
    found = {address: asset for address in stands if (asset := before.asset(address)) is not None}
    kept = {one for one, asset in found.items() if asset.status == stands[one] and CONFLICT not in asset.extra}
    return [one for one in claims if one.address in kept]


def _ascribe(what: str, words: str) -> str:
    """Return a text such as "image 3: too dark". Indented lines cannot be mistaken for comments by git."""
    return f"{what}: {words}".replace("\n", "\n  ")
