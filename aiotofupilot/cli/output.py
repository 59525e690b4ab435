"""The output of a listing: standard output, or a file that another run can complete.

FILE.part takes the place of FILE when it is whole. After each page, FILE.part.state says how far it is whole. The state
is replaced atomically, and another run cuts off any bytes beyond it. So a run may end at any time, even by kill -9. A
Parquet file or a workbook is made from FILE.part at the end, as FILE.part.whole; temporary files of a workbook are in
the folder FILE.part.making. On a file system without locks, each run has its own part, which no other completes.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import stat
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from io import BufferedIOBase, BufferedWriter, FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import asdict, evolve, frozen

from aiotofupilot._part import Part, naming, opened, write_all

from .messages import STANDARD_OUTPUT, UsageError, raw, say
from .options import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from io import RawIOBase

Remake = Callable[[FileIO, BufferedIOBase, Path], Awaitable[None]]
"""Makes a file from another one, read to its end. The path is free for a temporary folder."""

_PIECE = 4096
"""Bytes per write. A writable pipe takes this many without blocking: Linux's PIPE_BUF."""


@frozen
class Written:
    """How far a listing is written, and with which options."""

    begun: str
    """A date-time in ISO 8601."""
    options: dict[str, str]
    """The given options that decide about the bytes, and a digest of the key."""
    size: int = 0
    """In bytes."""
    items: int = 0
    """Items written so far, including earlier runs."""
    checkpoint: str | None = None
    """Where the listing resumes. None for its beginning."""


class StandardOutput:
    """Standard output. While its reader pauses, other tasks run, and Ctrl-C is not held up.

    ``state`` is up to the last write that succeeded.
    """

    is_torn: bool = False
    """Whether a failed or cancelled write was made in part."""

    def __init__(self) -> None:
        if sys.stdout is None:
            raise UsageError("standard output is closed: use --output FILE")
        self._stream = raw(sys.stdout)
        self.state: Written = Written("", {})

    async def write(self, data: bytes, *, items: int | None = None, checkpoint: str | None = None) -> None:
        """Write bytes at once, as `PartFile.write` does. Raise a BrokenPipeError if nobody reads any more."""
        rest = memoryview(data)
        try:
            with naming(STANDARD_OUTPUT):
                while rest:
                    # A whole page at once keeps processes apart that append to one file.
                    size = _PIECE if await _has_room(self._stream) else len(rest)
                    rest = rest[self._stream.write(rest[:size]) or 0 :]
        finally:
            self.is_torn = 0 < len(rest) < len(data)
        if items is not None:
            self.state = evolve(self.state, items=items, checkpoint=checkpoint)


async def _has_room(stream: RawIOBase) -> bool:
    """Wait until a pipe or a terminal is writable. Return False for other streams."""
    loop, is_writable = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_writer(stream.fileno(), is_writable.set)
    except (OSError, NotImplementedError):  # the latter on Windows
        return False
    try:
        await is_writable.wait()
    finally:
        loop.remove_writer(stream.fileno())
    return True


