"""A hostile branch on the server is refused with the reason before any of its files is written."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from gitassets.actions.approve import approve
from gitassets.actions.open import open_run
from gitassets.adapters.files import hash_bytes
from gitassets.domain.dvc_file import folder_listing, imply_dvc_files
from gitassets.domain.manifest import MANIFEST_NAME
from gitassets.domain.manifest_format import format_manifest
from gitassets.domain.manifest_parsing import parse_manifest
from gitassets.errors import GitAssetsError
from gitassets.runs.lookup import find_run
from tests.actions.checks import assert_clean, files_below, git, run_cli, select
from tests.actions.locked_run import IMAGE_1, IMAGE_3, LockedRun, change_by_hand, with_bytes
from tests.actions.sharing import Office, dvc, join, make_office, pull_run, push_run, write_dvc_config
from tests.storage import FolderStorage

Harm = Callable[[Path], None]


@pytest.fixture
def office(locked: LockedRun, tmp_path: Path) -> Office:
    office = make_office(tmp_path)
    office.equip(locked.project.root)
    push_run(locked)
    return office


def attack(office: Office, folder: Path, harm: Harm) -> str:
    """Push a commit with the harm past every hook and return it."""
    git(folder.parent, "clone", "--quiet", "--branch", "run/ep1", str(office.server), folder.name)
    harm(folder)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--no-verify", "--message", "Nothing to see here")
    git(folder, "push", "--quiet", "--no-verify", "origin", "HEAD:run/ep1")
    return git(folder, "rev-parse", "HEAD").strip()


def link_folder(folder: Path) -> None:
    (folder / "images").symlink_to("../../..")


def link_file(folder: Path) -> None:
    (folder / "audio.dvc").unlink()
    (folder / "audio.dvc").symlink_to("/etc/passwd")


def commit_media(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "images" / "scene_000.png").write_bytes(b"no picture")


def track_more(folder: Path) -> None:
    (folder / "dvc.yaml").write_text("stages:\n  x:\n    cmd: touch /tmp/pwned\n")


def annotate(folder: Path) -> None:
    (folder / "dvc.yaml").write_text("artifacts:\n  voice:\n    path: audio/audio_000.wav\n    type: model\n")


def track_more_later(folder: Path) -> None:
    """Commit a harmless file first, then the harm in it."""
    annotate(folder)
    git(folder, "add", "dvc.yaml")
    git(folder, "commit", "--quiet", "--no-verify", "--message", "A model")
    track_more(folder)


def track_in_odd_folder(folder: Path) -> None:
    """Use a folder name that contains a line end."""
    (folder / "two\nlines").mkdir()
    (folder / "two\nlines" / "dvc.yaml").write_text("artifacts: {}\n")


def set_locally(folder: Path) -> None:
    (folder / ".dvc" / "config.local").write_text("[cache]\n    dir = /somewhere\n")


def climb(folder: Path) -> None:
    """Name a file above the run in the manifest."""
    path = folder / MANIFEST_NAME
    path.write_text(path.read_text().replace("images/scene_002.png", "images/../../../outside.png"))


def list_more(folder: Path) -> None:
    """Name in a .dvc file a listing with `..` in it that the manifest does not imply."""
    manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes())
    implied = imply_dvc_files(manifest)["images"]
    rows = [(one["relpath"], one["md5"]) for one in json.loads(implied.listing)]
    listing = folder_listing([*rows, ("../../../outside.png", rows[0][1])])
    name = f"{hash_bytes(listing)}.dir"
    FolderStorage(folder.parent / "store").write(name, listing)
    text = (folder / "images.dvc").read_text().replace(implied.md5, name)
    (folder / "images.dvc").write_text(text.replace(f"nfiles: {implied.nfiles}", f"nfiles: {implied.nfiles + 1}"))


def take_lock_away(folder: Path) -> None:
    change_by_hand(folder, IMAGE_1, lambda _: None)


def approve_by_hand(folder: Path) -> None:
    """Give an approved asset other bytes."""
    change_by_hand(folder, IMAGE_1, lambda one: replace(one, md5="0" * 32))


def be_another(folder: Path) -> None:
    manifest = parse_manifest((folder / MANIFEST_NAME).read_bytes())
    (folder / MANIFEST_NAME).write_bytes(format_manifest(replace(manifest, run_id="other")))


def break_manifest(folder: Path) -> None:
    (folder / MANIFEST_NAME).write_text('{"run_id": ')


def remove_manifest(folder: Path) -> None:
    (folder / MANIFEST_NAME).unlink()


def configure(text: str) -> Harm:
    def harm(folder: Path) -> None:
        with (folder / ".dvc" / "config").open("a") as file:
            file.write(text)

    return harm


def set_cache(lines: str) -> Harm:
    def harm(folder: Path) -> None:
        path = folder / ".dvc" / "config"
        path.write_text(path.read_text().replace('type = "reflink,copy"', lines))

    return harm


def write_note(folder: Path) -> None:
    (folder / "notes.txt").write_text("no harm")


def write(name: str, text: str = "") -> Harm:
    def harm(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            file.write(f"{text}\n")

    return harm


def move_store(folder: Path) -> None:
    (folder / ".dvc" / "config").write_text("['remote \"store\"']\n    url = /somewhere/else\n")


HARMS: dict[str, tuple[Harm, str]] = {
    "a linked folder": (link_folder, "images is a symbolic link"),
    "a linked file": (link_file, "audio.dvc is a symbolic link"),
    "media in git": (commit_media, "images/scene_000.png lies in a folder whose files DVC tracks"),
    "a pipeline": (track_more, "dvc.yaml would have DVC track files"),
    "a pipeline later": (track_more_later, "dvc.yaml would have DVC track files"),
    "a pipeline under an odd name": (track_in_odd_folder, "dvc.yaml would have DVC track files"),
    "settings of this machine": (set_locally, ".dvc/config.local is no settings file of DVC that a run commits"),
    "a path that climbs": (climb, "does not name a file inside one of the run's folders"),
    "a listing that climbs": (list_more, "images.dvc has md5"),
    "a lock taken away": (take_lock_away, "image 1 is approved and locked, but it was removed"),
    "an approval of other bytes": (approve_by_hand, "image 1 is approved"),
    "another run": (be_another, "run other"),
    "no JSON": (break_manifest, "is not JSON"),
    "no manifest": (remove_manifest, "is gone"),
    "hard links in the cache": (set_cache("type = hardlink"), "endanger approved bytes"),
    "another cache": (set_cache('type = "reflink,copy"\n    dir = /somewhere'), "sets cache.dir"),
    "a machine": (configure("['machine \"x\"']\n    cloud = aws\n    startup_script = x.sh\n"), 'sets machine "x".'),
    "a command": (
        configure("['remote \"evil\"']\n    url = webdavs://x/y\n    bearer_token_command = touch /tmp/pwned\n"),
        "has the option bearer_token_command, which a branch may not bring along",
    ),
    "a file with a program in it": (
        configure("['remote \"evil\"']\n    url = s3://x/y\n    configpath = ../aws\n"), "has the option configpath",
    ),
    "another remote's keys": (
        configure("['remote \"evil\"']\n    url = remote://store/../x\n"), "stands for another remote",
    ),
    "a foreign remote": (
        configure("['remote \"evil\"']\n    url = s3://evil/x\n"), "names a DVC remote that this project does not know",
    ),
    "a server for the keys": (
        configure("['remote \"evil\"']\n    url = s3://x/y\n    endpointurl = https://evil\n"),
        "has the option endpointurl, which a branch may not bring along",
    ),
    "another remote's keys in capitals": (
        configure("['remote \"evil\"']\n    url = REMOTE://store/../x\n"), "stands for another remote",
    ),
    "a repository for a remote": (
        configure("['remote \"evil\"']\n    url = git://evil/x\n"), "of a kind that a branch may not bring along",
    ),
    "another run's folder": (
        configure("['remote \"evil\"']\n    url = ../../other\n"), "has the url",
    ),
    "a hook": (write(".githooks/post-checkout"), ".githooks/post-checkout has the name of a git hook"),
    "a filter": (write("sub/.gitattributes", "*.txt filter=lfs"), "sub/.gitattributes sets filter=lfs"),
    "a merge driver": (write(".gitattributes", "[attr]x merge=other"), ".gitattributes sets merge=other"),
    "a server for git-lfs": (write(".lfsconfig"), ".lfsconfig would have other programs do what it says"),
    "hooks of a framework": (write("lefthook.yml"), "lefthook.yml would have other programs do what it says"),
    "a name with an escape": (write("a\x1b[2J.txt"), "is a name that cannot be shown as it is"),
    "a name with a line end": (write("a\n.gitattributes"), "is a name that cannot be shown as it is"),
    "word times that are none": (write(f"words/{'0' * 32}.json", "[]"), "does not hold the times of words"),
    "a text among the word times": (write("words/x.md"), "is not named by the md5 of a narration"),
    "the known name for another place": (
        move_store,
        "does not know: store: /somewhere/else",
    ),
}  # fmt: skip


def outside(tmp_path: Path) -> dict[str, int]:
    """Map every file near the projects that a branch might reach to its modification time."""
    return {str(path): path.lstat().st_mtime_ns for path in tmp_path.iterdir() if stat.S_ISREG(path.lstat().st_mode)}


@pytest.mark.parametrize("name", HARMS)
def test_pull_and_open_in_a_clone_refuse_a_hostile_branch(office: Office, tmp_path: Path, name: str) -> None:
    harm, message = HARMS[name]
    attack(office, tmp_path / "mallory", harm)
    project = office.clone(tmp_path / "bea")
    before = outside(tmp_path)
    for act in (lambda: pull_run(project), lambda: open_run(project, "ep1")):
        with pytest.raises(GitAssetsError) as caught:
            act()
        assert message in caught.value.message
        assert not (project.runs_dir / "ep1").exists()
    assert git(project.root, "branch", "--list", "run/*") == ""
    assert outside(tmp_path) == before
    assert not Path("/tmp/pwned").exists()


@pytest.mark.parametrize("name", HARMS)
def test_pull_into_an_open_run_refuses_a_hostile_branch(office: Office, tmp_path: Path, name: str) -> None:
    harm, message = HARMS[name]
    bea = join(office, tmp_path / "bea")
    attack(office, tmp_path / "mallory", harm)
    before, head = files_below(bea.folder), bea.head()
    with pytest.raises(GitAssetsError) as caught:
        pull_run(bea)
    assert message in caught.value.message
    assert (files_below(bea.folder), bea.head()) == (before, head)
    assert_clean(bea.project, bea.run)


def test_dvc_yaml_without_stages_is_accepted_everywhere(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    bea = join(office, tmp_path / "bea")
    tip = attack(office, tmp_path / "colleague", annotate)
    assert pull_run(bea).commit == bea.head() == tip
    assert_clean(bea.project, bea.run)
    pull_run(locked)
    (locked.folder / "dvc.yaml").write_text("plots:\n  - loss.csv\n")
    locked.git("commit", "--quiet", "--all", "--message", "A plot")
    push_run(locked)
    assert locked.verify().holds
    dvc(locked.folder, "status")
    track_more(locked.folder)
    with pytest.raises(AssertionError, match=r"dvc.yaml would have DVC track files"):
        locked.git("commit", "--quiet", "--all", "--message", "A stage")


def test_foreign_remote_is_used_once_accepted(locked: LockedRun, office: Office, tmp_path: Path) -> None:
    other = FolderStorage(tmp_path / "elsewhere")
    for name in office.store.names():
        other.write(name, office.store.read(name))
    attack(office, tmp_path / "colleague", lambda folder: write_dvc_config(folder, other, name="new"))
    project = office.clone(tmp_path / "bea")
    done = run_cli(project.root, "pull", "ep1")
    assert done.returncode == 1
    assert f"`gitassets pull ep1 --accept {other.url}`" in done.stderr
    wrong = run_cli(project.root, "pull", "ep1", "--accept", "s3://another")
    assert wrong.returncode == 1
    right = run_cli(project.root, "pull", "ep1", "--accept", other.url)
    assert right.returncode == 0, right.stderr
    assert "from new" in right.stdout
    approve(project, find_run(project, "ep1"), select(image="3"))
    assert push_run(project).remote == "new"
    attack(office, tmp_path / "again", write_note)
    assert run_cli(project.root, "pull", "ep1").returncode == 0


def test_pull_accept_refuses_a_remote_with_a_forbidden_option(office: Office, tmp_path: Path) -> None:
    attack(office, tmp_path / "mallory", HARMS["a command"][0])
    project = office.clone(tmp_path / "bea")
    done = run_cli(project.root, "pull", "ep1", "--accept", "webdavs://x/y")
    assert done.returncode == 1
    assert "bearer_token_command" in done.stderr
    assert not (project.runs_dir / "ep1").exists()


def test_forged_listing_on_the_remote_is_replaced_and_never_used(
    locked: LockedRun, office: Office, tmp_path: Path
) -> None:
    """Another listing has the name of the right one, which follows from the manifest."""
    implied = imply_dvc_files(locked.manifest())["images"]
    rows = [(one["relpath"], one["md5"]) for one in json.loads(implied.listing)]
    office.store.write(implied.md5, folder_listing([*rows, ("../../../outside.png", rows[0][1])]))
    bea = join(office, tmp_path / "bea")
    assert_clean(bea.project, bea.run)
    dvc(bea.folder, "pull", "--quiet")
    assert not (tmp_path / "outside.png").exists()
    assert push_run(locked).media.sent == 1
    assert office.store.read(implied.md5) == implied.listing


def test_pull_refuses_a_local_media_folder_that_is_a_symbolic_link(
    locked: LockedRun, office: Office, tmp_path: Path
) -> None:
    bea = join(office, tmp_path / "bea")
    change_of_ann(locked)
    (tmp_path / "elsewhere").mkdir()
    for path in (bea.folder / "images").iterdir():
        path.rename(tmp_path / "elsewhere" / path.name)
    (bea.folder / "images").rmdir()
    (bea.folder / "images").symlink_to(tmp_path / "elsewhere")
    before = {path.name: path.read_bytes() for path in (tmp_path / "elsewhere").iterdir()}
    with pytest.raises(GitAssetsError, match="images is a symbolic link"):
        pull_run(bea)
    assert {path.name: path.read_bytes() for path in (tmp_path / "elsewhere").iterdir()} == before


def change_of_ann(locked: LockedRun) -> None:
    change_by_hand(locked.folder, IMAGE_3, lambda one: with_bytes(locked.project, one))
    git(locked.folder, "commit", "--quiet", "--no-verify", "--all", "--message", "assets(ep1): by hand")
    git(locked.folder, "push", "--quiet")


def test_pull_refuses_file_names_that_git_never_writes(office: Office, tmp_path: Path) -> None:
    """A tree with a folder named .git, made with plumbing."""
    git(tmp_path, "clone", "--quiet", "--branch", "run/ep1", str(office.server), "mallory")
    folder = tmp_path / "mallory"
    blob = git(folder, "rev-parse", "HEAD:audio.dvc").strip()
    entry = b"100644 config\0" + bytes.fromhex(blob)
    inner = hash_object(folder, entry)
    names = [line.split("\t") for line in git(folder, "ls-tree", "HEAD").splitlines()]
    lines = "".join(f"{meta}\t{name}\n" for meta, name in names) + f"040000 tree {inner}\t.git\n"
    tree = hash_object(folder, encode_tree(lines))
    commit = git(folder, "commit-tree", tree, "-p", "HEAD", "-m", "x").strip()
    git(office.server, "config", "receive.fsckObjects", "false")
    git(folder, "push", "--quiet", "origin", f"{commit}:run/ep1")
    project_root = tmp_path / "bea"
    git(tmp_path, "-c", "fetch.fsckObjects=false", "clone", "--quiet", "--single-branch", str(office.server), "bea")
    run_cli(project_root, "init")
    done = run_cli(project_root, "pull", "ep1")
    assert done.returncode == 1
    assert ".git/config would lie among git's own files" in done.stderr
    assert not (project_root / "runs" / "ep1").exists()


def encode_tree(lines: str) -> bytes:
    rows = []
    for line in lines.splitlines():
        meta, name = line.split("\t")
        mode, _, oid = meta.split(" ")
        rows.append((name + ("/" if mode == "040000" else ""), mode.lstrip("0"), name, oid))
    return b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for _, mode, name, oid in sorted(rows))


def hash_object(folder: Path, data: bytes) -> str:
    import subprocess

    return subprocess.run(
        ("git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"),
        cwd=folder, input=data, capture_output=True, check=True, env=os.environ,
    ).stdout.decode().strip()  # fmt: skip
