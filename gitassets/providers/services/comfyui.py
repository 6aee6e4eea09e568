"""ComfyUI: pictures and clips by a workflow of the user's own, on a server that the user runs."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import Field

from gitassets.adapters.files import hash_file, read_small
from gitassets.domain.manifest import Kind
from gitassets.errors import CorruptError, ProviderError
from gitassets.providers.account import MAX_LIST_BYTES, Account
from gitassets.providers.base import Generated, Request, ServiceInfo
from gitassets.providers.http.failures import clean_quote
from gitassets.providers.http.jobs import find_job, forget_job, is_job_id, remember_job
from gitassets.providers.http.network import Deadline, Network
from gitassets.providers.service_settings import BaseUrl, JobSettings, Section, parse_section
from gitassets.providers.services.limits import say_cut
from gitassets.providers.services.prompts import compose_prompt

NAME = "comfyui"
FRAME = "A picture to be shown while the following is narrated, with no words in it: {text}"
MAX_PROMPT_CHARS = 10_000
MAX_SEED = 2**32 - 1
_SUFFIXES = {Kind.IMAGE: (".png", ".jpg", ".jpeg", ".webp"), Kind.VIDEO: (".mp4", ".webm", ".mov", ".mkv")}
_Place = Annotated[str, Field(pattern=r"^[^.\s]+\.\S+$")]


class WorkflowSettings(Section):
    """A workflow of the user's own, as ComfyUI exports it for its API.

    `workflow` is a file inside the project. `inputs` says which input of which node takes what, as NODE.INPUT.
    `output` is the node whose file is taken; without it, the only node that has one.
    """

    workflow: Annotated[str, Field(min_length=1)]
    inputs: Mapping[Literal["prompt", "seed", "width", "height", "image"], _Place]
    output: str = ""


class ComfySettings(JobSettings):
    """`root` is the project's folder. It is filled in when the settings are read."""

    base_url: BaseUrl = "http://127.0.0.1:8188"
    concurrency: Annotated[int, Field(ge=1, le=32)] = 1
    poll_sec: Annotated[float, Field(ge=0, le=86_400)] = 1.0
    image: WorkflowSettings | None = None
    video: WorkflowSettings | None = None
    root: str = ""


@dataclass(frozen=True)
class _State:
    """What the server knows of a job: `file` once there is a result, `failure` if there will be none."""

    known: bool = True
    file: Mapping[str, str] | None = None
    failure: str | None = None


