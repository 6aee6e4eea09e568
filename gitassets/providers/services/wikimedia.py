"""Wikimedia Commons: free pictures by other people, who must be credited."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from gitassets.domain.manifest import Kind
from gitassets.errors import ProviderError, Remedy
from gitassets.providers.account import MAX_LIST_BYTES, Account
from gitassets.providers.base import Generated, Request, ServiceInfo
from gitassets.providers.http.client import USER_AGENT
from gitassets.providers.http.failures import clean_record
from gitassets.providers.http.network import Network
from gitassets.providers.service_settings import BaseUrl, ServiceSettings, parse_section

RESULTS = 20
MIN_WIDTH = 640
# Thumbnails of other widths are answered with 429: https://www.mediawiki.org/wiki/Manual:$wgThumbnailSteps
THUMBNAIL_WIDTHS = (960, 1280, 1920, 3840)
# The search must match every word, so each query has fewer of them.
WORD_COUNTS = (5, 3, 2, 1)
MAX_QUERY_CHARS = 250
MAX_CREDIT_CHARS = 300

_MIMES = ("image/jpeg", "image/png", "image/webp")
_WORD = re.compile(r"[^\W\d_][\w'’-]{3,}")
_TAG = re.compile(r"<[^>]*>")


class WikimediaSettings(ServiceSettings):
    """`contact` is an address at which the user can be reached; Wikimedia requires it of every program."""

    base_url: BaseUrl = "https://commons.wikimedia.org"
    contact: Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")] = ""
    width: Annotated[int, Field(ge=MIN_WIDTH, le=8192)] = 1920
    timeout_sec: Annotated[float, Field(gt=0, le=86_400)] = 60.0


@dataclass(frozen=True)
class _Picture:
    url: str
    credit: Mapping[str, str]


class Wikimedia:
    """Finds a picture by the prompt's words, else by the longest words of the text. A seed picks among the results."""

    name = "wikimedia"
    kinds = frozenset({Kind.IMAGE})
    live = True

    def __init__(self, section: Mapping[str, Any], network: Network | None = None) -> None:
        self.settings = parse_section(WikimediaSettings, self.name, section)
        agent = f"{USER_AGENT} ({self.settings.contact})"
        self._account = Account(self.name, self.settings, user_agent=agent, network=network)

    @property
    def concurrency(self) -> int:
        return self.settings.concurrency

    @property
    def info(self) -> ServiceInfo:
        return ServiceInfo(model="Wikimedia Commons", price="free, with credit to the author")

    def estimate_usd(self, request: Request) -> float:  # noqa: ARG002 (nothing costs anything)
        return 0.0

    def check(self, request: Request) -> None:
        if not self.settings.contact:
            raise ProviderError(
                f"{request.label}: Wikimedia wants to know at which address you can be reached",
                "Write your mail address or page into gitassets.yaml, as services.wikimedia.contact.",
            )
        self._account.check(request)
        if not list_queries(request):
            problem = f"{request.label}: no word to search {self.name} for"
            raise ProviderError(problem, Remedy("reword-prompt-plainly", number=request.segment))

    def describe(self, request: Request) -> Mapping[str, Any]:
        return {"provider": self.name, "query": list_queries(request), "seed": request.seed or 0}

    def generate(self, request: Request, folder: Path) -> Generated:
        self.check(request)
        query, found = self._search(request)
        picture = found[(request.seed or 0) % len(found)]
        return Generated(
            path=self._account.download(request, picture.url, folder),
            source=self.name,
            prompt=request.prompt,
            seed=request.seed,
            extra={"prompt_sent": query, "credit": dict(picture.credit)},
        )

    def _search(self, request: Request) -> tuple[str, list[_Picture]]:
        """Return the first query with results, and its results. Raise ProviderError if none has any."""
        queries = list_queries(request)
        for query in queries:
            found = list(_iter_pictures(self._search_for(request, query)))
            if found:
                return query, found
        problem = f"{request.label}: {self.name} has no free picture for {queries[0]!r}"
        raise ProviderError(problem, Remedy("reword-prompt-plainly", number=request.segment))

    def _search_for(self, request: Request, query: str) -> dict[str, Any]:
        path = self._make_path(query)
        return self._account.read(request, path, max_bytes=MAX_LIST_BYTES, reports_errors=True)

    def _make_path(self, query: str) -> str:
        parameters = {
            "action": "query",
            "format": "json",
            "generator": "search",
            "gsrsearch": f"filetype:bitmap {query}",
            "gsrnamespace": 6,
            "gsrlimit": RESULTS,
            "prop": "imageinfo",
            "iiprop": "url|size|mime|extmetadata",
            "iiurlwidth": choose_thumbnail_width(self.settings.width),
        }
        return f"/w/api.php?{urlencode(parameters)}"


