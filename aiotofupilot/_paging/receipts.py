"""Writes the receipt of a walk: what each page had, and what was yielded of it. The guide has its format and rule."""

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
from aiotofupilot.positions import BEGINNING, Checkpoint

from .memory import Memory

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from aiotofupilot.models import Page

    from .source import Identified, Plan, T

_SEAL = b',"seal":"'


class Receipt:
    """The receipt of one walk; see `Paginator.walk`. The file does not change before there is a line to write."""

    def __init__(self, path: str | os.PathLike[str], plan: Plan) -> None:
        self._path, self._sealed = Path(path), hashlib.sha256()
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

    def page(self, page: Page[T], yielded: Sequence[Identified], **about: object) -> None:
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
        is_beginning, lines = not (start.cursor or start.skip or start.ahead), self._lines()
        header = next(lines, None)
        if header is not None and header["listing"] != start.listing:
            raise self._unusable(f"is a receipt of {header['listing']}, and not of {start.listing}")
        place = "0" if is_beginning else start.place
        if header is None or is_beginning:
            self._sealed, self._size = hashlib.sha256(), 0
            return {"line": "header", "receipt": 1, "listing": start.listing, "shard": is_shard, "from": place}
        if (found := _found(start, chain((header,), lines))) is None:
            raise self._unusable("does not show where the walk resumes")
        self._count = found
        return {"line": "resume", "from": place, "count": found}

    def _lines(self) -> Iterator[dict[str, object]]:
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


def _found(start: Checkpoint, lines: Iterable[dict[str, Any]]) -> int | None:
    """Return how many items had been yielded at a checkpoint, by what the walk remembered; None: it is not there."""
    memory, count, found = Memory(), 0, None
    for line in lines:
        if line["line"] == "page":
            ids, anchor = line["ids"], line["anchor"]
            memory.take_up(ids)
            if anchor is not None and (rank := memory.rank(anchor or None)) is not None:
                memory.go_back(rank)
            memory.new(ids, ids.index(anchor) + 1 if anchor else 0)
            for cursor, passed in ((line["cursor"], start.skip), (line["next"], len(ids))):
                if cursor == start.cursor and memory.ends_with(start.anchors + start.ahead, passed):
                    found = count + len({*ids[:passed]}.intersection(line["yielded"]))
            count += len(line["yielded"])
        elif line["line"] != "end":
            at, count = Checkpoint.parse(line["from"]), line.get("count", 0)
            found = count if at == start else None
            memory = Memory(at.anchors or (() if at.cursor or at.skip else (BEGINNING,)), at.ahead)
    return found
