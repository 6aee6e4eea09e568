from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gitassets.adapters.state.settings_file import read_settings
from gitassets.domain.manifest import Kind
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.providers.base import Request, Service, fingerprint
from gitassets.providers.check_account import check_account
from gitassets.providers.registry import load_provider
from tests.providers.comfyui import WORKFLOW, ComfyServer, write_workflow
from tests.providers.conftest import Memory
from tests.providers.services import Answer, say

Ask = Callable[..., Request]
INPUTS = {"prompt": "6.text", "seed": "3.seed", "width": "5.width", "height": "5.height"}


@pytest.fixture
def server(media: dict[str, bytes]) -> Iterator[ComfyServer]:
    with ComfyServer(media).running() as running:
        assert isinstance(running, ComfyServer)
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A project's folder with a workflow."""
    found = tmp_path / "project"
    found.mkdir()
    write_workflow(found / "flow.json")
    return found


def load(place: Path, server: ComfyServer, kind: Kind = Kind.IMAGE, **workflow: Any) -> Service:
    section = server.settings(poll_sec=0.01, **{kind.value: {"workflow": "flow.json", "inputs": INPUTS, **workflow}})
    (place / "gitassets.yaml").write_text(json.dumps({"services": {"comfyui": section}}))
    provider = load_provider("comfyui", kind, read_settings(place))
    assert isinstance(provider, Service)
    return provider


