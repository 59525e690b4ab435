"""How far a file is whole that is still being written, noted in a journal beside it, for another run to go on.

The journal's first line names what is written. Each further one is a mark, added after each page: how many bytes, with
which checksum, hold how many items, and the checkpoint that resumes after them. At whatever byte either file ends, and
in whatever order their bytes reached the disk, the last mark whose checksum holds tells the truth.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from hashlib import blake2b
from typing import IO, TYPE_CHECKING, Any
from zlib import crc32

from attrs import asdict, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Header", "Mark", "digest_of", "first_line", "header_of", "is_digest_of", "moment_of", "whole"]

_SALT = 16
"""Bytes of salt, before as many of the digest."""

Header = dict[str, str | int | None]
"""What a file holds: every option that decides about its bytes, and its value; None: not given."""


@frozen(kw_only=True)
class Mark:
    """A place up to which a file is whole."""

    size: int = 0
    """Bytes before it."""
    checksum: int = 0
    """Their CRC-32."""
    items: int = 0
    """Items in them."""
    checkpoint: str | None = None
    """Where the listing resumes after them; None: at its beginning."""

    def after(self, data: bytes, *, items: int, checkpoint: str | None) -> Mark:
        """Return the mark after some more bytes, with the number of items in all."""
        size, checksum = self.size + len(data), crc32(data, self.checksum)
        return Mark(size=size, checksum=checksum, items=items, checkpoint=checkpoint)

    def line(self) -> bytes:
        """Return the journal's line for this mark."""
        return _line(asdict(self))


def first_line(header: Header) -> bytes:
    """Return the journal's line that names what is written."""
    return _line(header)


def header_of(journal: bytes) -> Header | None:
    """Return what a journal names; None: its first line is not whole."""
    return next((named for named, _ in _lines(journal)), None)


def moment_of(text: object) -> datetime | None:
    """Return the moment that a journal keeps; None: it keeps none."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def digest_of(key: str) -> str:
    """Return a digest by which a key can be recognised, but not found out. Each call draws another salt."""
    return _digest(key, secrets.token_bytes(_SALT))


def is_digest_of(key: str, digest: str) -> bool:
    """Return whether a text is what `digest_of` once returned for a key."""
    try:
        salt = bytes.fromhex(digest)[:_SALT]
    except ValueError:
        return False
    return _digest(key, salt) == digest


def whole(part: IO[bytes], journal: bytes) -> tuple[Mark, int]:
    """Return how far a file is what was written, and where the journal's line ends that says so.

    Args:
        part: The file, at its beginning.
        journal: Its journal, whose first line is whole.
    """
    (_, held_at), *lines = _lines(journal)
    held = Mark()
    for document, ends in lines:
        mark = Mark(**document)
        checksum = crc32(part.read(mark.size - held.size), held.checksum)
        if checksum != mark.checksum or part.tell() != mark.size:
            break
        held, held_at = mark, ends
    return held, held_at


def _lines(journal: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each line's document, and where the line ends, up to the first line that is not whole."""
    ends = 0
    for line in journal.splitlines(keepends=True):
        try:
            document = json.loads(line)
        except ValueError:
            return
        if not line.endswith(b"\n") or not isinstance(document, dict):
            return
        ends += len(line)
        yield document, ends


def _line(document: dict[str, Any]) -> bytes:
    # orjson, which is faster, has no integers beyond 64 bits, and an option may be such a one.
    return json.dumps(document).encode() + b"\n"


def _digest(key: str, salt: bytes) -> str:
    return (salt + blake2b(key.encode(), salt=salt, digest_size=_SALT).digest()).hex()
