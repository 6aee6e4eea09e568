"""fal's queue as its documentation and its client fal-client 1.0 describe it: strict on requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.providers.services import Answer, Seen, Services

# The fields of each model, those that are required, and the kind of its result.
MODELS: dict[str, tuple[dict[str, type], set[str], str]] = {
    "fal-ai/flux/dev": (
        {"prompt": str, "image_size": dict, "num_images": int, "output_format": str, "seed": int}, {"prompt"}, "image",
    ),
    "fal-ai/nano-banana-2": (
        {"prompt": str, "aspect_ratio": str, "num_images": int, "output_format": str}, {"prompt"}, "image",
    ),
    "fal-ai/kling-video/v2.5-turbo/pro/image-to-video": (
        {"prompt": str, "image_url": str, "duration": str}, {"prompt", "image_url"}, "video",
    ),
    "fal-ai/veo3.1/fast/image-to-video": (
        {"prompt": str, "image_url": str, "duration": str, "aspect_ratio": str, "resolution": str,
         "generate_audio": bool}, {"prompt", "image_url"}, "video",
    ),
    "bytedance/seedance-2.0/image-to-video": (
        {"prompt": str, "image_url": str, "duration": str, "resolution": str, "generate_audio": bool},
        {"prompt", "image_url"}, "video",
    ),
    "fal-ai/kokoro/american-english": ({"prompt": str, "voice": str, "speed": float}, {"prompt"}, "audio"),
    "acme/words/to-video": ({"prompt": str}, {"prompt"}, "video"),
}  # fmt: skip


def fal_routes(services: Services, keys: Mapping[str, str]) -> dict[str, Callable[[Seen], Answer]]:
    stand_in = FalStandIn(services, keys["FAL_KEY"])
    owners = {model.split("/")[0] for model in MODELS}
    return {f"{method} /{owner}/": stand_in.answer for method in ("POST", "GET") for owner in owners}


class FalStandIn:
    def __init__(self, services: Services, key: str) -> None:
        self._services, self._key, self._kinds = services, key, {}  # type: ignore[var-annotated]

    def answer(self, seen: Seen) -> Answer:
        from tests.providers.services import say

        if seen.headers.get("authorization") != f"Key {self._key}":
            return say({"detail": "Authentication is required to access this application."}, 401)
        return self._submit(seen) if seen.method == "POST" else self._read(seen)

    def _submit(self, seen: Seen) -> Answer:
        from tests.providers.services import say

        model = seen.path.removeprefix("/")
        if model not in MODELS:
            return say({"detail": f"Application {model!r} not found"}, 404)
        problems = list(_list_problems(model, seen.json))
        if problems:
            return say({"detail": problems}, 422)
        job = self._services.new_job(seen)
        self._services.fal_kinds[job] = MODELS[model][2]
        # These addresses lead elsewhere: a client that believes them hands its key over.
        urls = dict.fromkeys(("response_url", "status_url", "cancel_url"), f"https://evil.example/{job}")
        return say({"request_id": job, "status": "IN_QUEUE", "queue_position": 0, **urls})

    def _read(self, seen: Seen) -> Answer:
        from tests.providers.services import say

        owner, app, requests, job, *rest = seen.path.removeprefix("/").split("/")
        known = any(model.startswith(f"{owner}/{app}") for model in MODELS) and requests == "requests"
        if not known or job not in self._services.jobs or rest not in (["status"], []):
            return say({"detail": "Request not found"}, 404)
        if rest == ["status"]:
            done = self._services.is_done(job)
            status = {"status": "COMPLETED", "metrics": {"inference_time": 3.1}} if done else {"status": "IN_PROGRESS"}
            return say({**status, "request_id": job, "logs": []}, 200 if done else 202)
        if self._services.jobs[job] < self._services.polls_until_done:
            return say({"detail": "Request is still in progress"}, 400)
        return say(self._result(job), headers=self._services.fal_headers)

    def _result(self, job: str) -> dict[str, Any]:
        kind = self._services.fal_kinds[job]
        file = {"url": f"{self._services.url}/files/{kind}/{job.removeprefix('job-')}?sig=SIGNATURE"}
        return {"images": [file], "seed": 1} if kind == "image" else {kind: file}


def _list_problems(model: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    fields, required, _ = MODELS[model]
    wrong = [name for name, value in body.items() if name not in fields or type(value) is not fields[name]]
    image = body.get("image_url", "data:image/png;base64,")
    wrong += [] if image.startswith("data:image/") else ["image_url"]
    return [{"loc": ["body", name], "msg": "wrong", "type": "value_error"} for name in {*wrong, *required - set(body)}]
