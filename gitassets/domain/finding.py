"""A problem that a verification found."""

from __future__ import annotations

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One problem: its commit (empty: the files), author, asset or path, and description."""

    run_id: str
    commit: str
    author: str
    date: str
    code: str
    subject: str
    message: str
    hint: str

    @property
    def sentence(self) -> str:
        return f"commit {self.commit[:10]} by {self.author}: {self.message}" if self.commit else self.message
