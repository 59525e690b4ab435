"""A file that takes its place only when it is whole.

Until then it is FILE.part. Where another run could go on with it, FILE.part.journal tells how far it is whole, and both
are left by a run that ends early; otherwise nothing is.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from .failures import UsageError
from .journal import Mark, Subject, first_line, subject as subject_of, whole

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PartFile"]


class PartFile:
    """What will be a file.

    Args:
        target: Its place, which is left alone until `finish`.
        subject: What it holds, if another run could go on with it; None: it could not.
        resume: Whether to go on with what a run about the same subject has left. If there is nothing of the kind, the
            file is begun.

    Attributes:
        mark: How far it is written.

    Raises:
        UsageError: Another run is writing it, or what is there to go on with is about another subject.
        OSError: It cannot be written.
    """

    def __init__(self, target: Path, subject: Subject | None, *, resume: bool) -> None:
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        self._journal = target.with_name(f"{target.name}.part.journal")
        self._stream = self._part.open("ab")
        self._notes: IO[bytes] | None = None
        self.mark = Mark()
        try:
            self._lock()
            held_at = self._resume(subject) if subject and resume else 0
            if not held_at:
                self._journal.unlink(missing_ok=True)  # before the bytes that it speaks of
            self._stream.truncate(self.mark.size)
            if subject:
                self._notes = self._journal.open("ab")
                self._notes.truncate(held_at)
                if not held_at:
                    self._note(first_line(subject))
        except BaseException:
            self._close()
            raise

    async def write(self, data: bytes, *, items: int, checkpoint: str | None) -> None:
        """Add some bytes; see `Output.write`. A disk takes them at once: there is no need of a thread."""
        self._stream.write(data)
        self._stream.flush()
        self.mark = self.mark.behind(data, items=items, checkpoint=checkpoint)
        self._note(self.mark.line())

    def finish(self) -> None:
        """Put the file in its place, with the mode of the one that was there."""
        os.fsync(self._stream.fileno())
        with suppress(FileNotFoundError):
            shutil.copymode(self._target, self._part)
        self._close_on_windows()
        self._part.replace(self._target)
        self._journal.unlink(missing_ok=True)
        self._close()

    def leave(self) -> None:
        """End early. What another run could go on with stays beside the place."""
        self._close_on_windows()
        if not self.mark.items or self._notes is None:
            self._journal.unlink(missing_ok=True)
            self._part.unlink(missing_ok=True)
        self._close()

    def _note(self, line: bytes) -> None:
        if self._notes is not None:
            self._notes.write(line)
            self._notes.flush()

    def _close(self) -> None:
        with suppress(OSError):  # what a full disk refused once, it refuses again
            self._stream.close()
        if self._notes is not None:
            self._notes.close()

    def _close_on_windows(self) -> None:
        """Close where an open file can be neither moved nor removed. Elsewhere, it has still to be locked."""
        if sys.platform == "win32":
            self._close()  # pragma: no cover - no test runs on Windows

    def _lock(self) -> None:
        """Keep other runs off until the file is closed; on Windows, nothing does."""
        if sys.platform == "win32":
            return  # pragma: no cover - no test runs on Windows
        busy = UsageError(f"another run is writing {self._part}")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy from None
        except OSError:  # a file system without locks
            return
        # It may have been put in its place, or removed, since it was opened.
        if not self._part.exists() or self._part.stat().st_ino != os.fstat(self._stream.fileno()).st_ino:
            raise busy

    def _resume(self, subject: Subject) -> int:
        """Find how far the file is whole, and return where its journal says so; 0: there is nothing to go on with."""
        try:
            journal = self._journal.read_bytes()
        except FileNotFoundError:
            return 0
        begun = subject_of(journal)
        if begun is None:
            return 0
        differing = [name for name in {**subject, **begun} if begun.get(name) != subject.get(name)]
        if differing:
            were = [
                f"without {name}" if begun.get(name) is None else f"with {name} {begun[name]}" for name in differing
            ]
            raise UsageError(
                f"{self._part} was begun {' and '.join(were)}: repeat that, or leave out --resume to begin anew"
            )
        with self._part.open("rb") as part:
            self.mark, held_at = whole(part, journal)
        return held_at
