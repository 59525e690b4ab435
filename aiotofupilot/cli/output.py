"""The output of a listing: standard output, or a file that another run can complete.

FILE.part replaces FILE when it is complete. After each page, FILE.part.state says how far FILE.part is complete. The
state is replaced atomically, and another run cuts off any bytes after that point. So a run may end at any time, even by
kill -9. A Parquet file or a workbook is made from FILE.part at the end, as FILE.part.whole. Temporary files of a
workbook are in the folder FILE.part.making.
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
"""Makes a file from another file, which it reads to the end. It may make a temporary folder at the path."""

_PIECE = 4096
"""Bytes per write. A writable pipe takes this many without blocking: Linux's PIPE_BUF."""


@frozen
class OutputState:
    """How much of a listing has been written, and with which options."""

    begun: str
    """When the file was begun, in ISO 8601."""
    options: dict[str, str]
    """The given options on which the bytes depend, and a digest of the key."""
    size: int = 0
    """Bytes written so far."""
    items: int = 0
    """Items written so far, including earlier runs."""
    checkpoint: str | None = None
    """Where the listing resumes. None at its beginning."""


class StandardOutput:
    """Standard output. While its reader pauses, other tasks run, and Ctrl-C works.

    ``state`` is the state after the last successful write.
    """

    is_torn: bool = False
    """Whether a write failed or was cancelled after a part of its bytes."""

    def __init__(self) -> None:
        if sys.stdout is None:
            raise UsageError("standard output is closed: use --output FILE")
        self._stream = raw(sys.stdout)
        self.state: OutputState = OutputState("", {})

    async def write(self, data: bytes, *, items: int | None = None, checkpoint: str | None = None) -> None:
        """Write all these bytes before returning. `PartFile.write` says what ``items`` and ``checkpoint`` mean.

        Raises:
            BrokenPipeError: The reader has closed the pipe.
        """
        rest = memoryview(data)
        try:
            with naming(STANDARD_OUTPUT):
                while rest:
                    # If several processes append to one file, writing whole pages keeps their items apart.
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
    except (OSError, NotImplementedError):  # NotImplementedError: on Windows
        return False
    try:
        await is_writable.wait()
    finally:
        loop.remove_writer(stream.fileno())
    return True


class PartFile:
    """A file that is being made. The target is not changed before `finish`.

    Resuming completes the part of an earlier run with the same options. If there is no part, the file is begun, unless
    the target exists, because it may be finished. A UsageError is raised for a file that another run is writing, or
    that cannot be completed.
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
        self.state: OutputState = OutputState(datetime.now(UTC).isoformat(), options)
        try:
            if resume:
                self._resume()
        except BaseException:
            self.leave()
            raise

    def _resume(self) -> None:
        state = self.state
        with (
            suppress(FileNotFoundError, ValueError, TypeError),  # TypeError: other fields, or none
            opened(self._state_path, 0) as file,
        ):
            state = OutputState(**json.loads(file.read()))
        if 0 < state.size <= self._part.size:
            begun, options = state.options, self.state.options
            differing = [
                f"with {name} {begun[name]}" if name in begun else f"without {name}"
                for name in {**options, **begun}
                if begun.get(name) != options.get(name) and name != KEY
            ]
            if begun != options:  # the key is named only if nothing else differs, because another server has other keys
                raise UsageError(
                    f"{self._part.path} was begun {' and '.join(differing) or 'with another API key'}: "
                    "give the same options, or leave out --resume to start over"
                )
            self.state = state
            say(
                f"{self._target} was begun at {datetime.fromisoformat(state.begun):%Y-%m-%d %H:%M:%SZ}: "
                "--resume completes that listing, but does not look for newer items"
            )
        elif self._target.exists() and self._target.stat().st_size:
            raise UsageError(
                f"{self._target} exists already, and no interrupted run has left a part of it: "
                "leave out --resume to replace it, or choose another --output"
            )

    async def write(self, data: bytes, *, items: int | None = None, checkpoint: str | None = None) -> None:
        """Append bytes. ``items`` counts all items written so far, and the listing resumes at the checkpoint.

        If ``items`` is None, the bytes end the file. They do not count as written, so another run cuts them off. The
        part of an earlier run is kept until the first write.
        """
        if not self._has_begun:
            self._has_begun = True
            if not self.state.size:  # the old state is removed first, so that it never belongs to other bytes
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
        """Replace the target with this file, or with one made from it, and keep the target's mode."""
        ready = self._part.path
        if remake:
            ready = self._whole
            shutil.rmtree(self._making, ignore_errors=True)  # a killed process may have left it
            with naming(ready), BufferedWriter(opened(ready)) as made:
                made.truncate(0)
                self._part.file.seek(0)
                await remake(self._part.file, made, self._making)
                made.flush()
                os.fsync(made.fileno())
        with suppress(OSError):  # there was no target, or it is on a network share without modes
            shutil.copymode(self._target, ready)
        self._part.place(self._whole if remake else None)
        with suppress(OSError):  # the file is complete, and the next run removes leftovers
            self._remove()

    def leave(self) -> None:
        """End early. Keep the part if another run can complete it."""
        with suppress(OSError):  # there is none, or it is a folder
            self._whole.unlink()
        # The part of an earlier run is also kept if this run has written nothing.
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
    """Yield the output of a listing. A file replaces its target when the block ends without an error.

    Raise a UsageError if the output cannot be written or completed.
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
        name = path if error.errno == errno.ENOENT else error.filename or path  # the error may be about FILE.part
        raise UsageError(f"cannot write {name}: {error.strerror}") from error
    try:
        yield file
        await file.finish(remake)
    except BaseException:
        file.leave()
        raise


def is_beside(path: Path, target: Path) -> bool:
    """Return whether an output, or a file that is made beside it, has this path."""
    path, target = path.resolve(), target.resolve()
    return path == target or (path.parent == target.parent and path.name.startswith(f"{target.name}.part"))


def _target(path: Path) -> Path:
    """Return the path of the file to write, which is the target of a symbolic link."""
    folder = os.path.realpath(path.parent)
    is_other = str(path) == "-" or folder in ("/dev", "/dev/fd") or folder.startswith("/proc/")
    with suppress(FileNotFoundError):
        is_other |= not stat.S_ISREG(path.stat().st_mode)
    if is_other:
        raise UsageError(f"--output needs a file, and {path} is not one: leave it out to write to standard output")
    return Path(os.path.realpath(path))
