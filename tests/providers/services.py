"""A local HTTP server that imitates the services: it checks requests and can be made to misbehave."""

from __future__ import annotations

import base64
import json
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.providers.accepting import accept_stand_in
from tests.providers.clip_services import clip_routes
from tests.providers.fal_service import fal_routes

KEYS = {
    "OPENAI_API_KEY": "sk-sentinel-openai-0123456789abcdef",
    "ELEVENLABS_API_KEY": "xi-sentinel-eleven-0123456789abcdef",
    "OPENAI_COMPATIBLE_API_KEY": "sk-sentinel-compatible-0123456789abcdef",
    "LUMA_API_KEY": "luma-sentinel-0123456789abcdef",
    "RUNWAY_API_KEY": "key_sentinel_runway_0123456789abcdef",
    "FAL_KEY": "fal-sentinel-0123456789abcdef:0123456789abcdef",
}
LILY = "pFZP5JQG7iQjIQuC4Bku"
WILL = "bIHbv24MWmeRgasZH58o"
_SPEECH_FIELDS = {
    "text": str, "model_id": str, "voice_settings": dict, "seed": int, "language_code": str, "previous_text": str,
    "next_text": str,
}  # fmt: skip
_VOICE_SETTINGS = {"stability", "similarity_boost", "style", "use_speaker_boost", "speed"}


@dataclass(frozen=True)
class Answer:
    """An answer to send. `framing`: length, chunked, close (the end of the connection ends the body), or short
    (more bytes are declared than sent). `drip_sec`: pause after every byte; `hang`: nothing is ever sent."""

    status: int = 200
    body: bytes = b""
    type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    framing: str = "length"
    drip_sec: float = 0.0
    drip_head: bool = False
    hang: bool = False


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def say(raw: Any, status: int = 200, **more: Any) -> Answer:
    return Answer(status, json.dumps(raw).encode(), **more)


def openai_error(status: int, message: str, code: str | None = None, **more: Any) -> Answer:
    return say(
        {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}, status, **more
    )


def stamp(data: bytes, number: int) -> bytes:
    """Return the same sound, picture or clip with other bytes, so that no two purchases are equal."""
    note = b"gitassets %08d" % number
    if data.startswith(b"\x89PNG"):
        chunk = b"tEXt" + b"n\0" + note
        return data[:-12] + struct.pack(">I", len(note) + 2) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[-12:]
    if data.startswith(b"RIFF"):
        body = data[8:] + b"note" + struct.pack("<I", len(note)) + note
        return b"RIFF" + struct.pack("<I", len(body)) + body
    if data[4:8] == b"ftyp":
        return data + struct.pack(">I", len(note) + 8) + b"free" + note
    return data + (b"TAG" + note).ljust(128, b"\0")


