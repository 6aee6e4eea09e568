"""Run git on a repository: verbs named by their results, each one process unless its docstring says otherwise."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.commands import only_reads
from gitassets.adapters.git.environment import clean_environment
from gitassets.adapters.git.hook_trace import HookError, name_refusing_hook
from gitassets.adapters.git.leftovers import leave_trace
from gitassets.adapters.git.staged import hash_file
from gitassets.adapters.git.work_trees import find_common_dir, find_git_dir, read_branch, read_head
from gitassets.adapters.process import CommandError, run_command, start_command
from gitassets.domain.lines import split_lines
from gitassets.errors import GitAssetsError

_NO_IDENTITY = re.compile(r"tell me who you are|empty ident name|unable to auto-detect email|no email was given", re.I)
NO_SUCH_KEY = 5
# The git commands that call the user's own hooks, which may refuse.
_RUNS_USER_HOOKS = frozenset({"commit", "worktree", "update-ref", "branch"})
_GIT = ("git", "--no-replace-objects", "-c", "core.quotePath=false", "-c", "core.commitGraph=false")
_IDENTITY_HINT = 'Say who you are: git config --global user.name "Your Name"; git config --global user.email you@mail'


class IdentityError(GitAssetsError):
    """Git has no name and mail address to commit with."""

    def __init__(self) -> None:
        super().__init__("git does not know your name and mail address, so it cannot commit", _IDENTITY_HINT)


class WorkTreeState(Struct, frozen=True):
    """HEAD, the branch (None when detached) and the tracked paths that differ from HEAD in the index or work tree."""

    head: str | None
    branch: str | None
    changed: frozenset[str]


class Commit(Struct, frozen=True):
    """One commit as `iter_log` reads it. `date` is the author's, in ISO 8601."""

    oid: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: str
    message: str


