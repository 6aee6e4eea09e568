"""Small runs as claude-studio writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.media import write_picture, write_tone

RUNS_DIR = "artifacts/video_production"
RUN_ID = "20260207_101747"
TEXTS = (
    "Welcome back to another **deep dive**.",
    "The second paragraph speaks of drift.",
    "A third one, about filters.",
    "The fourth closes the loop.",
)


def old_path(name: str, run_id: str = RUN_ID) -> str:
    """A path as claude-studio records it: relative to the folder that it ran in."""
    return f"{RUNS_DIR}/{run_id}/{name}"


def scene(number: int, **paths: Any) -> dict[str, Any]:
    """A scene of the manifest, with every key that there is."""
    return {
        "scene_id": f"scene_{number:03d}", "image_path": None, "video_path": None, "audio_path": None,
        "display_start": 0.0, "display_end": 5.0, **paths,
    }  # fmt: skip


def plan(number: int, **changes: Any) -> dict[str, Any]:
    """A scene of visual_plans.json."""
    return {
        "scene_id": f"scene_{number:03d}", "dalle_prompt": f"Draw scene {number}", "dalle_style": "natural",
        "dalle_settings": {"model": "dall-e-3"}, "luma_prompt": None, "on_screen_text": None, "ken_burns": None,
        "kb_figure_path": None, **changes,
    }  # fmt: skip


def record(asset_id: str, asset_type: str, path: str, **changes: Any) -> dict[str, Any]:
    """A record of content_library.json."""
    return {
        "asset_id": asset_id, "asset_type": asset_type, "source": "dalle", "status": "draft", "path": path,
        "file_size_bytes": None, "voice": None, "prompt": None, "segment_idx": None, "used_in_segments": [],
        "generated_at": "2026-02-12T10:18:03.9", "generation_cost": 0.04, "approved_at": None, "approved_by": None,
        "rejected_reason": None, "revision_of": None, "notes": "", **changes,
    }  # fmt: skip


def library(*records: dict[str, Any]) -> dict[str, Any]:
    return {"project_id": RUN_ID, "assets": {one["asset_id"]: one for one in records}, "created_at": ""}


def script(*texts: str, modes: Iterable[str | None] = ()) -> dict[str, Any]:
    """A structured script."""
    shown = [*modes, *([None] * len(texts))]
    segments = [{"idx": n, "text": text, "display_mode": shown[n]} for n, text in enumerate(texts)]
    return {"script_id": f"{RUN_ID}_v1", "segments": segments}


def manifest(*scenes: dict[str, Any], run_id: str = RUN_ID, **changes: Any) -> dict[str, Any]:
    return {
        "run_id": run_id, "mode": "live", "total_scenes": len(scenes), "animated_scenes": 0, "audio_clips": 0,
        "assets": list(scenes), **changes,
    }  # fmt: skip


def write_old_run(
    root: Path,
    *,
    run_id: str = RUN_ID,
    scenes: int = 3,
    clips: int = 3,
    images: Iterable[int] = (0, 2),
    texts: Iterable[str] = TEXTS[:3],
    first: int = 0,
) -> Path:
    """A run with clips, a picture for the scenes in `images`, both counted from 0, and a structured script."""
    folder = root / RUNS_DIR / run_id
    drawn = set(images)
    for number in range(clips):
        write_tone(folder / "audio" / f"audio_{number:03d}.wav", frequency=300 + 40 * number, duration_sec=0.2)
    for number in drawn:
        write_picture(folder / "images" / f"scene_{number:03d}.png", seed=number + 1)
    numbers = range(first, first + scenes)
    listed = [
        scene(n, image_path=old_path(f"images/scene_{n:03d}.png", run_id) if n in drawn else None) for n in numbers
    ]
    write_json(folder / "asset_manifest.json", manifest(*listed, run_id=run_id, audio_clips=clips))
    write_json(folder / "visual_plans.json", [plan(n) for n in numbers])
    if texts:
        write_json(folder / f"{run_id}_v1_structured_script.json", script(*texts))
    return folder


def write_json(path: Path, value: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), "utf-8")
    return path


def write_trial(root: Path, name: str = "trial_000_20260206_195813", texts: Iterable[str] = TEXTS) -> Path:
    path = root / "artifacts" / "training_output" / name / "episode_script.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(texts) + "\n", "utf-8")
    return path


def write_doubled(root: Path) -> Path:
    """Four scenes for two paragraphs: every segment has two pictures."""
    return write_old_run(root, scenes=4, clips=2, images=(0, 1, 2, 3), texts=TEXTS[:2])
