from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitassets.adapters.state.settings_file import Settings, parse_settings, read_settings
from gitassets.domain.settings_text import DEFAULT_TEXT
from gitassets.errors import CorruptError


def parse(text: str) -> Settings:
    return parse_settings(text.encode(), "gitassets.yaml")


def test_default_text_contains_the_defaults() -> None:
    # The section `services:` is read by the providers and compared in their tests.
    assert parse(DEFAULT_TEXT).model_copy(update={"services": {}}) == Settings()


def test_default_text_names_every_setting() -> None:
    settings = Settings().model_dump()
    names = [name for section in (settings, settings["build"], settings["live"]) for name in section]
    assert [name for name in names if f"{name}:" not in DEFAULT_TEXT] == []


@pytest.mark.parametrize("text", ["", "# nothing\n", "voice:\nbuild:\n", "---\n"])
def test_missing_settings_have_their_defaults(text: str) -> None:
    assert parse(text) == Settings()


def test_read_settings_without_file_returns_defaults(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("runs_dir: artifacts/video_production", "runs_dir", "artifacts/video_production"),
        ("runs_dir: runs/", "runs_dir", "runs"),
        ("voice: lily", "voice", "lily"),
        ("budget: full", "budget.tier", "full"),
        ("build: {fps: 25}", "build.fps", "25"),
        ("build: {fps: 29.97}", "build.fps", "29.97"),
        ("build: {fps: 24000/1001}", "build.fps", "24000/1001"),
        ("build: {size: 1080x1920}", "build.size", "1080x1920"),
        ("build: {size: 1080X1920}", "build.size", "1080x1920"),
        ("build: {loudness_lufs: -23}", "build.loudness_lufs", -23.0),
        ("providers: {image: openai}", "providers.image", "openai"),
    ],
)
def test_parse_settings_reads_every_kind_of_value(text: str, path: str, value: object) -> None:
    found: object = parse(text)
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("runs_dir: ../x", "runs_dir: .*folder inside the project"),
        ("runs_dir: /x", "runs_dir: .*folder inside the project"),
        ("runs_dir: a/../../x", "runs_dir: .*folder inside the project"),
        ("runs_dir: .git", "runs_dir: .*folder inside the project"),
        ("runs_dir: ''", "runs_dir: .*folder inside the project"),
        (r"runs_dir: 'a\b'", "runs_dir: .*folder inside the project"),
        ("colour: red", "colour: "),
        ("build: {fps: 0}", "build.fps: .*between 1 and"),
        ("build: {fps: 30/0}", "build.fps: .*no frame rate"),
        ("build: {fps: fast}", "build.fps: .*such as 30"),
        ("build: {size: 1080}", "build.size: "),
        ("build: {size: 1081x1920}", "build.size: .*even.*1082x1920"),
        ("build: {loudness_lufs: 3}", "build.loudness_lufs: "),
        ("build: {render_cache_gb: -1}", "build.render_cache_gb: "),
        ("budget: huge", "budget.tier: .*'micro'"),
        ("voice: [a]", "voice: "),
        ("- a\n- b", "is not a list of settings"),
        ("just words", "is not a list of settings"),
        ("a: [1", "is not YAML: .*line 1"),
        ("voice: a\nvoice: b", "is not YAML: .*duplicate key"),
    ],
)
def test_parse_settings_names_invalid_value(text: str, said: str) -> None:
    with pytest.raises(CorruptError, match=rf"(?s)gitassets\.yaml:? ?{said}") as caught:
        parse(text)
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_parse_settings_runs_no_code() -> None:
    with pytest.raises(CorruptError, match="is not YAML"):
        parse("voice: !!python/object/apply:os.system ['true']")


def test_read_settings_names_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "gitassets.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(CorruptError, match=str(tmp_path / "gitassets.yaml")):
        read_settings(tmp_path)


def nest(first: str, again: str) -> str:
    """Return mappings that each hold the one before nine times: nine to the power of eight values in all."""
    lines = [f"  a{one}: &a{one} {again.format(','.join([f'*a{one - 1}'] * 9))}" for one in range(1, 9)]
    return "\n".join([f"  a0: &a0 {first}", *lines])


MAPS = "\n".join(
    ["  a0: &a0 {x: y}"]
    + [f"  a{n}: &a{n} {{{','.join(f'k{one}: *a{n - 1}' for one in range(9))}}}" for n in range(1, 9)]
)
HOSTILE = {
    "lists of lists": "services:\n" + nest("[x]", "[{}]"),
    "maps of maps": "services:\n" + MAPS,
    "merges of merges": "services:\n" + nest("{x: y}", "{{<<: [{}]}}"),
    "words": "say:\n" + nest("[x]", "[{}]"),
    "a frame rate": "services:\n" + nest("[x]", "[{}]") + "\nbuild: {fps: *a8}",
    "a map in itself": "services:\n  x: &a {y: *a}",
    "deep maps": "services: " + "{a: " * 1000 + "}" * 1000,
    "a date": "voice: 2020-99-99",
    "a long number": "services: {x: {y: " + "9" * 5000 + "}}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_parse_settings_refuses_what_would_fill_the_memory_or_the_stack(name: str) -> None:
    with pytest.raises(CorruptError, match="is not YAML"):
        parse(HOSTILE[name])


def test_parse_settings_reads_aliases_and_merges() -> None:
    services = parse("services: {a: &a {x: 1}, b: {<<: *a, y: 2}, c: *a}").services
    assert services == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


def test_read_settings_opens_no_device_or_pipe_and_no_huge_file(tmp_path: Path) -> None:
    path = tmp_path / "gitassets.yaml"
    path.symlink_to("/dev/zero")
    with pytest.raises(CorruptError, match="is no file"):
        read_settings(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CorruptError, match="is no file"):
        read_settings(tmp_path)
    path.unlink()
    path.write_bytes(b"#" * 2_000_000)
    with pytest.raises(CorruptError, match="is larger than 1 MB"):
        read_settings(tmp_path)
