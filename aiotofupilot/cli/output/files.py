"""A file that takes its place only when it is whole.

Until then it is FILE.part. Where another run could go on with it, FILE.part.journal tells how far it is whole, and both
are left by a run that ends early; otherwise nothing is. A Parquet file can only be made when everything has arrived. It
is made of FILE.part, and is called FILE.part.whole until it takes its place.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from io import BufferedIOBase, BufferedWriter, FileIO
from typing import TYPE_CHECKING

from aiotofupilot.cli.failures import UsageError

from .journal import Header, Mark, first_line, header_of, moment_of, whole
from .likeness import BEGUN, begun_now, difference_between
from .unbuffered import write_all

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

__all__ = ["PartFile", "Remake"]

Remake = Callable[[FileIO, BufferedIOBase], Awaitable[None]]
"""Makes a file of another one, which it reads from its beginning to its end."""


class PartFile:
    """What will be a file.

    Args:
        target: Its place, which is left alone until `finish`.
        header: What it holds, if another run could go on with it; None: it could not.
        key: Who asks for what it holds; None: that does not matter. The journal keeps a salted digest of it.
        resume: Whether to go on with what a run about the same header has left. If there is nothing of the kind, the
            file is begun, unless its place is taken: then it may be a finished file.

    Attributes:
        mark: How far it is written.
        begun: When the run began it that this one goes on with. None: this one does.

    Raises:
        UsageError: Another run is writing it, or what is there to go on with is about another header, or a file is in
            its place that would be lost although there is nothing to go on with.
        OSError: It cannot be written.
    """

    torn = 0
    """A write that fails leaves nothing in the file."""
    is_terminal = False

    def __init__(self, target: Path, header: Header | None, *, key: str | None = None, resume: bool) -> None:
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        self._journal = target.with_name(f"{target.name}.part.journal")
        self._made: Path | None = None
        self._notes: FileIO | None = None
        self._has_new_journal = self._is_taken = False
        self.mark: Mark = Mark()
        self.begun: datetime | None = None
        self._stream, is_new = _opened(self._part)
        with ExitStack() as failing:
            failing.callback(self._close)
            self._lock()
            if is_new:  # and no other run's, because it is locked
                failing.callback(self._part.unlink)
            self._held_at = self._resume(header, key, can_be_left=not is_new) if header and resume else 0
            self._first_line = b""
            if header:
                self._notes, self._has_new_journal = _opened(self._journal)
                if self._has_new_journal:
                    failing.callback(self._journal.unlink)
                self._first_line = first_line(begun_now(header, key))
            if self.mark.items or not os.fstat(self._stream.fileno()).st_size:
                self._take()
            failing.pop_all()

    async def write(self, data: bytes, *, items: int, checkpoint: str | None) -> None:
        """Add some bytes; see `Output.write`. A disk takes them at once: there is no need of a thread."""
        self._take()
        mark = self.mark.after(data, items=items, checkpoint=checkpoint)
        write_all(self._stream, data)
        self._note(mark.line())
        self.mark = mark

    async def remake(self, remake: Remake) -> None:
        """Make another file of what is written, and let that one take the place.

        Raises:
            UsageError: What is called FILE.part.whole is no file.
            OSError: There is no room for it.
        """
        self._take()
        made = self._target.with_name(f"{self._part.name}.whole")
        stream, _ = _opened(made)
        self._made = made
        with BufferedWriter(stream) as buffered:
            buffered.truncate(0)
            self._stream.seek(0)
            await remake(self._stream, buffered)
            buffered.flush()
            os.fsync(stream.fileno())

    def finish(self) -> None:
        """Put the file in its place, with the mode of the one that was there."""
        self._take()
        os.fsync(self._stream.fileno())
        ready = self._made or self._part
        with suppress(FileNotFoundError):
            shutil.copymode(self._target, ready)
        self._close_on_windows()
        ready.replace(self._target)
        if self._made:
            self._part.unlink()
        self._journal.unlink(missing_ok=True)
        self._close()

    def leave(self) -> None:
        """End early. What another run could go on with stays beside the place."""
        if self._made:
            self._made.unlink(missing_ok=True)
        is_kept = self.mark.items and self._notes is not None
        if is_kept:
            with suppress(OSError):  # the next run cuts off what follows the mark, if this one cannot
                self._stream.truncate(self.mark.size)
        self._close_on_windows()
        if not is_kept and (self._is_taken or self._has_new_journal):
            self._journal.unlink(missing_ok=True)
        if not is_kept and self._is_taken:
            self._part.unlink(missing_ok=True)
        self._close()

    def _take(self) -> None:
        """Cut off what is not gone on with, unless that is done.

        What an earlier run has left is kept until something has arrived to replace it, because this run may fail before
        that.
        """
        if self._is_taken:
            return
        self._is_taken = True
        if self._notes is None:
            self._journal.unlink(missing_ok=True)
        else:
            self._notes.truncate(self._held_at)
            if not self._held_at:
                self._note(self._first_line)
        self._stream.truncate(self.mark.size)

    def _note(self, line: bytes) -> None:
        if self._notes is not None:
            write_all(self._notes, line)

    def _close(self) -> None:
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
        if not self._part.exists() or self._part.lstat().st_ino != os.fstat(self._stream.fileno()).st_ino:
            raise busy

    def _resume(self, header: Header, key: str | None, *, can_be_left: bool) -> int:
        """Find how far the file is whole, and return where its journal says so; 0: there is nothing to go on with.

        Nothing can be left of the file if FILE.part was not there before this run.
        """
        journal = b""
        if os.path.lexists(self._journal):
            with _opened(self._journal)[0] as notes:
                journal = notes.read()
        begun = header_of(journal)
        if begun is None or not can_be_left:
            self._refuse_to_replace()
        if begun is None:
            return 0
        if difference := difference_between(begun, header, key):
            raise UsageError(f"{self._part} was begun {difference}")
        self._stream.seek(0)
        self.mark, held_at = whole(self._stream, journal)
        if self.mark.items:
            self.begun = moment_of(begun.get(BEGUN))
        return held_at

    def _refuse_to_replace(self) -> None:
        """Keep what an earlier run has finished, which may be more than this one would write, or something else."""
        with suppress(FileNotFoundError):
            if self._target.stat().st_size:
                raise UsageError(
                    f"{self._target} is there already, and no interrupted run has left anything of it to go on with: "
                    "leave out --resume to replace it, or choose another --output"
                )


def _opened(path: Path) -> tuple[FileIO, bool]:
    """Open a file beside the place, to read it and to add to it, and return also whether it is new.

    Raises:
        UsageError: It is a symbolic link, which may lead to anything, or no file.
        OSError: It cannot be opened.
    """
    # A pipe that nobody reads is not to be waited for. Windows has neither flag.
    flags = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_BINARY", 0)
    is_new = True
    try:
        number = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        is_new = False
        try:
            number = os.open(path, flags | os.O_CREAT, 0o666)
        except IsADirectoryError:
            raise UsageError(f"{path} is no file: remove it") from None
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise UsageError(f"{path} is a symbolic link: remove it") from None
    stream = open(number, "r+b", buffering=0)  # noqa: PTH123, SIM115 - it is open, and the caller closes it
    if not stat.S_ISREG(os.fstat(number).st_mode):
        stream.close()
        raise UsageError(f"{path} is no file: remove it")
    return stream, is_new
