"""Export and import of a bag preserve any manifest and any history."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace

from gitassets.actions.init import init
from gitassets.actions.log import read_log
from gitassets.actions.verify import VerifyOptions, verify
from gitassets.domain.derived import derive
from gitassets.domain.manifest import MANIFEST_NAME, Manifest, iter_folder_entries
from gitassets.domain.manifest_format import format_manifest
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.bags import export_it, import_it
from tests.actions.real_bytes import RealBytes
from tests.domain.builders import manifests
from tests.domain.histories import Change, apply, bases, histories

# Each makes repositories and real files, so there are few, and none is made smaller for an hour.
_few = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def there(project: Project, tmp_path: Path) -> RealBytes:
    """Return the project that makes runs with real files."""
    (tmp_path / "media").mkdir()
    return RealBytes(project, tmp_path / "media")


@pytest.fixture
def here(tmp_path: Path) -> Project:
    """Return another project to import into."""
    init(tmp_path / "here")
    return find_project(tmp_path / "here")


_numbers = count()


def bytes_of(project: Project, run: Run) -> dict[str, bytes]:
    entries = iter_folder_entries(read_manifest(project, run))
    return {path: project.blobs.path(md5).read_bytes() for path, md5, _ in entries}


@_few
@given(made_up=manifests())
def test_round_trip_preserves_any_manifest(there: RealBytes, here: Project, made_up: Manifest, tmp_path: Path) -> None:
    number = next(_numbers)
    run = there.make_run(there.fill(made_up, f"{made_up.run_id}-{number}"))
    bag = tmp_path / f"{number}.zip"
    export_it(there.project, run, bag)
    import_it(here, bag, f"copy-{number}")
    before, copy = read_manifest(there.project, run), find_run(here, f"copy-{number}")
    after = read_manifest(here, copy)
    origin = after.extra["imported_from"]
    assert origin["run_id"] == run.run_id
    extra = {**before.extra, "imported_from": origin}
    assert format_manifest(after) == format_manifest(derive(replace(before, run_id=after.run_id, extra=extra)))
    assert bytes_of(here, copy) == bytes_of(there.project, run)
    assert all((copy.require_folder() / path).read_bytes() == data for path, data in bytes_of(here, copy).items())
    assert verify(here, [copy], VerifyOptions(full=True)).findings == []
    shutil.rmtree(copy.require_folder())


@_few
@given(start=bases, changes=histories)
def test_round_trip_preserves_any_history(
    there: RealBytes, here: Project, start: Manifest, changes: Sequence[Change], tmp_path: Path
) -> None:
    number = next(_numbers)
    states = [start]
    for change in changes:
        states.append(apply(states[-1], change))
    run = there.make_history([there.fill_state(one, f"h{number}") for one in states])
    assert verify(there.project, [run], VerifyOptions(history_only=True)).findings == []
    export_it(there.project, run, tmp_path / f"{number}.zip", with_history=True)
    result = import_it(here, tmp_path / f"{number}.zip")
    taken = find_run(here, run.run_id)
    assert result.commits == len(states)
    assert read_log(here, taken) == read_log(there.project, run)
    tip = there.project.git.read_blob(run.ref, MANIFEST_NAME)
    assert (taken.require_folder() / MANIFEST_NAME).read_bytes() == tip
    assert bytes_of(here, taken) == bytes_of(there.project, run)
    assert verify(here, [taken], VerifyOptions()).holds
