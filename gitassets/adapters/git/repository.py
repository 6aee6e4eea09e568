"""Run git on a repository: verbs named by their results, each one process unless it says otherwise."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from msgspec import Struct

from gitassets.adapters.files import write_atomic
from gitassets.adapters.git.environment import clean_environment
from gitassets.adapters.git.hook_trace import HookError, trace_hooks
from gitassets.adapters.git.leftovers import leave_trace
from gitassets.adapters.git.staged import name_file
from gitassets.adapters.git.work_trees import find_common_dir, read_branch, read_gitfile, read_head
from gitassets.adapters.process import CommandError, run_command, start_command
from gitassets.domain.lines import split_lines
from gitassets.errors import GitAssetsError

_NO_IDENTITY = re.compile(r"tell me who you are|empty ident name|unable to auto-detect email|no email was given", re.I)
NO_SUCH_KEY = 5
# Every other command of git may leave a lock when it is killed.
_READING = frozenset({
    "bundle", "cat-file", "check-ignore", "commit-tree", "diff-index", "diff-tree", "for-each-ref", "fsck", "log",
    "ls-files", "ls-remote", "ls-tree", "merge-base", "pack-objects", "remote", "rev-list", "rev-parse", "status",
    "var",
})  # fmt: skip
_READING_CONFIG = frozenset({"--get", "--get-all", "--get-regexp"})
# Where the hooks of the user's own may have their say on what our commands do.
_WITH_HOOKS = frozenset({"commit", "worktree", "update-ref", "branch"})
_GIT = ("git", "--no-replace-objects", "-c", "core.quotePath=false", "-c", "core.commitGraph=false")
_IDENTITY_HINT = 'Say who you are: git config --global user.name "Your Name"; git config --global user.email you@mail'


class IdentityError(GitAssetsError):
    """Git does not know who commits."""

    def __init__(self) -> None:
        super().__init__("git does not know your name and mail address, so it cannot commit", _IDENTITY_HINT)


class WorkTreeState(Struct, frozen=True):
    """HEAD, the branch (None when detached) and the tracked paths that differ from HEAD, in index or work tree."""

    head: str | None
    branch: str | None
    changed: frozenset[str]


class Commit(Struct, frozen=True):
    """One commit of a history, as `iter_log` reads it. `date` is the author's, ISO 8601."""

    oid: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: str
    message: str


