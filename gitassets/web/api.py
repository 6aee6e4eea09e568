"""The JSON API: what runs, segments and assets are. Nothing here changes a run."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gitassets.actions.blame import blame
from gitassets.actions.cost import read_costs
from gitassets.actions.log import read_log
from gitassets.actions.overview import count_decided, read_overview
from gitassets.actions.play_through import lay_out_play
from gitassets.actions.preview import find_frame_rate
from gitassets.actions.reasons import read_reasons
from gitassets.domain.annotations import read_annotations
from gitassets.domain.audit import LogEntry
from gitassets.domain.manifest import Address, Asset, Kind, Manifest, iter_changed_segments
from gitassets.domain.script_rules import find_script_rules
from gitassets.domain.script_text import find_shown_text
from gitassets.domain.selection import parse_selection
from gitassets.domain.timeline import Finding, Look, Shot
from gitassets.runs.project import Project
from gitassets.runs.take_index import TakeIndex
from gitassets.web.answers import as_json
from gitassets.web.asking import number_of, open_run, session_of, site_of
from gitassets.web.opened import Opened, find_address
from gitassets.web.views import (
    count_statuses,
    media_path,
    needs_decision,
    view_history,
    view_rows,
    view_run,
    view_take,
)

_MOST_ROWS = 1000
_MOST_ENTRIES = 500
_SHOWN_GAPS = 200
_SHOWN_REASONS = 40
_KIND_OF = {Look.STILL: Kind.IMAGE, Look.CARD: Kind.IMAGE}


def list_runs(request: Request) -> Response:
    return as_json({"runs": view_runs(request)})


def view_runs(request: Request) -> list[object]:
    return [view_run(one) for one in read_overview(site_of(request).open_project())]


def show_run(request: Request) -> Response:
    """Answer with the run and some of its rows: a window, or those that changed `since` a commit."""
    project, opened = open_run(request)
    return as_json({**describe_run(request, opened), "rows": _choose_rows(request, project, opened)})


def describe_run(request: Request, opened: Opened) -> dict[str, object]:
    manifest = opened.manifest
    counts = count_statuses(manifest)
    assets = [asset for _, asset in manifest.assets()]
    return {
        "run_id": opened.run.run_id,
        "title": opened.run.run_id,
        "head": opened.head,
        "production_state": manifest.production_state,
        "is_open": opened.run.is_open,
        "segments": len(manifest.segments),
        "bare": opened.bare,
        "disputed": opened.disputed,
        "counts": counts,
        "decided": count_decided(counts),
        "undecided": sum(map(needs_decision, assets)),
        "assets_total": len(assets),
        "length_sec": round(sum(one.audio.duration_sec or 0 for one in manifest.segments.values() if one.audio), 3),
        "cost_usd": round(sum(one.cost_usd or 0 for one in assets), 4),
        "can": describe_rights(request, opened),
        "build": describe_build(opened),
    }


def describe_rights(request: Request, opened: Opened) -> dict[str, object]:
    options, session = site_of(request).options, session_of(request)
    asks = options.others_decide and not session.name
    writable = opened.run.is_open and not opened.run.newer and not opened.run.old
    return {
        "decide": writable and not options.read_only and not asks,
        "name": session.name,
        "needs_name": asks,
        "buy": options.live,
        "max_cost_usd": options.max_cost_usd,
        "spent_usd": site_of(request).jobs.spent_usd,
    }


def describe_build(opened: Opened) -> dict[str, object]:
    """Say what a strict build still lacks, and what was built last."""
    finals = {one.path.rsplit(".", 1)[-1]: one.md5 for one in opened.manifest.final}
    run_id = opened.run.run_id
    found = opened.build_check
    shown = [_view_gap(one) for one in found.gaps[:_SHOWN_GAPS]]
    built = None if "mp4" not in finals else {"media": f"/media/{run_id}/{finals['mp4']}", "md5": finals["mp4"]}
    return {"gaps": shown, "gaps_total": len(found.gaps), "problem": found.problem, "built": built}


def _choose_rows(request: Request, project: Project, opened: Opened) -> object:
    manifest, since = opened.manifest, request.query_params.get("since")
    if since is not None:
        before = site_of(request).shelf.find_manifest(project, since)
        numbers = list(manifest.segments) if before is None else _list_changed(before, manifest)
    else:
        start = number_of(request, "from", 0) or 0
        count = number_of(request, "count", _MOST_ROWS) or 0
        numbers = list(manifest.segments)[start : start + min(count, _MOST_ROWS)]
    return view_rows(project, opened.run, manifest, numbers[:_MOST_ROWS])


def _list_changed(before: Manifest, after: Manifest) -> list[int]:
    return [number for number in iter_changed_segments(before, after) if number in after.segments]


def show_index(request: Request) -> Response:
    _, opened = open_run(request)
    return as_json({"head": opened.head, "rows": opened.index})


def show_asset(request: Request) -> Response:
    """Answer with one asset, its takes, history, notes, and what a decision on it means."""
    project, opened = open_run(request)
    return as_json(describe_asset(request, project, opened))


def describe_asset(request: Request, project: Project, opened: Opened) -> dict[str, object]:
    params = request.path_params
    address, asset = find_address(opened, params["segment"], params["kind"])
    row = view_rows(project, opened.run, opened.manifest, [address.segment])[0]
    index = site_of(request).shelf.read_index(project, opened)
    takes = index.list_takes(address, asset)
    return {
        "head": opened.head,
        "row": row,
        "asset": row.assets[address.kind],
        "takes": [view_take(project, opened.run, address.kind, one) for one in takes],
        "frame_rate": _find_frame_rate(project, opened, address, asset),
        "history": view_history(index.list_sightings(address)),
        "locks": f"{address} take {asset.take}, bytes {asset.md5[:8]}",
        "gaps": [_view_gap(one) for one in opened.build_check.gaps if one.segment == address.segment],
        "annotations": [
            one
            for one in read_annotations(address.segment, opened.manifest.segment_of(address))
            if one.kind is address.kind
        ],
    }


def _find_frame_rate(project: Project, opened: Opened, address: Address, asset: Asset) -> float | None:
    if address.kind is not Kind.VIDEO:
        return None
    return find_frame_rate(project, opened.run, asset.md5, asset.path)


def _view_gap(gap: Finding) -> dict[str, object]:
    return {"segment": gap.segment, "kind": gap.kind.value, "problem": gap.problem}


def list_reasons(request: Request) -> Response:
    """Answer with the reasons of rejections in this project, those used most often first."""
    project, opened = open_run(request)
    return as_json({"reasons": read_reasons(project, opened.run)[:_SHOWN_REASONS]})


def show_audit(request: Request) -> Response:
    """Answer with a part of the run's time line, newest first."""
    project, opened = open_run(request)
    return as_json(view_audit(request, project, opened))


