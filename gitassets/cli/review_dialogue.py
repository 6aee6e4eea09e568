"""Run the dialogue of `review`: one asset after the other, each decision committed at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import typer

from gitassets.actions.approve import approve
from gitassets.actions.choose import choose as choose_take
from gitassets.actions.decide import TransitionResult
from gitassets.actions.list import AssetRow, read_rows
from gitassets.actions.log import read_log
from gitassets.actions.note import note
from gitassets.actions.reject import reject
from gitassets.actions.undo import undo
from gitassets.cli.half_blocks import draw
from gitassets.cli.paths import show_path
from gitassets.cli.render import (
    format_duration,
    make_console,
    plain,
    print_paragraph,
    print_words,
    printable,
    style_status,
)
from gitassets.cli.review_keys import DIGITS, explain_keys, format_keys
from gitassets.cli.viewer import Viewer, end_on_hangup, find_obstacle, suggest_looking
from gitassets.domain.manifest import MUSIC, Address, Asset, Kind
from gitassets.domain.selection import AssetSelection, Selection
from gitassets.domain.status import Status
from gitassets.domain.takes import sorted_takes
from gitassets.errors import GitAssetsError, NoMatchError
from gitassets.runs.project import Project, Run

_WAITING = (Status.DRAFT, Status.REVISED, Status.REVIEW)
_REMOVE = "-"

Result = TypeVar("Result")


def _needs_decision(row: AssetRow) -> bool:
    """Check whether an asset needs a decision. A rejected one does if it has a candidate to choose."""
    return row.asset.status in _WAITING or (row.asset.status is Status.REJECTED and bool(row.asset.takes))


def review_one_by_one(project: Project, run: Run, selection: AssetSelection) -> None:
    """Show every chosen asset that needs a decision, until the user quits."""
    rows = [row for row in read_rows(project, run, selection) if _needs_decision(row)]
    if not rows:
        print_words("None of these assets needs a decision.")
        return
    viewer = Viewer()
    try:
        with end_on_hangup():
            _Dialogue(project, run, rows, viewer).run()
    finally:
        viewer.stop()


def _name_take(take: int, md5: str) -> str:
    return f"take {take}, {md5[:8]}"


def _describe(take: Asset) -> str:
    """Describe a take: "take 2, takes/scene_002_9e107d9d.png, openai, seed 7"."""
    seed = None if take.seed is None else f"seed {take.seed}"
    return ", ".join(one for one in (f"take {take.take}", take.path, take.source, seed) if one)


class _Dialogue:
    """Keep the user's position in the list, and what was decided and committed in this session."""

    def __init__(self, project: Project, run: Run, rows: Sequence[AssetRow], viewer: Viewer) -> None:
        self._project, self._run, self._rows, self._viewer = project, run, list(rows), viewer
        self._decided: dict[int, str] = {}
        self._commits: list[tuple[int, str]] = []
        self._numbers: dict[Address, dict[str, int]] = {}
        self._position = 0
        self._shown: AssetRow | None = None
        self._seen_md5: str | None = None
        self._next_candidate = 0
        self._suggested = False

    def run(self) -> None:
        while self._position < len(self._rows):
            if self._shown is not self._row and not self._begin():
                continue
            if not self._handle_key(self._ask()):
                break
        approved = sum(1 for verb in self._decided.values() if verb == "approved")
        rejected = len(self._decided) - approved
        left = len(self._rows) - len(self._decided)
        print_words(f"{approved} approved, {rejected} rejected, {left} left.")
        if self._commits:
            print_words(f"`gitassets undo {self._run.run_id}` undoes the last of these.")

    @property
    def _row(self) -> AssetRow:
        return self._rows[self._position]

    @property
    def _address(self) -> Address:
        return Address(self._row.segment, self._row.kind)

    @property
    def _candidates(self) -> dict[int, Asset]:
        """The candidates by number. A number stays with its take, also after another one was chosen."""
        known = self._numbers.setdefault(self._address, {})
        takes = sorted_takes(self._row.asset)
        for take in takes:
            known.setdefault(take.md5, len(known) + 1)
        return dict(sorted((known[one.md5], one) for one in takes))

    def _begin(self) -> bool:
        """Read the asset again and show it. Return False, and go to the next one, if it is gone."""
        row = self._read_again()
        if row is None:
            typer.echo(f"{self._address} no longer exists.", err=True)
            self._position += 1
            return False
        self._rows[self._position] = self._shown = row
        self._present()
        return True

    def _present(self) -> None:
        row = self._row
        asset, console = row.asset, make_console()
        console.rule(f"{self._position + 1} of {len(self._rows)}: [bold]{self._address}[/], take {asset.take}")
        console.print(f"{style_status(asset.status)}  {plain(asset.path)}  {format_duration(asset.duration_sec)}")
        print_paragraph(row.text)
        for line in self._list_facts(row):
            print_words(line)
        for number, take in self._candidates.items():
            print_words(f"Candidate {number}: {_describe(take)}")
        self._show()
        # Sounds would all play at once.
        for take in self._candidates.values() if row.kind.of_file is not Kind.AUDIO else ():
            self._show_file(take)
        self._next_candidate = 0

    def _list_facts(self, row: AssetRow) -> list[str]:
        asset = row.asset
        facts = {"Prompt": asset.prompt, "Style": asset.style, "Voice": asset.voice, "Note": row.notes}
        facts |= {"Rejected": asset.reason if asset.status is Status.REJECTED else None, "Stale": row.stale}
        return [*(f"{name}: {value}" for name, value in facts.items() if value), *self._earlier_reasons(row)]

    def _earlier_reasons(self, row: AssetRow) -> list[str]:
        selection = None if self._address == MUSIC else self._segment()
        entries = read_log(self._project, self._run, segments=selection, kind=row.kind)
        verbs = {"reject": "Rejected before", "reopen": "Reopened"}
        return [
            f"{verbs[entry.action]}: {entry.words}"
            for entry in reversed(entries)
            if entry.action in verbs and entry.words
        ]

    def _show(self) -> None:
        """Show the asset, and remember its bytes: a decision holds only for them."""
        asset = self._row.asset
        self._seen_md5 = self._project.stat_index(self._run).hash(asset.path) or asset.md5
        if self._seen_md5 != asset.md5:
            print_words("Its file does not have the recorded bytes: `replace` accepts the file, `restore` reverts it.")
        self._show_file(asset)

    def _show_file(self, take: Asset) -> None:
        path = self._run.require_folder() / take.path
        if not path.is_file():
            effect = ", so it cannot be decided on" if take is self._row.asset else ""
            typer.echo(f"The file is missing{effect}: {show_path(path)}")
        elif (obstacle := find_obstacle(self._row.kind)) is not None:
            self._name_file(path, obstacle)
        elif not self._viewer.show(path, self._row.kind):
            typer.echo(f"Found no program to open {show_path(path)}")

    def _name_file(self, path: Path, obstacle: str) -> None:
        """Name a file that no program here can show, and draw it small if it is a picture."""
        if self._row.kind is Kind.IMAGE:
            draw(make_console(), path)
        typer.echo(printable(f"{obstacle}. The file: {show_path(path)}"))
        if not self._suggested:
            print_words(f"→ {suggest_looking(path)}", indent=2)
        self._suggested = True

    def _show_next_candidate(self) -> None:
        candidates = list(self._candidates.items())
        if not candidates:
            print_words("There are no candidates: `gitassets regen --takes N` makes some.")
            return
        number, take = candidates[self._next_candidate % len(candidates)]
        print_words(f"Candidate {number}: {_describe(take)}")
        self._show_file(take)
        self._next_candidate += 1

    def _ask(self) -> str:
        typer.echo(f"\n{format_keys(self._candidates, make_console().width)} ", nl=False)
        try:
            key = typer.getchar()
        except EOFError:
            return "q"
        typer.echo(key if key.isprintable() else "")
        if key in ("\x03", "\x04"):
            return "q"
        return key.lower()

    def _handle_key(self, key: str) -> bool:
        """Act on a key. Return False to quit."""
        if key == "q":
            return False
        actions: dict[str, Callable[[], object]] = {
            "a": self._approve,
            "r": self._reject,
            "s": self._go_on,
            "b": self._go_back,
            "u": self._undo,
            "o": self._open_again,
            "n": self._note,
            "e": self._edit,
            "g": self._regenerate,
            "c": self._show_next_candidate,
            "?": self._help,
        }
        candidates = {str(number): take for number, take in self._candidates.items() if number <= len(DIGITS)}
        if key in actions:
            actions[key]()
        elif key in candidates:
            self._choose(candidates[key])
        else:
            typer.echo("Press one of these keys:")
        return True

    def _help(self) -> None:
        typer.echo(explain_keys(make_console().width))

    def _go_on(self) -> None:
        self._position += 1

    def _go_back(self) -> None:
        """Return to the previous asset, and change nothing."""
        if self._position == 0:
            typer.echo("This is the first one.")
            return
        self._position -= 1

    def _open_again(self) -> None:
        """Show the asset again, with its description if it has changed since."""
        if self._read_again() == self._row:
            self._show()
        else:
            self._shown = None

    def _approve(self) -> None:
        seen, selection = self._seen_md5, self._selection()
        self._decide("approved", lambda: approve(self._project, self._run, selection, expected=seen))

    def _reject(self) -> None:
        reason = self._ask_reason()
        if reason is None:
            typer.echo("\nNot rejected.")
            return
        seen, selection = self._seen_md5, self._selection()
        self._decide(
            "rejected", lambda: reject(self._project, self._run, selection, reason=reason or None, expected=seen)
        )

    def _ask_reason(self) -> str | None:
        """Ask for the reason, once more if there is none. Return None if the user cancels."""
        words = _prompt("Reason (Ctrl-C to cancel)")
        if words == "":
            typer.echo("A reason is passed on when the asset is made again.")
            words = _prompt("Reason (Enter rejects without one)")
        return words

    def _decide(self, verb: str, act: Callable[[], TransitionResult]) -> None:
        result = self._try(act)
        if result is None:
            return
        self._remember(result.commit)
        for one in result.assets:
            again = "" if result.commit else "already "
            typer.echo(f"{one.address}: {again}{verb} {_name_take(one.take, one.md5)}")
        self._decided[self._position] = verb
        self._position += 1

    def _choose(self, take: Asset) -> None:
        """Make the candidate the current take, and show it."""
        selection = self._selection()
        result = self._try(lambda: choose_take(self._project, self._run, selection, take.md5, expected=take.md5))
        if result is not None:
            self._report(result.commit, f"{result.address}: chose {_name_take(result.take, result.md5)}")

    def _note(self) -> None:
        now = self._row.notes
        words = _prompt(f"Note (Enter keeps it, {_REMOVE} removes it)" if now else "Note")
        if not words or (words == _REMOVE and not now):
            typer.echo("The note was not changed.")
            return
        text, segment = "" if words == _REMOVE else words, self._segment()
        result = self._try(lambda: note(self._project, self._run, segment, text))
        if result is not None:
            done = "noted" if text else "removed the note"
            self._report(
                result.commit, f"segment {self._row.segment}: {done}" if result.commit else "It says so already."
            )

    def _edit(self) -> None:
        """Change the text of the segment in the user's editor."""
        from gitassets.cli.edit import edit_in_editor

        segment = self._segment()
        result = self._try(lambda: edit_in_editor(self._project, self._run, segment))
        if result is not None and result.commit is None:
            typer.echo("The text was not changed.")
        elif result is not None:
            self._report(result.commit, f"segment {result.segment}: changed the text")

    def _regenerate(self) -> None:
        """Make a new take, by the provider of the current one."""
        from gitassets.cli.regen import make_again

        selection = self._selection()
        result = self._try(lambda: make_again(self._project, self._run, selection))
        if result is not None:
            self._report(result.commit, f"{self._address}: made a new take" if result.made else "No new take was made.")

    def _undo(self) -> None:
        """Undo the last commit of this session, and return to its asset."""
        if not self._commits:
            run_id = self._run.run_id
            print_words(
                f"There is nothing in this review to undo. `gitassets undo {run_id}` undoes the command before it."
            )
            return
        position, commit = self._commits.pop()
        result = self._try(lambda: undo(self._project, self._run, commit))
        if result is None:
            self._commits.append((position, commit))
            return
        print_words(f"Undid “{result.summary}”, by a new commit ({(result.commit or '')[:10]}):")
        for line in result.lines:
            print_words(line, indent=2)
        self._decided.pop(position, None)
        self._position, self._shown = position, None

    def _report(self, commit: str | None, done: str) -> None:
        """Say what was done, and show the asset as it is now."""
        print_words(done)
        self._remember(commit)
        self._shown = None

    def _remember(self, commit: str | None) -> None:
        if commit is not None:
            self._commits.append((self._position, commit))

    def _try(self, act: Callable[[], Result]) -> Result | None:
        """Run an action and return its result. If it fails, print the error, show the asset again and return None."""
        try:
            return act()
        except GitAssetsError as error:
            typer.echo(f"Error: {error.message}\n  → {error.hint}", err=True)
            self._shown = None
            return None

    def _selection(self) -> AssetSelection:
        return AssetSelection({self._row.kind: self._segment()})

    def _segment(self) -> Selection:
        return Selection(str(self._row.segment), ((self._row.segment, self._row.segment),))

    def _read_again(self) -> AssetRow | None:
        """Return the asset as it is now, or None if it is gone."""
        try:
            return read_rows(self._project, self._run, self._selection())[0]
        except NoMatchError:
            return None


def _prompt(question: str) -> str | None:
    """Ask for a line of text. Return None if the user cancels."""
    try:
        return str(typer.prompt(question, default="", show_default=False)).strip()
    except typer.Abort:
        return None