class TestOrder:
    def test_comfyui_queues_the_workflow_with_the_named_inputs(
        self, place: Path, server: ComfyServer, ask: Ask, folder: Path, memory: Memory, media: dict[str, bytes]
    ) -> None:
        made = load(place, server).generate(ask(Kind.IMAGE, prompt="A map", seed=7, job=memory), folder)
        (queued,) = server.queued
        assert queued["6"]["inputs"]["text"] == "A map"
        assert queued["3"]["inputs"]["seed"] == 7
        assert (queued["5"]["inputs"]["width"], queued["5"]["inputs"]["height"]) == (1920, 1080)
        assert queued["9"] == WORKFLOW["9"]
        assert made.path.read_bytes() == media["image"]
        assert (made.source, made.seed, made.cost_usd) == ("comfyui", 7, 0)
        assert memory.written == [made.extra["job"]]

    def test_comfyui_uploads_the_image_that_a_clip_starts_from(
        self, place: Path, server: ComfyServer, ask: Ask, folder: Path, media: dict[str, bytes]
    ) -> None:
        server.kind = "video"
        provider = load(place, server, Kind.VIDEO, inputs={**INPUTS, "image": "10.image"})
        made = provider.generate(ask(Kind.VIDEO), folder)
        name = server.queued[0]["10"]["inputs"]["image"]
        assert server.uploaded[name] == media["image"]
        assert made.path.name == "video.mp4"

    def test_comfyui_takes_another_seed_each_time_and_records_it(
        self, place: Path, server: ComfyServer, ask: Ask, tmp_path: Path
    ) -> None:
        seeds = set()
        for number in range(2):
            (tmp_path / str(number)).mkdir()
            seeds.add(load(place, server).generate(ask(Kind.IMAGE), tmp_path / str(number)).seed)
        assert seeds == {one["3"]["inputs"]["seed"] for one in server.queued}
        assert len(seeds) == 2

    def test_comfyui_resumes_a_job_by_its_id(
        self, place: Path, server: ComfyServer, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        provider = load(place, server)
        server.misbehave("/history/", Answer(403))
        with pytest.raises(ProviderError, match="Image 3") as caught:
            provider.generate(ask(Kind.IMAGE, job=memory), folder)
        assert "the same command waits for it" in caught.value.hint
        server.recover()
        provider.generate(ask(Kind.IMAGE, job=memory), folder)
        assert len(server.queued) == 1


class TestFailures:
    def test_comfyui_tells_which_node_failed(
        self, place: Path, server: ComfyServer, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        server.failure = "CUDA out of memory"
        with pytest.raises(ProviderError, match=r"failed at it: node 3 \(KSampler\): CUDA out of memory"):
            load(place, server).generate(ask(Kind.IMAGE, job=memory), folder)
        assert memory.job is None

    def test_comfyui_tells_what_is_wrong_with_the_workflow(
        self, place: Path, server: ComfyServer, ask: Ask, folder: Path
    ) -> None:
        wrong = {**WORKFLOW, "5": {"class_type": "EmptyLatentImage", "inputs": {"width": "wide", "height": 5}}}
        write_workflow(place / "flow.json", wrong)
        with pytest.raises(ProviderError, match=r"Prompt outputs failed validation; node 5: Failed to convert width"):
            load(place, server, inputs={"prompt": "6.text"}).generate(ask(Kind.IMAGE), folder)

    def test_comfyui_that_lost_a_job_says_so_and_forgets_it(
        self, place: Path, server: ComfyServer, ask: Ask, folder: Path, memory: Memory
    ) -> None:
        server.forgets = True
        with pytest.raises(ProviderError, match="it no longer knows the job"):
            load(place, server).generate(ask(Kind.IMAGE, job=memory), folder)
        assert memory.job is None

    @pytest.mark.parametrize(
        "raw", [{}, {"prompt_id": 5}, {"prompt_id": ""}, {"prompt_id": "x" * 201}, {"prompt_id": ".."}]
    )
    def test_comfyui_without_an_id_is_an_error(
        self, place: Path, server: ComfyServer, ask: Ask, folder: Path, raw: Any
    ) -> None:
        server.misbehave("/prompt", say(raw))
        with pytest.raises(ProviderError, match="gave no id of the job"):
            load(place, server).generate(ask(Kind.IMAGE), folder)

    @pytest.mark.parametrize(
        "outputs", [None, [], {"9": 5}, {"9": {"images": [{"filename": "x.txt"}]}}, {"9": {"a": 1}}]
    )
    def test_comfyui_without_a_file_is_an_error(
        self, place: Path, server: ComfyServer, ask: Ask, folder: Path, memory: Memory, outputs: Any
    ) -> None:
        memory.job = "a"
        server.misbehave("/history/", say({"a": {"outputs": outputs, "status": {"status_str": "success"}}}))
        with pytest.raises(ProviderError, match="its workflow saved no file of that kind"):
            load(place, server).generate(ask(Kind.IMAGE, job=memory), folder)


class TestSettings:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "it is not JSON"), ("[]", "it holds no nodes"), ("{}", "it holds no nodes"),
            ('{"nodes": []}', "saved for the editor"), ('{"3": {}}', "it holds no nodes"), (None, "no such file"),
        ],
    )  # fmt: skip
    def test_comfyui_refuses_a_file_that_is_no_workflow(
        self, place: Path, server: ComfyServer, ask: Ask, text: str | None, said: str
    ) -> None:
        if text is None:
            (place / "flow.json").unlink()
        else:
            (place / "flow.json").write_text(text)
        with pytest.raises(ProviderError, match=said):
            load(place, server).check(ask(Kind.IMAGE))

    @pytest.mark.parametrize("name", ["../flow.json", "/etc/passwd", "link.json", ".git/config"])
    def test_comfyui_reads_no_file_outside_of_the_project(
        self, place: Path, server: ComfyServer, ask: Ask, name: str
    ) -> None:
        write_workflow(place.parent / "flow.json")
        (place / "link.json").symlink_to(place.parent / "flow.json")
        with pytest.raises(ProviderError, match="it is not inside the project"):
            load(place, server, workflow=name).check(ask(Kind.IMAGE))

    @pytest.mark.parametrize("spot", ["7.text", "6.txt", "6"])
    def test_comfyui_refuses_an_input_that_is_not_there(
        self, place: Path, server: ComfyServer, ask: Ask, spot: str
    ) -> None:
        with pytest.raises(GitAssetsError, match=r"has no input|services\.comfyui\.image\.inputs"):
            load(place, server, inputs={"prompt": spot}).check(ask(Kind.IMAGE))

    def test_comfyui_without_a_workflow_names_the_setting(self, ask: Ask) -> None:
        with pytest.raises(ProviderError, match="no workflow makes it") as caught:
            load_provider("comfyui", Kind.IMAGE).check(ask(Kind.IMAGE))
        assert "services.comfyui.image" in caught.value.hint

    def test_comfyui_request_depends_on_workflow_image_and_prompt(
        self, place: Path, server: ComfyServer, ask: Ask
    ) -> None:
        provider = load(place, server)
        first = fingerprint(provider.describe(ask(Kind.IMAGE)))
        assert first == fingerprint(provider.describe(ask(Kind.IMAGE)))
        assert first != fingerprint(provider.describe(ask(Kind.IMAGE, prompt="x")))
        write_workflow(place / "flow.json", {**WORKFLOW, "11": {"class_type": "Note", "inputs": {}}})
        assert first != fingerprint(provider.describe(ask(Kind.IMAGE)))

    def test_comfyui_is_checked_without_live(self, place: Path, server: ComfyServer) -> None:
        found = check_account(load(place, server), live=False)
        assert (found.called, found.offer.remark) == (True, "cuda:0 NVIDIA")
