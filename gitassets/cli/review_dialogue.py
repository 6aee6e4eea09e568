"""Run the dialogue of `review`: one asset after the other, each decision committed at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import typer

from gitassets.actions.approve import approve
from gitassets.actions.choose import choose as choose_take
from gitassets.actions.list import AssetRow, read_rows
from gitassets.actions.log import read_log
from gitassets.actions.reject import reject
from gitassets.actions.reopen import reopen_assets
from gitassets.actions.review import move_to_review
from gitassets.cli.render import emit_json, format_duration, make_console, plain, printable, style_status
from gitassets.cli.viewer import Viewer
from gitassets.domain.manifest import Asset, Kind
from gitassets.domain.selection import ALL, AssetSelection, Selection
from gitassets.domain.status import Status
from gitassets.domain.takes import sorted_takes
from gitassets.errors import GitAssetsError, NoMatchError
from gitassets.runs.project import Project, Run

_UNDONE = "taken back in review"
_WAITING = (Status.DRAFT, Status.REVISED, Status.REVIEW)
_KEYS = "[a]pprove  [r]eject  [s]kip  [b]ack  [o]pen again  [q]uit"
_DIGITS = "123456789"


def choose(selection: AssetSelection, kind: Kind | None) -> AssetSelection:
    """Return the selection, or all assets if it is empty, limited to the kind of --type."""
    if selection.empty:
        return AssetSelection({kind: ALL}) if kind is not None else AssetSelection({}, ALL)
    if kind is None:
        return selection
    by_kind = {one: sel for one, sel in selection.by_kind.items() if one is kind}
    if selection.segments is not None:
        by_kind.setdefault(kind, selection.segments)
    return AssetSelection(by_kind)


def move_and_print(project: Project, run: Run, selection: AssetSelection, *, dry_run: bool, as_json: bool) -> None:
    """Move drafts and revised assets to review, and print the paths of all chosen assets."""
    result = move_to_review(project, run, selection, dry_run=dry_run)
    rows = read_rows(project, run, selection)
    if as_json:
        emit_json("review", {"run_id": run.run_id, "commit": result.commit, "dry_run": dry_run, "assets": rows})
        return
    for row in rows:
        path = run.folder / row.asset.path if run.folder else row.asset.path
        typer.echo(f"{row.kind.value} {row.segment}\t{row.asset.status.value}\t{path}")
        for take in sorted_takes(row.asset):
            path = run.folder / take.path if run.folder else take.path
            typer.echo(f"{row.kind.value} {row.segment}\tcandidate, take {take.take}\t{path}")


def _needs_decision(row: AssetRow) -> bool:
    """Check whether an asset needs a decision. A rejected one does if it has a candidate to choose."""
    return row.asset.status in _WAITING or (row.asset.status is Status.REJECTED and bool(row.asset.takes))


def review_one_by_one(project: Project, run: Run, selection: AssetSelection) -> None:
    """Show every chosen asset that needs a decision, until the user quits."""
    rows = [row for row in read_rows(project, run, selection) if _needs_decision(row)]
    if not rows:
        typer.echo("None of these assets needs a decision.")
        return
    viewer = Viewer()
    try:
        _Dialogue(project, run, rows, viewer).run()
    finally:
        viewer.stop()


def _describe(take: Asset) -> str:
    """Describe a take: "take 2, takes/scene_002_9e107d9d.png, openai, seed 7"."""
    seed = None if take.seed is None else f"seed {take.seed}"
    return ", ".join(one for one in (f"take {take.take}", take.path, take.source, seed) if one)


class _Dialogue:
    """Keep the user's position in the list, and the decisions of this session."""

    def __init__(self, project: Project, run: Run, rows: Sequence[AssetRow], viewer: Viewer) -> None:
        self._project, self._run, self._rows, self._viewer = project, run, list(rows), viewer
        self._decided: dict[int, str] = {}
        self._position = 0
        self._shown: AssetRow | None = None
        self._seen_md5: str | None = None
        self._next_candidate = 0

    def run(self) -> None:
        while self._position < len(self._rows):
            if self._shown is not self._row and not self._begin():
                continue
            if not self._handle_key(self._ask()):
                break
        approved = sum(1 for verb in self._decided.values() if verb == "approved")
        rejected = len(self._decided) - approved
        left = len(self._rows) - len(self._decided)
        typer.echo(f"{approved} approved, {rejected} rejected, {left} left.")

    @property
    def _row(self) -> AssetRow:
        return self._rows[self._position]

    @property
    def _candidates(self) -> list[Asset]:
        return sorted_takes(self._row.asset)

    def _begin(self) -> bool:
        """Read the asset again and show it. Return False, and go to the next one, if it is gone."""
        row = self._read_again()
        if row is None:
            typer.echo(f"{self._row.kind} {self._row.segment} no longer exists.", err=True)
            self._position += 1
            return False
        self._rows[self._position] = self._shown = row
        self._present()
        return True

    def _present(self) -> None:
        row = self._row
        asset, console = row.asset, make_console()
        console.rule(f"{self._position + 1} of {len(self._rows)}: [bold]{row.kind} {row.segment}[/], take {asset.take}")
        console.print(f"{style_status(asset.status)}  {plain(asset.path)}  {format_duration(asset.duration_sec)}")
        typer.echo(printable(f"\n{row.text}\n"))
        for name, value in (
            ("Prompt", asset.prompt),
            ("Style", asset.style),
            ("Voice", asset.voice),
            ("Note", row.notes),
        ):
            if value:
                typer.echo(printable(f"{name}: {value}"))
        if row.stale:
            typer.echo(printable(f"Stale: {row.stale}"))
        for line in self._earlier_reasons(row):
            typer.echo(printable(line))
        for number, take in enumerate(self._candidates, start=1):
            typer.echo(printable(f"Candidate {number}: {_describe(take)}"))
        self._show()
        # Sounds would all play at once.
        for take in self._candidates if row.kind is not Kind.AUDIO else ():
            self._show_file(take)
        self._next_candidate = 0

    def _earlier_reasons(self, row: AssetRow) -> list[str]:
        selection = Selection(str(row.segment), ((row.segment, row.segment),))
        entries = read_log(self._project, self._run, segments=selection, kind=row.kind)
        verbs = {"reject": "Rejected before", "reopen": "Reopened"}
        return [
            f"{verbs[entry.action]}: {entry.words}"
            for entry in reversed(entries)
            if entry.action in verbs and entry.words and entry.words != _UNDONE
        ]

    def _show(self) -> None:
        """Show the asset, and remember its bytes: a decision holds only for them."""
        asset = self._row.asset
        self._seen_md5 = self._project.stat_index(self._run).hash(asset.path) or asset.md5
        if self._seen_md5 != asset.md5:
            typer.echo("Its file does not have the recorded bytes: `replace` accepts the file, `restore` reverts it.")
        self._show_file(asset)

    def _show_file(self, take: Asset) -> None:
        path = self._run.require_folder() / take.path
        if not path.is_file():
            effect = ", so it cannot be decided on" if take is self._row.asset else ""
            typer.echo(f"The file is missing{effect}: {path}")
        elif not self._viewer.show(path, self._row.kind):
            typer.echo(f"Found no program to open {path}")

    def _show_next_candidate(self) -> None:
        candidates = self._candidates
        if not candidates:
            typer.echo("There are no candidates: `gitassets regen --takes N` makes some.")
            return
        number = self._next_candidate % len(candidates)
        typer.echo(printable(f"Candidate {number + 1}: {_describe(candidates[number])}"))
        self._show_file(candidates[number])
        self._next_candidate = number + 1

    @property
    def _keys(self) -> str:
        count = min(len(self._candidates), len(_DIGITS))
        last = f"-{count}" if count > 1 else ""
        return f"[1{last}] choose a candidate  [c] show the next one\n{_KEYS}" if count else _KEYS

    def _ask(self) -> str:
        typer.echo(f"\n{self._keys} ", nl=False)
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
        match key:
            case "a":
                self._decide("approved", None)
            case "r":
                self._reject()
            case "s":
                self._position += 1
            case "b":
                self._go_back()
            case "o":
                self._open_again()
            case "c":
                self._show_next_candidate()
            case "q":
                return False
            case _ if len(key) == 1 and key in _DIGITS[: len(self._candidates)]:
                self._choose(self._candidates[_DIGITS.index(key)])
            case _:
                typer.echo(f"Press one of these keys: {self._keys}")
        return True

    def _open_again(self) -> None:
        """Show the asset again, with its description if it has changed since."""
        if self._read_again() == self._row:
            self._show()
        else:
            self._shown = None

    def _choose(self, take: Asset) -> None:
        """Make the candidate the current take, and show it."""
        if self._try(lambda: choose_take(self._project, self._run, self._selection(), take.md5, expected=take.md5)):
            self._shown = None

    def _reject(self) -> None:
        try:
            reason = typer.prompt("Reason (Ctrl-C to cancel)", default="", show_default=False)
        except typer.Abort:
            typer.echo("\nNot rejected.")
            return
        self._decide("rejected", reason)

    def _decide(self, verb: str, reason: str | None) -> None:
        selection, words, seen = self._selection(), (reason or "").strip() or None, self._seen_md5
        done = self._try(
            lambda: (
                approve(self._project, self._run, selection, expected=seen)
                if verb == "approved"
                else reject(self._project, self._run, selection, reason=words, expected=seen)
            )
        )
        if done:
            self._decided[self._position] = verb
            self._position += 1

    def _try(self, act: Callable[[], object]) -> bool:
        """Run an action and return whether it succeeded. If not, print the error and show the asset again."""
        try:
            act()
        except GitAssetsError as error:
            typer.echo(f"Error: {error.message}\n  → {error.hint}", err=True)
            self._shown = None
            return False
        return True

    def _go_back(self) -> None:
        """Return to the previous asset; a commit undoes a decision made on it in this session."""
        if self._position == 0:
            typer.echo("This is the first one.")
            return
        self._position -= 1
        if self._decided.pop(self._position, None):
            seen, selection = self._row.asset.md5, self._selection()
            self._try(lambda: reopen_assets(self._project, self._run, selection, reason=_UNDONE, expected=seen))

    def _selection(self) -> AssetSelection:
        row = self._row
        return AssetSelection({row.kind: Selection(str(row.segment), ((row.segment, row.segment),))})

    def _read_again(self) -> AssetRow | None:
        """Return the asset as it is now, or None if it is gone."""
        try:
            return read_rows(self._project, self._run, self._selection())[0]
        except NoMatchError:
            return None
