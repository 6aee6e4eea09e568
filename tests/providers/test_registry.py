from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gitassets.adapters.state.settings_file import Settings
from gitassets.domain.manifest import Kind
from gitassets.errors import GitAssetsError, ProviderError
from gitassets.providers import registry
from gitassets.providers.base import Provider, Request, Service
from gitassets.providers.registry import list_providers, load_provider, providers_for
from tests.providers.accepting import accept_stand_in
from tests.providers.services import Answer, Services

DOCS = Path(__file__).parents[2] / "docs" / "providers.md"
Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package of one module with one entry point, laid out as by pip."""
    site = tmp_path / "site"
    site.mkdir()
    modules: list[str] = []

    def put(module: str, code: str, entry: str) -> None:
        (site / f"{module}.py").write_text(code)
        info = site / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[gitassets.providers]\n{entry}\n")
        modules.append(module)
        registry._list_plugins.cache_clear()

    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(registry, "_loaded", {})
    yield put
    registry._list_plugins.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


class TestBuiltIn:
    @pytest.mark.parametrize(("name", "kind"), registry._BUILT_IN)
    def test_built_in_provider_has_its_registered_name_kind_and_type(self, name: str, kind: Kind) -> None:
        provider = load_provider(name, kind, Settings())
        assert isinstance(provider, Provider)
        assert (provider.name, provider.kinds) == (name, frozenset({kind}))
        assert isinstance(provider, Service) is provider.live is ((name, kind) in registry._SERVICES)

    def test_load_provider_returns_same_instance_for_same_settings(self) -> None:
        first = load_provider("luma", Kind.VIDEO, Settings(services={"luma": {"model": "x"}}))
        assert load_provider(" LUMA ", Kind.VIDEO, Settings(services={"luma": {"model": "x"}, "runway": {}})) is first
        assert load_provider("luma", Kind.VIDEO, Settings()) is not first

    def test_load_provider_treats_dalle_as_openai_images(self) -> None:
        assert load_provider("dalle", Kind.IMAGE) is load_provider("openai", Kind.IMAGE)

    def test_load_provider_names_the_kinds_of_a_provider_that_makes_no_clips(self) -> None:
        assert load_provider("openai").kinds == {Kind.IMAGE}
        with pytest.raises(ProviderError, match="'openai' makes image, but no video") as caught:
            load_provider("openai", Kind.VIDEO)
        assert "kenburns, luma, runway, fal, comfyui (video)" in caught.value.hint

    @pytest.mark.parametrize("name", ["openai", "openai_tts", " OpenAI "])
    def test_openai_speech_explains_its_end_until_a_compatible_server_is_set_up(self, name: str) -> None:
        settings = Settings(services={"openai": {"speech": {"model": "tts-1", "voice": "nova"}}})
        with pytest.raises(ProviderError, match="OpenAI ends its speech on 2027-01-06") as caught:
            load_provider(name, Kind.AUDIO, settings)
        assert "services.openai-compatible" in caught.value.hint
        assert load_provider("openai", Kind.IMAGE, settings).name == "openai"
        set_up = Settings(services={"openai-compatible": {"voice": "Voice_1A"}})
        assert load_provider(name, Kind.AUDIO, set_up).name == "openai-compatible"

    def test_load_provider_suggests_name_for_unknown_provider(self) -> None:
        with pytest.raises(ProviderError, match="There is no provider 'elevenlab'") as caught:
            load_provider("elevenlab", Kind.AUDIO)
        assert caught.value.hint.startswith(
            "Did you mean elevenlabs? There are local, japanese, elevenlabs, openai-compatible, fal (audio)"
        )

    def test_providers_for_lists_names_by_kind(self) -> None:
        assert providers_for(Kind.IMAGE) == ["card", "chart", "openai", "wikimedia", "fal", "comfyui"]


class TestList:
    def test_list_providers_shows_price_and_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("LUMA_API_KEY")
        lines = {(line.name, line.kind): line for line in list_providers(Settings())}
        assert lines["card", Kind.IMAGE].price == "free"
        assert lines["elevenlabs", Kind.AUDIO].key == "ELEVENLABS_API_KEY"
        assert lines["elevenlabs", Kind.AUDIO].has_key
        assert not lines["luma", Kind.VIDEO].has_key
        assert "0.04 USD for 1920x1088 in medium quality" in lines["openai", Kind.IMAGE].price
        assert len(lines) == 16

    @pytest.mark.parametrize(("model", "end"), [("gpt-4o-mini-tts", "2027-01-06"), ("kokoro", None)])
    def test_list_providers_says_when_a_model_ends(self, model: str, end: str | None) -> None:
        lines = {line.name: line for line in list_providers(Settings(services={"openai-compatible": {"model": model}}))}
        assert lines["openai-compatible"].ends == end

    @pytest.mark.parametrize("place", ["providers", "live"])
    def test_list_providers_reports_openai_chosen_for_speech(self, place: str) -> None:
        settings = Settings.model_validate({place: {"audio": "openai"}})
        line = next(line for line in list_providers(settings) if line.problem)
        assert (line.name, line.kind) == ("openai", Kind.AUDIO)
        assert "2027-01-06" in line.problem

    def test_list_providers_reports_invalid_settings_and_sections(self) -> None:
        settings = Settings(services={"luma": {"modell": "x"}, "opnai": {}})
        lines = {line.name: line for line in list_providers(settings)}
        assert "services.luma.modell" in lines["luma"].problem
        assert "services.opnai" in lines["opnai"].problem
        assert not lines["runway"].problem


class TestOthers:
    def test_plugin_example_of_documentation_works(
        self,
        install: Install,
        services: Services,
        folder: Path,
        media: dict[str, bytes],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        text = DOCS.read_text("utf-8")
        code, entry = (re.search(rf"```{kind}\n(.*?)```", text, re.S) for kind in ("python", "toml"))
        assert code
        assert entry
        install("acme_voice", code[1], entry[1].splitlines()[1].replace('"', ""))
        monkeypatch.setenv("ACME_API_KEY", "acme-sentinel")
        services.misbehave("/v1/speak", Answer(200, media["audio"], "audio/mpeg"))
        accept_stand_in(services.url, "acme")
        provider = load_provider("acme", Kind.AUDIO, Settings(services={"acme": services.settings()}))
        assert isinstance(provider, Service)
        made = provider.generate(Request(kind=Kind.AUDIO, segment=1, text="x" * 1000), folder)
        assert made.path.read_bytes() == media["audio"]
        assert made.cost_usd == pytest.approx(0.05)
        assert services.seen[0].headers["x-acme-key"] == "acme-sentinel"
        assert load_provider("acme", settings=Settings(services={"acme": services.settings()})) is provider
        assert "acme" in providers_for(Kind.AUDIO)
        line = next(line for line in list_providers(Settings()) if line.name == "acme")
        assert (line.key, line.model, line.problem) == ("ACME_API_KEY", "acme-1", "")

    @pytest.mark.parametrize(
        ("code", "problem"),
        [
            ("raise OSError('no such device')", "OSError: no such device"),
            ("x = 1", "AttributeError"),
            ("class Voice: pass", "it has no `kinds`"),
        ],
    )
    def test_plugin_that_cannot_be_loaded_is_reported_and_affects_no_other(
        self, install: Install, code: str, problem: str
    ) -> None:
        install("broken_voice", code, "broken = broken_voice:Voice")
        line = next(line for line in list_providers(Settings()) if line.name == "broken")
        assert problem in line.problem
        assert "broken_voice" in line.problem
        assert providers_for(Kind.AUDIO) == ["local", "japanese", "elevenlabs", "openai-compatible", "fal"]
        with pytest.raises(ProviderError):
            load_provider("broken", Kind.AUDIO)

    @pytest.mark.parametrize(
        "body", ["    def __init__(self, section): raise ValueError(section)", "    def __init__(self, section): pass"]
    )
    def test_plugin_that_cannot_be_instantiated_is_refused_by_name(self, install: Install, body: str) -> None:
        head = "from gitassets.domain.manifest import Kind\nclass Voice:\n    kinds = frozenset({Kind.AUDIO})\n"
        install("poor_voice", head + body, "poor = poor_voice:Voice")
        with pytest.raises(GitAssetsError, match="The provider 'poor' of poor_voice cannot be used"):
            load_provider("poor", Kind.AUDIO)

    def test_plugin_cannot_replace_built_in_name(self, install: Install) -> None:
        install("other_card", "raise SystemError", "card = other_card:Card")
        assert load_provider("card", Kind.IMAGE).name == "card"
        assert len([line for line in list_providers(Settings()) if line.name == "card"]) == 1


def test_registry_import_loads_no_heavy_modules() -> None:
    import subprocess

    code = (
        "import sys, gitassets.providers.registry\n"
        "heavy = {'httpx', 'httpcore', 'tenacity', 'pydantic', 'PIL', 'av', 'keyring', 'ssl'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
