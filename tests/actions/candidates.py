"""Add candidates to assets, each with a different picture."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from gitassets.adapters.files import hash_file
from gitassets.domain.commit_message import CommitMessage
from gitassets.domain.manifest import Address, Asset
from gitassets.domain.status import Status
from gitassets.domain.takes import make_candidate, next_take
from gitassets.making.record import write_run
from gitassets.runs.project import Project, Run
from tests.media import write_picture


def add_candidates(project: Project, run: Run, address: Address, *seeds: int, suffix: str = ".png") -> list[Asset]:
    """Add a candidate for each seed in one commit and return them."""
    with write_run(project, run, "test") as session:
        manifest, added = session.manifest, []
        for seed in seeds:
            asset = manifest.asset(address)
            assert asset is not None
            take = replace(_paint(project, seed, suffix), take=next_take(asset))
            added.append(make_candidate(manifest, address, take))
            manifest = manifest.with_asset(address, replace(asset, takes={**asset.takes, take.md5: added[-1]}))
        session.commit(manifest, CommitMessage(run.run_id, "regen", f"candidates of {address}"))
    return added


def _paint(project: Project, seed: int, suffix: str) -> Asset:
    with project.scratch() as folder:
        picture_format = "PNG" if suffix == ".png" else "JPEG"
        file = write_picture(folder / f"made{suffix}", seed=seed, picture_format=picture_format)
        md5, size = hash_file(file), file.stat().st_size
        project.blobs.move_in(file, md5)
    return Asset(
        path=f"images/made{suffix}",
        status=Status.DRAFT,
        md5=md5,
        size=size,
        source="tone",
        model="tone-1",
        prompt=f"seed {seed}",
        seed=seed,
        cost_usd=0.25,
        extra={"prompt_sent": f"seed {seed}, please", "parent": "0" * 32},
    )


def listed(project: Project, run: Run) -> set[str]:
    """Return the paths of the files in takes/."""
    folder: Path = run.require_folder() / "takes"
    return {path.relative_to(folder.parent).as_posix() for path in folder.glob("*")}
