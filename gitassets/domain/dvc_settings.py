"""Model DVC's configuration, and decide which of its settings an untrusted run branch may contain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

# In hardlink or symlink mode a write to a work file would change the cached blob, and DVC would upload the bad bytes.
CACHE_TYPES = "reflink,copy"

_ANY = None
# What a branch may set besides its remotes. Other folders, DVC hooks and machines are for each user to set.
_BRANCH_KEYS = {
    "core.autostage": "false",
    "cache.type": CACHE_TYPES,
    "core.analytics": _ANY,
    "core.check_update": _ANY,
    "core.checksum_jobs": _ANY,
}
# All options that a branch may set for a known remote. None of them leads elsewhere or names a file or program.
_TUNING = frozenset({
    "region", "projectname", "method", "allow_anonymous_login", "verify", "timeout", "connect_timeout", "read_timeout",
    "shared", "jobs", "checksum_jobs",
})  # fmt: skip
# Options that a branch may also set for its own remote: where it is. Credentials belong to the url that the user set.
_PLACE = frozenset({"url", "port", "user", "account_name", "auth"})
_SCHEMES = frozenset({
    "s3", "gs", "azure", "ssh", "http", "https", "webdav", "webdavs", "hdfs", "webhdfs", "oss", "gdrive", "file",
})  # fmt: skip
_SCHEME = re.compile(r"([^/\\:]*)://")
_REMOTE_SCHEME = "remote"


class RemoteSettings(Struct, frozen=True):
    """A remote in a configuration; its url is one of the `options`.

    `relative`: the url was a path relative to the configuration's folder.
    """

    name: str
    options: Mapping[str, str]
    relative: bool = False

    @property
    def url(self) -> str:
        return self.options.get("url", "")

    def __str__(self) -> str:
        rest = ", ".join(f"{key}={value}" for key, value in sorted(self.options.items()) if key != "url")
        return f"{self.name}: {self.url}{f' ({rest})' if rest else ''}"


class DvcSettings(Struct, frozen=True):
    """A configuration: the default remote, the remotes by name, and all other values by "section.key"."""

    default: str | None = None
    remotes: Mapping[str, RemoteSettings] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)


def merge_settings(levels: Iterable[DvcSettings]) -> DvcSettings:
    """Merge configuration levels key by key, as DVC does. Later levels override earlier ones."""
    default: str | None = None
    remotes: dict[str, RemoteSettings] = {}
    others: dict[str, str] = {}
    for level in levels:
        default = level.default or default
        others |= level.others
        for name, one in level.remotes.items():
            below = remotes[name].options if name in remotes else {}
            remotes[name] = RemoteSettings(name, {**below, **one.options})
    return DvcSettings(default, remotes, others)


def iter_branch_problems(settings: DvcSettings) -> Iterator[str]:
    """Yield what a branch's configuration must not contain, each as the rest of a sentence about it."""
    for key, value in settings.others.items():
        if key not in _BRANCH_KEYS:
            yield f"sets {key}, which is for each user to set"
        elif _BRANCH_KEYS[key] not in (_ANY, value):
            yield f"sets {key} to {value!r} instead of {_BRANCH_KEYS[key]!r}, which would endanger approved bytes"


def is_known(remote: RemoteSettings, known: Iterable[RemoteSettings]) -> bool:
    """Check whether one of the known remotes has the same url and all options of this one."""
    return any(one.url == remote.url and remote.options.items() <= one.options.items() for one in known)


def find_option_problem(remote: RemoteSettings) -> str | None:
    """Return why a remote that only a branch defines must never be used, or None if a user may accept it."""
    if remote.relative:
        return f"has a url that is not the whole path of a folder: {remote.url}"
    return _find_url_problem(remote.url) or _find_odd_option(remote)


def _find_url_problem(url: str) -> str | None:
    scheme = _SCHEME.match(url)
    if not url or not url.isprintable() or (url.startswith("file://") and not url.startswith("file:///")):
        return f"has the url {url!r}, which names no place"
    if scheme is None or scheme[1] in _SCHEMES:
        return None
    if scheme[1].lower() == _REMOTE_SCHEME:
        return f"has the url {url}, which stands for another remote"
    return f"has the url {url}, of a kind that a branch may not bring along"


def _find_odd_option(remote: RemoteSettings) -> str | None:
    odd = list_own_options(remote)
    return f"has the option {odd[0]}, which a branch may not bring along" if odd else None


def list_own_options(remote: RemoteSettings) -> list[str]:
    """Return the options that each user must set: those that name files, programs, credentials and servers."""
    return sorted(set(remote.options) - _TUNING - _PLACE)


def filter_tuning(remote: RemoteSettings) -> dict[str, str]:
    """Return the options that a branch may set for a remote that is known here."""
    return {key: value for key, value in remote.options.items() if key in _TUNING}


def filter_place(remote: RemoteSettings) -> dict[str, str]:
    """Return the options that a branch may set for a remote that only it defines."""
    return {key: value for key, value in remote.options.items() if key in _TUNING | _PLACE}
