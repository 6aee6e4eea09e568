"""Settings, commands and checks that tests of the live providers share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gitassets.actions.approve import approve
from gitassets.actions.produce import ProduceResult, produce, resume
from gitassets.actions.regen import RegenOptions, RegenResult, regen
from gitassets.adapters.state.journal import MadeLog
from gitassets.adapters.state.orders import OrderBook
from gitassets.domain.budget import Budget
from gitassets.domain.estimate import Estimate
from gitassets.domain.manifest import SEGMENT_KINDS, Address, Asset, Kind
from gitassets.domain.voices import Voice
from gitassets.making.consent import ABSENT, Buyer, Terms
from gitassets.making.plan_run import ProduceOptions
from gitassets.runs.lookup import find_run
from gitassets.runs.manifest_file import read_manifest
from gitassets.runs.project import Project, Run, find_project
from tests.actions.checks import git, ignore_progress, select
from tests.providers.accepting import accept_sections
from tests.providers.services import Services

SCRIPT = ["Maps tell us where we are.", "Drones read them.", "Fog hides the valley."]
AUDIO_USD = 0.10 / 1000  # for a character, at elevenlabs
IMAGE_USD, CLIP_USD = 0.07, 0.30  # at openai, as the settings below say; at luma, for five seconds


@dataclass
class Somebody:
    """A user at a terminal with fixed answers; `seen` holds the estimates shown."""

    reuses: bool = True
    spends: bool = True
    present: bool = True
    trusts: bool = False
    addresses: list[tuple[str, str]] = field(default_factory=list)
    seen: list[Estimate] = field(default_factory=list)
    asked: list[Estimate] = field(default_factory=list)
    speaks: bool = True
    offered: list[list[str]] = field(default_factory=list)

    def show(self, estimate: Estimate) -> None:
        self.seen.append(estimate)

    def accepts_address(self, provider: str, url: str) -> bool:
        self.addresses.append((provider, url))
        return self.trusts

    def accepts_reuse(self, estimate: Estimate) -> bool:
        self.asked.append(estimate)
        return self.reuses

    def agrees(self, estimate: Estimate) -> bool:
        self.asked.append(estimate)
        return self.spends

    def choose_voice(self, provider: str, voices: Sequence[Voice]) -> Voice | None:  # noqa: ARG002 (as the protocol)
        self.offered.append([one.name for one in voices])
        return voices[0] if self.speaks else None


@dataclass
class Studio:
    """A project with one run, ep1, and the services that make its assets."""

    project: Project
    services: Services

    def set(self, *, services: dict[str, dict[str, Any]] | None = None, **settings: Any) -> None:
        """Write gitassets.yaml with the stand-ins and the given settings."""
        jobs = {"poll_sec": 0.01}
        sections = {
            "elevenlabs": self.services.settings(voice="lily"),
            "openai": self.services.settings(images={"usd_per_image": {"medium": IMAGE_USD}}),
            "openai-compatible": self.services.settings(voice="Voice_1A", usd_per_1000_chars=0.02),
            "wikimedia": self.services.settings(contact="ann@example.com"),
            "luma": self.services.settings(**jobs),
            "runway": self.services.settings(**jobs),
            "fal": self.services.settings(**jobs),
        }
        for name, more in (services or {}).items():
            sections[name] |= more
        raw = {"build": {"size": "320x180", "fps": 10}, **settings, "services": sections}
        (self.project.root / "gitassets.yaml").write_text(json.dumps(raw))
        git(self.project.root, "commit", "--quiet", "--all", "--message", "settings")
        self.project = find_project(self.project.root)
        accept_sections(self.project, sections)

    @property
    def run(self) -> Run:
        return find_run(self.project, "ep1")

    def produce(self, script: list[str] = SCRIPT, *, run_id: str = "ep1", **options: Any) -> ProduceResult:
        """Produce a run by the services; by default the costs are agreed to."""
        buyer, chosen = _split({"live": True, "budget": Budget.FULL, "run_id": run_id, **options})
        return produce(self.project, script, ProduceOptions(**chosen), ignore_progress, buyer)

    def resume(self, *, run_id: str = "ep1", **options: Any) -> ProduceResult:
        buyer, chosen = _split(options)
        return resume(self.project, run_id, None, ProduceOptions(**chosen), ignore_progress, buyer)

    def regen(self, *, run_id: str = "ep1", **options: Any) -> RegenResult:
        buyer, chosen = _split(options)
        selection = select(**{kind.value: chosen.pop(kind.value, None) for kind in SEGMENT_KINDS})
        run = find_run(self.project, run_id)
        return regen(self.project, run, selection, RegenOptions(**chosen), ignore_progress, buyer)

    def approve(self, **selected: str) -> None:
        approve(self.project, self.run, select(**selected))

    def asset(self, kind: str, number: int, run_id: str = "ep1") -> Asset:
        found = read_manifest(self.project, find_run(self.project, run_id)).asset(Address(number, Kind(kind)))
        assert found is not None
        return found

    def assets(self, run_id: str = "ep1") -> dict[str, Asset]:
        return {str(name): one for name, one in read_manifest(self.project, find_run(self.project, run_id)).assets()}

    def charges(self, number: int) -> list[dict[str, Any]]:
        found = read_manifest(self.project, self.run).segments[number].extra.get("charges", {})
        return list(found.values())

    def bought(self, path: str = "/") -> int:
        """Count the paid requests below the path."""
        return sum(one.path.startswith(path) for one in self.services.bought)

    def assert_settled(self, *, orders: int = 0) -> None:
        """Check that nothing is left except so many pending orders."""
        assert len(list(OrderBook(self.project.state_dir, "ep1"))) == orders
        assert not MadeLog(self.project.state_dir, "ep1").path.exists()
        tmp = self.project.state_dir / "tmp"
        assert not tmp.exists() or list(tmp.iterdir()) == []


def _split(options: dict[str, Any]) -> tuple[Buyer, dict[str, Any]]:
    """Split off the buyer and collect the terms; without terms, all costs are agreed to."""
    buyer = options.pop("buyer", ABSENT)
    names = ("max_cost_usd", "yes", "fresh")
    given = {name: options.pop(name) for name in names if name in options}
    return buyer, {**options, "terms": Terms(**{"yes": True, **given})}


def spoken_usd(*paragraphs: str) -> float:
    return sum(len(one) * AUDIO_USD for one in paragraphs)
