"""A run with one approved image, copied from a template for speed, and manual changes to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.adapters.files import hash_file
from gitassets.domain.commit_message import Transition, complete_message
from gitassets.domain.derived import derive
from gitassets.domain.dvc_file import DVC_FILES, imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME, Address, Asset, Kind, Manifest
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.domain.status import Status
from gitassets.runs.audit import VerifyResult
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from gitassets.runs.work_tree import repair_links
from tests.actions.checks import git, select
from tests.media import write_picture

IMAGE_1 = Address(1, Kind.IMAGE)
IMAGE_3 = Address(3, Kind.IMAGE)


@dataclass(frozen=True)
class LockedRun:
    """Run ep1: narration 1 to 3 and image 3 are drafts, image 1 is approved."""

    project: Project
    run: Run

    @property
    def folder(self) -> Path:
        return self.run.require_folder()

    @property
    def locked_file(self) -> Path:
        return self.folder / "images" / "scene_000.png"

    def git(self, *args: str, check: bool = True) -> str:
        return git(self.folder, *args, check=check)

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def manifest(self) -> Manifest:
        return read_manifest(self.project, self.run)

    def asset(self, address: Address) -> Asset:
        found = self.manifest().asset(address)
        assert found is not None
        return found

    def verify(self, **options: object) -> VerifyResult:
        return verify(self.project, [find_run(self.project, "ep1")], VerifyOptions(**options))  # type: ignore[arg-type]

    def codes(self, **options: object) -> set[str]:
        """Return the codes of what verify finds."""
        return {one.code for one in self.verify(**options).findings}


def copy_project(template: Path, root: Path) -> Project:
    copy_tree(template, root)
    project = find_project(root)
    repair_links(project)
    return project


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder and keep its hard links, as between a kept blob and the one in the cache.

    shutil.copytree takes twice as long, and a test copies some 200 files before it begins.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy_folder(source, target, {})


def _copy_folder(source: Path, target: Path, copied: dict[int, Path]) -> None:
    target.mkdir()
    with os.scandir(source) as entries:
        for one in entries:
            to = target / one.name
            if one.is_symlink():
                to.symlink_to(Path(one.path).readlink())
            elif one.is_dir():
                _copy_folder(Path(one.path), to, copied)
            else:
                _copy_file(one, to, copied)
    _set_alike(target, source.stat())


def _copy_file(file: os.DirEntry[str], to: Path, copied: dict[int, Path]) -> None:
    found = file.stat()
    if found.st_ino in copied:
        to.hardlink_to(copied[found.st_ino])
        return
    copied[found.st_ino] = to
    shutil.copyfile(file.path, to)
    _set_alike(to, found)


def _set_alike(path: Path, found: os.stat_result) -> None:
    path.chmod(found.st_mode)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def approve_image_1(project: Project) -> None:
    approve(project, find_run(project, "ep1"), select(image="1"))


def overwrite(path: Path, seed: int = 77) -> str:
    """Replace the file with another picture and return its md5."""
    path.unlink(missing_ok=True)
    return hash_file(write_picture(path, seed=seed))


def with_bytes(project: Project, asset: Asset, seed: int = 77) -> Asset:
    """Return the asset with another picture's bytes, which are added to the cache."""
    scratch = write_picture(project.state_dir / "by-hand.png", seed=seed)
    md5, size = hash_file(scratch), scratch.stat().st_size
    project.blobs.copy_in(scratch, md5)
    return replace(asset, md5=md5, size=size, approved_md5=md5 if asset.locked else None, take=asset.take + 1)


def write_by_hand(folder: Path, manifest: Manifest) -> None:
    """Write manifest and .dvc files as gitassets does, without checking the rules."""
    (folder / MANIFEST_NAME).write_bytes(format_manifest(derive(manifest)))
    implied = {one.file_name: one.text for one in imply_dvc_files(manifest).values()}
    for name in DVC_FILES:
        if name in implied:
            (folder / name).write_text(implied[name])
        else:
            (folder / name).unlink(missing_ok=True)


def change_by_hand(folder: Path, address: Address, change: Callable[[Asset], Asset | None]) -> None:
    manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes())
    asset = manifest.asset(address)
    assert asset is not None
    write_by_hand(folder, manifest.with_asset(address, change(asset)))


def commit_by_hand(folder: Path, message: str = "By hand") -> str:
    """Commit everything without running hooks and return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--message", message)
    return git(folder, "rev-parse", "HEAD").strip()


def begin_with_rules(locked: LockedRun, rules: int) -> None:
    """Replace the run's history by one commit of its present state under this rules version."""
    write_by_hand(locked.folder, replace(locked.manifest(), rules=rules))
    git(locked.folder, "add", "--all")
    named = [Transition(address, "none", asset.status) for address, asset in locked.manifest().assets()]
    message = complete_message("Begin", "ep1", named)
    commit = git(locked.folder, "commit-tree", git(locked.folder, "write-tree").strip(), "-m", message).strip()
    git(locked.folder, "reset", "--quiet", "--hard", commit)


def with_status(status: Status) -> Callable[[Asset], Asset]:
    return lambda asset: replace(asset, status=status, approved_md5=asset.md5 if status.locked else None)