class Git:
    """Git in one work tree or git directory. Every call gets the environment `variables`."""

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._variables = dict(variables or {})

    def call(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run `git *args` and return its output. Raise CommandError if it fails, HookError if a user's hook refused."""
        options = tuple(word for name, value in (settings or {}).items() for word in ("-c", f"{name}={value}"))
        variables = {**self._variables, **(env or {})}
        try:
            if only_reads(args):
                return self._run((*options, *args), stdin, variables)
            with leave_trace(find_common_dir(self.folder)):
                # A call with `settings` runs only our hooks.
                run = self._run_with_hooks if args[0] in _RUNS_USER_HOOKS and not options else self._run
                return run((*options, *args), stdin, variables)
        except HookError:
            raise
        except CommandError as error:
            # The message is to show the command, not the options of every call.
            raise CommandError(("git", *args), error.cwd, error.code, error.stderr) from error

    def _run(self, args: Sequence[str], stdin: bytes | None, variables: Mapping[str, str]) -> bytes:
        return run_command((*_GIT, *args), cwd=self.folder, env=clean_environment(variables), stdin=stdin)

    def _run_with_hooks(self, args: Sequence[str], stdin: bytes | None, variables: Mapping[str, str]) -> bytes:
        with name_refusing_hook(self, args) as trace_variables:
            return self._run(args, stdin, {**variables, **trace_variables})

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a git process that keeps answering. The caller ends it."""
        return start_command((*_GIT, *args), cwd=self.folder, env=clean_environment(self._variables))

    def line(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        return self.call(*args, env=env).decode().strip()

    def success(self, *args: str) -> bool:
        try:
            self.call(*args)
        except CommandError as error:
            if error.code == 1:
                return False
            raise
        return True

    @cached_property
    def common_dir(self) -> Path:
        return Path(self.line("rev-parse", "--path-format=absolute", "--git-common-dir"))

    def check_identity(self) -> None:
        """Raise IdentityError if git has no name to commit with."""
        self._read_identity("GIT_COMMITTER_IDENT")

    def read_author_email(self) -> str:
        """Return the mail address that a commit made now names as its author's."""
        return self._read_identity("GIT_AUTHOR_IDENT").rpartition("> ")[0].rpartition("<")[2]

    def _read_identity(self, name: str) -> str:
        try:
            return self.line("var", name)
        except CommandError as error:
            if _NO_IDENTITY.search(error.stderr):
                raise IdentityError from error
            raise

    def read_config(self, name: str) -> str:
        """Return the value in force, or an empty text."""
        return self.line("config", "--default", "", "--get", name)

    def read_configs(self, pattern: str) -> dict[str, str]:
        """Return every value in force whose name matches, by name. Git lowers the case of all but the middle part."""
        entries = _split_names(self._list_configs("--get-regexp", pattern))
        return dict(one.partition("\n")[::2] for one in entries)

    def read_all_configs(self, name: str) -> list[str]:
        """Return every path set for `name`, in git's order: the last one is in force."""
        return _split_names(self._list_configs("--type=path", "--get-all", name))

    def _list_configs(self, *words: str) -> bytes:
        try:
            return self.call("config", "--null", *words)
        except CommandError as error:
            if error.code == 1:
                return b""
            raise

    def read_config_flag(self, name: str) -> bool:
        return self.line("config", "--type=bool", "--default", "false", "--get", name) == "true"

    def resolve(self, revision: str) -> str | None:
        """Return the id of the commit that `revision` names, or None."""
        try:
            return self.line("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except CommandError:
            return None

    def list_merge_bases(self, one: str, other: str) -> list[str]:
        """Return the best common ancestors: none without shared history, several after criss-cross merges."""
        try:
            return self.line("merge-base", "--all", one, other).split()
        except CommandError as error:
            if error.code == 1:
                return []
            raise

    def is_ancestor(self, old: str, new: str) -> bool:
        return self.success("merge-base", "--is-ancestor", old, new)

    def list_refs(self, *patterns: str) -> dict[str, str]:
        """Return the object id of every reference under the patterns, by full name."""
        lines = split_lines(self.line("for-each-ref", "--format=%(refname) %(objectname)", *patterns))
        return dict(line.split(" ", 1) for line in lines)

    def read_tip_times(self, *patterns: str) -> dict[str, int]:
        """Return the commit time (seconds since 1970) of every branch under the patterns, by full name."""
        lines = split_lines(self.line("for-each-ref", "--format=%(refname) %(committerdate:unix)", *patterns))
        return {ref: int(time or 0) for ref, time in (line.split(" ", 1) for line in lines)}

    def has_object(self, oid: str) -> bool:
        try:
            self.call("cat-file", "-e", oid)
        except CommandError:
            return False
        return True

    def read_birth_times(self, *patterns: str) -> dict[str, int]:
        """Return the time of each root commit (seconds since 1970), by the first reference that reaches it."""
        out = self.line("log", "--max-parents=0", "--source", "--format=%S %ct", *(f"--glob={one}" for one in patterns))
        return {ref: int(time) for ref, time in (line.rsplit(" ", 1) for line in split_lines(out))}

    def read_blob(self, revision: str, path: str) -> bytes | None:
        """Return the bytes of a file in a commit, or None if the commit does not hold it."""
        try:
            return self.call("cat-file", "blob", f"{revision}:{path}")
        except CommandError:
            return None

    def read_blobs(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """Return the bytes of objects by `revision:path` or id; None for those that do not exist."""
        if not names:
            return {}
        out = self.call("cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode())
        return dict(zip(names, _iter_objects(out), strict=True))

    def iter_log(self, revision: str, *paths: str) -> Iterator[Commit]:
        """Yield the commits that `revision` reaches, newest first, as written: without .mailmap and replacements."""
        form = "%H%x00%P%x00%an%x00%ae%x00%aI%x00%B%x00"
        out = self.call(
            "-c", "log.mailmap=false", "-c", "log.showSignature=false",
            "log", "--topo-order", f"--format={form}", "--encoding=UTF-8", revision, "--", *paths,
        )  # fmt: skip
        parts = out.decode("utf-8", "replace").split("\0")
        for start in range(0, len(parts) - 6, 6):
            oid, parents, author, email, date, message = parts[start : start + 6]
            yield Commit(oid.strip(), tuple(parents.split()), author, email, date, message.rstrip("\n"))

    def write_root_commit(
        self, files: Mapping[str, bytes], message: str, scratch: Path, *, parent: str | None = None
    ) -> str:
        """Write a commit that holds exactly `files` and return its id. Without `parent` it is a root commit.

        The files are stored byte for byte unless a .gitattributes among them says otherwise. `scratch` is an empty
        folder.
        """
        tree = scratch / "tree"
        for name, data in files.items():
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        common_dir = str(self.common_dir)
        env = {"GIT_DIR": common_dir, "GIT_WORK_TREE": str(tree), "GIT_INDEX_FILE": str(scratch / "index")}
        at_tree = Git(tree)
        as_it_is = ("-c", "core.safecrlf=false", "-c", "core.autocrlf=false", "-c", "core.sparseCheckout=false")
        at_tree.call(*as_it_is, "add", "--force", "--", *files, env=env)
        tree_oid = at_tree.line("write-tree", env=env)
        return self._commit_tree(tree_oid, message, parent)

    def write_commit_beside(self, parent: str, path: str, data: bytes, message: str, scratch: Path) -> str:
        """Write a commit that differs from its parent in one file, and return its id. No branch or work tree changes.

        `scratch` is an empty folder.
        """
        env = {"GIT_INDEX_FILE": str(scratch / "index")}
        self.call("read-tree", parent, env=env)
        oid = self.call("hash-object", "-w", "--stdin", stdin=data).decode().strip()
        self.call("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}", env=env)
        return self._commit_tree(self.line("write-tree", env=env), message, parent)

    def _commit_tree(self, tree: str, message: str, parent: str | None) -> str:
        sign = ("-S",) if self.read_config_flag("commit.gpgSign") else ()
        parents = ("-p", parent) if parent else ()
        try:
            return self.call("commit-tree", tree, *parents, *sign, "-F", "-", stdin=message.encode()).decode().strip()
        except CommandError as error:
            if _NO_IDENTITY.search(error.stderr):
                raise IdentityError from error
            raise

    def create_branch(self, branch: str, commit: str) -> None:
        self.call("update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))

    def track_branch(self, branch: str, remote_ref: str) -> None:
        """Create the local branch at the remote one, as its upstream."""
        self.call("branch", "--quiet", "--track", branch, remote_ref.removeprefix("refs/remotes/"))

    def delete_branch(self, branch: str, commit: str) -> None:
        self.call("update-ref", "-d", f"refs/heads/{branch}", commit)

    def read_state(self) -> WorkTreeState:
        """Return HEAD, branch and changed tracked files, in one process."""
        out = self.call("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--no-renames")
        head = branch = None
        changed = []
        for entry in _split_names(out):
            if entry.startswith("# branch.oid "):
                head = entry.removeprefix("# branch.oid ")
            elif entry.startswith("# branch.head "):
                branch = entry.removeprefix("# branch.head ")
            elif entry.startswith("1 "):
                changed.append(entry.split(" ", 8)[8])
            elif entry.startswith("u "):
                changed.append(entry.split(" ", 10)[10])
        return WorkTreeState(
            None if head == "(initial)" else head, None if branch == "(detached)" else branch, frozenset(changed)
        )

    def read_state_of(self, paths: Iterable[str]) -> WorkTreeState:
        """Return HEAD, branch and those of `paths` whose bytes in the index or work tree differ from HEAD.

        Compares the bytes, in one process: `git status` skips files marked assume-unchanged or skip-worktree.
        """
        names = sorted(paths)
        asked = ["HEAD^{commit}", *(f"{side}:{name}" for name in names for side in ("HEAD", ""))]
        out = self.call("cat-file", "--batch-check=%(objectname)", stdin="".join(f"{one}\n" for one in asked).encode())
        head, *oids = [None if line.endswith(" missing") else line for line in split_lines(out.decode())]
        pairs = zip(names, oids[::2], oids[1::2], strict=True)
        changed = [name for name, *sides in pairs if len({*sides, hash_file(self.folder / name, sides[0])}) > 1]
        return WorkTreeState(head, read_branch(find_git_dir(self.folder)), frozenset(changed))

    def read_marks(self, *paths: str) -> dict[str, tuple[str, ...]]:
        """Return the marks ("assume-unchanged", "skip-worktree") of `paths`, or of all tracked files, by path.

        Git overlooks changes of files with a mark.
        """
        found = {}
        for entry in _split_names(self.call("ls-files", "-v", "-z", "--", *paths)):
            marks = ("assume-unchanged",) * entry[0].islower() + ("skip-worktree",) * (entry[0] in "sS")
            if marks:
                found[entry[2:]] = marks
        return found

    def clear_marks(self, paths: Sequence[str]) -> None:
        """Make git watch these tracked files again, and check out those that a sparse checkout left out."""
        if self.read_config_flag("core.sparseCheckout"):
            self.call("sparse-checkout", "disable")
        self.call("update-index", "--no-assume-unchanged", "--", *paths)
        self.call("update-index", "--no-skip-worktree", "--", *paths)
        self.call("checkout-index", "--quiet", "--", *(one for one in paths if not (self.folder / one).exists()))

    def commit_paths(
        self,
        paths: Sequence[str],
        message: str,
        *,
        new_paths: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> str:
        """Commit exactly these paths and return the commit's id. Everything else that is staged stays staged.

        Hooks, signing and identity are the user's, except for `settings`; the hooks see `env`. Raise CommandError with
        the output of a hook that refused.
        """
        if new_paths:
            self.call("add", "--force", "--", *new_paths)
        try:
            words = ("commit", "--quiet", "--only", "--cleanup=whitespace", "-F", "-", "--", *paths)
            self.call(*words, stdin=message.encode(), env=env, settings=settings)
        except CommandError as error:
            if _NO_IDENTITY.search(error.stderr):
                raise IdentityError from error
            raise
        return read_head(self.folder) or self.line("rev-parse", "HEAD")

    def unstage(self, paths: Sequence[str]) -> None:
        """Reset these paths in the index to HEAD. Files and everything else that is staged stay as they are."""
        self.call("reset", "--quiet", "--", *paths)

    def add_worktree(self, folder: Path, branch: str) -> None:
        """Make `folder` a linked work tree of `branch` with nothing checked out."""
        self.call("worktree", "add", "--quiet", "--no-checkout", "--", str(folder), branch)

    def fill_index(self, scratch: Path) -> None:
        """Check out the files of HEAD, each atomically, and write the index last. `scratch` is an empty folder."""
        index, files = scratch / "index", scratch / "files"
        env = {"GIT_INDEX_FILE": str(index)}
        self.call("-c", "core.sparseCheckout=false", "read-tree", "HEAD", env=env)
        # Not into the folder itself: git empties an existing file before it writes it.
        self.call("checkout-index", "--all", "--quiet", f"--prefix={files}/", env=env)
        for path in sorted(path for path in files.rglob("*") if path.is_symlink() or path.is_file()):
            _put_in_place(path, self.folder / path.relative_to(files))
        self.call("update-index", "-q", "--refresh", env=env)
        index.replace(find_git_dir(self.folder) / "index")

    def check_ignored(self, path: str) -> bool:
        return self.success("check-ignore", "--quiet", "--", path)

    def list_tree(self, revision: str) -> list[tuple[str, str]]:
        """Return path and mode ("100644", "120000", …) of every file of a commit."""
        entries = _split_names(self.call("ls-tree", "-r", "-z", revision))
        return [(entry.split("\t", 1)[1], entry.split(" ", 1)[0]) for entry in entries]

    def list_tracked(self, *paths: str) -> list[str]:
        return _split_names(self.call("ls-files", "-z", "--", *paths))


def _put_in_place(file: Path, target: Path) -> None:
    """Make `target`, perhaps on another file system, equal to `file`. Leave it untouched if it already is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.is_symlink():
        file.replace(target)
    elif target.is_symlink() or not target.is_file() or target.read_bytes() != file.read_bytes():
        write_atomic(target, file.read_bytes(), mode=file.stat().st_mode & 0o777)


def _iter_objects(output: bytes) -> Iterator[bytes | None]:
    """Yield the bytes of each object in the output of `git cat-file --batch`; None for a missing one."""
    position = 0
    while position < len(output):
        end = output.index(b"\n", position)
        header = output[position:end]
        position = end + 1
        if header.endswith(b" missing"):
            yield None
            continue
        size = int(header.rsplit(b" ", 1)[1])
        yield output[position : position + size]
        position += size + 1


def _split_names(output: bytes) -> list[str]:
    """Split output printed with -z. Names that are not UTF-8 can be passed back to git unchanged."""
    return output.decode("utf-8", "surrogateescape").split("\0")[:-1]
