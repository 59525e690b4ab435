"""A file that takes its place when it is whole, and that another run can complete if this one ends early.

Until then it is FILE.part. After each page, FILE.part.state says how far FILE.part is whole. It is replaced atomically,
and another run cuts off what FILE.part has beyond that. So it does not matter when a run ends, be it by kill -9.

A Parquet file can only be made when everything has arrived. It is made of FILE.part, and is called FILE.part.whole
until it takes its place.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from io import BufferedIOBase, BufferedWriter, FileIO
from typing import TYPE_CHECKING, Any

from .failures import UsageError
from .terminal import write_all

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Options", "PartFile", "Remake"]

Remake = Callable[[FileIO, BufferedIOBase], Awaitable[None]]
"""Makes a file of another one, which it reads from its beginning to its end."""

Options = dict[str, str | int | None]
"""What a file holds: every option that decides about its bytes, and its value; None: not given."""

_SALT = 16
"""Bytes of salt, before as many of the digest."""


class PartFile:
    """What will be a file.

    Args:
        target: Its place, which is left alone until `finish`.
        options: What it holds, if another run could complete it; None: it could not.
        key: Who asks for what it holds; None: that does not matter. A salted digest of it is kept.
        resume: Whether to complete what a run with the same options and key has left. If no run has left anything, the
            file is begun, unless its place is taken: then it may be a finished file.

    Attributes:
        items: How many items are written, in earlier runs too.
        checkpoint: Where the listing resumes after them; None: at its beginning.
        size: How many bytes hold them.
        begun: When the run began it that this one completes. None: this one does.

    Raises:
        UsageError: Another run is writing it, or what is left of it is by a run with other options or another key, or
            nothing is left to complete, but a file is in its place.
        OSError: It cannot be written.
    """

    is_terminal = False
    is_torn = False

    def __init__(self, target: Path, options: Options | None, *, key: str | None = None, resume: bool) -> None:
        self._target = target
        self._part, self._state_path, self._new_state_path, self._whole = (
            target.with_name(f"{target.name}.part{ending}") for ending in ("", ".state", ".state.new", ".whole")
        )
        self._state: dict[str, Any] | None = None
        if options is not None:
            begun = datetime.now(UTC).isoformat(timespec="seconds")
            self._state = {"begun": begun, "key": key and _digest(key), "options": options}
        self._has_begun = self._is_remade = False
        self.size: int = 0
        self.items: int = 0
        self.checkpoint: str | None = None
        self.begun: datetime | None = None
        self._file = _locked(self._part)
        try:
            if options is not None and resume:
                self._resume(options, key)
        except BaseException:
            self.leave()
            raise

    async def write(self, data: bytes, *, items: int, checkpoint: str | None) -> None:
        """Add some bytes. A disk takes them at once.

        Args:
            data: The bytes.
            items: How many items are written then, in all.
            checkpoint: Where the listing resumes after them.

        Raises:
            OSError: There is no room for them.
        """
        self._begin()
        write_all(self._file, data)
        size = self.size + len(data)
        if self._state is not None:
            state = self._state | {"size": size, "items": items, "checkpoint": checkpoint}
            with _opened(self._new_state_path) as file:
                file.truncate(0)
                write_all(file, json.dumps(state).encode())
            self._new_state_path.replace(self._state_path)
        self.size, self.items, self.checkpoint = size, items, checkpoint

    async def remake(self, remake: Remake) -> None:
        """Make another file of what is written, and let that one take the place.

        Raises:
            OSError: There is no room for it.
        """
        self._begin()
        made = _opened(self._whole)
        self._is_remade = True
        with BufferedWriter(made) as buffered:
            buffered.truncate(0)
            self._file.seek(0)
            await remake(self._file, buffered)
            buffered.flush()
            os.fsync(made.fileno())

    def finish(self) -> None:
        """Put the file in its place, with the mode of the one that was there."""
        self._begin()
        os.fsync(self._file.fileno())
        ready = self._whole if self._is_remade else self._part
        with suppress(FileNotFoundError):
            shutil.copymode(self._target, ready)
        self._close_on_windows()
        ready.replace(self._target)
        self._remove()
        self._file.close()

    def leave(self) -> None:
        """End early. What another run could complete stays beside the place."""
        if self._is_remade:
            self._whole.unlink(missing_ok=True)
        if not self._has_begun:
            is_kept = os.fstat(self._file.fileno()).st_size > 0  # an earlier run has left it
        elif is_kept := self._state is not None and self.items > 0:
            self._new_state_path.unlink(missing_ok=True)
            with suppress(OSError):  # the next run cuts it off, if this one cannot
                self._file.truncate(self.size)
        self._close_on_windows()
        if not is_kept:
            self._remove()
        self._file.close()

    def _begin(self) -> None:
        """Cut off what is not completed, before anything is added.

        What an earlier run has left is kept until something has arrived to replace it, because this run may fail
        before that. Its state goes first, so that it never speaks of other bytes.
        """
        if not self._has_begun:
            self._has_begun = True
            if not self.size:
                self._state_path.unlink(missing_ok=True)
            self._file.truncate(self.size)

    def _resume(self, options: Options, key: str | None) -> None:
        state = self._left()
        if state is None:
            self._refuse_to_replace()
            return
        if difference := _difference(state, options, key):
            raise UsageError(f"{self._part} was begun {difference}")
        self.size, self.items, self.checkpoint = state["size"], state["items"], state["checkpoint"]
        if self.items:
            self.begun = datetime.fromisoformat(state["begun"])

    def _left(self) -> dict[str, Any] | None:
        """Return the state of what an earlier run has left; None: it has left nothing that can be completed."""
        try:
            state: dict[str, Any] = json.loads(self._state_path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return state if 0 < state["size"] <= os.fstat(self._file.fileno()).st_size else None

    def _refuse_to_replace(self) -> None:
        """Keep what an earlier run has finished, which may be more than this one would write, or something else."""
        with suppress(FileNotFoundError):
            if self._target.stat().st_size:
                raise UsageError(
                    f"{self._target} is there already, and no interrupted run has left anything of it to go on with: "
                    "leave out --resume to replace it, or choose another --output"
                )

    def _remove(self) -> None:
        for path in (self._part, self._state_path, self._new_state_path):
            path.unlink(missing_ok=True)

    def _close_on_windows(self) -> None:
        """Close where an open file can be neither moved nor removed. Elsewhere, it has still to be locked."""
        if sys.platform == "win32":
            self._file.close()  # pragma: no cover - no test runs on Windows


def _opened(path: Path) -> FileIO:
    """Open a file beside the place, to read it and to add to it. A symbolic link is not followed.

    Raises:
        OSError: It cannot be opened.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return open(os.open(path, flags, 0o666), "r+b", buffering=0)  # noqa: PTH123 - the caller closes it