class Services:
    """All services on one origin. `media` holds the bytes of audio (mp3), image (png) and video (mp4) to give.

    `bought` are the requests that cost money; with `unique`, no two of them give the same bytes.
    """

    def __init__(self, media: Mapping[str, bytes]) -> None:
        self.media = media
        self.seen: list[Seen] = []
        self.jobs: dict[str, int] = {}
        self.credits: dict[str, float] = {}
        self.fal_kinds: dict[str, str] = {}
        self.fal_headers: dict[str, str] = {}
        self._fal = fal_routes(self, KEYS)
        self.polls_until_done = 2
        self.image_as_url = False
        self.image_usage: Mapping[str, Any] | None = None
        self.compatible_needs_key = True
        self.voices: Any = [{"voice_id": WILL, "name": "Will - Relaxed Optimist", "labels": {"language": "en"}}]
        self.compatible_voices: Any = ["af_heart", "Voice_1A"]
        self.character_cost: Mapping[str, str] | None = None
        self.alignment: Any = None
        self.file_answer: Answer | None = None
        self.unique = False
        self.bought: list[Seen] = []
        self._faults: dict[tuple[str, bytes, str], list[Answer | None]] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for another process, which uses the same server."""
        return {"url": self.url}

    @contextmanager
    def running(self) -> Iterator[Services]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        accept_stand_in(self.url)
        try:
            yield self
        finally:
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()

    def misbehave(self, path: str, *answers: Answer | None, holding: str = "", method: str = "") -> None:
        """Give paths with this prefix these answers in turn, repeating the last; None is the usual answer.

        With `holding` or `method`, only such requests.
        """
        self._faults[path, holding.encode(), method] = list(answers)

    def recover(self) -> None:
        self._faults.clear()

    def calls(self, path: str, method: str = "") -> list[Seen]:
        return [one for one in self.seen if one.path.startswith(path) and method in ("", one.method)]

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return a section for `services:` that refers to this server and waits as little as possible."""
        return {"base_url": self.url, "wait_sec": 0, "timeout_sec": 20, **more}

    def answer(self, seen: Seen) -> Answer:
        with self._lock:
            self.seen.append(seen)
            return self._find_fault(seen) or self._behave(seen)

    def _find_fault(self, seen: Seen) -> Answer | None:
        for (path, holding, method), answers in self._faults.items():
            if seen.path.startswith(path) and holding in seen.body and method in ("", seen.method):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return None

    def _behave(self, seen: Seen) -> Answer:
        routes: dict[str, Callable[[Seen], Answer]] = {
            "POST /v1/audio/speech": self._speak_compatible,
            "POST /v1/images/generations": self._draw,
            "POST /v1/text-to-speech/": self._speak_elevenlabs,
            "GET /v1/voices": self._list_voices,
            **clip_routes(self, KEYS),
            **self._fal,
            "GET /w/api.php": self._search,
            "GET /files/": self._give_file,
            "GET /v1/audio/voices": self._list_compatible_voices,
            "GET /v1/models": self._list_models,
            "GET /v1/organization": self._tell_organization,
            "GET /v1/files": self._list_files,
        }
        wanted = f"{seen.method} {seen.path}"
        route = next((route for start, route in routes.items() if wanted.startswith(start)), None)
        return route(seen) if route else say({"error": "no such path"}, 404)

    def _speak_compatible(self, seen: Seen) -> Answer:
        key = f"Bearer {KEYS['OPENAI_COMPATIBLE_API_KEY']}" if self.compatible_needs_key else None
        if seen.headers.get("authorization") != key:
            return openai_error(
                401, f"Incorrect API key provided: {seen.headers.get('authorization')}", "invalid_api_key"
            )
        if set(seen.json) != {"model", "input", "voice", "speed", "response_format"} or len(seen.json["input"]) > 4096:
            return openai_error(400, "bad fields")
        return self._speak(seen)

    def _draw(self, seen: Seen) -> Answer:
        if seen.headers.get("authorization") != f"Bearer {KEYS['OPENAI_API_KEY']}":
            return openai_error(401, "Incorrect API key", "invalid_api_key")
        if set(seen.json) != {"model", "prompt", "n", "size", "quality", "output_format"}:
            return openai_error(400, "bad fields")
        if problem := _find_size_problem(seen.json["size"]):
            return openai_error(400, problem, "invalid_value")
        number = self._sell(seen)
        if self.image_as_url:
            url = f"{self.url}/files/image/{number}?sig=SIGNATURE"
            return say({"created": 1, "data": [{"url": url, "revised_prompt": "Revised"}]})
        picture = base64.b64encode(self._make("image", number)).decode()
        usage = {} if self.image_usage is None else {"usage": self.image_usage}
        return say({"created": 1, "data": [{"b64_json": picture}], **usage})

    def _speak_elevenlabs(self, seen: Seen) -> Answer:
        if seen.headers.get("xi-api-key") != KEYS["ELEVENLABS_API_KEY"]:
            return say({"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}, 401)
        fault = find_fault_of_speech(seen)
        if fault:
            return say({"detail": [{"loc": ["body"], "msg": fault}]}, 422)
        sound = base64.b64encode(self._make("audio", self._sell(seen))).decode()
        cost = {"character-cost": str(len(seen.json["text"]))} if self.character_cost is None else self.character_cost
        return say({"audio_base64": sound, "alignment": self.align(seen.json["text"])}, headers=cost)

    def align(self, text: str) -> Any:
        """Spread the characters over the second that the sound lasts."""
        if self.alignment is not None:
            return self.alignment
        step = 1 / max(len(text), 1)
        starts, ends = ([round((place + end) * step, 6) for place in range(len(text))] for end in (0, 1))
        names = ("characters", "character_start_times_seconds", "character_end_times_seconds")
        return dict(zip(names, (list(text), starts, ends), strict=True))

    def _speak(self, seen: Seen) -> Answer:
        return Answer(200, self._make("audio", self._sell(seen)), "audio/mpeg", framing="chunked")

    def _sell(self, seen: Seen) -> int:
        self.bought.append(seen)
        return len(self.bought)

    def _make(self, kind: str, number: int) -> bytes:
        return stamp(self.media[kind], number) if self.unique else self.media[kind]

    def _list_voices(self, seen: Seen) -> Answer:
        if seen.headers.get("xi-api-key") != KEYS["ELEVENLABS_API_KEY"]:
            return say({"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}, 401)
        return say({"voices": self.voices})

    def _list_compatible_voices(self, _: Seen) -> Answer:
        return say({"voices": self.compatible_voices})

    def _list_models(self, seen: Seen) -> Answer:
        if seen.headers.get("authorization") != f"Bearer {KEYS['OPENAI_API_KEY']}":
            return openai_error(401, "Incorrect API key", "invalid_api_key")
        models = [{"id": name, "object": "model", "created": 1, "owned_by": "openai"} for name in ("gpt-image-2", "x")]
        return say({"object": "list", "data": models})

    def _tell_organization(self, seen: Seen) -> Answer:
        if seen.headers.get("authorization") != f"Bearer {KEYS['RUNWAY_API_KEY']}":
            return say({"error": "unauthorized"}, 401)
        limits = {"maxConcurrentGenerations": 1, "maxDailyGenerations": 50}
        tier = {"maxMonthlyCreditSpend": 1000, "models": {"gen4_turbo": limits}}
        return say({"creditBalance": 500, "tier": tier, "usage": {"models": {"gen4_turbo": {"dailyGenerations": 0}}}})

    def _list_files(self, seen: Seen) -> Answer:
        if seen.headers.get("authorization") != f"Bearer {KEYS['LUMA_API_KEY']}":
            return say({"detail": "Invalid or missing API key"}, 401)
        if set(seen.query) - {"cursor", "limit", "purpose", "state"}:
            return say({"detail": "unknown parameter"}, 422)
        return say({"data": [], "has_more": False, "next_cursor": None})

    def new_job(self, seen: Seen) -> str:
        job = f"job-{self._sell(seen)}"
        self.jobs[job] = 0
        return job

    def file_of(self, job: str) -> str:
        return f"{self.url}/files/video/{job.removeprefix('job-')}"

    def is_done(self, job: str) -> bool:
        self.jobs[job] += 1
        return self.jobs[job] >= self.polls_until_done

    def _search(self, seen: Seen) -> Answer:
        if "(" not in seen.headers["user-agent"]:
            return Answer(403, b"Please set a user-agent", "text/plain")
        if seen.query.get("meta") == ["siteinfo"]:
            return say({"batchcomplete": "", "query": {"general": {"sitename": "Wikimedia Commons"}}})
        if int(seen.query["iiurlwidth"][0]) not in (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840):
            return Answer(429, b"Use thumbnail steps listed on https://w.wiki/GHai", "text/plain")
        if "nothing" in seen.query["gsrsearch"][0]:
            return say({"batchcomplete": ""})
        return search_answer(self)

    def _give_file(self, seen: Seen) -> Answer:
        if {"authorization", "xi-api-key"} & set(seen.headers):
            return Answer(400, b"Only one auth mechanism allowed", "text/plain")
        if self.file_answer:
            return self.file_answer
        _, _, kind, *number = seen.path.split("/")
        return Answer(200, self._make(kind, int(number[0]) if number else 0), "application/octet-stream")


def image_usage(output_tokens: int, input_tokens: int = 0) -> dict[str, Any]:
    """Return what OpenAI says of the tokens of one picture."""
    details = {"image_tokens": 0, "text_tokens": input_tokens}
    total = input_tokens + output_tokens
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": details,
        "output_tokens": output_tokens,
        "total_tokens": total,
    }


def _find_size_problem(size: str) -> str | None:
    """Say why OpenAI would not draw this size."""
    width, height = map(int, size.split("x"))
    if width % 16 or height % 16:
        return "Invalid size: width and height must be divisible by 16"
    if max(width, height) > 3 * min(width, height):
        return "Invalid size: the aspect ratio must be between 1:3 and 3:1"
    if not 655_360 <= width * height <= 8_294_400 or max(width, height) > 3840:
        return "Invalid size: outside of the pixel budget"
    return None


def find_fault_of_speech(seen: Seen) -> str | None:
    """Return what ElevenLabs would refuse in a request for speech with time stamps."""
    body = seen.json
    if not seen.path.endswith("/with-timestamps") or set(seen.query) != {"output_format"}:
        return "no such path"
    if not {"text", "model_id", "voice_settings"} <= set(body) <= set(_SPEECH_FIELDS):
        return "unknown or missing fields"
    if not all(isinstance(value, _SPEECH_FIELDS[name]) for name, value in body.items()):
        return "a value of another type"
    if not set(body["voice_settings"]) <= _VOICE_SETTINGS or not 0 <= body.get("seed", 0) <= 4_294_967_295:
        return "a value out of range"
    if body["model_id"].startswith("eleven_v3") and {"previous_text", "next_text"} & set(body):
        return "Providing previous_text or next_text is not yet supported with this model."
    return None


def search_answer(services: Services) -> Answer:
    pages = {str(place): commons_page(services.url, place) for place in (1, 2, 3)}
    return say({"batchcomplete": "", "query": {"pages": pages}})


def commons_page(url: str, place: int) -> dict[str, Any]:
    """Return a search result of Wikimedia Commons; the second one has no licence and must not be used."""
    metadata = {"Artist": {"value": '<a href="//x">Ann &amp;\nBob</a>'}, "LicenseShortName": {"value": "CC BY-SA 4.0"}}
    return {
        "pageid": place,
        "title": f"File:Drone {place}.jpg",
        "index": place,
        "imageinfo": [
            {
                "url": f"{url}/files/image",
                "thumburl": f"{url}/files/image",
                "descriptionurl": f"https://commons.wikimedia.org/wiki/File:Drone_{place}.jpg",
                "width": 4000,
                "height": 3000,
                "mime": "image/jpeg",
                "extmetadata": {} if place == 2 else metadata,
            }
        ],
    }


def _make_handler(services: Services) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            self.close_connection = True
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, parts.path, parse_qs(parts.query), headers, body)
            try:
                self._send(services.answer(seen))
            except OSError:
                return  # the client has hung up, as some tests want

        def _send(self, answer: Answer) -> None:
            if answer.hang:
                services.closing.wait(20)
                return
            self._write(_make_head(answer), answer.drip_sec if answer.drip_head else 0)
            if answer.framing != "chunked":
                self._write(answer.body, answer.drip_sec)
                return
            for start in range(0, len(answer.body), 4096):
                piece = answer.body[start : start + 4096]
                self._write(b"%x\r\n%s\r\n" % (len(piece), piece), answer.drip_sec)
            self._write(b"0\r\n\r\n", 0)

        def _write(self, data: bytes, drip_sec: float) -> None:
            pieces = [data] if not drip_sec else [data[place : place + 1] for place in range(len(data))]
            for piece in pieces:
                self.wfile.write(piece)
                self.wfile.flush()
                if drip_sec and services.closing.wait(drip_sec):
                    return

    return Handler


def _make_head(answer: Answer) -> bytes:
    headers = {"Content-Type": answer.type, "Connection": "close", **answer.headers}
    if answer.framing in ("length", "short"):
        headers["Content-Length"] = str(len(answer.body) + (1000 if answer.framing == "short" else 0))
    elif answer.framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()
