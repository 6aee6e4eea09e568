"""Judge a run's branch that comes from outside, before any of it is written into a folder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from gitassets.adapters.git.repository import Git
from gitassets.domain.tree_rules import TreeEntry, is_attributes, iter_program_problems, iter_tree_problems
from gitassets.errors import ConflictError
from gitassets.runs.audit import HistoryAudit, VerifyResult
from gitassets.runs.history import read_tree
from gitassets.runs.project import Project, Run
from gitassets.runs.remotes import RemoteSource

_SHOWN = 5


def check_incoming(
    project: Project,
    run: Run,
    new: str,
    known: str | None,
    source: RemoteSource,
    *,
    accepted: Collection[str] = (),
) -> None:
    """Check the commit `new` of the run's branch.

    Raise ConflictError if it would write files outside the run, if its `source` names DVC remotes that are neither
    known nor accepted, or if it breaks a lock since `known`.
    """
    for problem in iter_file_problems(project.git, new):
        raise _refuse(run, problem)
    source.check_branch(accepted)
    if known is not None and not project.git.list_merge_bases(new, known):
        raise _refuse(run, "it is another run of the same name, with nothing in common with the one here")
    result = VerifyResult()
    HistoryAudit(project.git, run.run_id, result).check(new, [] if known is None else [known])
    if result.findings:
        raise _refuse(run, "".join(f"\n  {one.sentence}" for one in result.findings[:_SHOWN]))


def iter_file_problems(git: Git, commit: str) -> Iterator[str]:
    """Yield the reasons why files of the commit from outside must not be checked out here.

    Word times harm nobody: whether they are valid is for the rules that the commit follows.
    """
    entries = read_tree(git, commit)
    found = iter_tree_problems(entries, with_words=False)
    problems = (*found, *iter_program_problems(entries, _read_attributes(git, commit, entries)))
    yield from (f"{one.path} {one.problem}" for one in problems)


def _read_attributes(git: Git, commit: str, entries: Iterable[TreeEntry]) -> dict[str, bytes]:
    """Return the contents of the .gitattributes files, by path."""
    names = {f"{commit}:{one.path}": one.path for one in entries if is_attributes(one.path)}
    return {names[name]: data or b"" for name, data in git.read_blobs(list(names)).items()}


def _refuse(run: Run, why: str) -> ConflictError:
    return ConflictError(
        f"The branch of run {run.run_id} is refused: {why}",
        "Nothing here was changed. Whoever pushed it has to correct it.",
    )
