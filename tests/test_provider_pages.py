"""Each provider's page in docs/providers has the same parts, and its example is one that gitassets reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gitassets.adapters.state.settings_file import parse_settings
from gitassets.providers.registry import _SERVICES, load_provider

PAGES = sorted((Path(__file__).parents[1] / "docs" / "providers").glob("*.md"))
PARTS = ["What it needs", "What it costs", "Limits", "Example"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_page_of_provider_has_every_part_and_a_date(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith(f"# {path.stem}\n")
    assert re.findall(r"^## (.+)$", text, re.M) == PARTS
    assert re.search(r"Checked on\s+\d{4}-\d\d-\d\d", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_example_of_provider_page_is_read(path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
    settings = parse_settings(example.encode(), "gitassets.yaml")
    kinds = [kind for name, kind in _SERVICES if name == path.stem]
    assert kinds
    for kind in kinds:
        load_provider(path.stem, kind, settings)
