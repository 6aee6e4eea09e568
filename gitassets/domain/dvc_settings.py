"""What a configuration of DVC says, and which of it a run's branch, which comes from outside, may bring along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

# In hardlink or symlink mode a write to a work file would change the cached blob, and DVC would hand on the bad bytes.
CACHE_TYPES = "reflink,copy"

_ANY = None
# What a branch may set beside its remotes. Other folders, hooks of DVC's and machines are for each user to name.
_BRANCH_KEYS = {
    "core.autostage": "false",
    "cache.type": CACHE_TYPES,
    "core.analytics": _ANY,
    "core.check_update": _ANY,
    "core.checksum_jobs": _ANY,
}
# Of a remote that only a branch names: where it is and how it is spoken to. Others name files, programs or passwords.
_BRANCH_OPTIONS = frozenset({
    "url", "endpointurl", "region", "use_ssl", "port", "user", "account_name", "projectname", "auth", "method",
    "allow_anonymous_login", "verify", "timeout", "connect_timeout", "read_timeout", "shared", "jobs", "checksum_jobs",
})  # fmt: skip
_OTHER_REMOTE = "remote://"


class RemoteSettings(Struct, frozen=True):
    """A remote as a configuration names it; its url is one of the `options`."""

    name: str
    options: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.options.get("url", "")

    def __str__(self) -> str:
        rest = ", ".join(f"{key}={value}" for key, value in sorted(self.options.items()) if key != "url")
        return f"{self.name}: {self.url}{f' ({rest})' if rest else ''}"


class DvcSettings(Struct, frozen=True):
    """A configuration: the default remote, the remotes by name, and all else as "section.key" with its value."""

    default: str | None = None
    remotes: Mapping[str, RemoteSettings] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)


def merge_settings(levels: Iterable[DvcSettings]) -> DvcSettings:
    """What holds where each level goes before the ones ahead of it, key by key, as DVC merges its files."""
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
    """What a branch's configuration must not hold, each as the rest of a sentence about it."""
    for key, value in settings.others.items():
        if key not in _BRANCH_KEYS:
            yield f"sets {key}, which is for each user to set"
        elif _BRANCH_KEYS[key] not in (_ANY, value):
            yield f"sets {key} to {value!r} instead of {_BRANCH_KEYS[key]!r}, which would endanger approved bytes"


def is_known(remote: RemoteSettings, known: Iterable[RemoteSettings]) -> bool:
    """Whether one of the known remotes is in the same place, and says all that this one says of it."""
    return any(one.url == remote.url and remote.options.items() <= one.options.items() for one in known)


def find_option_problem(remote: RemoteSettings) -> str | None:
    """Why a remote that only a branch names is never used, or None: then a user may accept it."""
    if remote.url.startswith(_OTHER_REMOTE):
        return f"has the url {remote.url}, which stands for another remote"
    odd = sorted(set(remote.options) - _BRANCH_OPTIONS)
    return f"has the option {odd[0]}, which a branch may not bring along" if odd else None
