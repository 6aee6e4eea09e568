"""Each service has a page in docs/providers with the same parts, whose examples gitassets reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gitassets.adapters.state.settings_file import parse_settings
from gitassets.domain.manifest import Kind
from gitassets.providers.registry import _BUILT_IN, _SERVICES, embedded_providers, load_provider
from gitassets.providers.services.elevenlabs import USD_PER_1000_CHARS

DOCS = Path(__file__).parents[1] / "docs"
NAMES = sorted({name for name, _ in _SERVICES} | {*embedded_providers(Kind.AUDIO)})
PARTS = ["What it needs", "What it costs", "Limits", "Example"]


def read(name: str) -> str:
    return (DOCS / "providers" / f"{name}.md").read_text("utf-8")


def test_no_page_is_of_something_else() -> None:
    assert sorted(path.stem for path in (DOCS / "providers").glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
class TestPage:
    def test_page_has_every_part_and_a_date(self, name: str) -> None:
        text = read(name)
        assert text.startswith(f"# {name}\n")
        assert [one for one in re.findall(r"^## (.+)$", text, re.M) if one in PARTS] == PARTS
        assert re.search(r"Checked\s+on\s+2026-\d\d-\d\d", text.partition("\n## ")[0])

    def test_examples_of_page_are_read(self, name: str) -> None:
        examples = re.findall(r"^```yaml\n(.*?)^```", read(name), re.M | re.S)
        kinds = [kind for one, kind in _BUILT_IN if one == name]
        assert examples
        for example in examples:
            settings = parse_settings(example.encode(), "gitassets.yaml")
            for kind in kinds:
                load_provider(name, kind, settings)

    def test_page_is_listed_with_the_services(self, name: str) -> None:
        assert f"[`{name}`](providers/{name}.md)" in (DOCS / "services.md").read_text("utf-8")


def test_table_of_elevenlabs_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|$", read("elevenlabs"), re.M)
    assert {model: float(usd) for model, usd in rows} == USD_PER_1000_CHARS
