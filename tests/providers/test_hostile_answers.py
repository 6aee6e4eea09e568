"""Answers of services in which one value is hostile: an error in words, or a result that can be kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gitassets.domain.manifest import Kind
from gitassets.errors import GitAssetsError
from gitassets.providers.base import Generated, Request
from tests.providers import comfyui
from tests.providers.conftest import Memory
from tests.providers.services import KEYS, Answer, Seen, Services, image_usage
from tests.providers.test_reported_faults import ROWS, Shop, _find_loader, each

HOSTILE: tuple[object, ...] = (
    None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**400, [], {}, [[]], [None], {"": {}},
    "", " ", ".", "..", "../../x", "a/b?c#d", "\x00", "\x1b[2J\r\n", "\ud800", "\u202e", "x" * 5_000,
    "file:///etc/passwd", "http://169.254.169.254/latest/meta-data", "https://127.0.0.1:1/x", "https://[::1]/x",
    "https://user:pass@10.0.0.7/x", "//evil", "data:image/png;base64,AAAA", "https://\ud800.example/\ud800", "http://[",
    " ".join(KEYS.values()),
)  # fmt: skip
MAX_RECORD_CHARS = 100_000
WORDS = "A drone finds the valley."


def iter_leaves(raw: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value, the inner ones too."""
    items = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from iter_leaves(value, (*path, key))


def put(raw: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    copy = dict(raw) if isinstance(raw, dict) else list(raw)
    copy[path[0]] = put(raw[path[0]], path[1:], value)
    return copy


class Liar:
    """Tells what a service answers, with one value of one answer replaced."""

    def __init__(self, server: Services) -> None:
        self._server, self._answer = server, server.answer
        self.places: dict[tuple[str, tuple[Any, ...]], None] = {}
        self.lie: tuple[str, tuple[Any, ...], object] | None = None
        server.answer = self.answer  # type: ignore[method-assign]

    def answer(self, seen: Seen) -> Answer:
        answer = self._answer(seen)
        if answer.type != "application/json" or not answer.body.startswith(b"{"):
            return answer
        raw = json.loads(answer.body)
        kind = f"{seen.method} {seen.path.split('/')[-2]} {sorted(raw)}"
        for leaf in iter_leaves(raw):
            # One of many letters and times is as good as all.
            if not any(isinstance(part, int) and part > 1 for part in leaf):
                self.places[kind, leaf] = None
        if self.lie and self.lie[0] == kind:
            return Answer(answer.status, json.dumps(put(raw, *self.lie[1:])).encode(), headers=answer.headers)
        return answer


def assert_can_be_kept(made: Generated) -> None:
    """What is recorded is text without control characters or keys, of a length that a manifest can hold."""
    words = [one.word for one in made.word_times]
    record = [made.voice, made.model, made.prompt, made.cost_usd, dict(made.extra), words]
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    text.encode()
    assert len(text) < MAX_RECORD_CHARS
    assert not [key for key in KEYS.values() if key in text]
    assert "\\u0000" not in text
    assert "\\u001b" not in text
    assert made.cost_usd >= 0


def choose(number: int) -> Iterator[object]:
    """Yield four of the values, others each time; all of them where many examples are wanted."""
    count = len(HOSTILE) if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 4
    yield from (HOSTILE[(number + place) % len(HOSTILE)] for place in range(count))


@each(ROWS)
def test_no_value_of_an_answer_crashes_or_spoils_the_record(
    case: tuple[str, Kind], media: dict[str, bytes], ask: Callable[..., Request], tmp_path: Path
) -> None:
    name, kind = case
    server = comfyui.ComfyServer(media, kind.value) if name == "comfyui" else Services(media)
    server.image_usage = image_usage(1372, input_tokens=20)
    server.polls_until_done = 1
    liar, failed, number = Liar(server), [], 0
    with server.running():
        load = _find_loader(name, kind, server, tmp_path)
        for as_url in (False, True) if name == "openai" else (True,):
            server.image_as_url = as_url
            request = ask(kind, WORDS, job=Memory(), duration_sec=3, voice="Will" if name == "elevenlabs" else None)
            shop = Shop(name, kind, ROWS[case], server, request, Memory(), tmp_path, load)
            liar.places.clear()
            liar.lie = None
            _make(shop, tmp_path / f"as-{as_url}")
            for place in list(liar.places):
                for value in choose(number):
                    number += 1
                    liar.lie = (*place, value)
                    shop.request = ask(kind, WORDS, job=Memory(), duration_sec=3, voice=request.voice)
                    try:
                        assert_can_be_kept(_make(shop, tmp_path / str(number)))
                    except GitAssetsError as error:
                        text = f"{error.message} {error.hint}"
                        if not text.isprintable() or any(key in text for key in KEYS.values()):
                            failed.append((place, ascii(value)[:30], ascii(text)))
                    except Exception as error:  # noqa: BLE001 (each of them is a crash for the user)
                        failed.append((place, ascii(value)[:30], f"{type(error).__name__}: {error}"[:200]))
    assert failed == []


def _make(shop: Shop, folder: Path) -> Generated:
    folder.mkdir()
    shop.folder = folder
    return shop.make(tries=1, **({"job_timeout_sec": 0.03} if shop.row.poll else {}))
