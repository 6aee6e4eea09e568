"""Serve the calls of git: hooks, merge drivers and the text form for `git diff`. Import little: this runs often."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gitassets.__main__ import end_quickly
from gitassets.cli.hints import WORDS
from gitassets.errors import GitAssetsError, word_remedies
from gitassets.streams import open_for_all_characters, use_utf8

if TYPE_CHECKING:
    from gitassets.domain.guard import Violation


def main(argv: Sequence[str]) -> int:
    """Run the named hook and return its exit code: 0 lets git continue."""
    word_remedies(WORDS)
    name, *rest = argv or ("",)
    if name not in _HOOKS:
        _say(f"{name!r} is no hook of this version; `gitassets hooks install` renews the installed ones")
        return 1
    _import_msgspec()
    try:
        return _HOOKS[name](rest)
    except GitAssetsError as error:
        _say(error.message, error.hint)
        return 1


def _import_msgspec() -> None:
    """Import msgspec without typing_extensions, which loads `inspect` and `ast`: an eighth of the time of a hook.

    It takes the same names from `typing` where there is no such package.
    """
    if "typing_extensions" not in sys.modules:
        sys.modules["typing_extensions"] = None  # type: ignore[assignment]
        import msgspec  # noqa: F401

        del sys.modules["typing_extensions"]


def _pre_commit(_: Sequence[str]) -> int:
    return _check(merging=False)


def _pre_merge_commit(_: Sequence[str]) -> int:
    return _check(merging=True)


def _commit_msg(arguments: Sequence[str]) -> int:
    from gitassets.githooks.check_commit import find_staged
    from gitassets.githooks.check_message import check_message

    staged = find_staged(Path.cwd(), os.environ)
    refusal = check_message(staged, Path.cwd() / arguments[0], os.environ) if staged and arguments else None
    if refusal is None:
        return 0
    _report(refusal.violations, "This commit is blocked, since its message does not say what it does")
    print(f"    → With a message that does: {refusal.command}", file=sys.stderr)  # noqa: T201
    print(f"    → {_ALLOW_HINT}", file=sys.stderr)  # noqa: T201
    return 1


_ALLOW_HINT = "Where your team edits by hand: git config gitassets.allowByHand true"


def _check(*, merging: bool) -> int:
    from gitassets.adapters.git.hook_files import FOLLOWS
    from gitassets.githooks.check_commit import check_staged, find_staged

    staged = find_staged(Path.cwd(), os.environ)
    if staged is None:
        return 0
    code = _report(check_staged(staged, os.environ, merging=merging), "This commit is blocked")
    if code == 0 and staged.merge_heads and FOLLOWS not in os.environ:
        # Git runs post-merge only if it made the commit itself.
        _update_files("HEAD")
    return code


def _report(violations: Iterable[Violation], headline: str) -> int:
    found = list(violations)
    if not found:
        return 0
    _say(f"{headline}:")
    for one in found[:20]:
        print(f"  {one.message}", file=sys.stderr)  # noqa: T201 (git shows what a hook prints)
        if one.hint:
            print(f"    → {one.hint}", file=sys.stderr)  # noqa: T201
    if len(found) > 20:
        print(f"  … and {len(found) - 20} more", file=sys.stderr)  # noqa: T201
    return 1


def _say(message: str, hint: str = "") -> None:
    print(f"gitassets: {message}", file=sys.stderr)  # noqa: T201
    if hint:
        print(f"  → {hint}", file=sys.stderr)  # noqa: T201


def _post_checkout(arguments: Sequence[str]) -> int:
    return _update_files(arguments[0] if arguments else None)


def _post_merge(_: Sequence[str]) -> int:
    return _update_files("ORIG_HEAD")


def _post_rewrite(arguments: Sequence[str]) -> int:
    """Update the files after a rebase, which runs no other hook at its end. An amended commit does not change them."""
    return _update_files("ORIG_HEAD") if arguments[:1] == ["rebase"] else 0


def _update_files(before: str | None) -> int:
    """Update the media files to the manifest. Only report problems: git is done, so nothing here is an error."""
    from gitassets.runs.restore import update_run_media

    try:
        result = update_run_media(Path.cwd(), before)
    except GitAssetsError as error:
        _say(f"The media files are not in step: {error.message}", error.hint)
        return 0
    for path, md5 in result.kept.items():
        _say(f"{path} held bytes that no commit records; they are kept in the cache as {md5}")
    if result.missing:
        count = len(result.missing)
        _say(f"{count} files of this state are not in the cache", result.hint)
    return 0


def _merge_driver(arguments: Sequence[str]) -> int:
    from gitassets.githooks.merge_driver import merge_files

    return merge_files(*(Path(one) for one in arguments[:3]))


def _dvc_driver(arguments: Sequence[str]) -> int:
    from gitassets.githooks.merge_driver import merge_dvc_file

    return merge_dvc_file(Path.cwd(), Path(arguments[0]), arguments[1], os.environ)


def _textconv(arguments: Sequence[str]) -> int:
    from gitassets.actions.diff import describe_file

    # Git reads the text as UTF-8, whatever the terminal's encoding is.
    sys.stdout.buffer.write(describe_file(Path(arguments[0])).encode("utf-8", "replace"))
    return 0


def _pre_receive(_: Sequence[str]) -> int:
    from gitassets.githooks.check_push import check_push

    lines = [line.split() for line in sys.stdin]
    return check_push(Path.cwd(), lines, os.environ, _say)


_HOOKS: dict[str, Callable[[Sequence[str]], int]] = {
    "pre-commit": _pre_commit,
    "commit-msg": _commit_msg,
    "pre-merge-commit": _pre_merge_commit,
    "post-checkout": _post_checkout,
    "post-merge": _post_merge,
    "post-rewrite": _post_rewrite,
    "merge-driver": _merge_driver,
    "dvc-driver": _dvc_driver,
    "textconv": _textconv,
    "pre-receive": _pre_receive,
}

if __name__ == "__main__":
    use_utf8()
    open_for_all_characters()
    end_quickly(main(sys.argv[1:]))
