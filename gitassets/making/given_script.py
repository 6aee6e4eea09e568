"""Read the script that a run is to be made or extended from, by the rules of that run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitassets.domain.manifest import Manifest, Segment
from gitassets.domain.names import with_names
from gitassets.domain.script import Script, make_script
from gitassets.domain.script_changes import NO_CHANGES, ScriptChanges, compare_script
from gitassets.domain.script_rules import (
    FIRST_SCRIPT_RULES,
    NEWEST_RULES,
    ScriptRules,
    find_script_rules,
    record_script_rules,
)
from gitassets.interchange.read_script import ScriptSource
from gitassets.interchange.script_pictures import NO_PICTURES, ScriptPictures, find_pictures
from gitassets.making.plan_run import ProduceOptions, select_paragraphs
from gitassets.runs.project import Project

TITLE, LANGUAGE = "title", "language"
AnyScript = ScriptSource | Sequence[str]
"""A script, or paragraphs that are split already, which go by the first rules."""


@dataclass(frozen=True)
class GivenScript:
    """The script, its selected paragraphs as segments, their pictures, and how it differs from the run."""

    script: Script
    chosen: Mapping[int, Segment]
    pictures: ScriptPictures
    changes: ScriptChanges = NO_CHANGES

    @property
    def keys(self) -> dict[str, Any]:
        """The manifest's keys for title, language and rules."""
        front = {TITLE: self.script.title, LANGUAGE: self.script.front.language}
        return {**{key: value for key, value in front.items() if value}, **record_script_rules(self.script.rules)}

    @property
    def plan(self) -> dict[str, object]:
        """The part of a run's plan that the front matter sets."""
        front = self.script.front
        return {key: value for key, value in (("voice", front.voice), ("style", front.style)) if value}


def read_new_script(project: Project, source: AnyScript, options: ProduceOptions) -> GivenScript:
    """Read the script of a new run. The script of a trial of claude-studio keeps the numbers that it has there."""
    of_trial = isinstance(source, ScriptSource) and source.of_trial
    return _read(source, FIRST_SCRIPT_RULES if of_trial else ScriptRules(NEWEST_RULES, project.settings.code), options)


def read_changed_script(manifest: Manifest, source: AnyScript, options: ProduceOptions) -> GivenScript:
    """Read the script of an existing run, by the run's own rules."""
    given = _read(source, find_script_rules(manifest), options)
    if "claude_studio" in manifest.extra:
        return given
    texts = {number: one.paragraph_text for number, one in given.chosen.items()}
    is_part = bool(options.start) or options.limit is not None
    changes = compare_script(manifest, texts, is_part=is_part)
    return GivenScript(given.script, given.chosen, given.pictures, changes)


def _read(source: AnyScript, rules: ScriptRules, options: ProduceOptions) -> GivenScript:
    if not isinstance(source, ScriptSource):
        return GivenScript(make_script(source), select_paragraphs(source, options), NO_PICTURES)
    script = source.parse(rules)
    chosen = {
        number: with_names(segment, script.paragraphs[number - 1].names)
        for number, segment in select_paragraphs(script.texts, options).items()
    }
    return GivenScript(script, chosen, find_pictures(script, source, chosen))
