"""Small git repositories for tests."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path


def git(folder: Path, *args: str, stdin: str | None = None) -> str:
    done = subprocess.run(("git", *args), cwd=folder, input=stdin, capture_output=True, text=True, check=True)
    return done.stdout


def make_repository(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """Create a repository on main with one commit of `files`."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    commit_files(folder, files or {"a.txt": "a\n"}, "first")
    return folder


def commit_files(folder: Path, files: Mapping[str, str], message: str) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--", *files)
    git(folder, "commit", "--quiet", "-m", message)
    return git(folder, "rev-parse", "HEAD").strip()
