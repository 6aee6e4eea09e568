"""Read DVC's configuration files as DVC does, but without importing it, which is slow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gitassets.adapters.dvc.cache import format_config, parse_config, suggest_repair
from gitassets.adapters.files import read_small
from gitassets.domain.dvc_settings import DvcSettings, RemoteSettings, merge_settings

_NAMED = re.compile(r'\s*remote\s*"(.*)"\s*\Z')
_PATHS = (
    "url", "credentialpath", "configpath", "keyfile", "cert_path", "key_path",
    "gdrive_user_credentials_file", "gdrive_service_account_json_file_path",
)  # fmt: skip


def parse_settings(data: bytes, dvc_dir: Path, name: str) -> DvcSettings:
    """Parse a configuration whose relative paths start at `dvc_dir`."""
    return _gather(parse_config(data, name), dvc_dir)


def _gather(config: Any, dvc_dir: Path) -> DvcSettings:
    default: str | None = None
    remotes: dict[str, RemoteSettings] = {}
    others: dict[str, str] = {}
    for section, values in _iter_sections(config):
        named = _NAMED.match(section)
        if named:
            options = {key: _resolve(dvc_dir, key, value) for key, value in values.items()}
            relative = _is_relative(values.get("url", "/"))
            remotes[named[1]] = RemoteSettings(named[1], options, relative)
            continue
        if section == "core" and "remote" in values:
            default = values["remote"].lower()
        others |= {f"{section}.{key}": value for key, value in values.items() if (section, key) != ("core", "remote")}
    return DvcSettings(default, remotes, others)


def _iter_sections(config: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield sections with keys in lower case, as DVC reads them. A nested section becomes a key with its whole text."""
    for section, values in config.items():
        found = values if isinstance(values, Mapping) else {"": values}
        yield section.lower(), {key.lower(): _text(value) for key, value in found.items()}


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def _resolve(dvc_dir: Path, key: str, value: str) -> str:
    if key not in _PATHS or re.match(r"\w+://", value) or Path(value).is_absolute():
        return value
    # resolve() would follow symbolic links, which DVC keeps.
    expanded = Path(value).expanduser()
    return os.path.abspath(dvc_dir / expanded) if _is_relative(value) else str(expanded)  # noqa: PTH100


def _is_relative(value: str) -> bool:
    return not re.match(r"\w+://", value) and not Path(value).expanduser().is_absolute()


def read_settings(path: Path) -> DvcSettings:
    """Read a configuration file; a missing one has no settings."""
    data = read_small(path) if path.is_file() else b""
    return _gather(parse_config(data, str(path), suggest_repair(path)), path.parent)


def read_user_settings() -> DvcSettings:
    """Read the settings of the system and the user for all projects."""
    from dvc.dirs import global_config_dir, system_config_dir

    folders = (system_config_dir(), global_config_dir())
    return merge_settings(read_settings(Path(one) / "config") for one in folders)


def add_remote(data: bytes, remote: RemoteSettings, *, default: bool) -> bytes:
    """Add the remote to the configuration, as the default one if `default`. Everything else stays."""
    config = parse_config(data, "the configuration of DVC")
    if default:
        config.setdefault("core", {})["remote"] = remote.name
    config[f'remote "{remote.name}"'] = dict(remote.options)
    return format_config(config)
