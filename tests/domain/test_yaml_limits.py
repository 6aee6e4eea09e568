"""YAML from outside that would take long to parse is refused before it is parsed, wherever YAML is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import ruamel.yaml

import gitassets
from gitassets.adapters.state.settings_file import change_setting, parse_settings
from gitassets.domain.dvc_yaml import only_describes
from gitassets.domain.front_matter import split_front_matter
from gitassets.domain.yaml_limits import check_extent
from gitassets.errors import GitAssetsError

DEEP = "a: " + "[" * 3000 + "]" * 3000
HOSTILE = {
    "flow list": DEEP,
    "left open": "a: " + "[" * 3000,
    "mappings": "a: " + "{b: " * 3000 + "1" + "}" * 3000,
    "quotes": "a: " + '["]", ' * 3000,
    "many": "".join(f"k{n}: 1\n" for n in range(9000)),
    "wide": f"a: [{'1,' * 20_000}1]",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_yaml_is_refused_before_it_is_loaded(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ruamel.yaml.YAML, "load", fail)
    text = HOSTILE[name]
    with pytest.raises(ValueError, match="too"):
        check_extent(text)
    with pytest.raises(GitAssetsError, match="too"):
        parse_settings(text.encode(), "gitassets.yaml")
    with pytest.raises(GitAssetsError):
        split_front_matter(f"---\n{text}\n---\n\nWords.", "x.md")
    assert not only_describes(text.encode())
    with pytest.raises(GitAssetsError):
        change_setting(tmp_path, "voice", text.removeprefix("a: "), lambda _: None)


def fail(_: object, data: str | bytes) -> None:
    """Accept only the file of settings that is not there."""
    assert not data, "it was loaded"


@pytest.mark.parametrize("text", [
    "", "a: 1\n", "a: [1, [2, {b: 3}]]", "say: {" + ", ".join(f"w{n}: x" for n in range(500)) + "}",
    'a: "' + "[" * 300 + '"', "# " + "[" * 300, "a: [", "a: '" + "[{" * 99 + "'", "a: [[" + "]" * 99,
])  # fmt: skip
def test_other_text_is_left_to_the_parser(text: str) -> None:
    check_extent(text)
    check_extent(text.encode())


def test_whoever_loads_yaml_checks_its_extent() -> None:
    loads = re.compile(r"\bYAML\(.*\)\.load\(|\byaml\.load\(")
    for path in Path(gitassets.__file__).parent.rglob("*.py"):
        source = path.read_text("utf-8")
        assert not loads.search(source) or "check_extent(" in source, path
