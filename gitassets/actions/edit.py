"""Change the text of a segment, the prompt of its image, and the names that are shown over its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from gitassets.domain.commit_message import CommitMessage, clean_words
from gitassets.domain.conflict import CONFLICT, iter_text_conflicts
from gitassets.domain.image_prompt import find_user_prompt, follows_prompt, with_prompt
from gitassets.domain.manifest import Address, Kind, Manifest, Segment
from gitassets.domain.names import MAX_NAME, Names, clean_name, find_names, with_names
from gitassets.domain.reopened import how_to_reopen
from gitassets.domain.script import check_script, split_by_rules
from gitassets.domain.script_rules import ScriptRules, find_script_rules
from gitassets.domain.selection import Selection, format_ranges, select_segments
from gitassets.domain.stale import Stale, iter_stale, text_md5
from gitassets.errors import ConflictError, LockedError, MissingInputError, UsageError
from gitassets.making.record import write_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.not_ready import suggest_conclusion
from gitassets.runs.project import Project, Run
from gitassets.runs.settle_merge import Settled
from gitassets.runs.transaction import Session


@dataclass(frozen=True, kw_only=True)
class EditOptions:
    """What to change; None keeps it. An empty prompt removes the user's prompt, and an empty title or speaker too."""

    text: str | None = None
    prompt: str | None = None
    title: str | None = None
    speaker: str | None = None
    dry_run: bool = False


class EditResult(Struct, frozen=True, kw_only=True):
    """Text, prompt, title and speaker, now and before. `stale` are the segment's assets that no longer fit them.

    `prompt_has_effect` is False if the segment's image is made by a provider that follows no prompt.

    `commit` is None if nothing changed, or on a dry run. During a merge `merge` lists the remaining conflicts, and
    `commit` is the one that concludes the merge.
    """

    run_id: str
    segment: int
    text_before: str
    text: str
    prompt_before: str | None
    prompt: str | None
    title_before: str
    title: str
    speaker_before: str
    speaker: str
    stale: tuple[Stale, ...]
    commit: str | None
    dry_run: bool
    merge: Settled | None = None
    prompt_has_effect: bool = True

    @property
    def changed(self) -> tuple[str, ...]:
        """Name what changed: "text", "prompt", "title", "speaker"."""
        pairs = {
            "text": (self.text_before, self.text),
            "prompt": (self.prompt_before, self.prompt),
            "title": (self.title_before, self.title),
            "speaker": (self.speaker_before, self.speaker),
        }
        return tuple(name for name, (before, after) in pairs.items() if before != after)


def edit(project: Project, run: Run, selection: Selection, options: EditOptions) -> EditResult:
    """Change the text or prompt of the chosen segment. Its assets keep their bytes; those that no longer fit are stale.

    Raise LockedError if the narration of the old text, or the image of the old prompt, is approved. During a merge only
    a text in conflict can be edited.
    """
    if not _list_given(options):
        raise MissingInputError(
            "Say what to change", "With --text TEXT, or --prompt TEXT for what the image is to show."
        )
    if options.dry_run:
        manifest = read_manifest(project, run)
        return _result(manifest, _edit(manifest, selection, options), options)
    with write_run(project, run, "edit", in_merge=True) as session:
        before = session.manifest
        edited = _edit(before, selection, options)
        if session.merging:
            _check_in_conflict(session, list(edited), options)
        result, after = _result(before, edited, options), before.with_segments(edited)
        if session.merging:
            settled = session.settle(after, _describe(result))
            return replace(result, commit=settled.commit, merge=settled)
        commit = session.commit(after, _describe(result)) if after != before else None
    return replace(result, commit=commit)


def _list_given(options: EditOptions) -> list[str]:
    given = (options.text, options.prompt, options.title, options.speaker)
    return [one for one in given if one is not None]


def _edit(manifest: Manifest, selection: Selection, options: EditOptions) -> dict[int, Segment]:
    """Return the edited segment by its number."""
    numbers = select_segments(selection, manifest)
    if len(numbers) != 1:
        raise UsageError("One segment is edited at a time", "Name one, such as 3.")
    number = numbers[0]
    segment = manifest.segments[number]
    if options.text is not None:
        segment = _with_text(manifest, number, segment, _check_text(options.text, find_script_rules(manifest)))
    if options.prompt is not None:
        segment = _with_prompt(manifest, number, segment, clean_words(options.prompt) or None)
    return {number: _with_names(segment, options)}


