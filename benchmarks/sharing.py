"""What sharing costs: `gitassets push` and `pull` of a run against `dvc push` and `dvc pull` of the same files.

Every line is a ratio of two things measured in turn in the same run of this script. Run: python benchmarks/sharing.py
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace
from synthetic import git, isolate, make_project, make_run
from timing import Case, measure, show, time_command

from gitassets.actions.approve import approve
from gitassets.adapters.files import hash_bytes, write_atomic
from gitassets.domain.commit_message import CommitMessage, Transition
from gitassets.domain.manifest import Address, Asset, Kind
from gitassets.domain.selection import AssetSelection, parse_selection
from gitassets.domain.status import Status
from gitassets.runs.lookup import find_run
from gitassets.runs.project import Project, Run, find_project
from gitassets.runs.transaction import begin

GITASSETS = (sys.executable, "-m", "gitassets")
DVC = (sys.executable, "-m", "dvc")
RUN = "shared"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="which to run; all without")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--size", type=int, default=200_000, help="bytes of each asset")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        isolate(Path(folder))
        office = Office(Path(folder), options)
        for name, benchmark in BENCHMARKS.items():
            if not options.only or name in options.only:
                benchmark(office, options)


class Office:
    """A project with one run, a bare repository, a store for the media, and the same files in plain git and DVC."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.store = folder, folder / "store"
        self.server, self.plain_store = folder / "server.git", folder / "plain-store"
        git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(self.server))
        self.project = make_project(folder / "project")
        configure(self.project.root, self.store)
        git(self.project.root, "remote", "add", "origin", str(self.server))
        git(self.project.root, "commit", "--quiet", "--all", "--message", "A store")
        git(self.project.root, "push", "--quiet", "origin", "main")
        self.run = make_large_run(self.project, options.assets, options.size)
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
        time_command((*GITASSETS, "init"), root, os.environ)
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


def bench_push(office: Office, options: argparse.Namespace) -> None:
    def plain() -> float:
        office.clear()
        return time_command((*DVC, "push", "--quiet"), office.plain, os.environ)

    def ours() -> float:
        office.clear()
        return time_command((*GITASSETS, "push", RUN), office.project.root, os.environ)

    show(
        f"Push of {options.assets:,} assets",
        measure({"dvc push": plain, "gitassets push": ours}, options.rounds),
        target=1.2,
    )


def bench_nothing(office: Office, options: argparse.Namespace) -> None:
    push(office)
    cases: dict[str, Case] = {
        "dvc push": lambda: time_command((*DVC, "push", "--quiet"), office.plain, os.environ),
        "gitassets push": lambda: time_command((*GITASSETS, "push", RUN), office.project.root, os.environ),
    }
    show("Push with nothing to do", measure(cases, options.rounds))


def push(office: Office, *args: str) -> None:
    office.clear()
    time_command((*DVC, "push", "--quiet"), office.plain, os.environ)
    time_command((*GITASSETS, "push", RUN, *args), office.project.root, os.environ)


def bench_pull(office: Office, options: argparse.Namespace) -> None:
    push(office)
    colleague = office.clone()

    def plain() -> float:
        for path in ("audio", "images", ".dvc/cache"):
            remove(office.plain / path)
        return time_command((*DVC, "pull", "--quiet"), office.plain, os.environ)

    def ours() -> float:
        forget(colleague)
        return time_command((*GITASSETS, "pull", RUN), colleague, os.environ)

    show(
        f"Pull of {options.assets:,} assets",
        measure({"dvc pull": plain, "gitassets pull": ours}, options.rounds),
        target=1.2,
    )
    cases = {
        "dvc pull": lambda: time_command((*DVC, "pull", "--quiet"), office.plain, os.environ),
        "gitassets pull": lambda: time_command((*GITASSETS, "pull", RUN), colleague, os.environ),
    }
    show("Pull with nothing to do", measure(cases, options.rounds))


def forget(colleague: Path) -> None:
    """The run was never pulled."""
    remove(colleague / "runs")
    git(colleague, "worktree", "prune")
    for ref in (f"refs/heads/run/{RUN}", f"refs/remotes/origin/run/{RUN}"):
        git(colleague, "update-ref", "-d", ref)
    remove(colleague / ".git" / "gitassets" / "dvc-cache")
    remove(colleague / ".git" / "gitassets" / "stat-index")


def bench_approved(office: Office, options: argparse.Namespace) -> None:
    colleague = office.clone()

    def all_of_it() -> float:
        office.clear()
        return time_command((*GITASSETS, "push", RUN), office.project.root, os.environ)

    def approved() -> float:
        office.clear()
        return time_command((*GITASSETS, "push", RUN, "--only", "approved"), office.project.root, os.environ)

    show(
        f"Push of the 10 approved among {options.assets:,}",
        measure({"all": all_of_it, "approved": approved}, options.rounds),
    )
    print(f"  {count_bytes(office.store):,} bytes are on the remote")

    def pull(*args: str) -> Callable[[], float]:
        def case() -> float:
            forget(colleague)
            return time_command((*GITASSETS, "pull", RUN, *args), colleague, os.environ)

        return case

    push(office)
    cases = {"all": pull(), "approved": pull("--only", "approved")}
    show(f"Pull of the 10 approved among {options.assets:,}", measure(cases, options.rounds))
    print(f"  {count_bytes(find_project(colleague).blobs.cache_dir):,} bytes are in the cache")


def count_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


BENCHMARKS: dict[str, Callable[[Office, argparse.Namespace], None]] = {
    "push": bench_push,
    "nothing": bench_nothing,
    "pull": bench_pull,
    "approved": bench_approved,
}

if __name__ == "__main__":
    main()