def choose_thumbnail_width(wanted: int) -> int:
    """Return the smallest width of a thumbnail that is large enough, or the largest there is."""
    return next((width for width in THUMBNAIL_WIDTHS if width >= wanted), THUMBNAIL_WIDTHS[-1])


def list_queries(request: Request) -> list[str]:
    """List the queries to try, in order, without characters that have a meaning in the search syntax."""
    if request.prompt and request.prompt.strip():
        words = re.sub(r"[^\w\s'’-]", " ", request.prompt).split()
        return [" ".join(words)[:MAX_QUERY_CHARS]] if words else []
    words = _choose_words(request.text)
    return list(dict.fromkeys(" ".join(words[:count]) for count in WORD_COUNTS if words))


def _choose_words(text: str) -> list[str]:
    """Pick the most telling words of the text: names first, then long words."""
    found = {match[0].casefold(): (match[0], match.start()) for match in reversed(list(_WORD.finditer(text)))}
    return [
        word for word, _ in sorted(found.values(), key=lambda one: (not _is_name(text, *one), -len(one[0]), one[1]))
    ]


def _is_name(text: str, word: str, place: int) -> bool:
    """Return whether a word is capitalised but does not start a sentence."""
    before = text[:place].rstrip(" \"'\u201c\u2018(")
    return word[0].isupper() and bool(before) and before[-1] not in ".!?:\n"


def _iter_pictures(raw: Mapping[str, Any]) -> Iterator[_Picture]:
    """Yield the results that can be used and credited, best first."""
    query = raw.get("query")
    pages = query.get("pages") if isinstance(query, dict) else None
    found = list(pages.values()) if isinstance(pages, dict) else pages if isinstance(pages, list) else []
    for page in sorted((one for one in found if isinstance(one, dict)), key=_rank):
        infos = page.get("imageinfo")
        info = infos[0] if isinstance(infos, list) and infos else None
        picture = _read_picture(page, info) if isinstance(info, dict) else None
        if picture:
            yield picture


def _rank(page: Mapping[str, Any]) -> int:
    index = page.get("index")
    return index if isinstance(index, int) else RESULTS


def _read_picture(page: Mapping[str, Any], info: Mapping[str, Any]) -> _Picture | None:
    """Parse a result. Return None if it is unusable or its licence is unknown."""
    width, url = info.get("width"), info.get("thumburl") or info.get("url")
    wide = isinstance(width, int) and width >= MIN_WIDTH
    metadata = info.get("extmetadata")
    if not wide or not isinstance(url, str) or info.get("mime") not in _MIMES or not isinstance(metadata, dict):
        return None
    credit = {
        "title": _clean(str(page.get("title", "")).removeprefix("File:").rpartition(".")[0]),
        "author": _read_field(metadata, "Artist") or _read_field(metadata, "Credit") or "unknown author",
        "licence": _read_field(metadata, "LicenseShortName"),
        "licence_url": _read_field(metadata, "LicenseUrl"),
        "page_url": _clean(str(info.get("descriptionurl", ""))),
    }
    return _Picture(url, {key: value for key, value in credit.items() if value}) if credit["licence"] else None


def _read_field(metadata: Mapping[str, Any], name: str) -> str:
    field = metadata.get(name)
    return _clean(str(field.get("value", ""))) if isinstance(field, dict) else ""


def _clean(text: str) -> str:
    """Convert a field's HTML to one line of plain text."""
    return clean_record(html.unescape(_TAG.sub(" ", text)), MAX_CREDIT_CHARS)
