"""Read the audit trail of a run from git."""

from __future__ import annotations

from gitassets.adapters.git.repository import Commit
from gitassets.adapters.state.deviation_log import Deviation
from gitassets.domain.audit import LogEntry
from gitassets.domain.commit_message import (
    CommitMessage,
    parse_claims,
    parse_message,
    parse_segments,
    parse_words,
)
from gitassets.domain.manifest import Kind
from gitassets.domain.selection import Selection, select_segments
from gitassets.runs.deviations import find_deviations
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run


def read_log(
    project: Project, run: Run, *, segments: Selection | None = None, kind: Kind | None = None
) -> tuple[LogEntry, ...]:
    """Read the run's history, newest first; with `segments` or `kind` only the commits that changed such assets.

    Transitions come from the messages, unless the manifests prove others.
    """
    numbers = None if segments is None else set(select_segments(segments, read_manifest(project, run)))
    deviations = find_deviations(project, run)
    entries = (_entry(commit, deviations.get(commit.oid)) for commit in project.git.iter_log(run.ref))
    return tuple(entry for entry in entries if _concerns(entry, numbers, kind))


def read_graph(project: Project, run: Run) -> tuple[tuple[str, str], ...]:
    """Return the lines of git's drawing of the history, newest first, each with its commit or none."""
    out = project.git.call("log", "--graph", "--topo-order", "--no-color", "--format=%x00%H", run.ref, "--")
    drawn = (line.partition("\0") for line in out.decode().splitlines())
    return tuple((f"{before.rstrip()} " if commit else before.rstrip(), commit) for before, _, commit in drawn)


def _entry(commit: Commit, deviation: Deviation | None) -> LogEntry:
    parsed = parse_message(commit.message)
    subject = commit.message.split("\n", 1)[0]
    if parsed is None:
        words, claims = parse_words(commit.message), parse_claims(commit.message)
        parsed = CommitMessage("", "", subject, words, claims, parse_segments(commit.message))
    summary = f"{parsed.action} {parsed.what}".strip()
    return LogEntry(
        commit.oid,
        commit.date,
        commit.author,
        commit.email,
        parsed.action,
        summary,
        parsed.words,
        deviation.transitions if deviation else parsed.transitions,
        parsed.segments,
        deviation.by_hand if deviation else (),
        parsed.reviewed_by,
    )


def _concerns(entry: LogEntry, numbers: set[int] | None, kind: Kind | None) -> bool:
    if numbers is None and kind is None:
        return True
    if kind is None and numbers is not None and numbers & set(entry.segments):
        return True
    return any(
        (numbers is None or one.address.segment in numbers) and (kind is None or one.address.kind is kind)
        for one in entry.transitions
    )
