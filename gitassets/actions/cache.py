"""Show and clear the cache of rendered parts, which all runs share."""

from __future__ import annotations

from msgspec import Struct

from gitassets.adapters.render.cache import RenderCache
from gitassets.runs.project import Project


class CacheResult(Struct, frozen=True, kw_only=True):
    """What the cache holds, or held before it was cleared. Each build keeps it within `limit_bytes`."""

    rendered_files: int
    rendered_bytes: int
    limit_bytes: int
    cleared: bool


def show_cache(project: Project, *, clear: bool) -> CacheResult:
    """Count the finished parts, and delete them on `clear`. What a build is making now stays."""
    cache = RenderCache(project.render_cache_dir)
    found = cache.list_finished()
    if clear:
        cache.remove_abandoned()
        for path in found:
            path.unlink(missing_ok=True)
    return CacheResult(
        rendered_files=len(found),
        rendered_bytes=sum(found.values()),
        limit_bytes=int(project.settings.build.render_cache_gb * 1e9),
        cleared=clear,
    )
