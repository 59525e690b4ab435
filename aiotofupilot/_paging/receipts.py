"""Writes the receipt of a walk: what each page had, and what was yielded of it. The guide has its format and rule."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import finalize

from msgspec import json

from aiotofupilot._arguments import for_parameter
from aiotofupilot.positions import digest

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aiotofupilot.models import Page
    from aiotofupilot.positions import Checkpoint

    from .source import Plan

_SEAL = b',"seal":"'


class Receipt:
    """The receipt of one walk; see `Paginator.walk`. The file does not change before there is a line to write."""

    def __init__(self, path: str | os.PathLike[str], plan: Plan) -> None:
        self._path = Path(path)
        self._sealed = hashlib.sha256()
        self._size = self._count = 0  # of what stays in the file: its bytes, and the items that were yielded
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._file = os.open(path, flags, 0o666)
        self.close = finalize(self, os.close, self._file)
        """Lets another walk have the file. It is called at last when nothing refers to the receipt."""
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            raise self._unusable("is not a file")
        if sys.platform != "win32":  # where nothing keeps other walks off
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._unusable("is the receipt of another walk that was not closed") from None
            except OSError:  # a file system without locks
                pass
        self._due = [self._first_line(plan.start, is_shard=plan.keep is not None)]

    def page(self, page: Page[Any], yielded: Sequence[Any], **about: object) -> None:
        """Write the line of a page, of which some items are about to be yielded."""
        ids = {"ids": [item.id for item in page.data], "yielded": [item.id for item in yielded]}
        self._write({"line": "page", "cursor": page.cursor, "next": page.following} | about | ids)
        self._count += len(yielded)

    def end(self, *, is_limited: bool) -> None:
        """Write the last line, unless the walk was closed before its end."""
        if self.close.alive:
            self._write({"line": "end", "limited": is_limited, "count": self._count})
            self.close()

    def _write(self, line: dict[str, object]) -> None:
        """Add a line, and before it the one that is due before the first page."""
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

    def _first_line(self, start: Checkpoint, *, is_shard: bool) -> dict[str, object]:
        """Return the line that is due before the first page, and find out what of the file stays."""
        cursor, lines = start.cursor + start.skip, self._lines()
        header = next(lines, None)
        if header is not None and header["listing"] != start.listing:
            raise self._unusable(f"is a receipt of {header['listing']}, and not of {start.listing}")
        if header is None or not (cursor or start.ahead):
            self._sealed, self._size = hashlib.sha256(), 0
            return {"line": "header", "receipt": 1, "listing": start.listing, "shard": is_shard, "cursor": cursor}
        if (found := _found(start, lines)) is None:
            raise self._unusable("does not show where the walk resumes")
        self._count, after = found
        return {"line": "resume", "cursor": cursor, "after": after, "count": self._count}

    def _lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the file, without one that a process did not write to its end."""
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if self._size and not line.endswith(b"\n"):
                    return
                body, _, seal = line.rpartition(_SEAL)
                if seal != self._seal_after(body):
                    raise self._unusable(f"is not a receipt, or one whose line {number} was changed")
                self._size += len(line)
                yield json.decode(body + b"}")

    def _unusable(self, reason: str) -> ValueError:
        self.close()  # now, because the error may be kept, and this with it
        return for_parameter(ValueError(f"{self._path} {reason}"), "receipt")


def _found(start: Checkpoint, lines: Iterable[dict[str, Any]]) -> tuple[int, str] | None:
    """Return how many items had been yielded at a checkpoint, and the item passed furthest; None: it is not there.

    If a walk has gone back, it expects that item again. So it is the last one that the checkpoint has ahead. After an
    error during a search, the item before the checkpoint is among those ahead, too.
    """
    names, count, furthest = (*start.anchors[-1:], *start.ahead), 0, ""
    found: dict[bool, tuple[int, str]] = {}
    for line in lines:
        if line["line"] == "page":
            ids: list[str] = line["ids"]
            expected = {furthest} if furthest and line["anchor"] is not None else set[str]()
            for cursor, passed in ((line["cursor"], ids[: start.skip]), (line["next"], ids)):
                if passed and cursor == start.cursor and (name := digest(passed[-1])) in names:
                    last = passed[-1] if expected <= {*passed} else furthest
                    if digest(last) == names[-1]:
                        found[name == names[0]] = count + len({*passed}.intersection(line["yielded"])), last
            furthest = ids[-1] if ids and expected <= {*ids} else furthest
            count += len(line["yielded"])
        elif line["line"] == "resume":
            count, furthest = line["count"], line["after"]
            found = {key: place for key, place in found.items() if place[0] <= count}
    return found.get(True, found.get(False))
