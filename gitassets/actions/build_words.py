"""Find when the words of a build's narrations are spoken, and measure it where nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitassets.adapters.media.forced_alignment import LANGUAGE, Aligner, can_align
from gitassets.adapters.media.source import MediaSource, measure
from gitassets.domain.language import looks_english
from gitassets.domain.manifest import Manifest
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.script_text import find_spoken_text
from gitassets.domain.timeline import ChosenSegment
from gitassets.domain.word_times import TimedWords
from gitassets.runs.progress import OnProgress, Progress
from gitassets.runs.project import Project
from gitassets.runs.word_files import keep_words, read_known


def find_build_words(
    project: Project,
    manifest: Manifest,
    head: str,
    segments: Iterable[ChosenSegment],
    sources: Mapping[str, MediaSource],
    language: str | None,
    on_progress: OnProgress,
) -> dict[str, TimedWords]:
    """Return the word times of the narrations by md5.

    Those that are measured are kept here, for the commit of the build to record: everybody then has the same.
    """
    narrated = {one.narration.md5: one for one in segments if one.narration is not None}
    lengths = {md5: length for md5, length in measure(sources).items() if md5 in narrated}
    known = read_known(project, head, lengths)
    rules = find_script_rules(manifest)
    texts = {md5: find_spoken_text(one.markdown, rules) for md5, one in narrated.items() if md5 not in known}
    wanted = {md5: text for md5, text in texts.items() if _has_model(text, language)}
    if wanted and can_align():
        _measure(project, wanted, sources, on_progress)
        known |= read_known(project, head, {md5: lengths[md5] for md5 in wanted if md5 in lengths})
    return known


def _has_model(text: str, language: str | None) -> bool:
    return language == LANGUAGE or (language is None and looks_english(text))


def _measure(
    project: Project, texts: Mapping[str, str], sources: Mapping[str, MediaSource], on_progress: OnProgress
) -> None:
    aligner = Aligner()
    for done, (md5, text) in enumerate(texts.items(), start=1):
        words = aligner.align(sources[md5], text.split())
        if words:
            keep_words(project, md5, TimedWords(aligner.name, words))
        on_progress(Progress(done, len(texts), "narrations timed"))
