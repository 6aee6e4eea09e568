"""What is known of many branches at once is what git says of each."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

from gitassets.adapters.git.repository import Git
from gitassets.runs.commit_graph import CommitGraph
from gitassets.runs.history import HistoryReader


def commit(folder: Path, name: str, *parents: str) -> str:
    args = [word for one in parents for word in ("-p", one)]
    empty = run(folder, "hash-object", "-t", "tree", "-w", "--stdin")
    return run(folder, "commit-tree", empty, *args, "-m", name)


def run(folder: Path, *args: str) -> str:
    done = subprocess.run(("git", *args), cwd=folder, input="", text=True, capture_output=True, check=True)
    return done.stdout.strip()


def test_graph_says_what_git_says_of_merges_and_branches_with_shared_history(tmp_path: Path) -> None:
    run(tmp_path, "init", "-q")
    one = commit(tmp_path, "1")
    left, right = commit(tmp_path, "left", one), commit(tmp_path, "right", one)
    merged = commit(tmp_path, "merge", left, right)
    crossed, alone = commit(tmp_path, "crossed", right, left), commit(tmp_path, "alone")
    git, everything = Git(tmp_path), [one, left, right, merged, crossed, alone]
    graph = CommitGraph(git, [merged, crossed, alone])
    for tip, old in itertools.product(everything, everything):
        listed = HistoryReader(git, graph=graph).list_commits([tip], [old])
        assert {*listed} == {*HistoryReader(git).list_commits([tip], [old])}
        assert graph.descends(old, tip) == git.is_ancestor(old, tip)
    order = graph.list_commits(everything)
    parents = HistoryReader(git).read_parents(order)
    assert all(order.index(above) < order.index(oid) for oid, found in parents.items() for above in found)
    assert not graph.knows(["0" * 40])
