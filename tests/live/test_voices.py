"""Which voice speaks, how it is chosen, and when no further call is made."""

from __future__ import annotations

import pytest

from gitassets.errors import ProviderError
from tests.live.shop import SCRIPT, Somebody, Studio
from tests.providers.services import WILL, say

TWELVE = [f"This is paragraph number {number}." for number in range(1, 13)]
SPEECH = "/v1/text-to-speech/"


def speak(studio: Studio, script: list[str] = SCRIPT, **options: object) -> object:
    return studio.produce(script, images=False, video=False, **options)


def sent(studio: Studio) -> list[str]:
    """List the voices that were asked to speak, in order."""
    return [one.path.split("/")[3] for one in studio.services.calls(SPEECH)]


def test_voices_are_looked_up_once_a_command_and_not_on_a_dry_run(studio: Studio) -> None:
    speak(studio, dry_run=True)
    assert studio.services.seen == []
    speak(studio, voice="will")
    assert len(studio.services.calls("/v1/voices")) == 1
    assert sent(studio) == [WILL] * 3


def test_without_a_voice_somebody_chooses_one_of_the_account_before_anything_is_bought(studio: Studio) -> None:
    studio.set(services={"elevenlabs": {"voice": None}})
    buyer = Somebody()
    speak(studio, buyer=buyer)
    assert buyer.offered == [["Will - Relaxed Optimist"]]
    assert studio.services.seen[0].path == "/v1/voices"
    assert sent(studio) == [WILL] * 3
    assert studio.asset("audio", 1).voice == "Will - Relaxed Optimist"


@pytest.mark.parametrize("buyer", [None, Somebody(speaks=False)])
def test_without_a_voice_and_a_choice_nothing_is_bought_and_the_names_are_told(
    studio: Studio, buyer: Somebody | None
) -> None:
    studio.set(services={"elevenlabs": {"voice": None}})
    with pytest.raises(ProviderError, match="no voice is chosen for elevenlabs") as caught:
        studio.produce(video=False, **({"buyer": buyer} if buyer else {}))
    assert "There are Will" in caught.value.hint
    assert studio.services.bought == []


def test_a_run_keeps_the_voice_it_recorded_when_it_is_completed_and_regenerated(studio: Studio) -> None:
    speak(studio, voice=WILL, limit=1)
    assert studio.asset("audio", 1).voice == WILL
    studio.set(services={"elevenlabs": {"voice": None}})
    speak(studio, buyer=Somebody(), run_id="ep2", limit=1)
    studio.services.voices = [{"voice_id": "AnotherWill000000000", "name": "Will - Relaxed Optimist"}]
    studio.regen(audio="1", run_id="ep2")
    assert sent(studio) == [WILL] * 3
    assert studio.asset("audio", 1, "ep2").voice == "Will - Relaxed Optimist"


def test_a_run_without_a_voice_in_its_plan_goes_on_with_that_of_its_narration(studio: Studio) -> None:
    studio.set(services={"elevenlabs": {"voice": None}})
    studio.services.misbehave(SPEECH, say({}, 400), holding="Fog")
    speak(studio, buyer=Somebody())
    studio.services.recover()
    studio.resume(images=False, video=False)
    assert set(sent(studio)) == {WILL}
    assert studio.asset("audio", 3).voice == "Will - Relaxed Optimist"


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (401, {"status": "invalid_api_key", "message": "Invalid API key"}),
        (402, {"code": "paid_plan_required", "message": "Free users cannot use library voices via the API."}),
        (401, {"status": "quota_exceeded", "message": "This request exceeds your quota."}),
        (404, {"status": "voice_not_found", "message": "A voice with the ID was not found."}),
    ],
)
def test_after_a_refusal_that_holds_for_all_no_more_calls_are_made(
    studio: Studio, status: int, detail: dict[str, str]
) -> None:
    studio.set(services={"elevenlabs": {"concurrency": 1}})
    studio.services.misbehave(SPEECH, say({"detail": detail}, status))
    made = studio.produce(TWELVE, images=False, video=False)
    assert len(studio.services.calls(SPEECH)) == 1
    assert len(made.failed) == 12
    first, *others = made.failed
    assert str(status) in first.message
    for one in others:
        assert one.message.startswith(f"{str(one.address).capitalize()}: not tried, since audio 1 failed")
        assert one.hint == first.hint
    assert studio.assets() == {}
    studio.assert_settled()


def test_a_refusal_of_one_voice_does_not_stop_another(studio: Studio) -> None:
    studio.produce(SCRIPT[:2], images=False, video=False)
    studio.regen(audio="2", voice="rachel")
    studio.services.misbehave(f"{SPEECH}21m00Tcm4TlvDq8ikWAM", say({"detail": {"message": "not found"}}, 404))
    made = studio.regen(audio="all")
    assert [str(one.address) for one in made.failed] == ["audio 2"]
    assert [str(one) for one in made.made] == ["audio 1"]


def test_texts_around_are_sent_and_an_edited_paragraph_does_not_buy_its_neighbours_again(studio: Studio) -> None:
    speak(studio)
    bodies = {one.json["text"]: one.json for one in studio.services.calls(SPEECH)}
    assert bodies[SCRIPT[1]]["previous_text"] == SCRIPT[0]
    assert bodies[SCRIPT[1]]["next_text"] == SCRIPT[2]
    assert "previous_text" not in bodies[SCRIPT[0]]
    speak(studio, [SCRIPT[0], "Drones read them well.", SCRIPT[2]], run_id="ep2")
    assert len(studio.services.calls(SPEECH)) == 4
