"""A stand-in for ComfyUI that is as strict as its server: it knows nodes, checks workflows and keeps a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.parser import BytesParser
from typing import Any

from tests.providers.services import Answer, Seen, Services, say

WORKFLOW: dict[str, Any] = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20, "positive": ["6", 0], "latent_image": ["5", 0]}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "gitassets", "images": ["3", 0]}},
    "10": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
}
_TYPES: Mapping[tuple[str, str], type] = {
    ("KSampler", "seed"): int,
    ("EmptyLatentImage", "width"): int,
    ("EmptyLatentImage", "height"): int,
    ("CLIPTextEncode", "text"): str,
    ("LoadImage", "image"): str,
}


class ComfyServer(Services):
    """`polls_until_done` counts questions for the history; `failure` is what a node says when it fails."""

    def __init__(self, media: Mapping[str, bytes], kind: str = "image") -> None:
        super().__init__(media)
        self.kind, self.failure, self.forgets = kind, "", False
        self.uploaded: dict[str, bytes] = {"example.png": b""}
        self.queued: list[dict[str, Any]] = []

    def _behave(self, seen: Seen) -> Answer:
        if {"authorization", "x-api-key"} & set(seen.headers):
            return Answer(400, b"no key belongs here")
        first = seen.path.split("/")[1]
        routes = {
            ("POST", "prompt"): self._queue, ("POST", "upload"): self._upload, ("GET", "history"): self._tell_history,
            ("GET", "queue"): self._tell_queue, ("GET", "view"): self._view, ("GET", "system_stats"): self._tell_system,
        }  # fmt: skip
        route = routes.get((seen.method, first))
        return route(seen) if route else Answer(404, b"404: Not Found", "text/plain")

    def _queue(self, seen: Seen) -> Answer:
        if seen.headers.get("content-type") != "application/json" or set(seen.json) != {"prompt"}:
            return say({"error": "no prompt", "node_errors": []}, 400)
        problems = {
            name: {"errors": [{"type": "invalid_input_type", "message": "Failed to convert", "details": key}],
                   "dependent_outputs": ["9"], "class_type": node["class_type"]}
            for name, node in seen.json["prompt"].items()
            for key, value in node["inputs"].items()
            if not isinstance(value, _TYPES.get((node["class_type"], key), object))
            or (key == "image" and value not in self.uploaded)
        }  # fmt: skip
        if problems:
            error = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
            return say({"error": {**error, "details": "", "extra_info": {}}, "node_errors": problems}, 400)
        job = f"00000000-0000-4000-8000-{len(self.jobs):012}"
        self.jobs[job] = 0
        self.queued.append(seen.json["prompt"])
        return say({"prompt_id": job, "number": len(self.jobs), "node_errors": {}})

    def _upload(self, seen: Seen) -> Answer:
        head = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + seen.body).get_payload()
        assert isinstance(parts, list)
        for part in parts:
            name = part.get_filename()  # type: ignore[union-attr]
            if name:
                self.uploaded[name] = part.get_payload(decode=True)  # type: ignore[union-attr,assignment]
                return say({"name": name, "subfolder": "", "type": "input"})
        return Answer(400)

    def _tell_history(self, seen: Seen) -> Answer:
        job = seen.path.rsplit("/", 1)[1]
        if job not in self.jobs or self.forgets or not self.is_done(job):
            return say({})
        if self.failure:
            said = {"prompt_id": job, "node_id": "3", "node_type": "KSampler", "exception_message": self.failure,
                    "exception_type": "RuntimeError", "traceback": []}  # fmt: skip
            status = {"status_str": "error", "completed": False, "messages": [["execution_error", said]]}
            return say({job: {"prompt": [], "outputs": {}, "status": status}})
        suffix = "mp4" if self.kind == "video" else "png"
        preview = {"filename": f"preview.{suffix}", "subfolder": "", "type": "temp"}
        saved = {"filename": f"gitassets_1.{suffix}", "subfolder": "a b", "type": "output"}
        outputs = {"9": {"images": [preview, saved]}}
        status = {"status_str": "success", "completed": True, "messages": []}
        return say({job: {"prompt": [], "outputs": outputs, "status": status}})

    def _tell_queue(self, _: Seen) -> Answer:
        waiting = [] if self.forgets else [[0, job, {}, {}, ["9"]] for job in self.jobs]
        return say({"queue_running": waiting, "queue_pending": []})

    def _view(self, seen: Seen) -> Answer:
        if seen.query.get("type") != ["output"] or seen.query.get("subfolder") != ["a b"]:
            return Answer(404)
        return Answer(200, self.media[self.kind], "application/octet-stream")

    def _tell_system(self, _: Seen) -> Answer:
        return say({"system": {"comfyui_version": "0.3.60"}, "devices": [{"name": "cuda:0 NVIDIA", "type": "cuda"}]})


def write_workflow(path: Any, workflow: object = WORKFLOW) -> None:
    path.write_text(json.dumps(workflow))
