"""One mirror of a database at a time."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import DISK_FAILED, MirrorError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

__all__ = ["locked"]


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold the lock of a database during a block.

    The lock is on a file beside the database. The system lets go of it when the process ends, in whatever way. Where
    there are no such locks, DuckDB's own, on the database itself, is the only one.

    Args:
        path: The database, which need not exist yet.

    Raises:
        MirrorError: Another program holds it, or there can be no file beside the database.
        OSError: There is no room.
    """
    lock = path.parent / f"{path.name}.lock"  # the root of the file system has no name, and is refused later
    while True:
        try:
            number = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            if error.errno in DISK_FAILED:
                raise
            raise MirrorError(f"cannot write {path}: {error.strerror}") from error
        try:
            _lock(number, path)
            if _is_still(lock, number):
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)  # before it is let go of, so that nobody removes another's
                return
        finally:
            os.close(number)


def _lock(number: int, path: Path) -> None:
    if sys.platform == "win32":  # pragma: no cover - it has no such locks
        return
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MirrorError(f"{path} is being brought up to date by another program: wait until it is done") from None
    except OSError:  # a file system without locks
        return


def _is_still(lock: Path, number: int) -> bool:
    """Return whether an open file is still the one at its path, and not one that its holder has removed."""
    try:
        return os.path.samestat(lock.stat(), os.fstat(number))
    except FileNotFoundError:
        return False
