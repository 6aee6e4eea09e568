"""A project whose live providers are local stand-ins, with the keys that they accept."""

from __future__ import annotations

import pytest

from gitassets.runs.project import Project
from tests.live.shop import Studio
from tests.providers.conftest import _keys as _keys
from tests.providers.conftest import ask as ask
from tests.providers.conftest import media as media
from tests.providers.conftest import picture as picture
from tests.providers.conftest import services as services
from tests.providers.services import Services


@pytest.fixture
def studio(project: Project, services: Services) -> Studio:
    """Make a project without runs and its services; no two purchases return the same bytes."""
    services.unique = True
    found = Studio(project, services)
    found.set()
    return found