class PartFile:
    """A file that is being made. The target is left alone until `finish`.

    Resuming completes the part of an earlier run with the same options. Without a part, the file is begun, unless a
    file is in its place, which may be finished. A file that another run is writing, or that cannot be completed, is a
    UsageError.
    """

    _has_begun = False

    def __init__(self, target: Path, options: dict[str, str], *, resume: bool) -> None:
        self._target = target
        part = Part.of(target)
        if part is None:
            raise UsageError(f"another run is writing {target}.part")
        self._part = part
        self._state_path, self._new_state_path, self._whole, self._making = (
            part.path.with_name(f"{part.path.name}.{ending}") for ending in ("state", "state.new", "whole", "making")
        )
        self.state: Written = Written(datetime.now(UTC).isoformat(), options)
        try:
            if resume:
                self._resume()
        except BaseException:
            self.leave()
            raise

    def _resume(self) -> None:
        state = self.state
        with (
            suppress(FileNotFoundError, ValueError, TypeError),  # the last one if there are other fields, or none
            opened(self._state_path, 0) as file,
        ):
            state = Written(**json.loads(file.read()))
        if 0 < state.size <= self._part.size:
            begun, options = state.options, self.state.options
            differing = [
                f"with {name} {begun[name]}" if name in begun else f"without {name}"
                for name in {**options, **begun}
                if begun.get(name) != options.get(name) and name != KEY
            ]
            if not differing and begun != options:  # another server has other keys, so the key is reported last
                differing = ["with another API key"]
            if differing:
                raise UsageError(
                    f"{self._part.path} was begun {' and '.join(differing)}: "
                    "give the same again, or leave out --resume to begin anew"
                )
            self.state = state
            say(
                f"{self._target} was begun at {datetime.fromisoformat(state.begun):%Y-%m-%d %H:%M:%SZ}: "
                "--resume completes that listing, and does not look for newer items"
            )
        elif self._target.exists() and self._target.stat().st_size:
            raise UsageError(
                f"{self._target} is there already, and no interrupted run has left anything of it to go on with: "
                "leave out --resume to replace it, or choose another --output"
            )

    async def write(self, data: bytes, *, items: int | None = None, checkpoint: str | None = None) -> None:
        """Append bytes. Then ``items`` are written in all, and the listing resumes at the checkpoint.

        Bytes without ``items`` end the file. They do not count as written, so another run cuts them off. The part of an
        earlier run is kept until the first write.
        """
        if not self._has_begun:
            self._has_begun = True
            if not self.state.size:  # the state goes first, so that it never belongs to other bytes
                self._state_path.unlink(missing_ok=True)
            self._part.truncate(self.state.size)
        self._part.write(data)
        if items is None:
            return
        state = evolve(self.state, size=self.state.size + len(data), items=items, checkpoint=checkpoint)
        with naming(self._new_state_path), opened(self._new_state_path) as file:
            file.truncate(0)
            write_all(file, json.dumps(asdict(state)).encode())
        self._new_state_path.replace(self._state_path)
        self.state = state

    async def finish(self, remake: Remake | None = None) -> None:
        """Put the file, or one made from it, in its place, with the mode of the file that was there."""
        ready = self._part.path
        if remake:
            ready = self._whole
            shutil.rmtree(self._making, ignore_errors=True)  # left by a process that was killed
            with naming(ready), BufferedWriter(opened(ready)) as made:
                made.truncate(0)
                self._part.file.seek(0)
                await remake(self._part.file, made, self._making)
                made.flush()
                os.fsync(made.fileno())
        with suppress(OSError):  # there was none, or it is on a share that has no modes
            shutil.copymode(self._target, ready)
        self._part.place(self._whole if remake else None)
        with suppress(OSError):  # the file is complete, and the next run removes what is left beside it
            self._remove()

    def leave(self) -> None:
        """End early. Written items stay if another run can complete them."""
        if not self._part.is_shared:
            self.state = evolve(self.state, items=0)
        with suppress(OSError):  # there is none, or it is a folder
            self._whole.unlink()
        # The part of an earlier run stays too, if this one has not begun.
        if self.state.items or (not self._has_begun and self._part.size):
            shutil.rmtree(self._making, ignore_errors=True)
            self._part.file.close()
        else:
            self._remove()

    def _remove(self) -> None:
        shutil.rmtree(self._making, ignore_errors=True)
        self._part.remove(self._state_path, self._new_state_path)


Output = StandardOutput | PartFile


@asynccontextmanager
async def output(
    path: Path | None, options: dict[str, str], *, resume: bool = False, remake: Remake | None = None
) -> AsyncGenerator[Output]:
    """Give the output of a listing, and put a file in its place when the block ends well.

    If it cannot be written or completed, raise a UsageError.
    """
    if path is None:
        yield StandardOutput()
        return
    try:
        file = PartFile(_target(path), options, resume=resume)
    except OSError as error:
        # No other path on the same disk would help. Windows has no quota by this name.
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", None)):
            raise
        if not path.parent.exists():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}") from error
        name = path if error.errno == errno.ENOENT else error.filename or path  # it may be about FILE.part
        raise UsageError(f"cannot write {name}: {error.strerror}") from error
    try:
        yield file
        await file.finish(remake)
    except BaseException:
        file.leave()
        raise


def is_beside(path: Path, target: Path) -> bool:
    """Return whether a path is an output, or a file beside it meanwhile."""
    path, target = path.resolve(), target.resolve()
    return path == target or (path.parent == target.parent and path.name.startswith(f"{target.name}.part"))


def _target(path: Path) -> Path:
    """Return the place for a file, where a symbolic link leads."""
    folder = os.path.realpath(path.parent)
    is_other = str(path) == "-" or folder in ("/dev", "/dev/fd") or folder.startswith("/proc/")
    with suppress(FileNotFoundError):
        is_other |= not stat.S_ISREG(path.stat().st_mode)
    if is_other:
        raise UsageError(f"--output names a file, and {path} is not one: leave it out to write to standard output")
    return Path(os.path.realpath(path))
