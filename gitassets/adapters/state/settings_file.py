"""Read gitassets.yaml, the settings of a project. Secrets have no place in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gitassets.adapters.files import read_small, write_atomic
from gitassets.domain.caption_style import CaptionUse
from gitassets.domain.frame_format import parse_fps, parse_size
from gitassets.domain.language import find_language_code
from gitassets.domain.look import BASE, check_look
from gitassets.domain.script_rules import CodeUse
from gitassets.domain.settings_text import SETTINGS_NAME
from gitassets.domain.yaml_limits import check_extent
from gitassets.errors import CorruptError, Remedy, UsageError

Given = TypeVar("Given")
Parsed = TypeVar("Parsed")
_MAX_VALUES, _MAX_DEPTH, _MAX_MERGED = 20_000, 50, 50


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProviderNames(_Strict):
    audio: str = "local"
    image: str = "card"
    video: str | None = None


class LiveNames(_Strict):
    audio: str = "elevenlabs"
    image: str = "openai"
    video: str | None = "luma"


def _parse(parse: Callable[[Given], Parsed], value: Given) -> Parsed:
    """Raise a UsageError of `parse` as the ValueError that pydantic expects."""
    try:
        return parse(value)
    except UsageError as error:
        raise ValueError(f"{error.message}. {error.hint}".strip()) from error


class BuildSettings(_Strict):
    size: str = "1920x1080"
    fps: str = "30"
    keep_video_sound: bool = False
    loudness_lufs: Annotated[float, Field(ge=-40, le=-5)] = -16.0
    render_cache_gb: Annotated[float, Field(ge=0)] = 5.0
    captions: CaptionUse = CaptionUse.FILE

    @field_validator("size", mode="before")
    @classmethod
    def _check_size(cls, value: object) -> str:
        width, height = _parse(parse_size, str(value))
        return f"{width}x{height}"

    @field_validator("fps", mode="before")
    @classmethod
    def _check_fps(cls, value: object) -> str:
        _parse(parse_fps, str(value))
        return str(value)


class BudgetSettings(_Strict):
    """The spending rules. `tier` is the share of segments with a picture; limits are in US dollars (None: no limit).

    Without a tier, every segment has a picture if pictures are free.
    """

    tier: Literal["micro", "low", "medium", "high", "full"] | None = None
    confirm_usd: Annotated[float, Field(ge=0)] = 1.0
    run_usd: Annotated[float, Field(ge=0)] | None = 25.0

    def __str__(self) -> str:
        """Return the tier, which the plan of a run records."""
        return self.tier or ""


class Settings(_Strict):
    """All settings. `services` holds a section for each service, which the provider of that name reads."""

    runs_dir: str = "runs"
    providers: ProviderNames = ProviderNames()
    live: LiveNames = LiveNames()
    budget: BudgetSettings = BudgetSettings()
    voice: str | None = None
    style: str | None = None
    code: CodeUse = CodeUse.SKIPPED
    say: dict[str, str] = {}
    language: str | None = None
    build: BuildSettings = BuildSettings()
    look: str | dict[str, Any] | None = None
    services: dict[str, dict[str, Any]] = {}
    _folder: str = ""

    @property
    def folder(self) -> str:
        """The folder of the file that they were read from; empty if there was none."""
        return self._folder

    @field_validator("budget", mode="before")
    @classmethod
    def _read_budget(cls, value: object) -> object:
        """Expand `budget: high`, short for a budget of that tier."""
        return {"tier": value} if isinstance(value, str) else value

    @field_validator("say", mode="before")
    @classmethod
    def _read_words(cls, value: object) -> object:
        """Read words and how they are spoken, which YAML may take for numbers."""
        if not isinstance(value, dict):
            return value
        said = {str(word).strip(): " ".join(str(spoken or "").split()) for word, spoken in value.items()}
        if not all(word and spoken for word, spoken in said.items()):
            raise ValueError("give each word what is said for it, such as `gitassets: git assets`")
        return said

    @field_validator("services", mode="before")
    @classmethod
    def _drop_empty(cls, value: object) -> object:
        """Drop empty services and settings, which then have their defaults."""
        return _drop_nothing(value) if isinstance(value, dict) else value

    @field_validator("look")
    @classmethod
    def _check_look(cls, value: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
        if isinstance(value, dict):
            _parse(check_look, value)
        return value

    @field_validator("language")
    @classmethod
    def _check_language(cls, value: str | None) -> str | None:
        if value and find_language_code(value) is None:
            raise ValueError("name a language by its code, such as en, pt-BR or deu")
        return value

    @field_validator("runs_dir")
    @classmethod
    def _check_runs_dir(cls, value: str) -> str:
        parts = Path(value).parts
        if not parts or Path(value).is_absolute() or ".." in parts or "\\" in value or value.startswith("."):
            raise ValueError("name a folder inside the project")
        return "/".join(parts)


def _drop_nothing(section: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _drop_nothing(value) if isinstance(value, dict) else value
        for name, value in section.items()
        if value is not None
    }


def _word_unknown(key: str) -> str:
    close = get_close_matches(key, list_keys(), n=1)
    return "there is no such setting" + (f". Did you mean {close[0]}?" if close else "")


def list_keys() -> list[str]:
    """List the keys of all settings but those of services: "build.size"."""
    return [key for key, _ in iter_values(Settings()) if not key.startswith("services")]


def iter_values(settings: Settings) -> Iterator[tuple[str, object]]:
    """Yield every setting with its value, by keys such as "build.size"."""
    return _iter_flat("", settings.model_dump(mode="json"))


def _iter_flat(before: str, section: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in section.items():
        if isinstance(value, Mapping):
            yield from _iter_flat(f"{before}{key}.", value)
        else:
            yield f"{before}{key}", value


def change_setting(root: Path, key: str, value: str, check: Callable[[Settings], None]) -> None:
    """Write a setting to the project's file, if `check` accepts it. Its comments stay.

    Raise UsageError if key or value is wrong.
    """
    from io import BytesIO

    from ruamel.yaml import YAML

    path = root / SETTINGS_NAME
    data = read_small(path) if path.exists() else b""
    parse_settings(data, str(path))
    yaml = YAML()
    yaml.preserve_quotes = True
    try:
        wanted = _load(value)
    except ValueError as error:
        raise UsageError(
            f"{value!r} is not a value in YAML", "Put a text with special characters in quotes."
        ) from error
    whole: Any = yaml.load(data) or {}
    _set_inside(whole, _split_key(key), wanted)
    out = BytesIO()
    yaml.dump(whole, out)
    try:
        check(parse_settings(out.getvalue(), SETTINGS_NAME))
    except CorruptError as error:
        raise UsageError(error.message.removeprefix(f"{SETTINGS_NAME}: "), Remedy("list-settings")) from error
    write_atomic(path, out.getvalue())


def _split_key(key: str) -> list[str]:
    """Split a key into those of the sections and of the setting. A word to say may have dots."""
    section, _, word = key.partition(".")
    return [section, word] if section == "say" else key.split(".")


def _set_inside(section: Any, keys: list[str], value: object) -> None:
    for key in keys[:-1]:
        if not isinstance(section.get(key), dict):
            # `budget: high` is short for a budget of that tier, `look: clean` for one based on that look.
            short = {"budget": "tier", "look": BASE}.get(key)
            section[key] = {short: section[key]} if short and section.get(key) else {}
        section = section[key]
    section[keys[-1]] = value


def read_settings(root: Path) -> Settings:
    """Read the project's settings, with defaults for missing ones or a missing file.

    Raise CorruptError, which names the line or key, if the file is invalid.
    """
    path = root / SETTINGS_NAME
    try:
        data = read_small(path)
    except FileNotFoundError:
        return Settings()
    found = parse_settings(data, str(path))
    if found.services:
        found._folder = str(root)  # noqa: SLF001 (no key of the file may set it)
    return found


def drop_spending(settings: Settings) -> Settings:
    """Reset what a branch from outside must not set: where keys are sent, and what may be spent unasked."""
    plain = Settings()
    return settings.model_copy(update={"services": plain.services, "budget": plain.budget})


def _load(data: bytes | str) -> Any:
    """Parse YAML. Raise ValueError if it is not valid, or if its aliases make it larger than settings can be."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    check_extent(data)
    yaml = YAML(typ="safe")
    yaml.Constructor = _make_constructor()
    try:
        found = yaml.load(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (YAMLError, TypeError) as error:
        raise ValueError(str(error)) from error
    _check_extent(found)
    return found


def _make_constructor() -> Any:
    """Return a class that merges (`<<`) only a few mappings of a few keys: merges of merges grow without limit."""
    from ruamel.yaml.constructor import SafeConstructor

    class Constructor(SafeConstructor):  # type: ignore[misc,unused-ignore]
        def flatten_mapping(self, node: Any) -> Any:
            merged = [value.value for key, value in node.value if key.value == "<<"]
            if any(isinstance(one, list) and len(one) > _MAX_MERGED for one in merged):
                raise ValueError("it merges too many mappings")
            done = super().flatten_mapping(node)
            if len(node.value) > _MAX_VALUES:
                raise ValueError("it holds too many values")
            return done

    return Constructor


def _check_extent(found: object) -> None:
    """Raise ValueError for too many values, counted as often as aliases repeat them, or too deep ones."""
    waiting, count = [(found, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        inside = [*value.values(), *value] if isinstance(value, dict) else value
        if not isinstance(inside, list | tuple | set):
            continue
        count += len(inside)
        if count > _MAX_VALUES or depth > _MAX_DEPTH:
            raise ValueError("it holds too many values, or nests them too deeply")
        waiting += [(one, depth + 1) for one in inside]


def load_yaml(data: bytes, name: str) -> Any:
    """Parse a YAML file of the project, called `name` in errors. Raise CorruptError if it is none, or too large."""
    try:
        return _load(data)
    except ValueError as error:
        raise CorruptError(f"{name} is not YAML: {' '.join(str(error).split())}", Remedy("compare-settings")) from error


def parse_settings(data: bytes, name: str) -> Settings:
    hint = Remedy("compare-settings")
    raw = load_yaml(data, name)
    if raw is not None and not isinstance(raw, dict):
        raise CorruptError(f"{name} is not a list of settings", hint)
    sections = {key: value for key, value in (raw or {}).items() if value is not None}
    try:
        return Settings.model_validate(sections)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        problem = _word_unknown(where) if unknown else first["msg"].removeprefix("Value error, ")
        raise CorruptError(f"{name}: {where}: {problem}", hint) from error
