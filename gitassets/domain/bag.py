"""Define the layout and the tag files of a bag (BagIt 1.0, RFC 8493) that holds a run.

The library `bagit` checks every bag that is made here. It does not write them: its `make_bag` writes the older version
0.97, lists the tag files in the file system's order, and changes the current folder of the whole process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from gitassets.domain.manifest import MANIFEST_NAME, Kind, Manifest, iter_folder_entries
from gitassets.domain.word_times import name_file

PAYLOAD = "data"
MANIFEST = f"{PAYLOAD}/{MANIFEST_NAME}"
TRAIL, TRAIL_TEXT = f"{PAYLOAD}/audit.jsonl", f"{PAYLOAD}/audit.txt"
CAPTIONS, CREDITS = f"{PAYLOAD}/captions.srt", f"{PAYLOAD}/credits.txt"
BUNDLE = f"{PAYLOAD}/history.bundle"
BESIDE_MEDIA = (MANIFEST, TRAIL, TRAIL_TEXT, CAPTIONS, CREDITS, BUNDLE)

DECLARATION, INFO, FETCH = "bagit.txt", "bag-info.txt", "fetch.txt"
DECLARED = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
ALGORITHMS = ("md5", "sha256")
PAYLOAD_LIST = "manifest-sha256.txt"

RUN, COMMIT, CONTENT = "Gitassets-Run", "Gitassets-Commit", "Gitassets-Content"

# RFC 8493 also encodes the percent sign itself, but `bagit`, which most people have, does not decode that. So names are
# written as they are, and names that a program would decode are refused.
_DECODED = ("%0a", "%0d", "%25")


class Digests(Struct, frozen=True):
    """The size of a file in bytes, and its hashes."""

    size: int
    md5: str
    sha256: str


def media_path(run_id: str, path: str) -> str:
    """Return the path in the bag of a file of the run: the same as in the run's folder."""
    return f"{PAYLOAD}/{run_id}/{path}"


def name_words(manifest: Manifest) -> dict[str, str]:
    """Return the md5 of each narration, and of its candidates, by the path in the bag that its word times may have."""
    hashes = {md5 for _, asset in manifest.assets(Kind.AUDIO) for md5 in (asset.md5, *asset.takes)}
    return {media_path(manifest.run_id, name_file(md5)): md5 for md5 in sorted(hashes)}


def find_name_problem(path: str) -> str | None:
    """Return why a bag's lists cannot hold this name, as the rest of a sentence, or None."""
    if len(path.splitlines()) > 1:
        return "holds a character that programs take for the end of a line"
    found = next((one for one in _DECODED if one in path.casefold()), None)
    return f"holds {found}, which programs that read bags take for another character" if found else None


def format_lists(payload: Mapping[str, Digests]) -> dict[str, bytes]:
    """Return the payload manifests by name."""
    return {f"manifest-{one}.txt": _format_list(one, payload) for one in ALGORITHMS}


def format_tag_lists(tags: Mapping[str, Digests]) -> dict[str, bytes]:
    """Return the tag manifests by name. They list every other file at the top of the bag."""
    return {f"tagmanifest-{one}.txt": _format_list(one, tags) for one in ALGORITHMS}


def _format_list(algorithm: str, files: Mapping[str, Digests]) -> bytes:
    lines = (f"{getattr(digests, algorithm)}  {path}\n" for path, digests in sorted(files.items()))
    return "".join(lines).encode()


def format_info(info: Mapping[str, str], payload: Iterable[Digests]) -> bytes:
    """Format bag-info.txt, without a date, so that the same state of a run gives the same bag."""
    sizes = [one.size for one in payload]
    lines = {**info, "Payload-Oxum": f"{sum(sizes)}.{len(sizes)}"}
    return "".join(f"{label}: {value}\n" for label, value in lines.items()).encode()


def iter_payload_problems(manifest: Manifest, found: Mapping[str, Digests]) -> Iterator[str]:
    """Yield a sentence for each difference between the files of a bag, by path, and those that its manifest names."""
    wanted = {media_path(manifest.run_id, path): (md5, size) for path, md5, size in iter_folder_entries(manifest)}
    beside = {*BESIDE_MEDIA, *name_words(manifest)}
    for path in sorted(found.keys() | wanted.keys()):
        if path in wanted and path not in found:
            yield f"{path} is missing, though {MANIFEST} names it"
        elif path in wanted and (found[path].md5, found[path].size) != wanted[path]:
            yield f"{path} has other bytes than {MANIFEST} says"
        elif path.startswith(f"{PAYLOAD}/") and path not in wanted and path not in beside:
            yield f"{path} is there, though {MANIFEST} does not name it"
