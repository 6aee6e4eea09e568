from __future__ import annotations

import pytest

from gitassets.domain.claude_studio.paths import iter_possible_paths

RUN = "20260207_101747"


def candidates(raw: str) -> list[str]:
    return [f"{one.base}:{one.path}" for one in iter_possible_paths(raw, {RUN, "renamed"})]


@pytest.mark.parametrize(
    "raw",
    [
        f"artifacts/video_production/{RUN}/images/scene_000.png",
        f"artifacts\\video_production\\{RUN}\\images\\scene_000.png",
        f"/home/ann/studio/artifacts/video_production/{RUN}/images/scene_000.png",
        f"C:\\Users\\Ann\\studio\\artifacts\\video_production\\{RUN}\\images\\scene_000.png",
        f"c:/studio/artifacts/video_production/{RUN}/images/scene_000.png",
        f"./artifacts/video_production/./{RUN}//images/scene_000.png",
        "elsewhere/renamed/images/scene_000.png",
        f"{RUN}/backup/{RUN}/images/scene_000.png",
    ],
)
def test_path_part_after_run_id_is_resolved_inside_the_run(raw: str) -> None:
    assert candidates(raw)[0] == "run:images/scene_000.png"


def test_relative_path_is_tried_in_run_and_in_working_folder() -> None:
    assert candidates("images/scene_000.png") == ["run:images/scene_000.png", "work:images/scene_000.png"]


def test_figure_path_is_resolved_below_artifacts() -> None:
    assert candidates("D:\\x\\artifacts\\kb\\fig_005.png") == ["work:artifacts/kb/fig_005.png"]
    assert "nothing:/x/artifacts/kb/fig.png" in candidates("/x/artifacts/kb/fig.png")


def test_path_on_unknown_drive_has_no_candidates() -> None:
    assert candidates("C:\\pictures\\scene_000.png") == []


def test_path_with_parent_steps_never_resolves_inside_the_run() -> None:
    assert [one for one in candidates(f"{RUN}/../../etc/passwd") if one.startswith("run:..")] == []
    assert candidates(f"C:/{RUN}/../secret.png") == []
    assert candidates("") == []
