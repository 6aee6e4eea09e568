"""Sharing: push and pull of a run, beside `dvc push` and `dvc pull` of the same files."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from benchmarks.ratio import Ratio
from benchmarks.synthetic import DVC, GITASSETS, git, make_project, make_run, scratch
from benchmarks.timing import Case, Sample, compare, time_command
from gitassets.actions.approve import approve
from gitassets.adapters.files import hash_bytes, write_atomic
from gitassets.domain.commit_message import CommitMessage, Transition
from gitassets.domain.manifest import Address, Asset, Kind
from gitassets.domain.selection import AssetSelection, parse_selection
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run
from gitassets.runs.transaction import begin

RUN = "shared"
# How many assets, and of how many bytes each.
RUNS = ((1_000, 200_000), (10_000, 20_000))


def measure(rounds: int) -> list[Ratio]:
    found = []
    for assets, size_bytes in RUNS:
        with scratch() as folder:
            office = Office(folder, assets, size_bytes)
            for bench in (bench_push, bench_nothing, bench_pull, bench_approved):
                found += bench(office, min(rounds, 3))
    return found


class Office:
    """A project with one run, a bare repository, a store for the media, and the same files in plain git and DVC."""

    def __init__(self, folder: Path, assets: int, size_bytes: int) -> None:
        self.about = f"{assets:,} assets of {size_bytes // 1000} kB"
        self.folder, self.store = folder, folder / "store"
        self.server, self.plain_store = folder / "server.git", folder / "plain-store"
        git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(self.server))
        self.project = make_project(folder / "project")
        configure(self.project.root, self.store)
        git(self.project.root, "remote", "add", "origin", str(self.server))
        git(self.project.root, "commit", "--quiet", "--all", "--message", "A store")
        git(self.project.root, "push", "--quiet", "origin", "main")
        self.run = make_large_run(self.project, assets, size_bytes)
        self.plain = self._make_plain()

    def _make_plain(self) -> Path:
        """A clone of the run's branch alone, whose files DVC has in its own cache."""
        root = self.folder / "plain"
        git(
            self.folder,
            "clone",
            "--quiet",
            "--branch",
            f"run/{RUN}",
            "--single-branch",
            str(self.project.root),
            "plain",
        )
        configure(root, self.plain_store)
        shutil.copytree(self.project.blobs.cache_dir / "files", root / ".dvc" / "cache" / "files")
        return root

    def clear(self) -> None:
        """Nothing was pushed yet."""
        for store in (self.store, self.plain_store):
            remove(store)
        git(self.server, "update-ref", "-d", f"refs/heads/run/{RUN}")
        for root in (self.project.root, self.plain):
            remove(root / ".git" / "gitassets" / "remotes")
            for site in root.glob(".git/gitassets/dvc-site"):
                remove(site)

    def clone(self) -> Path:
        """A colleague's clone of the project, set up, without the run."""
        root = self.folder / "colleague"
        remove(root)
        git(self.folder, "clone", "--quiet", str(self.server), root.name)
        time_command((*GITASSETS, "init"), root)
        return root


def configure(root: Path, store: Path) -> None:
    (root / ".dvc" / "config").write_text(
        f'[core]\n    remote = store\n    autostage = false\n[cache]\n    type = "reflink,copy"\n'
        f"['remote \"store\"']\n    url = {store}\n"
    )
    (root / ".dvc" / "config.local").write_text(f"[core]\n    site_cache_dir = {root / '.git/gitassets/dvc-site'}\n")


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def make_large_run(project: Project, count: int, size: int) -> Run:
    """A run of so many assets with bytes that nothing compresses, ten of them approved."""
    kinds = (Kind.AUDIO, Kind.IMAGE)
    run = make_run(project, RUN, count // len(kinds), kinds)
    noise = random.Random(1)  # noqa: S311 (no secret)
    with begin(project, run, "make") as session:
        assets: dict[Address, Asset | None] = {}
        for address, asset in session.manifest.assets():
            data = noise.randbytes(size)
            path = session.folder / asset.path
            write_atomic(path, data)
            assets[address] = replace(asset, md5=hash_bytes(data), size=size)
            session.index.note(asset.path, hash_bytes(data))
            project.blobs.copy_in(path, hash_bytes(data))
        transitions = tuple(Transition(one, Status.REVIEW, Status.REVIEW) for one in assets)
        message = CommitMessage(RUN, "regen", "everything", transitions=transitions)
        session.commit(session.manifest.with_assets(assets), message)
    approve(project, run, AssetSelection({Kind.IMAGE: parse_selection("1-10")}))
    return find_run(project, RUN)


def bench_push(office: Office, rounds: int) -> list[Ratio]:
    return compare(
        f"`push` of {office.about}",
        _cleared(office, _push(office)),
        rounds,
        instead="`dvc push`",
        theirs=_cleared(office, _dvc(office, "push")),
        target=1.2,
    )


def bench_nothing(office: Office, rounds: int) -> list[Ratio]:
    push(office)
    found = []
    for verb in ("push", "pull"):
        ours = lambda verb=verb: time_command((*GITASSETS, verb, RUN), office.project.root)  # noqa: E731
        theirs = _dvc(office, verb)
        found += compare(
            f"`{verb}` with nothing to do, {office.about}", ours, rounds, instead=f"`dvc {verb}`", theirs=theirs
        )
    return found


def bench_pull(office: Office, rounds: int) -> list[Ratio]:
    push(office)
    colleague = office.clone()

    def plain() -> Sample:
        for path in ("audio", "images", ".dvc/cache"):
            remove(office.plain / path)
        return _dvc(office, "pull")()

    return compare(
        f"`pull` of {office.about}",
        _pull(colleague),
        rounds,
        instead="`dvc pull`",
        theirs=plain,
        target=1.2,
    )


def bench_approved(office: Office, rounds: int) -> list[Ratio]:
    only = ("--only", "approved")
    pushed = compare(
        f"`push --only approved`, 10 of {office.about}",
        _cleared(office, _push(office, only)),
        rounds,
        instead="`push` of all",
        theirs=_cleared(office, _push(office)),
    )
    push(office)
    colleague = office.clone()
    pulled = compare(
        f"`pull --only approved`, 10 of {office.about}",
        _pull(colleague, only),
        rounds,
        instead="`pull` of all",
        theirs=_pull(colleague),
    )
    return [*pushed, *pulled]


def push(office: Office) -> None:
    office.clear()
    _dvc(office, "push")()
    _push(office)()


def _push(office: Office, words: Sequence[str] = ()) -> Case:
    return lambda: time_command((*GITASSETS, "push", RUN, *words), office.project.root)


def _pull(colleague: Path, words: Sequence[str] = ()) -> Case:
    def case() -> Sample:
        forget(colleague)
        return time_command((*GITASSETS, "pull", RUN, *words), colleague)

    return case


def _dvc(office: Office, verb: str) -> Case:
    return lambda: time_command((*DVC, verb, "--quiet"), office.plain)


def _cleared(office: Office, case: Case) -> Case:
    def cleared() -> Sample:
        office.clear()
        return case()

    return cleared


def forget(colleague: Path) -> None:
    """The run was never pulled."""
    remove(colleague / "runs")
    git(colleague, "worktree", "prune")
    for ref in (f"refs/heads/run/{RUN}", f"refs/remotes/origin/run/{RUN}"):
        git(colleague, "update-ref", "-d", ref)
    remove(colleague / ".git" / "gitassets" / "dvc-cache")
    remove(colleague / ".git" / "gitassets" / "stat-index")