class Git:
    """Git in one work tree or git directory; `kept` are variables that every call is to see."""

    def __init__(self, folder: Path, kept: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._kept = dict(kept or {})

    def call(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> bytes:
        own = tuple(word for name, value in (settings or {}).items() for word in ("-c", f"{name}={value}"))
        variables = {**self._kept, **(env or {})}
        try:
            if _only_reads(args):
                return self._run((*own, *args), stdin, variables)
            with leave_trace(find_common_dir(self.folder)):
                # With settings of its own the call has only our hooks.
                run = self._run_with_hooks if args[0] in _WITH_HOOKS and not own else self._run
                return run((*own, *args), stdin, variables)
        except HookError:
            raise
        except CommandError as error:
            # Whoever reads it is to see which command that was, not the options of every call.
            raise CommandError(("git", *args), error.cwd, error.code, error.stderr) from error

    def _run(self, args: Sequence[str], stdin: bytes | None, variables: Mapping[str, str]) -> bytes:
        return run_command((*_GIT, *args), cwd=self.folder, env=clean_environment(variables), stdin=stdin)

    def _run_with_hooks(self, args: Sequence[str], stdin: bytes | None, variables: Mapping[str, str]) -> bytes:
        """HookError where a hook of the user's own made git refuse."""
        with trace_hooks() as trace:
            try:
                return self._run(args, stdin, {**variables, **trace.variables})
            except CommandError as error:
                called = trace.find_refusing()
                hook = None if called is None else self._find_own_hook(self.folder / called, error.stderr)
                if hook is None:
                    raise
                raise HookError(("git", *args), error, hook) from error

    def _find_own_hook(self, called: Path, said: str) -> Path | None:
        """The user's own hook behind the one that git has called; None where it was ours that refused."""
        ours = find_common_dir(self.folder) / "gitassets" / "hooks"
        if called.parent.resolve() != ours.resolve():
            return called
        if any(line.startswith("gitassets: ") for line in said.splitlines()):
            return None
        others = [self.folder / one for one in self.read_all_configs("core.hooksPath")]
        found = [one for one in others if one.resolve() != ours.resolve()]
        return (found[-1] if found else find_common_dir(self.folder) / "hooks") / called.name

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """A git process that goes on answering; the caller ends it."""
        return start_command((*_GIT, *args), cwd=self.folder, env=clean_environment(self._kept))

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
        """IdentityError when git could not commit for want of a name."""
        try:
            self.call("var", "GIT_COMMITTER_IDENT")
        except CommandError as error:
            if _NO_IDENTITY.search(error.stderr):
                raise IdentityError from error
            raise

    def read_config(self, name: str) -> str:
        """The value in force, empty when there is none."""
        return self.line("config", "--default", "", "--get", name)

    def read_configs(self, pattern: str) -> dict[str, str]:
        """Every value in force whose name fits, by name, which git writes in lower case but for its middle part."""
        entries = _split_names(self._list_configs("--get-regexp", pattern))
        return dict(one.partition("\n")[::2] for one in entries)

    def read_all_configs(self, name: str) -> list[str]:
        """Every path that is set for `name` anywhere, in git's order: the last one is in force."""
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
        """The commit that `revision` names, or None."""
        try:
            return self.line("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except CommandError:
            return None

    def list_merge_bases(self, one: str, other: str) -> list[str]:
        """The best common ancestors: none when the two share no history, several after merges crosswise."""
        try:
            return self.line("merge-base", "--all", one, other).split()
        except CommandError as error:
            if error.code == 1:
                return []
            raise

    def is_ancestor(self, old: str, new: str) -> bool:
        return self.success("merge-base", "--is-ancestor", old, new)

    def list_refs(self, *patterns: str) -> dict[str, str]:
        """Full name and object id of every reference under the patterns."""
        lines = split_lines(self.line("for-each-ref", "--format=%(refname) %(objectname)", *patterns))
        return dict(line.split(" ", 1) for line in lines)

    def has_object(self, oid: str) -> bool:
        try:
            self.call("cat-file", "-e", oid)
        except CommandError:
            return False
        return True

    def read_birth_times(self, *patterns: str) -> dict[str, int]:
        """For each reference under the patterns that is named first, when the oldest of its commits was made."""
        out = self.line("log", "--max-parents=0", "--source", "--format=%S %ct", *(f"--glob={one}" for one in patterns))
        return {ref: int(time) for ref, time in (line.rsplit(" ", 1) for line in split_lines(out))}

    def read_blob(self, revision: str, path: str) -> bytes | None:
        """The bytes of a file in a commit; None when the commit has no such file."""
        try:
            return self.call("cat-file", "blob", f"{revision}:{path}")
        except CommandError:
            return None

    def read_blobs(self, names: Sequence[str]) -> dict[str, bytes | None]:
        """Many objects by `revision:path` or id, in one process; None for those that do not exist."""
        if not names:
            return {}
        out = self.call("cat-file", "--batch", stdin="".join(f"{name}\n" for name in names).encode())
        found: dict[str, bytes | None] = {}
        position = 0
        for name in names:
            end = out.index(b"\n", position)
            header = out[position:end]
            position = end + 1
            if header.endswith(b" missing"):
                found[name] = None
                continue
            size = int(header.rsplit(b" ", 1)[1])
            found[name] = out[position : position + size]
            position += size + 1
        return found

    def iter_log(self, revision: str, *paths: str) -> Iterator[Commit]:
        """The commits that `revision` reaches, newest first, as they were written: no .mailmap, no replacements."""
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
        """The id of a commit that holds exactly `files`, byte for byte unless a .gitattributes among them says
        otherwise. It has no parent, or the given one; `scratch` is an empty folder."""
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
        sign = ("-S",) if self.read_config_flag("commit.gpgSign") else ()
        parents = ("-p", parent) if parent else ()
        try:
            return (
                self.call("commit-tree", tree_oid, *parents, *sign, "-F", "-", stdin=message.encode()).decode().strip()
            )
        except CommandError as error:
            if _NO_IDENTITY.search(error.stderr):
                raise IdentityError from error
            raise

    def create_branch(self, branch: str, commit: str) -> None:
        self.call("update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))

    def track_branch(self, branch: str, remote_ref: str) -> None:
        """The local branch exists where the remote one is, and follows it."""
        self.call("branch", "--quiet", "--track", branch, remote_ref.removeprefix("refs/remotes/"))

    def delete_branch(self, branch: str, commit: str) -> None:
        self.call("update-ref", "-d", f"refs/heads/{branch}", commit)

    def read_state(self) -> WorkTreeState:
        """HEAD, branch and changed tracked files, in one process."""
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
        """HEAD, branch and those of the paths whose bytes in index or work tree are not those of HEAD, in one process.

        By the bytes themselves: `git status` passes over what is marked assume-unchanged or skip-worktree.
        """
        names = sorted(paths)
        asked = ["HEAD^{commit}", *(f"{side}:{name}" for name in names for side in ("HEAD", ""))]
        out = self.call("cat-file", "--batch-check=%(objectname)", stdin="".join(f"{one}\n" for one in asked).encode())
        head, *oids = [None if line.endswith(" missing") else line for line in split_lines(out.decode())]
        pairs = zip(names, oids[::2], oids[1::2], strict=True)
        changed = [name for name, *sides in pairs if len({*sides, name_file(self.folder / name, sides[0])}) > 1]
        return WorkTreeState(head, read_branch(read_gitfile(self.folder) or self.folder / ".git"), frozenset(changed))

    def read_marks(self, *paths: str) -> dict[str, tuple[str, ...]]:
        """What git was told to overlook, of the paths or of all tracked ones: "assume-unchanged", "skip-worktree"."""
        found = {}
        for entry in _split_names(self.call("ls-files", "-v", "-z", "--", *paths)):
            marks = ("assume-unchanged",) * entry[0].islower() + ("skip-worktree",) * (entry[0] in "sS")
            if marks:
                found[entry[2:]] = marks
        return found

    def clear_marks(self, paths: Sequence[str]) -> None:
        """Git looks at these tracked files again; those that a sparse checkout has left out are there."""
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
        """The id of a new commit of exactly these paths; what else is staged stays staged.

        Hooks, signing and identity are the user's, but for the `settings`; the hooks see `env`. CommandError holds what
        a hook said.
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
        """The index holds these paths as HEAD does; their files, and what else is staged, stay as they are."""
        self.call("reset", "--quiet", "--", *paths)

    def add_worktree(self, folder: Path, branch: str) -> None:
        """`folder` is a linked work tree of `branch` with nothing checked out."""
        self.call("worktree", "add", "--quiet", "--no-checkout", "--", str(folder), branch)

    def fill_index(self, scratch: Path) -> None:
        """The files of HEAD are there, each whole at any moment, and then the index, when they all are. `scratch` is
        empty."""
        index, files = scratch / "index", scratch / "files"
        env = {"GIT_INDEX_FILE": str(index)}
        self.call("-c", "core.sparseCheckout=false", "read-tree", "HEAD", env=env)
        # Not into the folder itself: git empties a file that is there before it writes it.
        self.call("checkout-index", "--all", "--quiet", f"--prefix={files}/", env=env)
        for path in sorted(path for path in files.rglob("*") if path.is_symlink() or path.is_file()):
            _put_in_place(path, self.folder / path.relative_to(files))
        self.call("update-index", "-q", "--refresh", env=env)
        index.replace((read_gitfile(self.folder) or self.folder / ".git") / "index")

    def check_ignored(self, path: str) -> bool:
        return self.success("check-ignore", "--quiet", "--", path)

    def list_tree(self, revision: str) -> list[tuple[str, str]]:
        """Path and mode ("100644", "120000", …) of every file of a commit."""
        entries = _split_names(self.call("ls-tree", "-r", "-z", revision))
        return [(entry.split("\t", 1)[1], entry.split(" ", 1)[0]) for entry in entries]

    def list_tracked(self, *paths: str) -> list[str]:
        return _split_names(self.call("ls-files", "-z", "--", *paths))


def _put_in_place(file: Path, target: Path) -> None:
    """The target, perhaps on another file system, is as the file; what is so already stays untouched."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.is_symlink():
        file.replace(target)
    elif target.is_symlink() or not target.is_file() or target.read_bytes() != file.read_bytes():
        write_atomic(target, file.read_bytes(), mode=file.stat().st_mode & 0o777)


def _only_reads(args: Sequence[str]) -> bool:
    words = iter(args)
    for word in words:
        if word == "-c":
            next(words)
        elif not word.startswith("-"):
            return word in _READING or (word == "config" and not _READING_CONFIG.isdisjoint(args))
    return False


def _split_names(output: bytes) -> list[str]:
    """What git printed with -z. Names that are not UTF-8 can be handed back to it as they are."""
    return output.decode("utf-8", "surrogateescape").split("\0")[:-1]