def _with_names(segment: Segment, options: EditOptions) -> Segment:
    """Set the names. They are no part of what is approved."""
    old = find_names(segment)
    speaker = old.speaker if options.speaker is None else _check_name(options.speaker, "speaker")
    title = old.title if options.title is None else _check_name(options.title, "title")
    new = Names(speaker, title)
    return segment if new == old else with_names(segment, new)


def _check_name(text: str, what: str) -> str:
    words = clean_words(text)
    if len(words) > MAX_NAME:
        raise UsageError(f"The {what} has {len(words)} characters, and {MAX_NAME} fit over a picture", "Shorten it.")
    return clean_name(words)


def _check_in_conflict(session: Session, numbers: Sequence[int], options: EditOptions) -> None:
    if len(_list_given(options)) > (options.text is not None) or not set(numbers) <= set(
        iter_text_conflicts(session.manifest)
    ):
        raise ConflictError(
            f"Segment {format_ranges(numbers)} of {session.run.run_id} cannot be edited now: a merge is not finished, "
            "and only its texts that are in conflict can be settled",
            suggest_conclusion(session),
        )


def _check_text(text: str, rules: ScriptRules) -> str:
    """Return the text, checked to be one paragraph."""
    paragraphs = split_by_rules(check_script(text.encode("utf-8", "surrogateescape"), "The text"), "The text", rules)
    if len(paragraphs) != 1:
        raise UsageError(
            f"The text has {len(paragraphs)} paragraphs, and a segment is one",
            "Leave out the blank lines. `produce --resume RUN --script FILE` adds segments at the end.",
        )
    return paragraphs[0]


def _with_text(manifest: Manifest, number: int, segment: Segment, text: str) -> Segment:
    """Set the segment's text, which settles a conflict between the texts of two branches.

    While its narration is locked, only the text of that narration is allowed.
    """
    if text != segment.paragraph_text:
        require_same_narration(manifest, {number: replace(segment, paragraph_text=text)})
    extra = {key: value for key, value in segment.extra.items() if key != CONFLICT}
    return replace(segment, paragraph_text=text, extra=extra)


def require_same_narration(manifest: Manifest, edited: Mapping[int, Segment]) -> None:
    """Raise LockedError if the locked narration of one of these segments speaks another text than the edited one."""
    rules = find_script_rules(manifest)
    for number, segment in edited.items():
        audio = manifest.segments[number].audio
        if audio is None or audio.text_md5 != text_md5(segment.paragraph_text, rules):
            _require_unlocked(manifest, Address(number, Kind.AUDIO), "what it speaks")


def _with_prompt(manifest: Manifest, number: int, segment: Segment, prompt: str | None) -> Segment:
    if prompt == find_user_prompt(segment):
        return segment
    _require_unlocked(manifest, Address(number, Kind.IMAGE), "what it is to show")
    return with_prompt(segment, prompt)


def _require_unlocked(manifest: Manifest, address: Address, what: str) -> None:
    asset = manifest.asset(address)
    if asset is not None and asset.locked:
        raise LockedError(
            f"{address} of {manifest.run_id} is {asset.status}, and so locked: {what} cannot be changed",
            how_to_reopen(manifest.run_id, address),
        )


def _describe(result: EditResult) -> CommitMessage:
    # Without a change, a conflict between two texts was settled with the text that was here.
    what = f"the {' and the '.join(result.changed or ('text',))} of segment {result.segment}"
    return CommitMessage(result.run_id, "edit", what, "", segments=(result.segment,))


def _result(before: Manifest, edited: dict[int, Segment], options: EditOptions) -> EditResult:
    ((number, segment),) = edited.items()
    after = before.with_segments(edited)
    return EditResult(
        run_id=before.run_id,
        segment=number,
        text_before=before.segments[number].paragraph_text,
        text=segment.paragraph_text,
        prompt_before=find_user_prompt(before.segments[number]),
        prompt=find_user_prompt(segment),
        title_before=find_names(before.segments[number]).title,
        title=find_names(segment).title,
        speaker_before=find_names(before.segments[number]).speaker,
        speaker=find_names(segment).speaker,
        stale=tuple(one for one in iter_stale(after) if one.address.segment == number),
        commit=None,
        dry_run=options.dry_run,
        prompt_has_effect=segment.image is None or follows_prompt(segment.image.source),
    )
