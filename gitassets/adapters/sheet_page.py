"""Write a sheet as one page of HTML: the style and modules of the review page, the data and the media in one file."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

MARK = b"<!-- A sheet by gitassets -->"
_STYLES = ("base.css", "review.css", "play.css", "sheet.css")
# In the order in which they need each other.
_MODULES = ("prefs.js", "plain.js", "dom.js", "format.js", "keys.js", "dialog.js", "toasts.js", "help.js", "sheet.js")
_FONT_FACE = re.compile(r"@font-face \{[^}]*\}\n?")
_IMPORT = re.compile(r'^import \{ ([\w, ]+) \} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const|class) (\w+))", re.MULTILINE)
_LEFT = re.compile(r"^\s*(import|export)\b", re.MULTILINE)
_WORKS_ALONE = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src blob: data:; media-src blob:"
_CHUNK = 3 * 2**16


def write_sheet_page(target: Path, title: str, data: bytes, media: Mapping[str, Path]) -> None:
    """Write the page. `data` is JSON; `media` are the files to embed, by the name that the data has for each.

    The media come last, so that the page is there before they are read.
    """
    style, script = read_style(), bundle_modules()
    with target.open("wb") as page:
        page.write(_format_head(title, style, script))
        page.write(b'<script type="application/json" id="data">' + escape_json(data) + b"</script>\n")
        page.write(f"<script>{script}</script>\n".encode())
        for name, file in media.items():
            page.write(f'<script type="text/plain" id="m-{escape(name)}">'.encode())
            page.writelines(_iter_base64(file))
            page.write(b"</script>\n")
        page.write(b"</body>\n</html>\n")


def _format_head(title: str, style: str, script: str) -> bytes:
    policy = f"{_WORKS_ALONE}; script-src {_hash(script)}; style-src {_hash(style)}"
    return f"""<!doctype html>
{MARK.decode()}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="dark light">
<meta name="referrer" content="no-referrer">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body class="review sheet">
<noscript><p class="alone">This sheet needs JavaScript, which is turned off in this browser.</p></noscript>
""".encode()


def escape_json(data: bytes) -> bytes:
    """Escape JSON so that nothing in it can end the element that holds it."""
    return data.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _iter_base64(file: Path) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            yield b64encode(chunk)


def read_style() -> str:
    """Return the style of the review page and of the sheet. Without its fonts: the device has some of its own."""
    return _FONT_FACE.sub("", "".join(_read(f"css/{name}") for name in _STYLES))


def bundle_modules() -> str:
    """Return the modules as one script. Each is a function of its own, so that equal names stay apart."""
    return '"use strict";\n' + "\n".join(_wrap(name, _read(f"js/{name}")) for name in _MODULES)


def _wrap(name: str, source: str) -> str:
    imported = _IMPORT.sub(r"const { \1 } = module_\2;", source)
    exported = [match[2] for match in _EXPORT.finditer(imported)]
    body = _EXPORT.sub(r"\1", imported)
    left = _LEFT.search(body)
    if left or "</script" in body:
        raise ValueError(f"{name} cannot be bundled: {left[0] if left else '</script'}")
    returned = f"\nreturn {{ {', '.join(exported)} }};"
    return f"const module_{name.removesuffix('.js')} = (() => {{\n{body}{returned}\n}})();"


def _read(path: str) -> str:
    return files("gitassets").joinpath("web", "static", *path.split("/")).read_text("utf-8")