def _locked(path: Path) -> FileIO:
    """Open a file and keep other runs off until it is closed; on Windows, nothing does.

    Raises:
        UsageError: Another run is writing it.
    """
    file = _opened(path)
    if sys.platform == "win32":
        return file  # pragma: no cover - no test runs on Windows
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another run may have put it in its place, or removed it, since it was opened.
        is_ours = path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except BlockingIOError:
        is_ours = False
    except OSError:  # a file system without locks
        is_ours = True
    if not is_ours:
        file.close()
        raise UsageError(f"another run is writing {path}")
    return file


def _difference(state: dict[str, Any], options: Options, key: str | None) -> str:
    """Return in words how the run began that left this state; empty: as this one, which would write the same."""
    begun: Options = state["options"]
    differing = [
        f"without {name}" if begun.get(name) is None else f"with {name} {begun[name]}"
        for name in {**options, **begun}
        if begun.get(name) != options.get(name)
    ]
    if not differing and not _is_digest(state["key"], key):
        differing = ["with another API key"]  # another server has other keys, so this is told last
    if not differing:
        return ""
    return f"{' and '.join(differing)}: give the same again, or leave out --resume to begin anew"


def _digest(key: str, salt: bytes | None = None) -> str:
    """Return a salted digest of a key. A key is random and long, so that it cannot be found by trying."""
    salt = salt or secrets.token_bytes(_SALT)
    return (salt + blake2b(key.encode(), salt=salt, digest_size=_SALT).digest()).hex()


def _is_digest(digest: str | None, key: str | None) -> bool:
    if digest is None or key is None:
        return digest is key
    return digest == _digest(key, bytes.fromhex(digest)[:_SALT])
