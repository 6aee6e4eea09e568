from __future__ import annotations

from pathlib import Path

import pytest

from gitassets.actions.init import init
from gitassets.adapters.git.repository import IdentityError
from gitassets.adapters.process import CommandError
from gitassets.errors import ConflictError, CorruptError
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import dvc_status, git, run_cli, snapshot, write_hook

OURS = {"gitassets.yaml", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"}


def make_repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "script.md").write_text("Hello.\n")
    git(folder, "add", "script.md")
    git(folder, "commit", "--quiet", "-m", "My script")
    return folder


def committed(folder: Path, revision: str = "HEAD") -> set[str]:
    return set(git(folder, "ls-tree", "-r", "--name-only", revision).split())


def is_clean(folder: Path) -> bool:
    return git(folder, "status", "--porcelain") == "" and dvc_status(folder) == {}


def test_init_in_a_missing_folder_makes_a_repository_and_a_project(tmp_path: Path) -> None:
    result = init(tmp_path / "new" / "deep")
    root = tmp_path / "new" / "deep"
    assert result.root == root
    assert committed(root) >= OURS
    assert is_clean(root)
    assert git(root, "log", "--format=%s").splitlines() == ["Start the project with gitassets"]
    assert git(root, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    assert result.done[0] == f"Made a git repository in {root}"
    assert result.done[-1].startswith("Committed gitassets.yaml, .gitignore")
    assert result.uncommitted == ()


def test_init_repeated_changes_nothing(tmp_path: Path) -> None:
    first = init(tmp_path / "new")
    second = init(tmp_path / "new")
    assert first.done
    assert (second.done, second.uncommitted, second.commit) == ((), (), None)
    assert git(tmp_path / "new", "rev-list", "--count", "HEAD").strip() == "1"


def test_init_in_a_repository_adds_one_commit(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    result = init(root)
    assert git(root, "log", "--format=%s").splitlines() == ["Set up gitassets", "My script"]
    assert set(git(root, "show", "--name-only", "--format=", "HEAD").split()) >= OURS
    assert result.commit == git(root, "rev-parse", "HEAD").strip()
    assert is_clean(root)


def test_init_in_a_subfolder_sets_up_the_repository_root(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    (root / "scripts").mkdir()
    assert init(root / "scripts").root == root
    assert init(root / "scripts" / "not-there-yet").root == root


def test_init_keeps_staged_changes_staged(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    (root / "mine.txt").write_text("x")
    git(root, "add", "mine.txt")
    (root / "script.md").write_text("changed")
    init(root)
    assert sorted(git(root, "status", "--porcelain").splitlines()) == [" M script.md", "A  mine.txt"]
    assert "mine.txt" not in committed(root)


def test_init_before_the_first_commit_keeps_staged_files_staged(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "--quiet")
    (root / "mine.txt").write_text("x")
    git(root, "add", "mine.txt")
    init(root)
    assert git(root, "status", "--porcelain") == "A  mine.txt\n"


def test_init_appends_to_an_existing_gitignore(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    (root / ".gitignore").write_bytes(b"*.tmp\r\n# caf\xe9")
    git(root, "add", ".gitignore")
    git(root, "commit", "--quiet", "-m", "ignores")
    init(root)
    assert (root / ".gitignore").read_bytes() == b"*.tmp\r\n# caf\xe9\n/runs/\n"
    assert is_clean(root)


@pytest.mark.parametrize("staged", [False, True])
def test_init_does_not_commit_a_gitignore_with_user_changes(tmp_path: Path, staged: bool) -> None:
    root = make_repository(tmp_path / "repo")
    (root / ".gitignore").write_text("*.tmp\n")
    git(root, "add", ".gitignore")
    git(root, "commit", "--quiet", "-m", "ignores")
    (root / ".gitignore").write_text("*.tmp\n*.log\n")
    if staged:
        git(root, "add", ".gitignore")
    result = init(root)
    assert result.uncommitted == (".gitignore",)
    assert (root / ".gitignore").read_text() == "*.tmp\n*.log\n/runs/\n"
    assert git(root, "show", "HEAD:.gitignore") == "*.tmp\n"


def test_init_in_a_clone_writes_the_missing_local_files(tmp_path: Path, project: Project, run: Run) -> None:
    git(tmp_path, "clone", "--quiet", str(project.root), "clone")
    result = init(tmp_path / "clone")
    assert result.commit is None
    assert any("DVC" in line for line in result.done)
    assert "site_cache_dir" in (tmp_path / "clone" / ".dvc" / "config.local").read_text()
    assert is_clean(tmp_path / "clone")
    assert init(tmp_path / "clone").done == ()


def test_init_restores_a_deleted_dvc_config_local(project: Project) -> None:
    (project.root / ".dvc" / "config.local").unlink()
    assert init(project.root).commit is None
    assert (project.root / ".dvc" / "config.local").exists()


def test_init_keeps_edited_settings(project: Project) -> None:
    path = project.root / "gitassets.yaml"
    text = path.read_text().replace("runs_dir: runs", "runs_dir: takes")
    path.write_text(text)
    result = init(project.root)
    assert path.read_text() == text
    assert "/takes/" in (project.root / ".gitignore").read_text().splitlines()
    assert result.uncommitted == ("gitassets.yaml",)


def test_init_names_unreadable_settings(project: Project) -> None:
    (project.root / "gitassets.yaml").write_text("runs_dir: [")
    with pytest.raises(CorruptError, match=r"gitassets\.yaml"):
        init(project.root)


def test_init_detects_the_runs_folder_of_claude_studio(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    (root / "artifacts" / "video_production").mkdir(parents=True)
    init(root)
    assert find_project(root).settings.runs_dir == "artifacts/video_production"
    assert "/artifacts/video_production/" in (root / ".gitignore").read_text().splitlines()
    assert is_clean(root)


def test_init_keeps_existing_dvc_settings(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text("['remote \"store\"']\n    url = /srv/store\n")
    git(root, "add", "-f", ".dvc/config")
    git(root, "commit", "--quiet", "-m", "dvc")
    init(root)
    assert "url = /srv/store" in (root / ".dvc" / "config").read_text()
    assert "autostage = false" in (root / ".dvc" / "config").read_text()
    assert git(root, "status", "--porcelain") == ""


def test_init_inside_a_run_means_the_project(project: Project, run: Run) -> None:
    before = snapshot(run)
    result = init(run.require_folder() / "images")
    assert (result.root, result.done) == (project.root, ())
    assert snapshot(run) == before


def test_init_nested_makes_a_repository_inside_another(tmp_path: Path) -> None:
    outer = make_repository(tmp_path / "outer")
    result = init(outer / "inner", nested=True)
    assert result.root == outer / "inner"
    assert git(outer / "inner", "rev-list", "--count", "HEAD").strip() == "1"
    assert init(outer / "inner", nested=True).done == ()


def test_init_refuses_a_bare_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    before = sorted(one.name for one in (tmp_path / "bare.git").iterdir())
    with pytest.raises(ConflictError, match="bare repository") as caught:
        init(tmp_path / "bare.git")
    assert "Clone it" in caught.value.hint
    assert sorted(one.name for one in (tmp_path / "bare.git").iterdir()) == before


@pytest.mark.parametrize("existing", [False, True])
def test_init_without_a_git_identity_writes_nothing(tmp_path: Path, existing: bool) -> None:
    if existing:
        make_repository(tmp_path / "repo")
    git(tmp_path, "config", "--global", "--remove-section", "user")
    git(tmp_path, "config", "--global", "user.useConfigOnly", "true")
    with pytest.raises(IdentityError) as caught:
        init(tmp_path / "repo")
    assert "user.name" in caught.value.hint
    assert not (tmp_path / "repo" / "gitassets.yaml").exists()
    assert (tmp_path / "repo").exists() == existing


def test_init_refused_by_a_hook_completes_when_repeated(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repo")
    friday = tmp_path / "friday"
    friday.touch()
    lines = (f'if [ -e "{friday}" ]; then', "echo not on a Friday >&2; exit 1", "fi")
    write_hook(Project(root, root / ".git"), "pre-commit", *lines)
    with pytest.raises(CommandError, match="not on a Friday"):
        init(root)
    friday.unlink()
    init(root)
    assert is_clean(root)


@pytest.mark.parametrize("name", ["größe", "with space", "ha#sh", "-dash", "日本"])
def test_init_accepts_unusual_folder_names(tmp_path: Path, name: str) -> None:
    init(tmp_path / name)
    assert is_clean(tmp_path / name)


def test_init_command_prints_what_it_did(tmp_path: Path) -> None:
    done = run_cli(tmp_path, "init", "new")
    assert done.returncode == 0, done.stderr
    assert "Project: new" in done.stdout
    again = run_cli(tmp_path / "new", "init")
    assert "Nothing to do" in again.stdout


def make_headless_server(tmp_path: Path, *branches: str) -> Path:
    """A server whose HEAD names a branch that nobody has pushed, with a project on each of the branches."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "trunk", "server.git")
    root = make_repository(tmp_path / "first")
    init(root)
    for branch in branches:
        git(root, "push", "--quiet", str(tmp_path / "server.git"), f"HEAD:refs/heads/{branch}")
    git(tmp_path, "clone", "--quiet", str(tmp_path / "server.git"), "clone")
    return tmp_path / "clone"


@pytest.mark.parametrize(
    "branches", [("main",), ("main", "other"), ("film",), ("main", "run/ep1"), ("trunk2", "master")]
)
def test_init_in_an_empty_clone_checks_out_the_project_of_the_server(tmp_path: Path, branches: tuple[str, ...]) -> None:
    clone = make_headless_server(tmp_path, *branches)
    assert not (clone / "gitassets.yaml").exists()
    result = init(clone)
    wanted = "master" if "master" in branches else branches[0]
    assert result.done[0].startswith(f"Checked out {wanted}")
    assert result.commit is None
    assert git(clone, "rev-parse", "HEAD", f"origin/{wanted}").split()[0] == git(clone, "rev-parse", "HEAD").strip()
    assert git(clone, "rev-parse", "--abbrev-ref", "@{upstream}").strip() == f"origin/{wanted}"
    assert is_clean(clone)
    assert init(clone).done == ()


def test_init_in_an_empty_clone_prefers_the_branch_with_a_project(tmp_path: Path) -> None:
    clone = make_headless_server(tmp_path, "film")
    git(tmp_path / "first", "push", "--quiet", str(tmp_path / "server.git"), "HEAD~1:refs/heads/main")
    git(clone, "fetch", "--quiet")
    assert init(clone).done[0].startswith("Checked out film")


def test_init_in_an_empty_clone_asks_which_of_several_branches_is_the_project(tmp_path: Path) -> None:
    clone = make_headless_server(tmp_path, "film", "other")
    with pytest.raises(ConflictError, match="has the branches film, other") as caught:
        init(clone)
    assert "git switch film" in caught.value.hint
    assert git(clone, "for-each-ref", "refs/heads") == ""


def test_init_in_a_clone_with_runs_alone_begins_a_project(tmp_path: Path) -> None:
    clone = make_headless_server(tmp_path, "run/ep1")
    assert init(clone).commit is not None
