"""docs/looks.md names every key of a look, and every look that comes with gitassets."""

from pathlib import Path

from gitassets.domain.built_in_looks import BUILT_IN_LOOKS
from gitassets.domain.look import BASE, list_look_keys

PAGE = (Path(__file__).parents[1] / "docs" / "looks.md").read_text("utf-8")


def test_page_names_every_key() -> None:
    assert [key for key in (BASE, *list_look_keys()) if f"| `{key}` |" not in PAGE] == []


def test_page_names_every_look() -> None:
    assert [name for name in BUILT_IN_LOOKS if f"| `{name}` |" not in PAGE] == []
