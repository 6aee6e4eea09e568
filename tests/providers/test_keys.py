from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError

from gitassets.errors import ProviderError
from gitassets.providers.http.keys import Key, find_key

SECRET = "sk-sentinel-123"


class _Ring(KeyringBackend):
    """A keyring in memory; an error instead of a text is raised."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, held: dict[tuple[str, str], str | Exception]) -> None:
        self.held = held

    def get_password(self, service: str, username: str) -> str | None:
        found = self.held.get((service, username))
        if isinstance(found, Exception):
            raise found
        return found

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Ring]:
    monkeypatch.delenv("OPENAI_API_KEY")
    before, made = keyring.get_keyring(), _Ring({})
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


class TestKey:
    @pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r}".format, lambda key: f"{[key]} {key=}"])
    def test_never_shows_itself(self, show: object) -> None:
        assert SECRET not in show(Key(SECRET))  # type: ignore[operator]

    @pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_is_never_written(self, act: object) -> None:
        with pytest.raises(TypeError):
            act(Key(SECRET))  # type: ignore[operator]

    def test_hides_in_a_text(self) -> None:
        assert Key(SECRET).hide_in(f"bad key {SECRET}!") == "bad key ***!"


class TestFinding:
    def test_the_environment_comes_first(self, ring: _Ring, monkeypatch: pytest.MonkeyPatch) -> None:
        ring.held["gitassets", "OPENAI_API_KEY"] = "sk-of-the-ring"
        monkeypatch.setenv("OPENAI_API_KEY", f" {SECRET}\n")
        found = find_key("OPENAI_API_KEY")
        assert found
        assert found.reveal() == SECRET

    def test_then_the_keyring(self, ring: _Ring) -> None:
        ring.held["gitassets", "OPENAI_API_KEY"] = "sk-of-the-ring"
        found = find_key("OPENAI_API_KEY")
        assert found
        assert found.reveal() == "sk-of-the-ring"

    def test_neither(self, ring: _Ring) -> None:
        assert find_key("OPENAI_API_KEY") is None
        ring.held["gitassets", "OPENAI_API_KEY"] = NoKeyringError()
        assert find_key("OPENAI_API_KEY") is None

    def test_a_locked_keyring_is_said(self, ring: _Ring) -> None:
        ring.held["gitassets", "OPENAI_API_KEY"] = KeyringLocked("locked")
        with pytest.raises(ProviderError, match="keyring does not give OPENAI_API_KEY: locked"):
            find_key("OPENAI_API_KEY")

    @pytest.mark.parametrize("text", ["sk-sentinel …", "sk-sentinel\nx", "sk sentinel", "sk-sentinelé", "x" * 5000])
    def test_what_cannot_be_a_key_is_refused_without_being_shown(
        self, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", text)
        with pytest.raises(ProviderError, match="OPENAI_API_KEY holds characters") as caught:
            find_key("OPENAI_API_KEY")
        assert "sentinel" not in f"{caught.value.message} {caught.value.hint}"
