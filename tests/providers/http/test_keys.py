from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError

from gitassets.errors import ProviderError
from gitassets.providers.http.keys import OTHER_NAMES, Key, find_key, how_to_set
from tests.providers.oracles import require_oracle

SECRET = "sk-sentinel-123"


class _Ring(KeyringBackend):
    """A keyring in memory; an error stored in place of a text is raised."""

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
    def test_key_is_hidden_in_every_text_form(self, show: object) -> None:
        assert SECRET not in show(Key(SECRET))  # type: ignore[operator]

    @pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_key_cannot_be_pickled_or_copied(self, act: object) -> None:
        with pytest.raises(TypeError):
            act(Key(SECRET))  # type: ignore[operator]

    def test_hide_in_masks_the_key_in_a_text(self) -> None:
        assert Key(SECRET).hide_in(f"bad key {SECRET}!") == "bad key ***!"


class TestFinding:
    def test_find_key_prefers_environment_over_keyring(self, ring: _Ring, monkeypatch: pytest.MonkeyPatch) -> None:
        ring.held["gitassets", "OPENAI_API_KEY"] = "sk-of-the-ring"
        monkeypatch.setenv("OPENAI_API_KEY", f" {SECRET}\n")
        found = find_key("OPENAI_API_KEY")
        assert found
        assert found.reveal() == SECRET

    def test_find_key_reads_keyring_without_environment(self, ring: _Ring) -> None:
        ring.held["gitassets", "OPENAI_API_KEY"] = "sk-of-the-ring"
        found = find_key("OPENAI_API_KEY")
        assert found
        assert found.reveal() == "sk-of-the-ring"

    def test_find_key_returns_none_without_environment_and_keyring(self, ring: _Ring) -> None:
        assert find_key("OPENAI_API_KEY") is None
        ring.held["gitassets", "OPENAI_API_KEY"] = NoKeyringError()
        assert find_key("OPENAI_API_KEY") is None

    def test_find_key_reports_locked_keyring(self, ring: _Ring) -> None:
        ring.held["gitassets", "OPENAI_API_KEY"] = KeyringLocked("locked")
        with pytest.raises(ProviderError, match="keyring does not give OPENAI_API_KEY: locked"):
            find_key("OPENAI_API_KEY")

    @pytest.mark.parametrize("text", ["sk-sentinel …", "sk-sentinel\nx", "sk sentinel", "sk-sentinelé", "x" * 5000])
    def test_find_key_refuses_invalid_key_without_showing_it(self, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", text)
        with pytest.raises(ProviderError, match="OPENAI_API_KEY holds characters") as caught:
            find_key("OPENAI_API_KEY")
        assert "sentinel" not in f"{caught.value.message} {caught.value.hint}"


class TestOtherNames:
    @pytest.mark.parametrize("name", ["RUNWAYML_API_SECRET", "LUMAAI_API_KEY", "LUMA_AGENTS_API_KEY"])
    @pytest.mark.parametrize("in_ring", [False, True])
    def test_key_is_found_by_the_name_of_the_sdk(
        self, name: str, in_ring: bool, ring: _Ring, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours = next(variable for variable, others in OTHER_NAMES.items() if name in others)
        monkeypatch.delenv(ours)
        if in_ring:
            ring.held[("gitassets", name)] = SECRET
        else:
            monkeypatch.setenv(name, SECRET)
        found = find_key(ours)
        assert found is not None
        assert found.reveal() == SECRET
        assert name in how_to_set(ours)

    def test_own_name_of_a_key_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("RUNWAYML_API_SECRET", "another")
        monkeypatch.setenv("RUNWAY_API_KEY", SECRET)
        found = find_key("RUNWAY_API_KEY")
        assert found is not None
        assert found.reveal() == SECRET

    def test_names_are_those_of_the_sdks(self) -> None:
        places = {"runwayml": "RUNWAYML_API_SECRET", "lumaai": "LUMAAI_API_KEY", "luma_agents": "LUMA_AGENTS_API_KEY"}
        for module, name in places.items():
            client = Path(require_oracle(module).__file__).with_name("_client.py")
            assert f'"{name}"' in client.read_text("utf-8")
