"""Luma and Runway as their SDKs (luma-agents 0.5, runwayml 5.24) describe them: strict on requests."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.providers.services import Answer, Seen, Services

LUMA_RATIOS = {"9:16", "3:4", "1:1", "4:3", "16:9", "21:9"}
GEN4_RATIOS = {"1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672"}
VEO_RATIOS = {"1280:720", "720:1280", "1080:1920", "1920:1080"}
_GEN4 = {"model", "promptImage", "promptText", "ratio", "duration", "seed"}
# Fields, ratios, lengths and credits for a second.
RUNWAY_MODELS: dict[str, tuple[set[str], set[str], set[int], float]] = {
    "gen4_turbo": (_GEN4, GEN4_RATIOS, set(range(2, 11)), 5),
    "gen4.5": (_GEN4, GEN4_RATIOS, set(range(2, 11)), 12),
    "veo3.1": (_GEN4 | {"audio", "negativePrompt"}, VEO_RATIOS, {4, 6, 8}, 20),
    "kling_4": (
        {"model", "promptImage", "promptText", "ratio", "duration"}, {"auto_720p", "auto_1080p"}, set(range(3, 31)), 15,
    ),
}  # fmt: skip
CREATED = "2026-11-27T12:00:00Z"


def clip_routes(services: Services, keys: Mapping[str, str]) -> dict[str, Callable[[Seen], Answer]]:
    luma, runway = LumaStandIn(services, keys["LUMA_API_KEY"]), RunwayStandIn(services, keys["RUNWAY_API_KEY"])
    return {
        "POST /v1/generations": luma.order,
        "GET /v1/generations/": luma.poll,
        "GET /dream-machine/v1/generations/": luma.poll_old,
        "POST /v1/image_to_video": runway.order,
        "GET /v1/tasks/": runway.poll,
    }


class LumaStandIn:
    def __init__(self, services: Services, key: str) -> None:
        self._services, self._key = services, key

    def order(self, seen: Seen) -> Answer:
        from tests.providers.services import say

        if seen.headers.get("authorization") != f"Bearer {self._key}":
            return say({"detail": "Invalid or missing API key"}, 401)
        problem = _find_luma_problem(seen.json)
        if problem:
            return say({"detail": problem}, 422)
        return say(self._describe(self._services.new_job(seen), "queued"), 201)

    def poll(self, seen: Seen) -> Answer:
        from tests.providers.services import say

        job = seen.path.rsplit("/", 1)[1]
        if seen.headers.get("authorization") != f"Bearer {self._key}" or job not in self._services.jobs:
            return say({"detail": "Generation not found"}, 404)
        if not self._services.is_done(job):
            return say(self._describe(job, "processing"))
        output = [{"type": "video", "url": f"{self._services.file_of(job)}?sig=SIGNATURE"}]
        return say(self._describe(job, "completed", output=output))

    def poll_old(self, seen: Seen) -> Answer:
        """Answer as Dream Machine does, for jobs that were ordered there."""
        from tests.providers.services import say

        job = seen.path.rsplit("/", 1)[1]
        if job not in self._services.jobs:
            return say({"detail": "Generation not found"}, 404)
        if not self._services.is_done(job):
            return say({"id": job, "state": "dreaming", "assets": None, "failure_reason": None})
        return say({"id": job, "state": "completed", "assets": {"video": self._services.file_of(job)}})

    def _describe(self, job: str, state: str, **more: Any) -> dict[str, Any]:
        return {"id": job, "created_at": CREATED, "model": "ray-3.2", "state": state, "type": "video", **more}


def _find_luma_problem(body: Mapping[str, Any]) -> str:
    video = body.get("video", {})
    rules = {
        "unknown field": not set(body) - {"model", "type", "prompt", "aspect_ratio", "video"},
        "model": body.get("model") == "ray-3.2",
        "type": body.get("type") == "video",
        "prompt": 1 <= len(body.get("prompt", "")) <= 6000,
        "aspect_ratio": body.get("aspect_ratio") in LUMA_RATIOS,
        "video": not set(video) - {"resolution", "duration", "start_frame", "keyframes", "keyframe_indexes"},
        "video.resolution": video.get("resolution") in {"360p", "540p", "720p", "1080p"},
        "video.duration": video.get("duration") in {"5s", "10s"},
        "start_frame with 10s": not ("start_frame" in video and video.get("duration") == "10s"),
        "keyframe_indexes": len(video.get("keyframes", [])) == len(video.get("keyframe_indexes", [])),
        "frame": all(map(_is_frame, [video.get("start_frame"), *video.get("keyframes", [])])),
    }
    return next((name for name, holds in rules.items() if not holds), "")


def _is_frame(frame: Any) -> bool:
    if frame is None:
        return True
    known = set(frame) == {"data", "media_type"} and frame["media_type"] in {"image/png", "image/jpeg", "image/webp"}
    return known and _is_base64(frame["data"])


def _is_base64(data: str) -> bool:
    try:
        return bool(base64.b64decode(data, validate=True))
    except binascii.Error:
        return False


class RunwayStandIn:
    """`credits_of` says what a second costs; a test may change it."""

    def __init__(self, services: Services, key: str) -> None:
        self._services, self._key = services, key

    def order(self, seen: Seen) -> Answer:
        from tests.providers.services import say

        if seen.headers.get("authorization") != f"Bearer {self._key}":
            return say({"error": "unauthorized"}, 401)
        if seen.headers.get("x-runway-version") != "2024-11-06":
            return say({"error": "A version is required"}, 400)
        issues = list(_list_runway_issues(seen.json))
        if issues:
            return say({"error": "Validation of body failed", "issues": issues, "docUrl": "https://docs.dev"}, 400)
        job = self._services.new_job(seen)
        self._services.credits[job] = seen.json["duration"] * RUNWAY_MODELS[seen.json["model"]][3]
        return say({"id": job, "estimatedCost": {"credits": self._services.credits[job]}})

    def poll(self, seen: Seen) -> Answer:
        from tests.providers.services import say

        job = seen.path.rsplit("/", 1)[1]
        if job not in self._services.jobs:
            return say({"error": "not found"}, 404)
        credits_ = {"credits": self._services.credits.get(job, 0)}
        task = {"id": job, "createdAt": CREATED}
        if not self._services.is_done(job):
            return say({**task, "status": "RUNNING", "progress": 0.5, "estimatedCost": credits_})
        output = [f"{self._services.file_of(job)}?_jwt=SIGNATURE"]
        return say({**task, "status": "SUCCEEDED", "cost": credits_, "output": output})


def _list_runway_issues(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    fields, ratios, seconds, _ = RUNWAY_MODELS.get(body.get("model", ""), (set(), set(), set(), 0))
    text = body.get("promptText", "")
    rules = {
        "model": bool(fields),
        "body": not set(body) - fields,
        "promptImage": body.get("promptImage", "").startswith("data:image/") and len(body["promptImage"]) < 5_000_000,
        "promptText": 1 <= len(text.encode("utf-16-le")) // 2 <= 1000,
        "ratio": body.get("ratio") in ratios,
        "duration": body.get("duration") in seconds,
    }
    return [
        {"code": "custom", "path": [name], "message": f"{name} is wrong"} for name, holds in rules.items() if not holds
    ]
