"""The dialogue of `review`: one asset after the other, each decision committed at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import typer

from gitassets.actions.choose import choose as choose_take
from gitassets.actions.log import read_log
from gitassets.actions.query import AssetRow, read_rows
from gitassets.actions.transition import approve, move_to_review, reject, reopen_assets
from gitassets.cli.render import emit_json, format_duration, make_console, plain, printable, style_status
from gitassets.cli.viewer import Viewer
from gitassets.domain.manifest import Asset, Kind
from gitassets.domain.selection import ALL, AssetSelection, Selection
from gitassets.domain.status import Status
from gitassets.domain.takes import sorted_takes
from gitassets.errors import GitAssetsError, NoMatchError
from gitassets.runs.project import Project, Run

_TAKEN_BACK = "taken back in review"
_WAITING = (Status.DRAFT, Status.REVISED, Status.REVIEW)
_KEYS = "[a]pprove  [r]eject  [s]kip  [b]ack  [o]pen again  [q]uit"
_DIGITS = "123456789"


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
        for take in sorted_takes(row.asset):
            path = run.folder / take.path if run.folder else take.path
            typer.echo(f"{row.kind.value} {row.segment}\tcandidate, take {take.take}\t{path}")


def _waits(row: AssetRow) -> bool:
    """Whether somebody has to decide on it; of a rejected one, where there is another take to choose."""
    return row.asset.status in _WAITING or (row.asset.status is Status.REJECTED and bool(row.asset.takes))


def review_one_by_one(project: Project, run: Run, selection: AssetSelection) -> None:
    """Every chosen asset that waits for a decision has been shown, until the user quits."""
    rows = [row for row in read_rows(project, run, selection) if _waits(row)]
    if not rows:
        typer.echo("Nothing waits for a decision among these assets.")
        return
    viewer = Viewer()
    try:
        _Dialogue(project, run, rows, viewer).go()
    finally:
        viewer.stop()


def _describe(take: Asset) -> str:
    """ "take 2, takes/scene_002_9e107d9d.png, openai, seed 7"."""
    seed = None if take.seed is None else f"seed {take.seed}"
    return ", ".join(one for one in (f"take {take.take}", take.path, take.source, seed) if one)


class _Dialogue:
    """Where the user is in the list, and what was decided in this sitting."""

    def __init__(self, project: Project, run: Run, rows: Sequence[AssetRow], viewer: Viewer) -> None:
        self._project, self._run, self._rows, self._viewer = project, run, list(rows), viewer
        self._decided: dict[int, str] = {}
        self._place = 0
        self._shown: AssetRow | None = None
        self._seen_md5: str | None = None
        self._next_candidate = 0

    def go(self) -> None:
        while self._place < len(self._rows):
            if self._shown is not self._row and not self._begin():
                continue
            if not self._obey(self._ask()):
                break
        approved = sum(1 for verb in self._decided.values() if verb == "approved")
        rejected = len(self._decided) - approved
        left = len(self._rows) - len(self._decided)
        typer.echo(f"{approved} approved, {rejected} rejected, {left} left.")

    @property
    def _row(self) -> AssetRow:
        return self._rows[self._place]

    @property
    def _candidates(self) -> list[Asset]:
        return sorted_takes(self._row.asset)

    def _begin(self) -> bool:
        """Whether the asset is there, and was shown as it is now; one that is gone is passed over."""
        row = self._read_again()
        if row is None:
            typer.echo(f"{self._row.kind} {self._row.segment} is no longer there.", err=True)
            self._place += 1
            return False
        self._rows[self._place] = self._shown = row
        self._present()
        return True

    def _present(self) -> None:
        row = self._row
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
        for number, take in enumerate(self._candidates, start=1):
            typer.echo(printable(f"Candidate {number}: {_describe(take)}"))
        self._show()
        # Sounds would be heard all at once.
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
            if entry.action in verbs and entry.words and entry.words != _TAKEN_BACK
        ]

    def _show(self) -> None:
        """The asset is shown, and it is known which bytes those are: a decision holds for them alone."""
        asset = self._row.asset
        self._seen_md5 = self._project.stat_index(self._run).hash(asset.path) or asset.md5
        if self._seen_md5 != asset.md5:
            typer.echo("Its file has other bytes than the run records: `replace` takes them, `restore` undoes that.")
        self._show_file(asset)

    def _show_file(self, take: Asset) -> None:
        path = self._run.require_folder() / take.path
        if not path.is_file():
            so = ", and so cannot be decided on" if take is self._row.asset else ""
            typer.echo(f"The file is not here{so}: {path}")
        elif not self._viewer.show(path, self._row.kind):
            typer.echo(f"No program to show it was found; it is here: {path}")

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
                self._open_again()
            case "c":
                self._show_next_candidate()
            case "q":
                return False
            case _ if len(key) == 1 and key in _DIGITS[: len(self._candidates)]:
                self._choose(self._candidates[_DIGITS.index(key)])
            case _:
                typer.echo(f"Please press one of the keys: {self._keys}")
        return True

    def _open_again(self) -> None:
        """The asset is shown once more; wholly, where it has changed since."""
        if self._read_again() == self._row:
            self._show()
        else:
            self._shown = None

    def _choose(self, take: Asset) -> None:
        """The candidate is the current take, and is shown as that."""
        if self._try(lambda: choose_take(self._project, self._run, self._selection(), take.md5, expected=take.md5)):
            self._shown = None

    def _reject(self) -> None:
        try:
            reason = typer.prompt("Why (Ctrl-C: not after all)", default="", show_default=False)
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
            self._decided[self._place] = verb
            self._place += 1

    def _try(self, act: Callable[[], object]) -> bool:
        """Whether it could be done. Why not is told, and the asset is shown anew."""
        try:
            act()
        except GitAssetsError as error:
            typer.echo(f"Error: {error.message}\n  → {error.hint}", err=True)
            self._shown = None
            return False
        return True

    def _go_back(self) -> None:
        """The asset before is shown again; a decision made on it in this sitting is taken back by a commit."""
        if self._place == 0:
            typer.echo("This is the first one.")
            return
        self._place -= 1
        if self._decided.pop(self._place, None):
            seen, selection = self._row.asset.md5, self._selection()
            self._try(lambda: reopen_assets(self._project, self._run, selection, reason=_TAKEN_BACK, expected=seen))

    def _selection(self) -> AssetSelection:
        row = self._row
        return AssetSelection({row.kind: Selection(str(row.segment), ((row.segment, row.segment),))})

    def _read_again(self) -> AssetRow | None:
        """The asset as it is now; None when it is gone."""
        try:
            return read_rows(self._project, self._run, self._selection())[0]
        except NoMatchError:
            return None
