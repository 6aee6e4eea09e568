"""Write gitassets/web/static/vendor/ anew from npm, by the versions in tests/web/package.json."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENDOR = ROOT / "gitassets/web/static/vendor"
VERSIONS = ROOT / "tests/web/package.json"
# The package, its file for browsers, and the name of that file here.
FILES = (("wavesurfer.js", "dist/wavesurfer.esm.js", "wavesurfer.esm.js"),)
HEAD = """# Packages of others that the page uses

| file | package | version | licence |
|---|---|---|---|
"""
FOOT = """
They are unchanged. `python docs/update_vendor.py` writes this folder anew from npm, by the versions in
`tests/web/package.json`.
"""


def main() -> None:
    versions = json.loads(VERSIONS.read_text("utf-8"))["devDependencies"]
    rows = [update(package, versions[package], source, name) for package, source, name in FILES]
    (VENDOR / "README.md").write_text(HEAD + "".join(rows) + FOOT, "utf-8")


def update(package: str, version: str, source: str, name: str) -> str:
    """Fetch a package, copy its file and its licence, and return its row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder)
        subprocess.run(("npm", "install", *options, f"{package}@{version}"), check=True)  # noqa: S607
        found = Path(folder) / "node_modules" / package
        licence = json.loads((found / "package.json").read_text("utf-8"))["license"]
        copied = f"{package.removesuffix('.js')}-LICENSE.txt"
        shutil.copyfile(found / source, VENDOR / name)
        shutil.copyfile(found / "LICENSE", VENDOR / copied)
    return f"| {name} | {package} | {version} | {licence}, in {copied} |\n"


if __name__ == "__main__":
    main()
