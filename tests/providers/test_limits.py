"""What each service refuses or makes otherwise, because of its limits, is known before anything is bought."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.base import Remarking, Request, Service
from gitassets.providers.registry import _SERVICES
from tests.providers import conftest
from tests.providers.services import Services
from tests.providers.test_reported_faults import _find_loader

CASES = sorted(_SERVICES)
SPEECH = [case for case in CASES if case[1] is Kind.AUDIO]
# A search has no limit of this kind, and finds pictures of any shape.
DRAWN = [case for case in CASES if case[1] is not Kind.AUDIO and case[0] != "wikimedia"]
# These fit their results to the workflow and to the model's own sizes.
CLIPS = [case for case in CASES if case[1] is Kind.VIDEO and case[0] != "comfyui"]


def load(case: tuple[str, Kind], services: Services, place: Path) -> Service:
    return _find_loader(*case, services, place)() if case[0] == "comfyui" else conftest.load(*case, services)


@pytest.mark.parametrize("case", SPEECH)
def test_text_that_is_too_long_is_refused_and_not_sent(
    case: tuple[str, Kind], services: Services, ask: Callable[..., Request]
) -> None:
    provider = conftest.load(*case, services)
    with pytest.raises(ProviderError, match=rf"are more than {case[0]} speaks at once \([0-9,]+\)"):
        provider.check(ask(Kind.AUDIO, "Word. " * 2_000))
    assert services.seen == []


@pytest.mark.parametrize("case", DRAWN)
def test_prompt_that_is_cut_is_told(
    case: tuple[str, Kind], services: Services, ask: Callable[..., Request], tmp_path: Path
) -> None:
    provider = load(case, services, tmp_path)
    assert isinstance(provider, Remarking)
    assert provider.find_remark(ask(case[1], duration_sec=3)) == ""
    told = provider.find_remark(ask(case[1], prompt="word " * 8_000, duration_sec=3))
    assert told.startswith("its prompt is cut to the ")
    assert told.endswith(f" characters that {case[0]} takes")
    assert services.seen == []


@pytest.mark.parametrize("case", CLIPS)
def test_clip_that_is_shorter_than_its_narration_is_told(
    case: tuple[str, Kind], services: Services, ask: Callable[..., Request]
) -> None:
    provider = conftest.load(*case, services)
    assert isinstance(provider, Remarking)
    told = provider.find_remark(ask(Kind.VIDEO, duration_sec=61))
    assert told == "it lasts 10 seconds, the longest there is, which is shorter than its narration"


@pytest.mark.parametrize(
    ("name", "kind", "section", "shape"),
    [
        ("openai", Kind.IMAGE, {}, "3072x1024"),
        ("openai", Kind.IMAGE, {"images": {"size": "1024x1024"}}, "1024x1024"),
        ("luma", Kind.VIDEO, {}, "21:9"),
        ("runway", Kind.VIDEO, {}, "1584:672"),
        ("fal", Kind.IMAGE, {"image": {"model": "fal-ai/nano-banana-2"}}, "21:9"),
        ("fal", Kind.VIDEO, {"video": {"model": "fal-ai/veo3.1/fast/image-to-video"}}, "16:9"),
    ],
)
def test_shape_that_a_service_does_not_offer_is_told(
    services: Services, ask: Callable[..., Request], name: str, kind: Kind, section: dict[str, object], shape: str
) -> None:
    provider = conftest.load(name, kind, services, **section)
    assert isinstance(provider, Remarking)
    told = provider.find_remark(ask(kind, size=(3072, 512), duration_sec=3))
    assert told == f"it is made in {shape}, which is another shape than the video's"
