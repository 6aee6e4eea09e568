"""The environment of every git call, independent of the caller's."""

from __future__ import annotations

import os
from collections.abc import Mapping

# The list of `git rev-parse --local-env-vars`. Git sets these for its hooks and aliases, where they would point every
# later call at the wrong repository or index.
_LOCAL_VARIABLES = frozenset({
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_OBJECT_DIRECTORY", "GIT_DIR",
    "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE", "GIT_QUARANTINE_PATH", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS",
})  # fmt: skip


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without git's repository variables, with English messages so that they can be parsed."""
    kept = {name: value for name, value in os.environ.items() if name not in _LOCAL_VARIABLES}
    return {**kept, **_FIXED_VARIABLES, **(extra or {})}


_FIXED_VARIABLES = {
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    # A file that does not exist: grafts would show a history other than the one in the commits.
    "GIT_GRAFT_FILE": f"{os.devnull}/none",
    # The pre-commit framework, if installed, finds no configuration in a run's folder.
    "PRE_COMMIT_ALLOW_NO_CONFIG": "1",
}
