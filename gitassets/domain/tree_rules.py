"""Check which files a run's commits may hold: the manifest, DVC's files and texts; never media, never a link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from gitassets.domain.dvc_file import DVC_FILES
from gitassets.domain.manifest import MEDIA_FOLDERS
from gitassets.domain.word_times import is_named_well, lies_in_folder

DVC_YAML = "dvc.yaml"
SYMLINK_MODE, SUBMODULE_MODE, _PLAIN_MODE = "120000", "160000", "100644"

_SOUND = (".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".oga", ".opus", ".wma", ".aif", ".aiff")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".psd")
_CLIPS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg", ".wmv", ".ogv", ".mxf")
MEDIA_SUFFIXES = (*_SOUND, *_PICTURES, *_CLIPS)
_DVC_SETTINGS = frozenset({".dvc/config", ".dvc/.gitignore"})
_TRACKS = "would have DVC track files that the manifest does not name"


class TreeEntry(Struct, frozen=True):
    """A file of a commit: its path in the run and its git mode, "100644", "100755", "120000" or "160000".

    `describes`: it is a dvc.yaml that makes DVC do nothing, `timed`: it holds word times. Only the content shows that.
    """

    path: str
    mode: str
    describes: bool = False
    timed: bool = False


class TreeProblem(Struct, frozen=True):
    """A file that must not be in a run's commit. `problem` completes a sentence that begins with its path."""

    code: str
    path: str
    problem: str


WORDS_MALFORMED = "words-malformed"


def iter_tree_problems(entries: Iterable[TreeEntry], *, with_words: bool = True) -> Iterator[TreeProblem]:
    """Yield a problem for each file that a run's commit must not hold. Earlier rules knew no folder of word times."""
    for entry in entries:
        problem = _find_problem(entry)
        if problem and (with_words or problem[0] != WORDS_MALFORMED):
            yield TreeProblem(problem[0], entry.path, problem[1])


def _find_problem(entry: TreeEntry) -> tuple[str, str] | None:
    # Names are compared without case: on many systems Images/x.PNG lies in images/.
    path = entry.path.casefold()
    if entry.mode == SYMLINK_MODE:
        return "symlink-in-git", "is a symbolic link, which could make DVC write outside the run"
    if entry.mode == SUBMODULE_MODE:
        return "submodule-in-git", "is a submodule, which has no place in a run"
    if ".git" in path.split("/"):
        return "git-in-git", "would lie among git's own files"
    if path.split("/", 1)[0] in MEDIA_FOLDERS:
        return "media-in-git", "lies in a folder whose files DVC tracks, but it is committed into git itself"
    if path.endswith(MEDIA_SUFFIXES):
        return "media-in-git", "is a media file, but it is committed into git itself"
    if lies_in_folder(path):
        return _find_words_problem(entry)
    return None if entry.describes else _find_dvc_problem(entry.path, path)


def _find_words_problem(entry: TreeEntry) -> tuple[str, str] | None:
    if not is_named_well(entry.path):
        return WORDS_MALFORMED, "lies in the folder of the word times, but is not named by the md5 of a narration"
    if not entry.timed or entry.mode != _PLAIN_MODE:
        return WORDS_MALFORMED, "does not hold the times of words as gitassets writes them"
    return None


def is_dvc_yaml(path: str) -> bool:
    """Check whether DVC treats the file as a dvc.yaml on at least one system."""
    return path.casefold().rsplit("/", 1)[-1] == DVC_YAML


def _find_dvc_problem(path: str, folded: str) -> tuple[str, str] | None:
    is_dvc_file = folded.endswith(".dvc") and folded != ".dvc"
    if is_dvc_yaml(path):
        return "dvc-not-implied", f"{_TRACKS}: it may hold artifacts, params, metrics and plots alone"
    if (is_dvc_file and path not in DVC_FILES) or folded.rsplit("/", 1)[-1] == "dvc.lock":
        return "dvc-not-implied", _TRACKS
    if folded.split("/", 1)[0] == ".dvc" and path not in _DVC_SETTINGS:
        return "dvc-settings", "is no settings file of DVC that a run commits"
    return None


# Settings of git, its extensions and programs that run hooks. They are read in the folder where a commit is made.
_TOOL_SETTINGS = frozenset({
    ".lfsconfig", ".gitmodules", ".pre-commit-config.yaml", ".pre-commit-config.yml",
    *(f"{dot}lefthook{local}.{suffix}"
      for dot in (".", "") for local in ("", "-local") for suffix in ("yml", "yaml", "toml", "json", "jsonc")),
})  # fmt: skip
ATTRIBUTES = ".gitattributes"
# Git runs a file of such a name if the user's core.hooksPath is a folder of the work tree.
_HOOKS = frozenset({
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg",
    "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "reference-transaction",
    "pre-auto-gc", "post-rewrite", "post-index-change", "fsmonitor-watchman", "sendemail-validate",
})  # fmt: skip
_OWN_DRIVERS = frozenset({"gitassets", "gitassets-dvc", "text", "binary", "union"})


def iter_program_problems(entries: Iterable[TreeEntry], attributes: Mapping[str, bytes]) -> Iterator[TreeProblem]:
    """Yield files that would run programs which the user has set up for other work.

    `attributes` has the content of each .gitattributes by path.
    """
    for entry in entries:
        name = entry.path.casefold().rsplit("/", 1)[-1]
        if not entry.path.isprintable():
            yield TreeProblem("name-in-git", ascii(entry.path), "is a name that cannot be shown as it is")
        elif name in _HOOKS:
            yield TreeProblem("program-in-git", entry.path, "has the name of a git hook, which git could run")
        elif name in _TOOL_SETTINGS:
            yield TreeProblem("program-in-git", entry.path, "would have other programs do what it says")
    for path, data in attributes.items():
        for word in _iter_drivers(data):
            yield TreeProblem("program-in-git", path, f"sets {word}, which would have git run another program")


def is_attributes(path: str) -> bool:
    return path.isprintable() and path.casefold().rsplit("/", 1)[-1] == ATTRIBUTES


_BLANKS = " \t\r"  # Git skips these before a comment.


def _iter_drivers(data: bytes) -> Iterator[str]:
    """Yield the attributes that name a program of the user's, even if a macro sets them."""
    for line in data.decode("utf-8", "replace").split("\n"):
        for word in line.split() if not line.lstrip(_BLANKS).startswith("#") else ():
            name, _, value = word.partition("=")
            if name == "filter" or (name == "merge" and value and value not in _OWN_DRIVERS):
                yield word
