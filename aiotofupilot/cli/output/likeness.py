"""Whether another run would write what an interrupted one has begun: what the journal names has to be the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .journal import digest_of, is_digest_of

if TYPE_CHECKING:
    from .journal import Header

__all__ = ["BEGUN", "COLUMNS", "begun_now", "difference_between"]

COLUMNS = "columns"
"""What a header calls the checksum of what comes before all items, which names the columns where a format has any."""

_KEY = "key"
"""What the journal's first line calls the digest of the key, beside the header."""

BEGUN = "begun"
"""What it calls the moment of its writing."""


def begun_now(header: Header, key: str | None) -> Header:
    """Return what a journal names of a file that is begun now.

    Args:
        header: What the file will hold.
        key: Who asks for it; None: that does not matter. A salted digest of it is kept.
    """
    moment: Header = {BEGUN: datetime.now(UTC).isoformat(timespec="seconds")}
    return header | moment | ({} if key is None else {_KEY: digest_of(key)})


def difference_between(begun: Header, header: Header, key: str | None) -> str:
    """Return in words how a file was begun that another run does not go on with, and what to do; empty: it does.

    Args:
        begun: What the journal names, the digest of the key and the moment included.
        header: What the other run would write.
        key: Who asks for it; None: that does not matter.
    """
    options = [
        f"without {name}" if begun.get(name) is None else f"with {name} {begun[name]}"
        for name in {**header, **begun}
        if name not in (COLUMNS, _KEY, BEGUN) and begun.get(name) != header.get(name)
    ]
    anew = "leave out --resume to begin anew"
    if options:
        return f"{' and '.join(options)}: give the same again, or {anew}"
    # Another server has other keys, and another version may have other columns: both are told where nothing else
    # differs.
    digest = begun.get(_KEY)
    if digest is not None if key is None else not is_digest_of(key, str(digest)):
        return f"with another API key: give the same again, or {anew}"
    return f"with other columns: {anew}" if begun.get(COLUMNS) != header.get(COLUMNS) else ""
