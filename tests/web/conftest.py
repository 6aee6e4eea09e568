"""A served run with one approved image, and a browser that was let in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitassets.web.site import Site
from tests.actions.locked_run import LockedRun
from tests.web.serving import Visitor, serve, visit


@pytest.fixture
def site(locked: LockedRun) -> Iterator[Site]:
    with serve(locked.project) as found:
        yield found


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    found = visit(site)
    yield found
    found.client.close()
