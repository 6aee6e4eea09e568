"""The stand-in services, the keys they accept, and the small real media they deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gitassets.adapters.state.settings_file import Settings
from gitassets.domain.manifest import Kind
from gitassets.drawing import typeface
from gitassets.providers.base import Request, Service
from gitassets.providers.http.trust import set_accepted
from gitassets.providers.registry import ALIASES, load_provider
from tests.adapters.media_files import make_clip, make_picture, make_tone
from tests.providers.accepting import accept_stand_in
from tests.providers.services import KEYS, Services


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("media")
    return {
        "audio": make_tone(folder / "tone.mp3", 1).read_bytes(),
        "image": make_picture(folder / "picture.png", size=(96, 64)).read_bytes(),
        "video": make_clip(folder / "clip.mp4", seconds=0.4).read_bytes(),
        "jpeg": make_picture(folder / "picture.jpg", size=(96, 64)).read_bytes(),
    }


@pytest.fixture
def services(media: dict[str, bytes]) -> Iterator[Services]:
    with Services(media).running() as running:
        yield running


@pytest.fixture
def elsewhere(media: dict[str, bytes]) -> Iterator[Services]:
    """Stand-in services on another origin."""
    with Services(media).running() as running:
        yield running


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    set_accepted(())
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    # The keyring of the user is never accessed.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    made.mkdir()
    return made


@pytest.fixture
def picture(tmp_path: Path, media: dict[str, bytes]) -> Path:
    path = tmp_path / "approved.png"
    path.write_bytes(media["image"])
    return path


class Memory:
    """A memory of jobs that lasts as long as the test."""

    def __init__(self) -> None:
        self.job: str | None = None
        self.written: list[str] = []
        self.prices_usd: list[float] = []

    def read(self) -> str | None:
        return self.job

    def write(self, job: str) -> None:
        self.job = job
        self.written.append(job)

    def write_price(self, cost_usd: float) -> None:
        self.prices_usd.append(cost_usd)

    def forget(self) -> None:
        self.job = None


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def ask(picture: Path) -> Callable[..., Request]:
    """Build a request for segment 3."""

    def make(kind: Kind, text: str = "A drone finds its way through the Valley of fog.", **more: Any) -> Request:
        image = {"image": picture} if kind is Kind.VIDEO else {}
        return Request(kind=kind, segment=3, text=text, **{**image, **more})

    return make


@pytest.fixture
def only_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make only the bundled fonts and those in the given folders available."""

    def use(*folders: Path) -> None:
        monkeypatch.setattr(typeface, "font_folders", lambda: list(folders))
        typeface.system_faces.cache_clear()

    yield use
    monkeypatch.undo()
    typeface.system_faces.cache_clear()


def load(name: str, kind: Kind, services: Services, **more: Any) -> Service:
    """Load the provider with settings that refer to the stand-in."""
    jobs = {"poll_sec": 0.01} if name in ("luma", "runway", "fal") else {}
    contact = {"contact": "ann@example.com"} if name == "wikimedia" else {}
    # Without a price a server on this computer costs nothing.
    compatible = {"voice": "Voice_1A", "usd_per_1000_chars": 0.02}
    voice = {"openai-compatible": compatible, "elevenlabs": {"voice": "lily"}}.get(name, {})
    section = services.settings(**{**jobs, **contact, **voice, **more})
    accept_stand_in(section["base_url"])
    provider = load_provider(name, kind, Settings(services={ALIASES.get(name, name): section}))
    assert isinstance(provider, Service)
    return provider
