"""How a terminal words each remedy that the layers below name. It imports nothing, since the hooks need it too."""

from __future__ import annotations

_CHOSEN = "{run} {chosen}"
_DVC_FILES = "Run `gitassets doctor`: it writes the .dvc files anew from the manifest."

WORDS = {
    # Decisions and locks
    "reopen": f"Reopen it first: `gitassets reopen {_CHOSEN} --reason …`.",
    "regenerate-or-reopen": (
        f"Make it again with `gitassets regen {_CHOSEN}`, or undo the rejection with "
        f"`gitassets reopen {_CHOSEN} --reason …`."
    ),
    "restore-or-reopen": (
        "Undo an edit that is not committed with `git checkout HEAD -- {manifest}`. "
        f"Then `gitassets restore {_CHOSEN}` brings the approved bytes back, "
        f"or `gitassets reopen {_CHOSEN} --reason …` unlocks it."
    ),
    "approve-as-it-is": "Only `gitassets approve` and `publish` lock an asset, and only as it is.",
    "settle-conflict": "Settle it with `gitassets approve` or `gitassets reject`, not by hand.",
    "decide-by-command": "Use `gitassets review`, `approve`, `reject` or `reopen` instead of editing the manifest.",
    "decide-anew": "`gitassets reopen {run} … --reason …` puts a decided asset back in review.",
    "see-history": "`gitassets log {run}` shows by what.",
    "bring-new-take": "Bring a new take in with `gitassets replace` or `gitassets regen`: it becomes revised.",
    "name-in-message": (
        "As long as nobody else has this commit, reword it with `git commit --amend` or `git rebase -i`: the hook "
        "offers the message. Teams that edit by hand use `gitassets verify --allow-by-hand`, or set "
        "`git config gitassets.allowByHand true`."
    ),
    "merge-again": (
        "Merge again where `gitassets init` has set up the merge driver; settle conflicts with approve or reject."
    ),
    "save-decisions-again": "Open the sheet and save the decisions again. `gitassets sheet RUN` makes a new sheet.",
    "list-notes": "`gitassets show {run} all` lists the notes with their ids.",
    # Runs and their files
    "merge-with-driver": ("Run `gitassets hooks install`, then `git checkout --merge -- asset_manifest.json`."),
    "upgrade": "`gitassets upgrade RUN` makes it a run.",
    "write-dvc-files": _DVC_FILES,
    "make-first-run": "`gitassets produce --script FILE` makes the first.",
    "add-music": "`gitassets music {run} FILE` adds it.",
    "reject-with-reason": "`gitassets reject RUN --music --reason TEXT` says what is wrong with it.",
    "make-narration": (
        "`gitassets produce --resume {run}` makes it. `gitassets build {run} --allow-gaps` makes a silent video."
    ),
    "make-missing": "`gitassets produce --resume {run}` makes what it lacks.",
    "make-missing-audio": "`gitassets produce --resume {run}` makes the narration that it lacks.",
    "make-missing-image": "`gitassets produce --resume {run} --budget full` makes the images that it lacks.",
    "make-missing-video": (
        "`gitassets produce --resume {run}` makes clips from approved images, if gitassets.yaml names a video provider."
    ),
    "mend-bytes": "`gitassets doctor` mends it from where its bytes are whole, or says how to get them.",
    "find-bytes": "`gitassets doctor` says what can be done.",
    "rewrite-file": "`gitassets doctor` writes it anew, and keeps what it held.",
    "compare-settings": "`gitassets init` in an empty folder writes a fresh one to compare with.",
    "list-settings": "`gitassets config list` shows all settings.",
    # Making and building
    "replace-file": "`gitassets replace RUN {option} FILE` brings in another file. What ffmpeg said is in {log}.",
    "reword-prompt-plainly": (
        "Say in one or two plain words what it is to show: `gitassets edit RUN {number} --prompt TEXT`."
    ),
    "reword-prompt": "Give another prompt with `gitassets edit RUN {number} --prompt TEXT`, or reword the paragraph.",
    "reword-text": "Reword the paragraph with `gitassets edit RUN {number} --text TEXT`.",
    "reword-text-or-prompt": (
        "Reword the paragraph with `gitassets edit RUN {number} --text TEXT`, or give a clip another prompt with "
        "`gitassets regen RUN --video {number} --prompt TEXT`."
    ),
    "speak-otherwise": (
        "Reword it, have another provider speak it, or bring a recording: `gitassets replace RUN --audio N FILE`."
    ),
    "remove-key": (
        "Take it out, make a new one if it was ever committed, and see `gitassets providers` for where it goes."
    ),
    "accept-address": "If you trust that address, accept it once with `gitassets providers accept {provider}`.",
    "choose-provider": (
        "There are {names}: choose one in gitassets.yaml, by `gitassets produce --provider KIND=NAME` or by "
        "`gitassets regen --provider NAME`."
    ),
    "list-providers": "`gitassets providers` lists them.",
}
