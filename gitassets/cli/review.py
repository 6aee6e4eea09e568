"""The dialogue of `review`: one asset after the other, each decision committed at once."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from gitassets.actions.log import read_log
from gitassets.actions.project import Project, Run
from gitassets.actions.query import AssetRow, read_rows
from gitassets.actions.transition import approve, move_to_review, reject, reopen_assets
from gitassets.adapters.viewer import Viewer
from gitassets.cli.render import emit_json, format_duration, make_console, plain, printable, style_status
from gitassets.domain.manifest import Kind
from gitassets.domain.selection import ALL, AssetSelection, Selection
from gitassets.domain.status import Status
from gitassets.errors import GitAssetsError

_TAKEN_BACK = "taken back in review"
_WAITING = (Status.DRAFT, Status.REVISED, Status.REVIEW)
_KEYS = "[a]pprove  [r]eject  [s]kip  [b]ack  [o]pen again  [q]uit"


def choose(selection: AssetSelection, kind: Kind | None) -> AssetSelection:
    """The selection, or all there is; of one kind only where --type says so."""
    if selection.empty:
        return AssetSelection({kind: ALL}) if kind is not None else AssetSelection({}, ALL)
    if kind is None:
        return selection
    by_kind = {one: sel for one, sel in selection.by_kind.items() if one is kind}
    if selection.segments is not None:
        by_kind.setdefault(kind, selection.segments)
    return AssetSelection(by_kind)


def move_and_print(project: Project, run: Run, selection: AssetSelection, *, dry_run: bool, as_json: bool) -> None:
    """Drafts and revised assets are in review, and the paths of all chosen ones are printed."""
    result = move_to_review(project, run, selection, dry_run=dry_run)
    rows = read_rows(project, run, selection)
    if as_json:
        emit_json("review", {"run_id": run.run_id, "commit": result.commit, "dry_run": dry_run, "assets": rows})
        return
    for row in rows:
        path = run.folder / row.asset.path if run.folder else row.asset.path
        typer.echo(f"{row.kind.value} {row.segment}\t{row.asset.status.value}\t{path}")


def review_one_by_one(project: Project, run: Run, selection: AssetSelection) -> None:
    """Every chosen asset that waits for a decision has been shown, until the user quits."""
    rows = [row for row in read_rows(project, run, selection) if row.asset.status in _WAITING]
    if not rows:
        typer.echo("Nothing waits for a decision among these assets.")
        return
    viewer = Viewer()
    try:
        _Dialogue(project, run, rows, viewer).go()
    finally:
        viewer.stop()


class _Dialogue:
    """Where the user is in the list, and what was decided in this sitting."""

    def __init__(self, project: Project, run: Run, rows: Sequence[AssetRow], viewer: Viewer) -> None:
        self._project, self._run, self._rows, self._viewer = project, run, list(rows), viewer
        self._decided: dict[int, str] = {}
        self._place = 0

    def go(self) -> None:
        shown = None
        while self._place < len(self._rows):
            if shown != self._place:
                self._present()
            shown = self._place
            if not self._obey(self._ask()):
                break
        approved = sum(1 for verb in self._decided.values() if verb == "approved")
        rejected = len(self._decided) - approved
        left = len(self._rows) - len(self._decided)
        typer.echo(f"{approved} approved, {rejected} rejected, {left} left.")

    def _present(self) -> None:
        row = self._rows[self._place]
        asset, console = row.asset, make_console()
        console.rule(f"{self._place + 1} of {len(self._rows)}: [bold]{row.kind} {row.segment}[/], take {asset.take}")
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
        self._show()

    def _earlier_reasons(self, row: AssetRow) -> list[str]:
        selection = Selection(str(row.segment), ((row.segment, row.segment),))
        entries = read_log(self._project, self._run, segments=selection, kind=row.kind)
        verbs = {"reject": "Rejected before", "reopen": "Reopened"}
        return [
            f"{verbs[entry.action]}: {entry.words}"
            for entry in reversed(entries)
            if entry.action in verbs and entry.words and entry.words != _TAKEN_BACK
        ]

    def _show(self) -> None:
        row = self._rows[self._place]
        path = self._run.require_folder() / row.asset.path
        if not path.is_file():
            typer.echo(f"The file is not here, and so cannot be decided on: {path}")
        elif not self._viewer.show(path, row.kind):
            typer.echo(f"No program to show it was found; it is here: {path}")

    def _ask(self) -> str:
        typer.echo(f"\n{_KEYS} ", nl=False)
        try:
            key = typer.getchar()
        except EOFError:
            return "q"
        typer.echo(key if key.isprintable() else "")
        if key in ("\x03", "\x04"):
            return "q"
        return key.lower()

    def _obey(self, key: str) -> bool:
        """Whether to go on."""
        match key:
            case "a":
                self._decide("approved", None)
            case "r":
                self._reject()
            case "s":
                self._place += 1
            case "b":
                self._go_back()
            case "o":
                self._show()
            case "q":
                return False
            case _:
                typer.echo(f"Please press one of the keys: {_KEYS}")
        return True

    def _reject(self) -> None:
        try:
            reason = typer.prompt("Why (Ctrl-C: not after all)", default="", show_default=False)
        except typer.Abort:
            typer.echo("\nNot rejected.")
            return
        self._decide("rejected", reason)

    def _decide(self, verb: str, reason: str | None) -> None:
        selection = self._selection()
        try:
            if verb == "approved":
                approve(self._project, self._run, selection)
            else:
                reject(self._project, self._run, selection, reason=(reason or "").strip() or None)
        except GitAssetsError as error:
            typer.echo(f"Error: {error.message}\n  → {error.hint}", err=True)
            return
        self._decided[self._place] = verb
        self._place += 1

    def _go_back(self) -> None:
        """The asset before is shown again; a decision made on it in this sitting is taken back by a commit."""
        if self._place == 0:
            typer.echo("This is the first one.")
            return
        self._place -= 1
        if self._decided.pop(self._place, None):
            reopen_assets(self._project, self._run, self._selection(), reason=_TAKEN_BACK)
            self._rows[self._place] = self._read_again()

    def _selection(self) -> AssetSelection:
        row = self._rows[self._place]
        return AssetSelection({row.kind: Selection(str(row.segment), ((row.segment, row.segment),))})

    def _read_again(self) -> AssetRow:
        return read_rows(self._project, self._run, self._selection())[0]
