from __future__ import annotations

import pytest

from gitassets.adapters.state.settings_file import Settings, parse_settings
from gitassets.domain.manifest import Kind
from gitassets.domain.settings_text import DEFAULT_TEXT
from gitassets.errors import CorruptError
from gitassets.providers.registry import load_provider
from gitassets.providers.service_settings import ServiceSettings, parse_section
from gitassets.providers.services.comfyui import ComfySettings
from gitassets.providers.services.elevenlabs import ElevenLabsSettings
from gitassets.providers.services.fal import FalSettings
from gitassets.providers.services.luma import LumaSettings
from gitassets.providers.services.openai_compatible import CompatibleSettings
from gitassets.providers.services.openai_settings import OpenAISettings
from gitassets.providers.services.runway import RunwaySettings
from gitassets.providers.services.wikimedia import WikimediaSettings

MODELS = {
    "elevenlabs": ElevenLabsSettings,
    "openai": OpenAISettings,
    "openai-compatible": CompatibleSettings,
    "wikimedia": WikimediaSettings,
    "luma": LumaSettings,
    "runway": RunwaySettings,
    "fal": FalSettings,
    "comfyui": ComfySettings,
}


def test_default_text_contains_default_services() -> None:
    written = parse_settings(DEFAULT_TEXT.encode(), "gitassets.yaml")
    assert set(written.services) == set(MODELS)
    for name, model in MODELS.items():
        assert parse_section(model, name, written.services[name]) == model()
    assert written.model_copy(update={"services": {}}) == Settings()


class TestBudget:
    def test_budget_name_is_short_for_its_tier(self) -> None:
        assert parse_settings(b"budget: high", "x").budget == parse_settings(b"budget: {tier: high}", "x").budget
        assert str(parse_settings(b"budget: high", "x").budget) == "high"

    def test_budget_limits_are_read(self) -> None:
        budget = parse_settings(b"budget: {confirm_usd: 0.5, run_usd: 3}", "x").budget
        assert (budget.tier, budget.confirm_usd, budget.run_usd) == (None, 0.5, 3)

    def test_budget_without_limit_has_none(self) -> None:
        assert parse_settings(b"budget:\n  run_usd:\n", "x").budget.run_usd is None
        assert parse_settings(b"budget:\n", "x").budget == Settings().budget

    @pytest.mark.parametrize("text", ["budget: tiny", "budget: {run_usd: -1}", "budget: 5", "budget: {run_eur: 5}"])
    def test_budget_refuses_invalid_values(self, text: str) -> None:
        with pytest.raises(CorruptError, match="x: budget"):
            parse_settings(text.encode(), "x")


class TestServices:
    def test_empty_section_has_its_defaults(self) -> None:
        settings = parse_settings(b"services:\n  openai:\n    base_url:\n    speech:\n  luma:\n", "x")
        assert load_provider("openai", Kind.IMAGE, settings).settings == OpenAISettings().images  # type: ignore[attr-defined]

    def test_invalid_section_affects_only_its_own_service(self) -> None:
        settings = parse_settings(b"services: {luma: {modell: x}}", "x")
        load_provider("openai", Kind.IMAGE, settings)
        with pytest.raises(CorruptError, match=r"modell: there is no such setting\. Did you mean model\?"):
            load_provider("luma", Kind.VIDEO, settings)

    @pytest.mark.parametrize("name", ["api_key", "token", "OPENAI_API_KEY"])
    def test_key_in_settings_file_is_refused_without_showing_it(self, name: str) -> None:
        settings = Settings(services={"openai": {name: "sk-sentinel"}})
        with pytest.raises(CorruptError, match="keys have no place in this file") as caught:
            load_provider("openai", Kind.IMAGE, settings)
        assert "sentinel" not in f"{caught.value.message}{caught.value.hint}"

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.example.com",
            "https://ann:sentinel@api.example.com",
            "https://api.example.com/?key=sentinel",
            "ftp://api.example.com",
            "api.example.com",
            "https://",
            "",
            "https://\N{CYRILLIC SMALL LETTER A}pi.openai.com",
            "https://api.openai.com\N{FULLWIDTH SOLIDUS}.evil.example",
            "https://evil.example\\.api.openai.com",
            "https://evil%2eexample",
            "https://a b.example",
            "https://-x.example",
            "https://[fe80::1%25eth0]",
        ],
    )
    def test_base_url_that_is_unsafe_is_refused(self, url: str) -> None:
        with pytest.raises(CorruptError, match=r"services\.x\.base_url") as caught:
            parse_section(ServiceSettings, "x", {"base_url": url})
        assert "sentinel" not in f"{caught.value.message}{caught.value.hint}"

    @pytest.mark.parametrize(
        ("url", "kept"),
        [
            ("https://api.example.com/v1", "https://api.example.com"),
            ("https://gateway.corp/openai/v1/", "https://gateway.corp/openai"),
            ("https://10.0.0.7:8443/", "https://10.0.0.7:8443"),
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("https://xn--80ak6aa92e.example", "https://xn--80ak6aa92e.example"),
        ],
    )
    def test_base_url_of_gateway_is_normalized(self, url: str, kept: str) -> None:
        assert parse_section(ServiceSettings, "x", {"base_url": url}).base_url == kept
