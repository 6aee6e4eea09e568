from __future__ import annotations

import pytest

from gitassets.domain.dvc_yaml import only_describes

ARTIFACT = "artifacts:\n  voice:\n    path: audio/audio_000.mp3\n    type: model\n    labels: [en, 'warm']\n"

DESCRIBING = [
    "",
    "# Nothing yet\n",
    ARTIFACT,
    ARTIFACT.replace("\n", "\r\n"),
    "artifacts:\n  voice:\n    path: a.mp3\n    desc: 'see https://example.com/x, in the later stages …'\n",
    "params:\n  - params.yaml\nmetrics:\n  - metrics.json\nplots:\n  - loss.csv:\n      x: step\n      y: loss\n",
    '{"artifacts": {"voice": {"path": "audio/audio_000.mp3"}}}',
]
HOSTILE = {
    "a command": "stages:\n  x:\n    cmd: touch /tmp/pwned\n",
    "beside what describes": f"{ARTIFACT}stages:\n  x:\n    cmd: touch /tmp/pwned\n",
    "in quotes": '"stages": {x: {cmd: touch /tmp/pwned}}',
    "with an escape": '"\\x73tages": {x: {cmd: touch /tmp/pwned}}',
    "as a complex key": "? stages\n: {x: {cmd: touch /tmp/pwned}}\n",
    "by a merge key": "<<: {stages: {x: {cmd: touch /tmp/pwned}}}\n",
    "by an alias as key": "artifacts: {a: {path: &s stages}}\n*s : {x: {cmd: touch /tmp/pwned}}\n",
    "in a second document": f"{ARTIFACT}---\nstages: {{}}\n",
    "after a line break of YAML 1.1": f"{ARTIFACT}# \u2028stages: {{}}\n",
    "under a directive": f"%YAML 1.1\n---\n{ARTIFACT}",
    "a tag": "artifacts: !!python/object/apply:os.system [touch /tmp/pwned]\n",
    "variables": "vars: [../secret.yaml]\n",
    "a variable": "metrics: ['${x}']\n",
    "other data": "datasets:\n  - name: x\n    url: s3://evil/x\n    type: url\n",
    "an unknown key": "someday: {}\n",
    "a path that climbs": "metrics: [../../../etc/passwd]\n",
    "a path that climbs later": "params: [a/../../x.yaml]\n",
    "an absolute path": "plots: [/etc/passwd]\n",
    "a home": "plots: [~/.ssh/config]\n",
    "a key twice": f"{ARTIFACT}{ARTIFACT}",
    "a list": "[artifacts]\n",
    "a word": "artifacts\n",
    "no YAML": "artifacts: [\n",
    "no text": "artifacts: {}\n\x00",
    "laughs": "artifacts: &a [x, x]\nplots: &b [*a, *a, *a, *a]\nparams: [*b, *b, *b, *b]\n",
    "depth": "artifacts: " + "[" * 9000,
    "length": "artifacts:\n" + "  - x\n" * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("text", DESCRIBING)
def test_only_describes_accepts_descriptive_files(text: str) -> None:
    assert only_describes(text.encode())


@pytest.mark.parametrize("name", HOSTILE)
def test_only_describes_rejects_files_that_do_more(name: str) -> None:
    assert not only_describes(HOSTILE[name].encode())


def test_only_describes_rejects_invalid_utf8() -> None:
    assert not only_describes(b"artifacts: {a: {path: \xff}}\n")
