"""Records that several threads read at once."""

from __future__ import annotations

from typing import Any

import msgspec


def prepare_record(form: type) -> None:
    """Have msgspec learn the fields of a record now, while it is imported.

    msgspec 0.22 learns them when it first reads such a record, and crashes if two threads do so at the same moment.
    """
    msgspec.json.Decoder(form, dec_hook=_refuse)


def _refuse(kind: type, value: Any) -> Any:
    raise NotImplementedError  # Only what is read has values.
