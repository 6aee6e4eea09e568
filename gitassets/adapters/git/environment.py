"""The environment in which git is called, whatever the caller's own says."""

from __future__ import annotations

import os
from collections.abc import Mapping

# What `git rev-parse --local-env-vars` lists: git sets them for its hooks and aliases, where they would point every
# later call at the wrong repository or index.
_LOCAL_VARIABLES = frozenset({
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_OBJECT_DIRECTORY", "GIT_DIR",
    "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE", "GIT_QUARANTINE_PATH", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS",
})  # fmt: skip


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without what git leaks into hooks, with messages in English for those who parse them."""
    kept = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
    return {**kept, **_OF_EVERY_CALL, **(extra or {})}


_OF_EVERY_CALL = {
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    # A file that is not there: grafts would show another history than the commits tell.
    "GIT_GRAFT_FILE": f"{os.devnull}/none",
    # The pre-commit framework, where it is in use, has no configuration in a run's folder.
    "PRE_COMMIT_ALLOW_NO_CONFIG": "1",
}