def view_audit(request: Request, project: Project, opened: Opened) -> dict[str, object]:
    entries = read_log(project, opened.run)
    index = site_of(request).shelf.read_index(project, opened)
    before = request.query_params.get("before")
    start = next((at + 1 for at, one in enumerate(entries) if one.commit == before), 0)
    end = start + min(number_of(request, "count", 100) or 100, _MOST_ENTRIES)
    more = end < len(entries)
    return {"entries": [_view_entry(one, index) for one in entries[start:end]], "total": len(entries), "more": more}


def _view_entry(entry: LogEntry, index: TakeIndex) -> dict[str, object]:
    return {
        "commit": entry.commit,
        "when": entry.date,
        "by": entry.author,
        "reviewed_by": entry.reviewed_by or None,
        "action": entry.action,
        "summary": entry.summary,
        "words": entry.words,
        "changes": [
            {
                "segment": one.address.segment,
                "kind": one.address.kind.value,
                "before": one.before,
                "after": one.after,
                "takes": _find_takes(index, one.address, entry.commit),
            }
            for one in entry.transitions
        ],
        "segments": entry.segments,
        "by_hand": bool(entry.by_hand),
    }


def _find_takes(index: TakeIndex, address: Address, commit: str) -> list[int]:
    """Return the takes that the commit made, and if it made none, the one that it decided on."""
    sightings = index.list_sightings(address)
    at = next((at for at, one in enumerate(sightings) if one.commit == commit), None)
    if at is None:
        return []
    asset, before = sightings[at].asset, sightings[at - 1].asset if at else None
    known = set() if before is None else {before.md5, *before.takes}
    made = [one.take for one in asset.takes.values() if one.md5 not in known]
    return sorted(made) if before is not None and before.md5 == asset.md5 and made else [asset.take]


def show_cost(request: Request) -> Response:
    project, opened = open_run(request)
    return as_json(read_costs(project, opened.run))


def show_blame(request: Request) -> Response:
    """Answer with who approved the current bytes of each locked asset."""
    project, opened = open_run(request)
    return as_json({"approvals": blame(project, opened.run)})


def describe_approval(project: Project, opened: Opened, address: Address) -> dict[str, object] | None:
    """Say who approved the current bytes of an asset, and in which words; None if nobody did."""
    found = next((one for one in blame(project, opened.run, address.kind) if one.address == address), None)
    if found is None:
        return None
    entries = read_log(project, opened.run, segments=parse_selection(str(address.segment)), kind=address.kind)
    entry = next((one for one in entries if one.commit == found.commit), None)
    return {
        "by": found.author.split(" <")[0],
        "when": found.date,
        "commit": found.commit,
        "by_hand": found.by_hand,
        "settled": found.settled,
        "reviewed_by": entry.reviewed_by if entry else "",
        "words": entry.words if entry else "",
    }


def show_playlist(request: Request) -> Response:
    """Answer with what is seen and heard in order, as the video will be."""
    project, opened = open_run(request)
    run_id, rules = opened.run.run_id, find_script_rules(opened.manifest)
    shots = [
        {
            "segment": shot.number,
            "text": find_shown_text(shot.text, rules) or shot.text,
            "start_sec": round(float(shot.start), 4),
            "duration_sec": round(float(shot.duration), 4),
            "look": shot.look.value,
            "audio": _view_played(run_id, Kind.AUDIO, shot.narration),
            "visual": _view_played(run_id, _KIND_OF.get(shot.look, Kind.VIDEO), shot.visual),
            "visual_from": shot.visual_from,
            "camera": _view_camera(shot),
        }
        for shot in lay_out_play(project, opened.run)
    ]
    return as_json({"head": opened.head, "shots": shots})


def _view_camera(shot: Shot) -> dict[str, float] | None:
    """Return the move over the picture, which may have begun in an earlier shot and may go on in later ones."""
    if shot.move is None or not shot.frame_count:
        return None
    frame_sec = float(shot.duration) / shot.frame_count
    return {
        "from": shot.move.zoom[0],
        "to": shot.move.zoom[1],
        "begun_sec": round(shot.move_from * frame_sec, 4),
        "duration_sec": round(shot.move.frames * frame_sec, 4),
    }


def _view_played(run_id: str, kind: Kind, asset: Asset | None) -> dict[str, object] | None:
    if asset is None:
        return None
    return {
        "media": media_path(run_id, kind, asset.md5),
        "kind": kind.value,
        "md5": asset.md5,
        "status": asset.status.value,
        "duration_sec": asset.duration_sec,
    }
