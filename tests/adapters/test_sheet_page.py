"""The page of a sheet: one file, whose policy allows nothing but itself."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

from gitassets.adapters.sheet_page import MARK, bundle_modules, read_style, write_sheet_page

HOSTILE = "</script><script>alert(1)</script><!-- <script> ]]> & \u2028"


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def write(folder: Path) -> str:
    (folder / "a").write_bytes(bytes(range(256)) * 1000)
    target = folder / "sheet.html"
    write_sheet_page(target, HOSTILE, json.dumps({"text": HOSTILE}).encode(), {"a": folder / "a"})
    return target.read_text("utf-8")


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    page = write(tmp_path)
    elements = Elements()
    elements.feed(page)
    scripts = [one for tag, one in elements.found if tag == "script"]
    assert [one.get("type") for one in scripts] == ["application/json", None, "text/plain"]
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(data[1]) == {"text": HOSTILE}


def test_media_are_whole(tmp_path: Path) -> None:
    found = re.search(r'id="m-a">(.*?)</script>', write(tmp_path))
    assert found is not None
    assert b64decode(found[1], validate=True) == (tmp_path / "a").read_bytes()


def test_policy_allows_only_the_pages_own_script_and_style(tmp_path: Path) -> None:
    page = write(tmp_path)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]
    assert "http" not in policy[1]
    script, style = (re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("script", "style"))
    for found in (script, style):
        assert found is not None
        assert f"'sha256-{b64encode(sha256(found[1].encode()).digest()).decode()}'" in policy[1]
    assert MARK in page.encode()[:400]


def test_page_names_nothing_outside_of_it() -> None:
    assert "url(" not in read_style()
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|eval|innerHTML)\b", bundle_modules())