class ComfyUI:
    """Queues the workflow, waits for it and downloads its file. Costs nothing."""

    name = NAME
    live = True

    def __init__(self, kind: Kind, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.kinds = frozenset({kind})
        self._kind = kind
        self.settings = parse_section(ComfySettings, NAME, section)
        self._workflow: WorkflowSettings | None = getattr(self.settings, kind.value)
        self._account = Account(NAME, self.settings, network=network)

    @property
    def concurrency(self) -> int:
        return self.settings.concurrency

    @property
    def info(self) -> ServiceInfo:
        return ServiceInfo(model=self._workflow.workflow if self._workflow else "", price="free")

    def estimate_usd(self, request: Request) -> float:  # noqa: ARG002 (nothing costs anything)
        return 0.0

    def check(self, request: Request) -> None:
        wanted = self._require_workflow(request)
        self._read_workflow(request)
        if "image" in wanted.inputs and request.image is None:
            raise ProviderError(
                f"{request.label}: the workflow {wanted.workflow} starts from an image, and there is none",
                "Make and approve the image first, or take services.comfyui inputs.image out.",
            )
        self._account.check(request)

    def find_remark(self, request: Request) -> str:
        return say_cut(_compose(request), NAME, MAX_PROMPT_CHARS)

    def describe(self, request: Request) -> Mapping[str, Any]:
        wanted = self._require_workflow(request)
        image = {"image_md5": hash_file(request.image)} if "image" in wanted.inputs and request.image else {}
        filled = self._fill(request, seed=request.seed, image="")
        return {"provider": NAME, "kind": self._kind.value, "workflow": filled, "output": wanted.output, **image}

    def generate(self, request: Request, folder: Path) -> Generated:
        """Queue the workflow, or resume its job, and download the result."""
        self.check(request)
        wanted = self._require_workflow(request)
        seed = (secrets.randbelow(MAX_SEED) if request.seed is None else request.seed) if _has(wanted, "seed") else None
        job = find_job(request) or self._order(request, seed)
        state = self._await(request, job)
        url = f"{self.settings.base_url}/view?{urlencode(state.file or {})}"
        keeps = f"Job {job} is done: the same command fetches it."
        return Generated(
            path=self._account.download(request, url, folder, keeps=keeps),
            source=NAME,
            model=wanted.workflow,
            prompt=request.prompt,
            style=request.style,
            seed=seed,
            extra={**_compose(request).record, "job": job},
        )

    def _order(self, request: Request, seed: int | None) -> str:
        wanted = self._require_workflow(request)
        image = self._upload(request, request.image) if "image" in wanted.inputs and request.image else ""
        raw = self._account.post(request, "/prompt", {"prompt": self._fill(request, seed=seed, image=image)})
        job = raw.get("prompt_id")
        if not isinstance(job, str) or not is_job_id(job):
            raise ProviderError(
                f"{request.label}: {NAME} gave no id of the job", "Check services.comfyui.base_url in gitassets.yaml."
            )
        remember_job(request, job)
        return job

    def _upload(self, request: Request, image: Path) -> str:
        """Upload the image under the name of its content, and return the name that the workflow uses."""
        name = f"gitassets-{hash_file(image)}{image.suffix}"
        raw = self._account.post(
            request, "/upload/image", {"overwrite": "true"}, files={"image": (name, image.read_bytes())}
        )
        stored, below = raw.get("name"), raw.get("subfolder")
        if not isinstance(stored, str):
            raise ProviderError(f"{request.label}: {NAME} did not take the image", "See what its console says.")
        return f"{below}/{stored}" if isinstance(below, str) and below else stored

    def _await(self, request: Request, job: str) -> _State:
        deadline = Deadline(self.settings.job_timeout_sec)
        goes_on = f"Job {job} goes on at {NAME}: the same command waits for it."
        while True:
            state = self._poll(request, job, goes_on)
            if state.failure is not None:
                forget_job(request)
                raise ProviderError(
                    f"{request.label}: {NAME} failed at it: {state.failure}", "Try the workflow in ComfyUI itself."
                )
            if state.file is not None:
                return state
            if deadline.left_sec <= self.settings.poll_sec:
                seconds = f"{self.settings.job_timeout_sec:g} seconds"
                raise ProviderError(f"{request.label}: {NAME} has not finished after {seconds}", goes_on)
            self._account.wait(request, self.settings.poll_sec, goes_on)

    def _poll(self, request: Request, job: str, goes_on: str) -> _State:
        """Ask for the job. One that is neither done nor queued was lost, as by a restart of the server."""
        state = self._read_state(request, job, goes_on)
        if state.known or _is_queued(self._read(request, "/queue", goes_on), job):
            return state
        state = self._read_state(request, job, goes_on)  # It may have ended in between.
        return state if state.known else _State(failure=f"it no longer knows the job {job}")

    def _read_state(self, request: Request, job: str, goes_on: str) -> _State:
        raw = self._read(request, f"/history/{quote(job, safe='')}", goes_on).get(job)
        if not isinstance(raw, dict):
            return _State(known=False)
        status = raw.get("status")
        if isinstance(status, dict) and status.get("status_str") == "error":
            return _State(failure=_describe_failure(status))
        files = [*_iter_files(raw.get("outputs"), self._kind, self._workflow.output if self._workflow else "")]
        return _State(file=files[0]) if files else _State(failure="its workflow saved no file of that kind")

    def _read(self, request: Request, path: str, goes_on: str) -> dict[str, Any]:
        """Read an answer that repeats whole workflows."""
        return self._account.read(request, path, keeps=goes_on, max_bytes=MAX_LIST_BYTES)

    def _require_workflow(self, request: Request) -> WorkflowSettings:
        if self._workflow is None:
            raise ProviderError(
                f"{request.label}: no workflow makes it",
                f"Export one in ComfyUI for its API, and name it in gitassets.yaml: services.comfyui.{self._kind}.",
            )
        return self._workflow

    def _fill(self, request: Request, *, seed: int | None, image: str) -> dict[str, Any]:
        """Return the workflow with this request's values in place of its own."""
        width, height = request.size
        values = {"prompt": _compose(request).text, "seed": seed, "width": width, "height": height, "image": image}
        filled = copy.deepcopy(self._read_workflow(request))
        for name, place in self._require_workflow(request).inputs.items():
            node, _, key = place.partition(".")
            if values[name] is not None:
                filled[node]["inputs"][key] = values[name]
        return filled

    def _read_workflow(self, request: Request) -> dict[str, Any]:
        """Read the workflow. Raise ProviderError if it is not in the project, or lacks a named input."""
        wanted = self._require_workflow(request)
        try:
            nodes = _parse_workflow(read_small(_find_inside(self.settings.root, wanted.workflow)))
        except (OSError, ValueError, CorruptError) as error:
            raise ProviderError(
                f"{request.label}: the workflow {wanted.workflow} cannot be used: {_say(error)}",
                "Export it in ComfyUI with Export (API), into a file inside the project.",
            ) from error
        for name, place in wanted.inputs.items():
            node, _, key = place.partition(".")
            if key not in nodes.get(node, {}).get("inputs", {}):
                raise ProviderError(
                    f"{request.label}: the workflow {wanted.workflow} has no input {place}",
                    f"Correct services.comfyui.{self._kind}.inputs.{name} in gitassets.yaml: NODE.INPUT.",
                )
        return nodes


class ComfyUIImages(ComfyUI):
    """Makes pictures."""

    kinds = frozenset({Kind.IMAGE})

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        super().__init__(Kind.IMAGE, section, network)


class ComfyUIClips(ComfyUI):
    """Makes clips."""

    kinds = frozenset({Kind.VIDEO})

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        super().__init__(Kind.VIDEO, section, network)


def _has(wanted: WorkflowSettings, name: str) -> bool:
    return any(one == name for one in wanted.inputs)


def _compose(request: Request) -> Any:
    return compose_prompt(request, FRAME, MAX_PROMPT_CHARS)


def _say(error: Exception) -> str:
    if isinstance(error, CorruptError):
        return error.message
    return (error.strerror or "it cannot be read").lower() if isinstance(error, OSError) else str(error)


def _find_inside(root: str, name: str) -> Path:
    """Return the file's path. Raise ValueError if it leads out of the project."""
    folder = Path(root).resolve()
    found = (folder / name).resolve()
    if not root or not found.is_relative_to(folder) or ".git" in found.parts:
        raise ValueError("it is not inside the project")
    return found


def _parse_workflow(data: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if isinstance(raw, dict) and isinstance(raw.get("nodes"), list):
        raise ValueError("it is saved for the editor, not for the API")
    if not isinstance(raw, dict) or not raw or not all(_is_node(one) for one in raw.values()):
        raise ValueError("it holds no nodes")
    return raw


def _is_node(one: object) -> bool:
    return isinstance(one, dict) and isinstance(one.get("class_type"), str) and isinstance(one.get("inputs"), dict)


def _is_queued(raw: Mapping[str, Any], job: str) -> bool:
    rows = [raw.get(key) for key in ("queue_running", "queue_pending")]
    return any(isinstance(one, list) and job in one for row in rows if isinstance(row, list) for one in row)


def _describe_failure(status: Mapping[str, Any]) -> str:
    """Say which node failed, and why."""
    messages = status.get("messages")
    for one in messages if isinstance(messages, list) else []:
        if isinstance(one, list) and len(one) == 2 and one[0] == "execution_error" and isinstance(one[1], dict):
            said = one[1]
            return clean_quote(f"node {said.get('node_id')} ({said.get('node_type')}): {said.get('exception_message')}")
        if isinstance(one, list) and one[:1] == ["execution_interrupted"]:
            return "somebody interrupted it"
    return "no reason given"


def _iter_files(outputs: object, kind: Kind, node: str) -> Iterator[Mapping[str, str]]:
    """Yield the files of this kind that the workflow saved: saved ones before previews."""
    found = outputs if isinstance(outputs, dict) else {}
    rows = [row for key, one in found.items() if node in ("", key) and isinstance(one, dict) for row in one.values()]
    files = [file for row in rows if isinstance(row, list) for file in row if _is_file(file, kind)]
    for file in sorted(files, key=lambda one: one.get("type") != "output"):
        yield {key: file[key] for key in ("filename", "subfolder", "type") if isinstance(file.get(key), str)}


def _is_file(file: object, kind: Kind) -> bool:
    name = file.get("filename") if isinstance(file, dict) else None
    return isinstance(name, str) and PurePosixPath(name).suffix.lower() in _SUFFIXES[kind]
