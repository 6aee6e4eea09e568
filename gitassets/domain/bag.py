"""What lies where in a bag (BagIt 1.0, RFC 8493) that holds a run, and the texts that make it a bag.

The library `bagit` checks every bag that is made here. It does not write them: its `make_bag` writes the older version
0.97, lists the tag files in the order in which the file system happens to name them, and changes the current folder of
the whole process meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from gitassets.domain.manifest import MANIFEST_NAME, Manifest, iter_folder_entries

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

# RFC 8493 has the percent sign itself encoded too, but `bagit`, which most people have, does not decode that. So a name
# stands as it is, unless a program would decode it.
_DECODED = ("%0a", "%0d", "%25")


class Digests(Struct, frozen=True):
    """How many bytes a file has, and what they hash to."""

    size: int
    md5: str
    sha256: str


def media_path(run_id: str, path: str) -> str:
    """Where a file of the run lies in the bag: as in the run's folder."""
    return f"{PAYLOAD}/{run_id}/{path}"


def find_name_problem(path: str) -> str | None:
    """Why this name cannot stand in a bag's lists, as the rest of a sentence; None when it can."""
    if len(path.splitlines()) > 1:
        return "holds a character that programs take for the end of a line"
    found = next((one for one in _DECODED if one in path.casefold()), None)
    return f"holds {found}, which programs that read bags take for another character" if found else None


def format_lists(payload: Mapping[str, Digests]) -> dict[str, bytes]:
    """The payload manifests by name."""
    return {f"manifest-{one}.txt": _format_list(one, payload) for one in ALGORITHMS}


def format_tag_lists(tags: Mapping[str, Digests]) -> dict[str, bytes]:
    """The tag manifests by name: they name every other file at the top of the bag."""
    return {f"tagmanifest-{one}.txt": _format_list(one, tags) for one in ALGORITHMS}


def _format_list(algorithm: str, files: Mapping[str, Digests]) -> bytes:
    lines = (f"{getattr(digests, algorithm)}  {path}\n" for path, digests in sorted(files.items()))
    return "".join(lines).encode()


def format_info(info: Mapping[str, str], payload: Iterable[Digests]) -> bytes:
    """bag-info.txt. It names no date: the same state of a run gives the same bag."""
    sizes = [one.size for one in payload]
    lines = {**info, "Payload-Oxum": f"{sum(sizes)}.{len(sizes)}"}
    return "".join(f"{label}: {value}\n" for label, value in lines.items()).encode()


def iter_payload_problems(manifest: Manifest, found: Mapping[str, Digests]) -> Iterator[str]:
    """How the files of a bag, by path, are not those that its manifest names; a sentence each."""
    wanted = {media_path(manifest.run_id, path): (md5, size) for path, md5, size in iter_folder_entries(manifest)}
    for path in sorted(found.keys() | wanted.keys()):
        if path in wanted and path not in found:
            yield f"{path} is missing, though {MANIFEST} names it"
        elif path in wanted and (found[path].md5, found[path].size) != wanted[path]:
            yield f"{path} has other bytes than {MANIFEST} says"
        elif path.startswith(f"{PAYLOAD}/") and path not in wanted and path not in BESIDE_MEDIA:
            yield f"{path} is there, though {MANIFEST} does not name it"
