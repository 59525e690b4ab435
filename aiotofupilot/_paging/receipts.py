"""Writes the receipt of a walk: the items of each page, and the yielded items. cli/RECEIPT.md describes the format."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from msgspec import json

from aiotofupilot._checks import for_parameter
from aiotofupilot.positions import Checkpoint, digest

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from aiotofupilot.models import Page

    from .source import Identified, Plan, SortOrder, T

VERSION = 2

_SEAL = b',"seal":"'


class Receipt:
    """The receipt of one walk; see `Paginator.walk`. The file is not changed before the first line is written."""

    def __init__(self, path: str | os.PathLike[str], plan: Plan, order: SortOrder) -> None:
        self._path, self._sealed = Path(path), hashlib.sha256()
        self._size = self._count = 0  # the bytes of the file that stay, and the items yielded according to them
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._file = os.open(path, flags, 0o666)
        self.close = finalize(self, os.close, self._file)
        """Releases the file for another walk. It runs at the latest when nothing refers to the receipt."""
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise self._unusable("is not a file")
        if sys.platform != "win32":  # on Windows, nothing keeps other walks from the file
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._unusable("is the receipt of another walk that was not closed") from None
            except OSError:  # the file system has no locks
                pass
        self._due = [self._first_line(plan.start, order, is_shard=plan.keep is not None)]

    def page(
        self,
        page: Page[T],
        values: Sequence[datetime | None],
        yielded: Sequence[Identified],
        *,
        bound: datetime | None,
        until: datetime | None,
        **about: object,
    ) -> None:
        """Write the line of a page, before its new items are yielded.

        Args:
            page: The page.
            values: The times by which its items are sorted; None where the order has no time.
            yielded: The items about to be yielded.
            bound: The time at which the page's query begins, if the query is bounded.
            until: The time before which the page shows every item, if the page was read in another order.
            about: The other members of the line.
        """
        about["bound"], about["until"] = (time and _text(time) for time in (bound, until))
        about["ids"], about["values"] = [item.id for item in page.data], [value and _text(value) for value in values]
        about["yielded"] = [item.id for item in yielded]
        self._write({"line": "page", "cursor": page.cursor, "next": page.following} | about)
        self._count += len(yielded)

    def end(self, *, is_limited: bool, is_checked: bool) -> None:
        """Write the last line, unless the walk was closed before its end."""
        if self.close.alive:
            self._write({"line": "end", "limited": is_limited, "checked": is_checked, "count": self._count})
            self.close()

    def _write(self, line: dict[str, object]) -> None:
        """Add a line. Before the first page, add the line that begins or resumes the receipt."""
        text = b""
        for each in (*self._due, line):
            body = json.encode(each)[:-1]
            text += body + _SEAL + self._seal_after(body)
        try:
            if self._due:
                os.ftruncate(self._file, self._size)
            while text:
                text = text[os.write(self._file, text) :]
        except OSError as error:
            self.close()
            error.filename = str(self._path)
            raise
        self._due = []

    def _seal_after(self, body: bytes) -> bytes:
        """Return the end of a line, with the digest of all lines up to this one."""
        self._sealed.update(body)
        return f'{self._sealed.hexdigest()}"}}\n'.encode()

    def _first_line(self, start: Checkpoint, order: SortOrder, *, is_shard: bool) -> dict[str, object]:
        """Return the line that begins or resumes the receipt, and find out how much of the file stays."""
        is_beginning, lines = not (start.cursor or start.skip or start.seen), self._lines()
        header, place = next(lines, None), "0" if is_beginning else start.place
        if header is not None and header["listing"] != start.listing:
            raise self._unusable(f"is a receipt of {header['listing']}, and not of {start.listing}")
        if header is None or is_beginning:
            self._sealed, self._size = hashlib.sha256(), 0
            about: dict[str, object] = {
                "listing": start.listing,
                "query": start.query,
                "shard": is_shard,
                "from": place,
                "order": None if order.is_ascending is None else "asc" if order.is_ascending else "desc",
            }
            return {"line": "header", "receipt": VERSION} | about
        if header["receipt"] != VERSION:
            fault = f"is a receipt of version {header['receipt']}, and this package writes version {VERSION}"
            raise self._unusable(f"{fault}: start the walk from the beginning, or give another file")
        if header["query"] != start.query:
            raise self._unusable(f"is a receipt of {start.listing} with other filters or another order")
        if (found := _found(start, chain((header,), lines))) is None:
            raise self._unusable("does not show where the walk resumes")
        self._count = found
        return {"line": "resume", "from": place, "count": found}

    def _lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the file, except a last line that was not written to its end."""
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if self._size and not line.endswith(b"\n"):
                    return
                body, _, seal = line.rpartition(_SEAL)
                if seal != self._seal_after(body):
                    remedy = "" if self._size else " or lost in a power failure: delete the file, or give another one"
                    raise self._unusable(f"is not a receipt, or its line {number} was changed{remedy}")
                self._size += len(line)
                yield json.decode(body + b"}")

    def _unusable(self, reason: str) -> ValueError:
        self.close()  # now, because somebody may keep the error, which refers to this receipt
        return for_parameter(ValueError(f"{self._path} {reason}"), "receipt")


def _text(time: datetime) -> str:
    """Return a time as a text of fixed length, which sorts like the time."""
    return time.isoformat(timespec="microseconds")


def _found(start: Checkpoint, lines: Iterable[dict[str, Any]]) -> int | None:
    """Return how many items had been yielded at a checkpoint. None if the receipt does not show it.

    A checkpoint names the items with its value that its walk knew, from its own beginning or from its pages. If it
    names none, the cursor was followed, and the checkpoint is a place on a page or after a page.
    """
    value, named = start.value and _text(start.value), {*start.seen}
    known: set[bytes] = set()
    count, found, skip = 0, None, 0  # the items still to be skipped
    for line in lines:
        if line["line"] == "page":
            ids, new = line["ids"], {*line["yielded"]}
            if not named and line["cursor"] == start.cursor and line["bound"] is None:
                found = count + len(new.intersection(ids[: start.skip]))
            for item, its in zip(ids, line["values"], strict=True):
                count += item in new
                new.discard(item)
                if named and its == value and (name := digest(item)) not in known:
                    known.add(name)
                    found = count if known == named else found
            skip = max(0, skip - len(ids))
            if not named and (line["next"], skip) == (start.cursor, start.skip):
                found = count
        elif line["line"] != "end":
            began, count = Checkpoint.parse(line["from"]), line.get("count", 0)
            known = {*(began.seen if began.value == start.value else ())}
            skip = 0 if began.seen else began.skip
            if began == start or (named and known == named):
                found = count
            elif found is not None and found > count:
                found = None  # that page was taken back
    return found
