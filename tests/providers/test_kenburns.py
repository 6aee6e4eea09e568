from __future__ import annotations

from pathlib import Path

import av
import pytest
from PIL import Image

from gitassets.adapters.media.probe import probe_media
from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError
from gitassets.providers.base import Request, Service
from gitassets.providers.registry import load_provider


@pytest.fixture
def framed(tmp_path: Path) -> Path:
    """Make a grey picture with a bright border, which leaves the view as the zoom increases."""
    path = tmp_path / "framed.png"
    picture = Image.new("RGB", (640, 360), (250, 250, 250))
    picture.paste((60, 60, 60), (8, 8, 632, 352))
    picture.save(path)
    return path


def ask(image: Path | None, **more: object) -> Request:
    return Request(kind=Kind.VIDEO, segment=3, text="Words", image=image, size=(320, 180), **more)  # type: ignore[arg-type]


def _corner_levels(path: Path) -> list[int]:
    """Return the brightness of the corner of each frame."""
    with av.open(str(path)) as container:
        return [int(frame.to_ndarray(format="gray")[0:3, 0:3].mean()) for frame in container.decode(video=0)]


def test_clip_has_requested_duration_and_size(framed: Path, folder: Path) -> None:
    provider = load_provider("kenburns", Kind.VIDEO)
    made = provider.generate(ask(framed, duration_sec=1.3), folder)
    info = probe_media(made.path)
    assert (info.kind, info.width, info.height) == (Kind.VIDEO, 320, 180)
    assert info.duration_sec == pytest.approx(1.3)
    assert not info.has_sound
    assert made.cost_usd == 0
    assert not isinstance(provider, Service)
    assert [*folder.iterdir()] == [made.path]


def test_zoom_direction_depends_on_seed(framed: Path, tmp_path: Path) -> None:
    levels = []
    for seed in (0, 1):
        (tmp_path / str(seed)).mkdir()
        made = load_provider("kenburns").generate(ask(framed, duration_sec=5, seed=seed), tmp_path / str(seed))
        levels.append(_corner_levels(made.path))
    assert levels[0][0] > 180 > levels[0][-1]
    assert levels[1][0] < 180 < levels[1][-1]


def test_zoom_of_a_card_is_smaller(framed: Path, folder: Path) -> None:
    """The border stays in view above and below, where a full zoom cuts it off."""
    tops = []
    for source in ("card", "openai"):
        clip = load_provider("kenburns").generate(ask(framed, duration_sec=5, image_source=source), folder).path
        with av.open(str(clip)) as container:
            tops.append([frame.to_ndarray(format="gray") for frame in container.decode(video=0)][-1][0].mean())
    assert tops[0] > 180 > tops[1]


def test_check_refuses_request_without_image() -> None:
    with pytest.raises(ProviderError, match="Video 3: kenburns animates the segment's image, and there is none"):
        load_provider("kenburns").check(ask(None))


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan")])
def test_check_refuses_invalid_duration(framed: Path, seconds: float) -> None:
    with pytest.raises(ProviderError, match="Video 3: a clip of"):
        load_provider("kenburns").check(ask(framed, duration_sec=seconds))


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_generate_refuses_broken_image(tmp_path: Path, folder: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ProviderError, match="Video 3: its image cannot be used"):
        load_provider("kenburns").generate(ask(path), folder)
    assert not [*folder.iterdir()]
